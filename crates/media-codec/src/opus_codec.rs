//! Opus for speech: 48 kHz mono in 20 ms frames, in-band FEC on, DTX off (RFC 6716, RFC 7587).
//! The decoder takes any packet that Opus allows, fills gaps from FEC or by concealment, and never reads past a packet.

use media_core::{Bitrate, FRAME_SAMPLES, SAMPLE_RATE};

use crate::CodecError;

/// Largest packet of one 20 ms frame (RFC 6716 §3.4 R2: 1275 bytes of data and one byte of header).
const MAX_PACKET: usize = 1276;

/// Longest packet: 120 ms (RFC 6716 §3.4 R5).
const MAX_SAMPLES: usize = SAMPLE_RATE as usize * 120 / 1000;

/// Opus counts in units of 2.5 ms.
const UNIT_SAMPLES: usize = SAMPLE_RATE as usize / 400;

/// libopus writes FEC only where it expects loss; the first loss comes before the first receiver report.
const INITIAL_EXPECTED_LOSS: u8 = 10;

/// 9 measured 0.39 ms per 20 ms frame, as much as 10 and with the same sound.
const COMPLEXITY: i32 = 9;

/// Bounds that libopus takes for one mono stream.
const BITRATES: std::ops::RangeInclusive<u64> = 6_000..=256_000;

/// Encodes 20 ms frames of speech.
pub struct OpusEncoder {
    inner: opus::Encoder,
}

impl OpusEncoder {
    /// An encoder with this target; see [`set_bitrate`](Self::set_bitrate).
    ///
    /// # Errors
    /// [`CodecError::Opus`] when libopus has no memory.
    pub fn new(bitrate: Bitrate) -> Result<Self, CodecError> {
        let inner = opus::Encoder::new(SAMPLE_RATE, opus::Channels::Mono, opus::Application::Voip)
            .map_err(|error| CodecError::opus("make an encoder", &error))?;
        let mut encoder = Self { inner };
        encoder
            .inner
            .set_complexity(COMPLEXITY)
            .and_then(|()| encoder.inner.set_inband_fec(true))
            .and_then(|()| encoder.inner.set_dtx(false))
            .map_err(|error| CodecError::opus("set up an encoder", &error))?;
        encoder.set_expected_loss(INITIAL_EXPECTED_LOSS)?;
        encoder.set_bitrate(bitrate)?;
        Ok(encoder)
    }

    /// Encodes exactly [`FRAME_SAMPLES`] samples into `out`, which is cleared first.
    ///
    /// # Errors
    /// [`CodecError::FrameLength`] for any other length, [`CodecError::Opus`] when libopus fails.
    pub fn encode(&mut self, samples: &[f32], out: &mut Vec<u8>) -> Result<(), CodecError> {
        out.clear();
        if samples.len() != FRAME_SAMPLES {
            return Err(CodecError::FrameLength { expected: "960", got: samples.len() });
        }
        out.resize(MAX_PACKET, 0);
        let encoded = self.inner.encode_float(samples, out);
        out.truncate(*encoded.as_ref().unwrap_or(&0));
        encoded.map(drop).map_err(|error| CodecError::opus("encode a frame", &error))
    }

    /// Changes the target, clamped to 6 to 256 kbit/s, from the next frame on.
    ///
    /// # Errors
    /// [`CodecError::Opus`] when libopus refuses.
    pub fn set_bitrate(&mut self, bitrate: Bitrate) -> Result<(), CodecError> {
        let bps = bitrate.bps().clamp(*BITRATES.start(), *BITRATES.end());
        self.inner
            .set_bitrate(opus::Bitrate::Bits(bps as i32))
            .map_err(|error| CodecError::opus("change the bitrate", &error))
    }

    /// Tells how many of a hundred packets are being lost: the more, the more of the bitrate goes into FEC.
    ///
    /// # Errors
    /// [`CodecError::Opus`] when libopus refuses.
    pub fn set_expected_loss(&mut self, percent: u8) -> Result<(), CodecError> {
        self.inner
            .set_packet_loss_perc(i32::from(percent.min(100)))
            .map_err(|error| CodecError::opus("change the expected loss", &error))
    }
}

/// Decodes one stream; every packet and every gap must pass through it in order.
pub struct OpusDecoder {
    inner: opus::Decoder,
}

impl OpusDecoder {
    /// A decoder that has heard nothing yet.
    ///
    /// # Errors
    /// [`CodecError::Opus`] when libopus has no memory.
    pub fn new() -> Result<Self, CodecError> {
        opus::Decoder::new(SAMPLE_RATE, opus::Channels::Mono)
            .map(|inner| Self { inner })
            .map_err(|error| CodecError::opus("make a decoder", &error))
    }

    /// Appends a packet's samples (2.5 to 120 ms; stereo is folded to mono) to `out` and returns their number.
    ///
    /// # Errors
    /// [`CodecError::Opus`] for a malformed packet; `out` is then as it was.
    pub fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Result<usize, CodecError> {
        if packet.is_empty() {
            // To libopus an empty packet means a lost one.
            return Err(CodecError::Opus { doing: "decode a packet", reason: "it is empty".into() });
        }
        let samples = self.inner.get_nb_samples(packet).map_err(|error| CodecError::opus("read a packet", &error))?;
        self.run(packet, samples.min(MAX_SAMPLES), false, "decode a packet", out)
    }

    /// Appends what a lost packet of `samples` samples held, as the FEC in the packet after it tells; without FEC in it,
    /// this is [`conceal`](Self::conceal). Then give `next_packet` to [`decode`](Self::decode) as usual.
    ///
    /// # Errors
    /// [`CodecError::FrameLength`] unless `samples` is a multiple of 2.5 ms up to 120 ms, [`CodecError::Opus`] for a
    /// malformed packet; `out` is then as it was.
    pub fn decode_fec(&mut self, next_packet: &[u8], samples: usize, out: &mut Vec<f32>) -> Result<usize, CodecError> {
        check_gap(samples)?;
        self.run(next_packet, samples, true, "decode fec", out)
    }

    /// Appends `samples` samples that continue what was heard, fading out after about 60 ms.
    ///
    /// # Errors
    /// [`CodecError::FrameLength`] unless `samples` is a multiple of 2.5 ms up to 120 ms.
    pub fn conceal(&mut self, samples: usize, out: &mut Vec<f32>) -> Result<usize, CodecError> {
        check_gap(samples)?;
        self.run(&[], samples, false, "conceal a gap", out)
    }

    fn run(
        &mut self,
        packet: &[u8],
        samples: usize,
        fec: bool,
        doing: &'static str,
        out: &mut Vec<f32>,
    ) -> Result<usize, CodecError> {
        let before = out.len();
        out.resize(before + samples, 0.0);
        let decoded = self.inner.decode_float(packet, &mut out[before..], fec);
        out.truncate(before + decoded.as_ref().unwrap_or(&0));
        // Quantisation noise may lift a full-scale signal over 1, which is outside of the internal format.
        for sample in &mut out[before..] {
            *sample = sample.clamp(-1.0, 1.0);
        }
        decoded.map_err(|error| CodecError::opus(doing, &error))
    }
}

fn check_gap(samples: usize) -> Result<(), CodecError> {
    if samples == 0 || samples > MAX_SAMPLES || !samples.is_multiple_of(UNIT_SAMPLES) {
        return Err(CodecError::FrameLength { expected: "a multiple of 120 up to 5760", got: samples });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Something like a vowel: a fundamental that glides, with harmonics under a slow envelope.
    fn voice(frames: usize) -> Vec<f32> {
        let mut phase = 0.0_f32;
        (0..frames * FRAME_SAMPLES)
            .map(|n| {
                let t = n as f32 / SAMPLE_RATE as f32;
                phase += (140.0 + 30.0 * (t * 3.0).sin()) / SAMPLE_RATE as f32;
                let wave: f32 =
                    (1..=8u8).map(|h| (std::f32::consts::TAU * phase * f32::from(h)).sin() / f32::from(h)).sum();
                0.2 * wave * (0.6 + 0.4 * (t * 12.0).sin())
            })
            .collect()
    }

    fn encode(samples: &[f32], bitrate: Bitrate) -> Vec<Vec<u8>> {
        let mut encoder = OpusEncoder::new(bitrate).unwrap();
        samples
            .chunks_exact(FRAME_SAMPLES)
            .map(|frame| {
                let mut packet = Vec::new();
                encoder.encode(frame, &mut packet).unwrap();
                packet
            })
            .collect()
    }

    fn energy(samples: impl Iterator<Item = f32>) -> f64 {
        samples.map(|sample| f64::from(sample).powi(2)).sum()
    }

    /// Signal to noise ratio of `heard` against `wanted`, in dB.
    fn snr(wanted: &[f32], heard: &[f32]) -> f64 {
        let noise = energy(wanted.iter().zip(heard).map(|(a, b)| a - b));
        10.0 * (energy(wanted.iter().copied()) / noise).log10()
    }

    #[test]
    fn a_frame_comes_back_as_long_as_it_went_in() {
        let packets = encode(&voice(50), Bitrate::from_kbps(32));
        let mut decoder = OpusDecoder::new().unwrap();
        let mut heard = Vec::new();
        for packet in &packets {
            assert_eq!(decoder.decode(packet, &mut heard).unwrap(), FRAME_SAMPLES);
        }
        assert_eq!(heard.len(), 50 * FRAME_SAMPLES);
        assert!(energy(heard.iter().copied()) > 0.5 * energy(voice(50).into_iter()));
        let bytes: usize = packets.iter().map(Vec::len).sum();
        assert!((2_000..6_000).contains(&bytes), "32 kbit/s is 4000 bytes a second, not {bytes}");
    }

    #[test]
    fn fec_is_better_than_concealment_and_that_is_better_than_silence() {
        let packets = encode(&voice(150), Bitrate::from_kbps(32));
        let lost = |index: usize| index % 10 == 7;
        let mut whole = Vec::new();
        let mut decoder = OpusDecoder::new().unwrap();
        for packet in &packets {
            decoder.decode(packet, &mut whole).unwrap();
        }
        type Fill<'a> = &'a dyn Fn(&mut OpusDecoder, &[u8], &mut Vec<f32>);
        let lossy = |fill: Fill| {
            let mut decoder = OpusDecoder::new().unwrap();
            let mut heard = Vec::new();
            for (index, packet) in packets.iter().enumerate() {
                if lost(index) {
                    fill(&mut decoder, &packets[index + 1], &mut heard);
                } else {
                    decoder.decode(packet, &mut heard).unwrap();
                }
            }
            snr(&whole, &heard)
        };
        let silence = lossy(&|_, _, out| out.resize(out.len() + FRAME_SAMPLES, 0.0));
        let concealed = lossy(&|decoder, _, out| {
            assert_eq!(decoder.conceal(FRAME_SAMPLES, out).unwrap(), FRAME_SAMPLES);
        });
        let fec = lossy(&|decoder, next, out| {
            assert_eq!(decoder.decode_fec(next, FRAME_SAMPLES, out).unwrap(), FRAME_SAMPLES);
        });
        assert!(concealed > silence + 1.0, "concealment {concealed:.1} dB, silence {silence:.1} dB");
        assert!(fec > concealed + 3.0, "fec {fec:.1} dB, concealment {concealed:.1} dB");
    }

    #[test]
    fn the_bitrate_follows_its_target() {
        let samples = voice(50);
        let mut encoder = OpusEncoder::new(Bitrate::from_kbps(16)).unwrap();
        let mut packet = Vec::new();
        let mut second = |encoder: &mut OpusEncoder| -> usize {
            samples
                .chunks_exact(FRAME_SAMPLES)
                .map(|frame| {
                    encoder.encode(frame, &mut packet).unwrap();
                    packet.len()
                })
                .sum()
        };
        let low = second(&mut encoder);
        encoder.set_bitrate(Bitrate::from_kbps(64)).unwrap();
        let high = second(&mut encoder);
        assert!(high > 2 * low, "{low} bytes at 16 kbit/s, {high} at 64");
    }

    #[test]
    fn wrong_lengths_are_refused() {
        let mut out = Vec::new();
        let mut encoder = OpusEncoder::new(Bitrate::from_kbps(32)).unwrap();
        assert!(matches!(encoder.encode(&[0.0; 480], &mut out), Err(CodecError::FrameLength { got: 480, .. })));
        let mut heard = vec![0.5];
        let mut decoder = OpusDecoder::new().unwrap();
        for samples in [0, 100, 5_880] {
            assert!(decoder.conceal(samples, &mut heard).is_err());
            assert!(decoder.decode_fec(&[0xfc], samples, &mut heard).is_err());
        }
        assert!(decoder.decode(&[], &mut heard).is_err());
        assert_eq!(heard, [0.5]);
    }

    #[test]
    fn stereo_is_folded_to_mono() {
        let mut encoder = opus::Encoder::new(SAMPLE_RATE, opus::Channels::Stereo, opus::Application::Audio).unwrap();
        let stereo: Vec<f32> = voice(10).into_iter().flat_map(|sample| [sample, sample]).collect();
        let mut decoder = OpusDecoder::new().unwrap();
        let mut heard = Vec::new();
        for frame in stereo.chunks_exact(2 * FRAME_SAMPLES) {
            let packet = encoder.encode_vec_float(frame, MAX_PACKET).unwrap();
            assert_eq!(decoder.decode(&packet, &mut heard).unwrap(), FRAME_SAMPLES);
        }
        assert!(energy(heard.into_iter()) > 0.5 * energy(voice(10).into_iter()));
    }

    proptest::proptest! {
        #[test]
        fn hostile_packets_never_panic(packet in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
            let mut decoder = OpusDecoder::new().unwrap();
            let mut heard = Vec::new();
            match decoder.decode(&packet, &mut heard) {
                Ok(samples) => proptest::prop_assert_eq!(samples, heard.len()),
                Err(_) => proptest::prop_assert!(heard.is_empty()),
            }
            let _ = decoder.decode_fec(&packet, FRAME_SAMPLES, &mut heard);
            proptest::prop_assert!(heard.iter().all(|sample| (-1.0..=1.0).contains(sample)));
        }
    }
}
