//! Decodes H.264 access units, one picture out for each one in, without holding any back.
//! After an error nothing is concealed: freeze the last picture, ask for a keyframe, and decoding goes on with it.

use media_core::{Picture, PicturePool, Size};
use openh264::decoder::{DecodeOptions, Decoder, DecoderConfig, Flush};
use openh264::formats::YUVSource;

use crate::CodecError;

/// Decodes one stream; its pictures may change size at any keyframe.
pub struct H264Decoder {
    inner: Decoder,
}

impl H264Decoder {
    /// A decoder that waits for its first keyframe.
    ///
    /// # Errors
    /// [`CodecError::H264`] when the library fails.
    pub fn new() -> Result<Self, CodecError> {
        Decoder::with_api_config(openh264::OpenH264API::from_source(), DecoderConfig::new())
            .map(|inner| Self { inner })
            .map_err(|error| CodecError::h264("make a decoder", &error))
    }

    /// Decodes one access unit (Annex B). None when it held no picture, as with parameter sets alone.
    ///
    /// # Errors
    /// [`CodecError::H264`] when data is damaged or something before it is missing; decoding works again from the next
    /// keyframe. [`CodecError::UnsupportedSize`] when the pictures are larger than any call needs.
    pub fn decode(&mut self, annexb: &[u8], pool: &PicturePool) -> Result<Option<Picture>, CodecError> {
        // The library takes a null pointer or no bytes as the end of the stream.
        if annexb.is_empty() {
            return Ok(None);
        }
        let options = DecodeOptions::new().flush_after_decode(Flush::NoFlush);
        let decoded = self
            .inner
            .decode_with_options(annexb, options)
            .map_err(|error| CodecError::h264("decode a frame", &error))?;
        let Some(decoded) = decoded else { return Ok(None) };

        let (width, height) = decoded.dimensions();
        let (width, height) = (width as u32, height as u32);
        let size = Size::new(width, height).map_err(|_| CodecError::UnsupportedSize { width, height })?;
        let mut picture = pool.take(size);
        let strides = decoded.strides();
        let widths = [size.width, size.chroma().width, size.chroma().width];
        let planes = picture.planes_mut().into_iter().zip(widths);
        let sources = [(decoded.y(), strides.0), (decoded.u(), strides.1), (decoded.v(), strides.2)];
        for ((plane, width), (source, stride)) in planes.zip(sources) {
            for (row, from) in plane.chunks_exact_mut(width as usize).zip(source.chunks(stride)) {
                row.copy_from_slice(&from[..width as usize]);
            }
        }
        Ok(Some(picture))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{H264Encoder, TestCard, VideoEncoderConfig, psnr};
    use media_core::{Bitrate, FrameRate};
    use proptest::prelude::*;

    /// A clip of the test card with keyframes at the given frames.
    fn clip(size: Size, frames: u64, keyframes: &[u64]) -> Vec<(Picture, Vec<u8>)> {
        let frame_rate = FrameRate::new(30).unwrap();
        let config = VideoEncoderConfig { size, frame_rate, bitrate: Bitrate::from_kbps(800) };
        let mut encoder = H264Encoder::new(config).unwrap();
        let card = TestCard::new(size);
        (0..frames)
            .map(|index| {
                if keyframes.contains(&index) {
                    encoder.request_keyframe();
                }
                let (mut picture, mut out) = (Picture::black(size), Vec::new());
                card.draw(index, &mut picture);
                assert!(!encoder.encode(&picture, &mut out).unwrap().skipped);
                (picture, out)
            })
            .collect()
    }

    #[test]
    fn after_a_loss_it_fails_until_the_next_keyframe() {
        let pool = PicturePool::new(2);
        let mut decoder = H264Decoder::new().unwrap();
        for (index, (sent, frame)) in clip(Size { width: 320, height: 180 }, 20, &[0, 12]).iter().enumerate() {
            if index == 5 {
                continue;
            }
            match decoder.decode(frame, &pool) {
                Ok(Some(picture)) => {
                    assert!(!(6..12).contains(&index), "frame {index} lacks what it refers to");
                    assert!(psnr(sent, &picture) > 30.0, "frame {index}");
                }
                Ok(None) => panic!("frame {index} holds a picture"),
                Err(error) => {
                    assert!((6..12).contains(&index), "frame {index}: {error}");
                    assert!(!error.to_string().contains('\n'));
                }
            }
        }
    }

    #[test]
    fn without_a_keyframe_there_is_an_error_and_no_picture() {
        let pool = PicturePool::new(2);
        let frames = clip(Size { width: 320, height: 180 }, 3, &[]);
        let mut decoder = H264Decoder::new().unwrap();
        assert!(decoder.decode(&frames[1].1, &pool).is_err());
        assert!(decoder.decode(&frames[2].1, &pool).is_err());
        assert!(decoder.decode(&frames[0].1, &pool).unwrap().is_some());
        assert!(decoder.decode(&[], &pool).unwrap().is_none());
        assert!(decoder.decode(&frames[1].1, &pool).unwrap().is_some());
    }

    #[test]
    fn the_size_may_change_at_a_keyframe() {
        let pool = PicturePool::new(2);
        let mut decoder = H264Decoder::new().unwrap();
        for (width, height) in [(320, 180), (640, 362), (176, 144), (320, 180)] {
            let size = Size { width, height };
            for (sent, frame) in clip(size, 3, &[]) {
                let picture = decoder.decode(&frame, &pool).unwrap().unwrap();
                assert!(psnr(&sent, &picture) > 28.0, "{size}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn hostile_streams_never_panic(
            noise in proptest::collection::vec(any::<u8>(), 0..300),
            damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        ) {
            let pool = PicturePool::new(2);
            let mut decoder = H264Decoder::new().unwrap();
            for (_, mut frame) in clip(Size { width: 64, height: 48 }, 3, &[]) {
                for (at, byte) in &damage {
                    let at = at.index(frame.len());
                    frame[at] = *byte;
                }
                let _ = decoder.decode(&frame, &pool);
                let _ = decoder.decode(&[&[0, 0, 0, 1][..], &noise].concat(), &pool);
            }
        }
    }
}
