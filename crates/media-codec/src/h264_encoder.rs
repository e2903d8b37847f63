//! H.264 constrained baseline for real-time calls: every picture in gives one frame out at the target bitrate.
//! The first frame and every requested keyframe is an IDR with SPS and PPS in front of it; nothing else is.

use std::ffi::{c_int, c_void};

use media_core::{Bitrate, FrameRate, Picture, Size};
use openh264::encoder::{
    BitRate, Complexity, Encoder, EncoderConfig, FrameRate as MaxFrameRate, FrameType, IntraFramePeriod, Level,
    Profile, QpRange, RateControlMode, UsageType, VuiConfig,
};
use openh264::formats::YUVSlices;
use openh264_sys2::{
    ENCODER_OPTION, ENCODER_OPTION_BITRATE, ENCODER_OPTION_MAX_BITRATE, ENCODER_OPTION_TRACE_LEVEL, SBitrateInfo,
    SPATIAL_LAYER_0, WELS_LOG_QUIET,
};

use crate::{CodecError, H264Quantizer};

/// A picture is skipped when the frames before it are this many seconds of the target ahead: longer than the largest
/// keyframe takes at any sensible target, short enough that the sender's queue stays bounded at an impossible one.
const LONGEST_DEBT: u64 = 2;

/// Targets that the rate control can work with; the upper end is beyond any level used here.
const BITRATES: std::ops::RangeInclusive<u64> = 30_000..=100_000_000;

/// OpenH264's own limits, longer and shorter side.
const MAX_SIDES: (u32, u32) = (3840, 2160);

/// What an encoder is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoEncoderConfig {
    /// Size of every picture.
    pub size: Size,
    /// How many pictures a second will come; at fewer the output stays under the target.
    pub frame_rate: FrameRate,
    /// Target at the start.
    pub bitrate: Bitrate,
}

/// What became of one picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoded {
    /// The frame can be decoded without any other.
    pub keyframe: bool,
    /// No frame was made, because those before it will take more than two seconds at this target.
    pub skipped: bool,
    /// The quantiser of its first slice, 0 (fine) to 51 (coarse).
    pub quantizer: Option<u8>,
}

/// Encodes pictures of one size.
pub struct H264Encoder {
    config: VideoEncoderConfig,
    inner: Encoder,
    quantizer: H264Quantizer,
    /// The library starts with the first picture; before that there is nothing to set options on.
    started: bool,
    /// Bits produced beyond the target.
    debt: u64,
}

impl H264Encoder {
    /// An encoder whose first frame will be a keyframe.
    ///
    /// # Errors
    /// [`CodecError::UnsupportedSize`] for odd sides or more than 3840x2160, [`CodecError::H264`] when the library fails.
    pub fn new(config: VideoEncoderConfig) -> Result<Self, CodecError> {
        let Size { width, height } = config.size;
        let (long, short) = (width.max(height), width.min(height));
        if long > MAX_SIDES.0 || short > MAX_SIDES.1 || short < 16 || width % 2 != 0 || height % 2 != 0 {
            return Err(CodecError::UnsupportedSize { width, height });
        }
        let settings = EncoderConfig::new()
            .profile(Profile::Baseline)
            .level(level(config.size, config.frame_rate))
            .usage_type(UsageType::CameraVideoRealTime)
            .rate_control_mode(RateControlMode::Bitrate)
            .bitrate(BitRate::from_bps(clamped(config.bitrate) as u32))
            .max_frame_rate(MaxFrameRate::from_hz(config.frame_rate.hz() as f32))
            // Else half a second follows every keyframe in which no or every other frame comes; without, the quantiser makes
            // up for the keyframe and the target is met as exactly (measured at 250 kbit/s to 4 Mbit/s).
            .skip_frames(false)
            .qp(QpRange::new(12, 51))
            .complexity(Complexity::Medium)
            .intra_frame_period(IntraFramePeriod::auto())
            // A cut needs no IDR, P frames hold intra blocks; an IDR that nobody asked for only bursts.
            .scene_change_detect(false)
            // Both off measured +1.2 to +1.7 dB at the same speed.
            .adaptive_quantization(false)
            .background_detection(false)
            .num_threads(1)
            .vui(VuiConfig::bt601());
        let inner = Encoder::with_api_config(openh264::OpenH264API::from_source(), settings)
            .map_err(|error| CodecError::h264("make an encoder", &error))?;
        let mut encoder = Self { config, inner, quantizer: H264Quantizer::default(), started: false, debt: 0 };
        let mut quiet = WELS_LOG_QUIET;
        // The library warns on stderr of the skipping being off when it starts, before the crate makes it quiet.
        // SAFETY: this option may be set before the start; it takes a pointer to an integer (codec_app_def.h).
        unsafe { encoder.set_option(ENCODER_OPTION_TRACE_LEVEL, (&raw mut quiet).cast())? };
        Ok(encoder)
    }

    /// Encodes the next picture into `out` (cleared first) as an Annex B byte stream; nothing when it was skipped.
    ///
    /// # Errors
    /// [`CodecError::PictureSize`] for a picture of another size, [`CodecError::H264`] when the library fails: make a new
    /// encoder then.
    pub fn encode(&mut self, picture: &Picture, out: &mut Vec<u8>) -> Result<Encoded, CodecError> {
        out.clear();
        if picture.size() != self.config.size {
            return Err(CodecError::PictureSize { expected: self.config.size, got: picture.size() });
        }
        if self.debt > clamped(self.config.bitrate) as u64 * LONGEST_DEBT {
            self.settle(0);
            return Ok(Encoded { keyframe: false, skipped: true, quantizer: None });
        }
        let (width, height) = (picture.size().width as usize, picture.size().height as usize);
        let [y, u, v] = picture.planes();
        let source = YUVSlices::new((y, u, v), (width, height), (width, width / 2, width / 2));
        let frame = self.inner.encode(&source).map_err(|error| CodecError::h264("encode a picture", &error))?;
        frame.write_vec(out);
        let keyframe = frame.frame_type() == FrameType::IDR;
        self.started = true;
        self.settle(out.len());
        Ok(Encoded { keyframe, skipped: out.is_empty(), quantizer: self.quantizer.read(out) })
    }

    /// Counts a frame of this many bytes against the share of the target that its picture has.
    fn settle(&mut self, bytes: usize) {
        let share = clamped(self.config.bitrate) as u64 / u64::from(self.config.frame_rate.hz());
        self.debt = (self.debt + bytes as u64 * 8).saturating_sub(share);
    }

    /// Changes the target, clamped to 30 kbit/s to 100 Mbit/s, from the next picture on, without a keyframe.
    ///
    /// # Errors
    /// [`CodecError::H264`] when the library refuses: make a new encoder then.
    pub fn set_bitrate(&mut self, bitrate: Bitrate) -> Result<(), CodecError> {
        let raised = bitrate > self.config.bitrate;
        self.config.bitrate = bitrate;
        if !self.started {
            *self = Self::new(self.config)?;
            return Ok(());
        }
        // A target over the maximum is refused and damages the rate control (all frames skipped later), so the maximum goes
        // first on the way up and last on the way down; both for layer 0, as SPATIAL_LAYER_ALL scales the old rates instead.
        let mut options = [ENCODER_OPTION_MAX_BITRATE, ENCODER_OPTION_BITRATE];
        if !raised {
            options.reverse();
        }
        for option in options {
            let mut info = SBitrateInfo { iLayer: SPATIAL_LAYER_0, iBitrate: clamped(bitrate) };
            // SAFETY: the encoder is initialised, and both options take a pointer to SBitrateInfo (codec_app_def.h).
            unsafe { self.set_option(option, (&raw mut info).cast())? };
        }
        Ok(())
    }

    /// Makes the next frame a keyframe.
    pub fn request_keyframe(&mut self) {
        // Before the first picture there is no library to tell, and the first frame is a keyframe anyway.
        if self.started {
            self.inner.force_intra_frame();
        }
    }

    /// # Safety
    /// The option may be set now (all but logging: once the first picture was encoded), and `value` points to what it takes,
    /// for the library to read and write.
    unsafe fn set_option(&mut self, option: ENCODER_OPTION, value: *mut c_void) -> Result<(), CodecError> {
        // SAFETY: the caller's promise; the library keeps no pointer to it.
        match unsafe { self.inner.raw_api().set_option(option, value) } {
            0 => Ok(()),
            code => Err(CodecError::H264 { doing: "change an option", reason: format!("code {code:#x}") }),
        }
    }
}

fn clamped(bitrate: Bitrate) -> c_int {
    bitrate.bps().clamp(*BITRATES.start(), *BITRATES.end()) as c_int
}

/// The lowest level from 3.1 (what our session descriptions say: 42e01f) up that allows the size and rate
/// (ITU-T H.264 table A-1: macroblocks per frame and per second).
fn level(size: Size, frame_rate: FrameRate) -> Level {
    let blocks = u64::from(size.width.div_ceil(16)) * u64::from(size.height.div_ceil(16));
    match (blocks, blocks * u64::from(frame_rate.hz())) {
        (0..=3_600, 0..=108_000) => Level::Level_3_1,
        (0..=8_192, 0..=245_760) => Level::Level_4_0,
        (0..=8_704, 0..=522_240) => Level::Level_4_2,
        (_, 0..=983_040) => Level::Level_5_1,
        _ => Level::Level_5_2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::scale;
    use crate::{H264Decoder, TestCard, psnr, read_stamp};
    use media_core::PicturePool;

    fn config(width: u32, height: u32, kbps: u64) -> VideoEncoderConfig {
        VideoEncoderConfig {
            size: Size { width, height },
            frame_rate: FrameRate::new(30).unwrap(),
            bitrate: Bitrate::from_kbps(kbps),
        }
    }

    /// Like a camera's pictures: a texture that pans, under sensor noise.
    fn camera(size: Size, index: u32) -> Picture {
        let mut picture = Picture::black(size);
        let mut state = index.wrapping_mul(2_654_435_761) | 1;
        for (at, luma) in picture.planes_mut()[0].iter_mut().enumerate() {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            let (x, y) = (at as u32 % size.width + index, at as u32 / size.width);
            let texture = ((x / 8 * 37) ^ (y / 8 * 91)) % 64 + (x + y) % 128 / 2;
            *luma = (60 + texture + state % 7) as u8;
        }
        picture
    }

    /// Types of the NAL units in an Annex B stream with four-byte start codes.
    fn units(annexb: &[u8]) -> Vec<u8> {
        annexb.windows(5).filter(|bytes| bytes.starts_with(&[0, 0, 0, 1])).map(|bytes| bytes[4] & 0x1f).collect()
    }

    #[test]
    fn ten_seconds_of_720p_lose_no_frame_and_look_good() {
        let config = config(1280, 720, 2_000);
        let (card, pool) = (TestCard::new(config.size), PicturePool::new(2));
        let mut encoder = H264Encoder::new(config).unwrap();
        let mut decoder = H264Decoder::new().unwrap();
        let (mut picture, mut out) = (Picture::black(config.size), Vec::new());
        let mut worst = f64::INFINITY;
        for index in 0..300 {
            card.draw(index, &mut picture);
            let encoded = encoder.encode(&picture, &mut out).unwrap();
            assert_eq!((encoded.keyframe, encoded.skipped), (index == 0, false), "frame {index}");
            assert!(encoded.quantizer.is_some_and(|quantizer| (12..=51).contains(&quantizer)), "frame {index}");
            let decoded = decoder.decode(&out, &pool).unwrap().unwrap();
            assert_eq!(read_stamp(&decoded), Some(index as u32));
            worst = worst.min(psnr(&picture, &decoded));
        }
        assert!(worst >= 30.0, "the worst picture has {worst:.1} dB");
    }

    #[test]
    fn the_stamp_survives_a_small_picture_at_300_kbps() {
        let (large, small) = (config(1280, 720, 2_000), config(320, 180, 300));
        let (card, pool) = (TestCard::new(large.size), PicturePool::new(2));
        let mut encoder = H264Encoder::new(small).unwrap();
        let mut decoder = H264Decoder::new().unwrap();
        let (mut picture, mut scaled, mut out) = (Picture::black(large.size), Picture::black(small.size), Vec::new());
        for index in (0..).step_by(1_234_567).take(90) {
            card.draw(index, &mut picture);
            scale(&picture, &mut scaled);
            if !encoder.encode(&scaled, &mut out).unwrap().skipped {
                let decoded = decoder.decode(&out, &pool).unwrap().unwrap();
                assert_eq!(read_stamp(&decoded), Some(index as u32));
            }
        }
    }

    #[test]
    fn the_bitrate_follows_its_target_up_and_down() {
        let config = config(640, 360, 700);
        let mut encoder = H264Encoder::new(config).unwrap();
        let mut out = Vec::new();
        let mut index = 0;
        // Before the first picture, above the first target, below it, and over it again.
        for kbps in [500, 2_000, 4_000, 300, 1_000, 250, 3_000] {
            encoder.set_bitrate(Bitrate::from_kbps(kbps)).unwrap();
            let (mut bytes, mut frames) = (0, 0);
            for second in 0..3 {
                for _ in 0..30 {
                    let encoded = encoder.encode(&camera(config.size, index), &mut out).unwrap();
                    assert_eq!(encoded.keyframe, index == 0);
                    index += 1;
                    // One second to settle.
                    if second > 0 {
                        bytes += out.len();
                        frames += u32::from(!encoded.skipped);
                    }
                }
            }
            let produced = bytes as u64 * 8 / 2 / 1_000;
            assert!(produced.abs_diff(kbps) * 10 <= kbps, "{produced} kbit/s instead of {kbps}");
            assert_eq!(frames, 60, "at {kbps} kbit/s");
        }
    }

    #[test]
    fn a_requested_keyframe_comes_with_parameter_sets() {
        let config = config(1280, 720, 1_000);
        let mut encoder = H264Encoder::new(config).unwrap();
        encoder.request_keyframe();
        let mut out = Vec::new();
        for index in 0..12 {
            if index == 7 {
                encoder.request_keyframe();
                encoder.set_bitrate(Bitrate::from_kbps(2_000)).unwrap();
            }
            let encoded = encoder.encode(&camera(config.size, index), &mut out).unwrap();
            assert_eq!(encoded.keyframe, index == 0 || index == 7, "frame {index}");
            assert_eq!(units(&out), if encoded.keyframe { vec![7, 8, 5] } else { vec![1] }, "frame {index}");
            if encoded.keyframe {
                // Baseline, constraint sets 0 and 1 (constrained baseline), level 3.1.
                assert_eq!(out[5..8], [0x42, 0xc0, 0x1f]);
            }
        }
    }

    #[test]
    fn an_impossible_target_skips_frames_instead_of_exceeding_it() {
        let config = config(1280, 720, 60);
        let mut encoder = H264Encoder::new(config).unwrap();
        let (mut out, mut bytes, mut skipped) = (Vec::new(), 0, 0);
        for index in 0..150 {
            skipped += u32::from(encoder.encode(&camera(config.size, index), &mut out).unwrap().skipped);
            bytes += out.len();
        }
        assert!(skipped > 30 && bytes * 8 / 5 < 120_000, "{skipped} skipped, {} bit/s", bytes * 8 / 5);
    }

    #[test]
    fn impossible_sizes_are_refused() {
        for (width, height) in [(15, 16), (16, 8), (642, 481), (4096, 2160), (3840, 3840)] {
            assert!(matches!(H264Encoder::new(config(width, height, 500)), Err(CodecError::UnsupportedSize { .. })));
        }
        let mut encoder = H264Encoder::new(config(320, 180, 500)).unwrap();
        let picture = Picture::black(Size { width: 320, height: 240 });
        assert_eq!(
            encoder.encode(&picture, &mut Vec::new()).unwrap_err().to_string(),
            "the picture is 320x240, the encoder was made for 320x180; make a new encoder"
        );
    }

    #[test]
    fn levels_allow_what_is_sent() {
        for (width, height, hz, expected) in [
            (1280, 720, 30, "3_1"),
            (320, 180, 30, "3_1"),
            (1280, 720, 60, "4_0"),
            (1920, 1080, 30, "4_0"),
            (1920, 1080, 60, "4_2"),
            (3840, 2160, 30, "5_1"),
        ] {
            let level = format!("{:?}", level(Size { width, height }, FrameRate::new(hz).unwrap()));
            assert_eq!(level, format!("Level_{expected}"));
        }
    }
}
