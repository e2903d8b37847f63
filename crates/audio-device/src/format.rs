//! Which of a device's stream formats to use: 48 kHz without resampling if possible, then few channels, then plain samples.
//! A choice from a table, so that it is tested without devices.

use cpal::{BufferSize, SampleFormat, StreamConfig, SupportedBufferSize, SupportedStreamConfigRange};
use media_core::SAMPLE_RATE;

use crate::Direction;

/// Frames per callback asked of servers and of hosts with small buffers: 10 ms, one tick. Their default can be 2 s (PulseAudio).
const SERVER_PERIOD: u32 = 480;
/// Frames per callback asked of ALSA. At 480, sound cards and plugins under load fall into endless underruns.
const ALSA_PERIOD: u32 = 960;
/// What ALSA gets once 960 frames have failed: 40 ms were clean on every card tried.
const ALSA_LARGE_PERIOD: u32 = 1920;

/// How a host wants its buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HostKind {
    /// PulseAudio or PipeWire: converts rate, channels and samples itself.
    Server,
    /// ALSA, directly or through a plugin.
    Alsa,
    /// CoreAudio, WASAPI and others.
    Other,
}

/// The stream to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StreamPlan {
    pub(crate) channels: u16,
    pub(crate) rate: u32,
    pub(crate) format: SampleFormat,
    /// Frames per callback; `None` leaves it to the device.
    pub(crate) period: Option<u32>,
}

impl StreamPlan {
    /// What a sound server is asked for: it converts, so ask for exactly what is needed.
    pub(crate) const SERVER: Self =
        Self { channels: 1, rate: SAMPLE_RATE, format: SampleFormat::F32, period: Some(SERVER_PERIOD) };

    /// What every converting device of ALSA takes, as [`Self::choose`] would have it; to ask it for its formats takes a while.
    pub(crate) fn of_plug(direction: Direction, patient: bool) -> Self {
        let channels = if direction == Direction::Input { 1 } else { 2 };
        Self { channels, period: Some(alsa_period(patient)), ..Self::SERVER }
    }

    pub(crate) fn config(&self) -> StreamConfig {
        StreamConfig {
            channels: self.channels,
            sample_rate: self.rate,
            buffer_size: self.period.map_or(BufferSize::Default, BufferSize::Fixed),
        }
    }

    /// Chooses among what the device offers; `None` when nothing fits. `patient` asks for the larger ALSA buffer.
    pub(crate) fn choose(
        offered: &[SupportedStreamConfigRange],
        direction: Direction,
        host: HostKind,
        patient: bool,
    ) -> Option<Self> {
        let (range, rate) = offered
            .iter()
            .filter(|range| format_rank(range.sample_format()).is_some())
            .map(|range| (range, SAMPLE_RATE.clamp(range.min_sample_rate(), range.max_sample_rate())))
            .filter(|(_, rate)| (8_000..=192_000).contains(rate))
            .min_by_key(|(range, rate)| {
                let channels = channel_rank(range.channels(), direction);
                (rate.abs_diff(SAMPLE_RATE), channels, format_rank(range.sample_format()))
            })?;
        let wanted = match host {
            HostKind::Alsa => alsa_period(patient),
            HostKind::Server | HostKind::Other => SERVER_PERIOD,
        };
        let period = match *range.buffer_size() {
            SupportedBufferSize::Range { min, max } if min <= max => wanted.clamp(min, max),
            _ => wanted,
        };
        Some(Self { channels: range.channels(), rate, format: range.sample_format(), period: Some(period) })
    }
}

fn alsa_period(patient: bool) -> u32 {
    if patient { ALSA_LARGE_PERIOD } else { ALSA_PERIOD }
}

/// Lower is better; `None` for what the callbacks do not convert.
fn format_rank(format: SampleFormat) -> Option<u8> {
    match format {
        SampleFormat::F32 => Some(0),
        SampleFormat::I16 => Some(1),
        SampleFormat::I32 => Some(2),
        SampleFormat::I24 => Some(3),
        _ => None,
    }
}

/// A microphone is best mono. A speaker is best stereo: what a plugin does with mono (left only?) is not known.
fn channel_rank(channels: u16, direction: Direction) -> u16 {
    match (direction, channels) {
        (Direction::Input, channels) => channels,
        (Direction::Output, 2) => 0,
        (Direction::Output, channels) => channels.max(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(channels: u16, rates: (u32, u32), format: SampleFormat) -> SupportedStreamConfigRange {
        let buffers = SupportedBufferSize::Range { min: 32, max: 4096 };
        SupportedStreamConfigRange::new(channels, rates.0, rates.1, buffers, format)
    }

    fn chosen(
        offered: &[SupportedStreamConfigRange],
        direction: Direction,
    ) -> Option<(u16, u32, SampleFormat, Option<u32>)> {
        let plan = StreamPlan::choose(offered, direction, HostKind::Alsa, false)?;
        Some((plan.channels, plan.rate, plan.format, plan.period))
    }

    #[test]
    fn the_own_rate_wins_over_fewer_channels_and_plainer_samples() {
        use SampleFormat::{F32, I16};
        let offered =
            [range(1, (44_100, 44_100), F32), range(2, (48_000, 48_000), I16), range(8, (48_000, 48_000), F32)];
        assert_eq!(chosen(&offered, Direction::Input), Some((2, 48_000, I16, Some(960))));
    }

    #[test]
    fn microphones_are_opened_mono_and_speakers_stereo() {
        let offered: Vec<_> = [8, 4, 2, 1].map(|n| range(n, (8_000, 192_000), SampleFormat::F32)).into();
        assert_eq!(chosen(&offered, Direction::Input).map(|c| c.0), Some(1));
        assert_eq!(chosen(&offered, Direction::Output).map(|c| c.0), Some(2));
    }

    #[test]
    fn a_converting_device_is_opened_as_if_it_had_been_asked() {
        let offered: Vec<_> = [1, 2, 8].map(|n| range(n, (4_000, 192_000), SampleFormat::F32)).into();
        for direction in [Direction::Input, Direction::Output] {
            for patient in [false, true] {
                let asked = StreamPlan::choose(&offered, direction, HostKind::Alsa, patient);
                assert_eq!(asked, Some(StreamPlan::of_plug(direction, patient)));
            }
        }
    }

    #[test]
    fn a_device_of_another_rate_is_used_at_the_nearest_one() {
        let offered = [range(1, (16_000, 16_000), SampleFormat::I16), range(2, (44_100, 44_100), SampleFormat::I16)];
        assert_eq!(chosen(&offered, Direction::Input).map(|c| c.1), Some(44_100));
        let high = [range(2, (96_000, 192_000), SampleFormat::I32)];
        assert_eq!(chosen(&high, Direction::Output).map(|c| c.1), Some(96_000));
    }

    #[test]
    fn formats_and_rates_that_cannot_be_converted_are_not_chosen() {
        let offered =
            [range(1, (48_000, 48_000), SampleFormat::DsdU8), range(1, (384_000, 384_000), SampleFormat::F32)];
        assert_eq!(chosen(&offered, Direction::Input), None);
        assert_eq!(chosen(&[], Direction::Output), None);
    }

    #[test]
    fn the_buffer_grows_after_a_failure_and_stays_inside_the_devices_limits() {
        let offered = [range(1, (48_000, 48_000), SampleFormat::F32)];
        let patient = StreamPlan::choose(&offered, Direction::Input, HostKind::Alsa, true).expect("a format fits");
        assert_eq!(patient.period, Some(1920));
        let buffers = SupportedBufferSize::Range { min: 16, max: 256 };
        let small = [SupportedStreamConfigRange::new(1, 48_000, 48_000, buffers, SampleFormat::F32)];
        let plan = StreamPlan::choose(&small, Direction::Input, HostKind::Other, false).expect("a format fits");
        assert_eq!(plan.period, Some(256));
    }
}
