//! A camera's raw frames as pictures of the size wanted, without a detour over RGB.
//! What an RGB camera gives is converted once, in limited range with BT.601 colours like everything else.

use media_codec::{ConvertError, JpegDecoder, JpegError, convert};
use media_core::{Picture, PicturePool, Size};

use crate::clip::{POOL, fit};
use crate::{CameraFormat, PixelFormat};

/// A frame that cannot be turned into a picture.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    #[error(transparent)]
    Convert(#[from] ConvertError),
    #[error(transparent)]
    Jpeg(#[from] JpegError),
    #[error("frame of {given} bytes where {needed} are needed")]
    Short { given: usize, needed: usize },
}

/// Converts the frames of one format to pictures of one size.
pub(super) struct Converter {
    pixel: PixelFormat,
    native: Size,
    wanted: Size,
    jpeg: JpegDecoder,
    /// Buffers at the camera's size and at the wanted one.
    pool: PicturePool,
}

impl Converter {
    /// `None` when the camera's size is none that a picture can have.
    pub(super) fn new(format: CameraFormat, wanted: Size) -> Option<Self> {
        let native = Size::new(format.width, format.height).ok()?;
        let pool = PicturePool::new(POOL + 1);
        Some(Self { pixel: format.pixel, native, wanted, jpeg: JpegDecoder::new(), pool })
    }

    pub(super) fn convert(&mut self, frame: &[u8]) -> Result<Picture, FrameError> {
        let picture = match self.pixel {
            // Its own header says how large it is.
            PixelFormat::Mjpeg => self.jpeg.decode(frame, &self.pool)?,
            _ => {
                let mut picture = self.pool.take(self.native);
                self.raw(frame, &mut picture)?;
                picture
            }
        };
        Ok(fit(picture, self.wanted, &self.pool))
    }

    fn raw(&self, frame: &[u8], picture: &mut Picture) -> Result<(), FrameError> {
        match self.pixel {
            PixelFormat::Yuyv => convert::yuyv_to_i420(frame, picture)?,
            PixelFormat::Nv12 => convert::nv12_to_i420(frame, picture)?,
            PixelFormat::Rgb => packed(frame, picture, [0, 1, 2])?,
            PixelFormat::Bgr => packed(frame, picture, [2, 1, 0])?,
            PixelFormat::Gray => grey(frame, picture)?,
            PixelFormat::Mjpeg => unreachable!("compressed frames are decoded, not converted"),
        }
        Ok(())
    }
}

fn check(frame: &[u8], needed: usize) -> Result<(), FrameError> {
    if frame.len() < needed {
        return Err(FrameError::Short { given: frame.len(), needed });
    }
    Ok(())
}

fn grey(frame: &[u8], picture: &mut Picture) -> Result<(), FrameError> {
    check(frame, picture.size().pixels())?;
    let [y, u, v] = picture.planes_mut();
    // Full range to limited range: 0..=255 becomes 16..=235.
    y.iter_mut().zip(frame).for_each(|(luma, grey)| *luma = (16 + (u32::from(*grey) * 219 + 127) / 255) as u8);
    u.fill(128);
    v.fill(128);
    Ok(())
}

/// Three bytes a pixel; `order` says where red, green and blue are.
fn packed(frame: &[u8], picture: &mut Picture, order: [usize; 3]) -> Result<(), FrameError> {
    let size = picture.size();
    let width = size.width as usize;
    check(frame, size.pixels() * 3)?;
    let rgb = |pixel: &[u8]| order.map(|index| i32::from(pixel[index]));
    let [y, u, v] = picture.planes_mut();
    for (luma, pixel) in y.iter_mut().zip(frame.chunks_exact(3)) {
        // ITU-R BT.601, limited range, with 8 bits of fraction.
        let [r, g, b] = rgb(pixel);
        *luma = ((66 * r + 129 * g + 25 * b + 128) / 256 + 16) as u8;
    }
    // Sizes are even: each chroma sample is the mean of four pixels.
    let chroma = u.iter_mut().zip(v);
    let lines = frame.chunks_exact(width * 6).map(|lines| lines.split_at(width * 3));
    let squares = lines.flat_map(|(upper, lower)| upper.chunks_exact(6).zip(lower.chunks_exact(6)));
    for ((u, v), (upper, lower)) in chroma.zip(squares) {
        let pixels = [rgb(&upper[..3]), rgb(&upper[3..]), rgb(&lower[..3]), rgb(&lower[3..])];
        let [r, g, b] = [0, 1, 2].map(|channel| pixels.iter().map(|pixel| pixel[channel]).sum::<i32>());
        *u = ((-38 * r - 74 * g + 112 * b + 512) / 1024 + 128) as u8;
        *v = ((112 * r - 94 * g - 18 * b + 512) / 1024 + 128) as u8;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(width: u32, height: u32) -> Size {
        Size::new(width, height).expect("a valid size")
    }

    fn converter(pixel: PixelFormat, wanted: Size) -> Converter {
        let format = CameraFormat { pixel, width: 32, height: 16, frame_rate: 30 };
        Converter::new(format, wanted).expect("an even size")
    }

    fn mean(plane: &[u8]) -> u32 {
        plane.iter().map(|value| u32::from(*value)).sum::<u32>() / plane.len() as u32
    }

    #[test]
    fn colours_come_out_as_bt601_says() {
        let cases = [
            ([255, 255, 255], [235, 128, 128]),
            ([0, 0, 0], [16, 128, 128]),
            ([255, 0, 0], [82, 90, 240]),
            ([0, 0, 255], [41, 240, 110]),
        ];
        for (rgb, expected) in cases {
            let frame = rgb.repeat(32 * 16);
            let picture = converter(PixelFormat::Rgb, size(32, 16)).convert(&frame).expect("a whole frame");
            for (plane, expected) in picture.planes().into_iter().zip(expected) {
                assert!(mean(plane).abs_diff(expected) <= 1, "{rgb:?}: {} is not {expected}", mean(plane));
            }
            let swapped: Vec<u8> = [rgb[2], rgb[1], rgb[0]].repeat(32 * 16);
            let same = converter(PixelFormat::Bgr, size(32, 16)).convert(&swapped).expect("a whole frame");
            assert_eq!(picture, same);
        }
    }

    #[test]
    fn grey_becomes_limited_range_without_colour() {
        let frame: Vec<u8> = [0, 255].repeat(32 * 8);
        let picture = converter(PixelFormat::Gray, size(32, 16)).convert(&frame).expect("a whole frame");
        assert_eq!(picture.planes()[0][..2], [16, 235]);
        assert!(picture.planes()[1..].iter().all(|plane| plane.iter().all(|value| *value == 128)));
    }

    #[test]
    fn raw_frames_are_scaled_to_the_size_wanted() {
        let yuyv: Vec<u8> = [100, 90, 100, 200].repeat(16 * 16);
        let picture = converter(PixelFormat::Yuyv, size(64, 32)).convert(&yuyv).expect("a whole frame");
        assert_eq!(picture.size(), size(64, 32));
        assert_eq!(picture.planes().map(mean), [100, 90, 200]);
        let nv12: Vec<u8> = [[100; 32 * 16].as_slice(), &[90, 200].repeat(32 * 16 / 4)].concat();
        let picture = converter(PixelFormat::Nv12, size(16, 16)).convert(&nv12).expect("a whole frame");
        assert_eq!(picture.size(), size(16, 16));
    }

    #[test]
    fn a_short_or_broken_frame_is_an_error() {
        for pixel in PixelFormat::ALL {
            assert!(converter(pixel, size(32, 16)).convert(&[0; 100]).is_err(), "{pixel}");
            assert!(converter(pixel, size(32, 16)).convert(&[]).is_err(), "{pixel}");
        }
    }
}
