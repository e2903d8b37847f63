//! Through real codecs: the stamp survives scaling and coarse quantisation, the chirps a speech codec, its concealment, and a
//! playout buffer that stretches; and a whole call of known delay is judged as what it is.

use std::sync::Arc;

use lab::figures::Quantiles;
use lab::media::scene::Scene;
use lab::media::sound::{self, RATE};
use lab::media::stamp;
use media_codec::{H264Decoder, H264Encoder, OpusDecoder, OpusEncoder, VideoEncoderConfig, convert, stretch};
use media_core::{Bitrate, FRAME_SAMPLES, FrameRate, Picture, PicturePool, Size};

use crate::callers::Path;

/// What the encoder looks ahead, in seconds: RFC 6716 §2, 6.5 ms for speech and music alike.
const OPUS_AHEAD: f64 = 0.0065;

/// A millisecond, in seconds.
const MS: f64 = 0.001;

fn hd() -> Size {
    Size::new(1280, 720).expect("possible")
}

/// H.264 there and back, at one size and rate.
struct Video {
    encoder: H264Encoder,
    decoder: H264Decoder,
    pool: PicturePool,
    size: Size,
    encoded: Vec<u8>,
}

impl Video {
    fn new(size: Size, kbps: u64) -> Self {
        let frame_rate = FrameRate::new(30).expect("possible");
        let config = VideoEncoderConfig { size, frame_rate, bitrate: Bitrate::from_kbps(kbps) };
        let encoder = H264Encoder::new(config).expect("the codec is there");
        let decoder = H264Decoder::new().expect("the codec is there");
        Self { encoder, decoder, pool: PicturePool::new(4), size, encoded: Vec::new() }
    }

    /// What comes out; `None` when the encoder leaves the picture out.
    fn pass(&mut self, picture: &Picture) -> Option<Picture> {
        let mut scaled = Picture::black(self.size);
        convert::scale(picture, &mut scaled);
        let encoded = self.encoder.encode(&Arc::new(scaled), &mut self.encoded).expect("encodable");
        if encoded.skipped {
            return None;
        }
        self.decoder.decode(&self.encoded, &self.pool).expect("decodable")
    }
}

/// Opus there and back, where some frames are lost and concealed.
fn spoken(samples: &[f32], kbps: u64, lost: impl Fn(usize) -> bool) -> Vec<f32> {
    let mut encoder = OpusEncoder::new(Bitrate::from_kbps(kbps)).expect("the codec is there");
    let mut decoder = OpusDecoder::new().expect("the codec is there");
    let (mut packet, mut frame, mut played) = (Vec::new(), Vec::new(), Vec::new());
    for (number, samples) in samples.chunks_exact(FRAME_SAMPLES).enumerate() {
        encoder.encode(samples, &mut packet).expect("encodable");
        frame.clear();
        if lost(number) {
            decoder.conceal(FRAME_SAMPLES, &mut frame).expect("concealable");
        } else {
            decoder.decode(&packet, &mut frame).expect("decodable");
        }
        played.append(&mut frame);
    }
    played
}

/// The kinds that were heard, and how much later than at their seconds.
fn heard(samples: &[f32]) -> (Vec<usize>, Vec<f64>) {
    let heard = sound::chirps(samples);
    heard.iter().map(|heard| (heard.kind, heard.at - heard.kind as f64)).unzip()
}

fn all_kinds() -> Vec<usize> {
    (0..sound::KINDS).collect()
}

#[test]
fn a_stamp_survives_scaling_and_heavy_quantisation() {
    let scene = Scene::draw(hd());
    let small = Size::new(320, 180).expect("possible");
    for (size, kbps) in [(hd(), 300), (small, 200), (small, 60)] {
        let mut video = Video::new(size, kbps);
        let mut shown = 0;
        for index in 0..45 {
            let mut picture = scene.picture(index).clone();
            stamp::draw(&mut picture, index, u64::from(index) * 1_000_003);
            let Some(decoded) = video.pass(&picture) else { continue };
            shown += 1;
            let stamp = stamp::read(&decoded).unwrap_or_else(|| panic!("no stamp in {index} at {size}, {kbps} kbit/s"));
            assert_eq!((stamp.index, stamp.time), (index, u64::from(index) * 1_000_003));
        }
        assert!(shown > 10, "{shown} pictures at {size}, {kbps} kbit/s");
    }
}

#[test]
fn chirps_are_heard_through_a_speech_codec_at_their_time() {
    for kbps in [24, 32] {
        let played = spoken(&sound::round(), kbps, |_| false);
        let (kinds, late) = heard(&played);
        assert_eq!(kinds, all_kinds(), "{kbps} kbit/s");
        assert!(late.iter().all(|late| (late - OPUS_AHEAD).abs() < MS), "{late:?} at {kbps} kbit/s");
        assert_eq!(sound::gaps(&played), [], "{kbps} kbit/s");
    }
}

#[test]
fn concealment_beside_a_chirp_does_not_move_it() {
    // Two frames before each chirp, and two after it; a second has 50 frames, a chirp two and what the codec adds.
    let played = spoken(&sound::round(), 32, |number| matches!(number % 50, 46 | 47 | 5 | 6));
    let (kinds, late) = heard(&played);
    assert_eq!(kinds, all_kinds());
    assert!(late.iter().all(|late| (late - OPUS_AHEAD).abs() < MS), "{late:?}");
}

#[test]
fn what_is_stretched_in_between_moves_the_chirps_after_it_by_as_much() {
    let mut played = Vec::new();
    let mut moved = Vec::new();
    for second in spoken(&sound::round(), 32, |_| false).chunks_exact(RATE as usize) {
        moved.push(played.len() as f64 / f64::from(RATE));
        for (number, frame) in second.chunks_exact(FRAME_SAMPLES).enumerate() {
            let mut frame = frame.to_vec();
            // Longer by some frames in the middle of this second, shorter by fewer.
            match number {
                20..26 => stretch::lengthen(&mut frame),
                30..33 => stretch::shorten(&mut frame),
                _ => 0,
            };
            played.append(&mut frame);
        }
    }
    let heard = sound::chirps(&played);
    assert_eq!(heard.iter().map(|heard| heard.kind).collect::<Vec<_>>(), all_kinds());
    assert!(moved[7] > 7.03, "{moved:?}");
    for (heard, moved) in heard.iter().zip(moved) {
        assert!((heard.at - moved - OPUS_AHEAD).abs() < MS, "{heard:?} instead of {moved}");
    }
}

#[test]
fn a_call_through_both_codecs_has_the_delay_that_it_was_given() {
    let mut path = Path::delayed(80, 120);
    path.size = Size::new(640, 360).expect("possible");
    let mut video = Video::new(path.size, 800);
    path.show = Box::new(move |_, picture| match video.pass(picture) {
        Some(decoded) => {
            *picture = decoded;
            true
        }
        None => false,
    });
    path.play = Box::new(|samples| *samples = spoken(samples, 32, |_| false));
    let (totals, _) = path.judged();
    let near = |quantiles: Option<Quantiles>, expected: f64| {
        let Quantiles { p50, max, .. } = quantiles.expect("it was measured");
        assert!((p50 - expected).abs() <= 2.0 && (max - expected).abs() <= 2.0, "{totals:?}");
    };
    near(totals.picture_latency_ms, 80.0);
    near(totals.sound_latency_ms, 120.0 + OPUS_AHEAD * 1e3);
    near(totals.skew_ms, 40.0 + OPUS_AHEAD * 1e3);
    assert_eq!((totals.out_of_order, totals.pictures_unreadable), (Some(0), Some(0)));
    assert_eq!((totals.freezes, totals.sound_gaps, totals.chirps_missing), (Some(0), Some(0), Some(0)));
    assert!(totals.psnr_db.is_some_and(|psnr| (28.0..45.0).contains(&psnr)), "{totals:?}");
    assert!(totals.ssim.is_some_and(|ssim| (0.7..0.995).contains(&ssim)), "{totals:?}");
}
