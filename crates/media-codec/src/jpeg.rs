//! The JPEG frames of cameras (MJPEG) to I420 without a detour over RGB.
//! Takes what cameras send: no Huffman tables, bytes after the end of the image, a frame that breaks off half-way.

use media_core::{Picture, PicturePool, Size};
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Longest side of a picture that is decoded; more is no camera.
const MAX_SIDE: usize = 4096;

/// "AVI1" in an APP0 segment tells the decoder to use the tables of the JPEG standard, annex K.
const STANDARD_TABLES: [u8; 9] = [0xff, 0xe0, 0, 7, b'A', b'V', b'I', b'1', 0];

/// A camera frame that is no usable JPEG; skip it and take the next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JpegError {
    /// Not a JPEG, or damaged before its image data.
    #[error("the camera gave a malformed jpeg: {0}")]
    Malformed(String),
    /// A JPEG, but not one with the colours of a camera.
    #[error("the camera gave a jpeg with colours that are not supported ({0}); choose another format")]
    Colours(String),
    /// A picture size that no call can use.
    #[error("the camera gave a jpeg of {width}x{height}; sides must be even and 16 to 4096")]
    Size {
        /// Pixels per row.
        width: usize,
        /// Rows.
        height: usize,
    },
}

/// Decodes JPEG images; keeps its buffers from one to the next.
#[derive(Default)]
pub struct JpegDecoder {
    pixels: Vec<u8>,
    patched: Vec<u8>,
}

impl JpegDecoder {
    /// A decoder without buffers yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes one baseline or progressive image, grey or YCbCr. Full range (JFIF) becomes limited range. Where the data
    /// breaks off, the rest of the picture is grey; what follows the end of the image is ignored.
    ///
    /// # Errors
    /// See [`JpegError`].
    pub fn decode(&mut self, jpeg: &[u8], pool: &PicturePool) -> Result<Picture, JpegError> {
        if has_huffman_tables(jpeg) {
            return decode(jpeg, &mut self.pixels, pool);
        }
        let (start, rest) = jpeg.split_at(jpeg.len().min(2));
        self.patched.clear();
        self.patched.extend_from_slice(start);
        self.patched.extend_from_slice(&STANDARD_TABLES);
        self.patched.extend_from_slice(rest);
        decode(&self.patched, &mut self.pixels, pool)
    }
}

fn decode(jpeg: &[u8], pixels: &mut Vec<u8>, pool: &PicturePool) -> Result<Picture, JpegError> {
    let malformed = |error: zune_jpeg::errors::DecodeErrors| {
        // One line, whatever the library has to say.
        JpegError::Malformed(format!("{error:?}").split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let options = DecoderOptions::default()
        .set_max_width(MAX_SIDE)
        .set_max_height(MAX_SIDE)
        .jpeg_set_out_colorspace(ColorSpace::YCbCr);
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
    decoder.decode_headers().map_err(malformed)?;
    let colours = decoder.input_colorspace().unwrap_or(ColorSpace::Unknown);
    if colours == ColorSpace::Luma {
        decoder.set_options(options.jpeg_set_out_colorspace(ColorSpace::Luma));
    } else if colours != ColorSpace::YCbCr {
        return Err(JpegError::Colours(format!("{colours:?}")));
    }
    let (width, height) = decoder.dimensions().unwrap_or_default();
    let size = Size::new(width as u32, height as u32).map_err(|_| JpegError::Size { width, height })?;
    pixels.resize(decoder.output_buffer_size().unwrap_or(0), 0);
    decoder.decode_into(pixels).map_err(malformed)?;

    let mut picture = pool.take(size);
    if colours == ColorSpace::Luma {
        let [y, u, v] = picture.planes_mut();
        for (out, &sample) in y.iter_mut().zip(&*pixels) {
            *out = limited_luma(sample);
        }
        u.fill(128);
        v.fill(128);
    } else {
        subsample(pixels, &mut picture);
    }
    Ok(picture)
}

/// Interleaved 4:4:4 in full range to I420 in limited range.
fn subsample(pixels: &[u8], picture: &mut Picture) {
    let (width, chroma_width) = (picture.size().width as usize, picture.size().chroma().width as usize);
    let [y, u, v] = picture.planes_mut();
    for (out, pixel) in y.iter_mut().zip(pixels.chunks_exact(3)) {
        *out = limited_luma(pixel[0]);
    }
    let chroma = u.chunks_exact_mut(chroma_width).zip(v.chunks_exact_mut(chroma_width));
    for ((u, v), lines) in chroma.zip(pixels.chunks_exact(width * 6)) {
        let (upper, lower) = lines.split_at(width * 3);
        let blocks = upper.chunks_exact(6).zip(lower.chunks_exact(6));
        for ((u, v), (a, b)) in u.iter_mut().zip(v).zip(blocks) {
            let mean = |at: usize| [a[at], a[at + 3], b[at], b[at + 3]].map(u32::from).iter().sum::<u32>();
            *u = limited_chroma(mean(1));
            *v = limited_chroma(mean(2));
        }
    }
}

/// 0..=255 to 16..=235 (JFIF to ITU-R BT.601).
fn limited_luma(sample: u8) -> u8 {
    (16 + (u32::from(sample) * 219 + 127) / 255) as u8
}

/// The sum of four samples of 0..=255 around 128 to one of 16..=240.
fn limited_chroma(sum: u32) -> u8 {
    (((sum * 224 + 255 * 2) / (255 * 4)) + 16) as u8
}

/// Whether a DHT segment comes before the image data. Malformed input says yes: the decoder has better words for it.
fn has_huffman_tables(jpeg: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[0xff, marker, high, low]) = jpeg.get(at..at + 4) {
        match marker {
            0xc4 => return true,
            // Start of scan.
            0xda => return false,
            // Padding in front of a marker.
            0xff => at += 1,
            _ => at += 2 + usize::from(u16::from_be_bytes([high, low])),
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const C420: &[u8] = include_bytes!("../testdata/colours-420.jpg");
    const C422: &[u8] = include_bytes!("../testdata/colours-422.jpg");
    const PROGRESSIVE: &[u8] = include_bytes!("../testdata/progressive.jpg");
    const GREY: &[u8] = include_bytes!("../testdata/grey.jpg");

    fn decode(jpeg: &[u8]) -> Result<Picture, JpegError> {
        JpegDecoder::new().decode(jpeg, &PicturePool::new(1))
    }

    fn corners(picture: &Picture) -> [[u8; 3]; 2] {
        let [y, u, v] = picture.planes();
        [[y[0], u[0], v[0]], [y[y.len() - 1], u[u.len() - 1], v[v.len() - 1]]]
    }

    fn assert_red_to_blue(picture: &Picture) {
        assert_eq!(picture.size(), Size { width: 64, height: 48 });
        // Pure red and blue by ITU-R BT.601; the test images begin and end with them.
        for (got, wanted) in corners(picture).into_iter().zip([[81, 90, 240], [41, 240, 110]]) {
            for (got, wanted) in got.into_iter().zip(wanted) {
                assert!(got.abs_diff(wanted) <= 8, "{:?}", corners(picture));
            }
        }
    }

    #[test]
    fn colours_and_range_are_those_of_bt601() {
        for jpeg in [C420, C422, PROGRESSIVE] {
            assert_red_to_blue(&decode(jpeg).unwrap());
        }
        let [first, last] = corners(&decode(GREY).unwrap());
        assert!(first[0] >= 233 && last[0] <= 18, "{first:?} {last:?}");
        assert_eq!((first[1], first[2], last[1], last[2]), (128, 128, 128, 128));
    }

    #[test]
    fn frames_without_huffman_tables_are_decoded() {
        let mut bare = C422.to_vec();
        while let Some(at) = bare.windows(2).position(|pair| pair == [0xff, 0xc4]) {
            let length = usize::from(u16::from_be_bytes([bare[at + 2], bare[at + 3]]));
            bare.drain(at..at + 2 + length);
        }
        assert!(!has_huffman_tables(&bare) && bare.len() < C422.len() - 100);
        assert_eq!(decode(&bare).unwrap(), decode(C422).unwrap());
    }

    #[test]
    fn bytes_after_the_end_change_nothing() {
        let padded = [C422, &[0; 4096], C420, &[0xff; 64]].concat();
        assert_eq!(decode(&padded).unwrap(), decode(C422).unwrap());
    }

    #[test]
    fn what_is_no_jpeg_says_so_in_one_line() {
        for jpeg in [&b""[..], b"\xff", b"YUV4MPEG2 W64 H48", &C422[..200]] {
            let message = decode(jpeg).unwrap_err().to_string();
            assert!(message.starts_with("the camera gave a malformed jpeg: ") && !message.contains('\n'), "{message}");
        }
    }

    proptest! {
        #[test]
        fn hostile_images_never_panic(cut in 0..C422.len(), at in 0..C422.len(), byte in any::<u8>()) {
            let _ = decode(&C422[..cut]);
            for jpeg in [C422, PROGRESSIVE] {
                let mut damaged = jpeg.to_vec();
                let at = at % damaged.len();
                damaged[at] = byte;
                let _ = decode(&damaged);
            }
        }
    }
}
