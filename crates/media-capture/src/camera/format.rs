//! Which of a camera's formats to open: colour before grey, then the rate, then the size, then what costs the least to convert.
//! A choice from a table, so that it is tested without cameras.

use media_core::Size;

use crate::{CameraFormat, PixelFormat, VideoFormat};

/// The camera's usable formats, best first. A camera may refuse what it lists, so the next one is worth trying.
pub(crate) fn rank(offered: &[CameraFormat], wanted: VideoFormat) -> Vec<CameraFormat> {
    let mut usable: Vec<CameraFormat> = offered.iter().copied().filter(is_usable).collect();
    usable.sort_by_key(|format| cost(*format, wanted));
    usable.dedup();
    usable
}

fn is_usable(format: &CameraFormat) -> bool {
    format.frame_rate > 0 && Size::new(format.width, format.height).is_ok()
}

/// Compared from the left; lower is better.
fn cost(offered: CameraFormat, wanted: VideoFormat) -> impl Ord {
    let (size, rate) = (wanted.size, wanted.frame_rate.hz());
    let grey = offered.pixel == PixelFormat::Gray;
    // 25 of 30 pictures a second look the same, 15 do not, 5 are a slide show.
    let slow = if offered.frame_rate * 5 >= rate * 4 {
        0
    } else if offered.frame_rate * 2 >= rate {
        1
    } else {
        2
    };
    let area = |width: u32, height: u32| u64::from(width) * u64::from(height);
    let covers = offered.width >= size.width && offered.height >= size.height;
    let too_small =
        if covers { 0 } else { area(size.width, size.height).saturating_sub(area(offered.width, offered.height)) };
    // Bars at the sides are worse than a few more pixels to scale.
    let other_shape = area(offered.width, size.height).abs_diff(area(size.width, offered.height)) * 50
        > area(offered.width, size.height);
    let too_large = area(offered.width, offered.height).saturating_sub(area(size.width, size.height));
    // MJPEG costs about 4 ms a picture at 720p to decode, the others less than one.
    let conversion = match offered.pixel {
        PixelFormat::Nv12 => 0,
        PixelFormat::Yuyv => 1,
        PixelFormat::Rgb | PixelFormat::Bgr => 2,
        PixelFormat::Mjpeg => 3,
        PixelFormat::Gray => 4,
    };
    (grey, slow, too_small, other_shape, too_large, conversion, offered.frame_rate.abs_diff(rate))
}

#[cfg(test)]
mod tests {
    use media_core::FrameRate;

    use super::*;
    use PixelFormat::{Gray, Mjpeg, Nv12, Rgb, Yuyv};

    fn wanted(width: u32, height: u32, rate: u32) -> VideoFormat {
        let size = Size::new(width, height).expect("a valid size");
        VideoFormat { size, frame_rate: FrameRate::new(rate).expect("a valid rate") }
    }

    fn best(offered: &[(PixelFormat, u32, u32, u32)], wanted: VideoFormat) -> Option<(PixelFormat, u32, u32, u32)> {
        let offered: Vec<_> = offered
            .iter()
            .map(|&(pixel, width, height, frame_rate)| CameraFormat { pixel, width, height, frame_rate })
            .collect();
        rank(&offered, wanted).first().map(|f| (f.pixel, f.width, f.height, f.frame_rate))
    }

    /// A common USB 2 camera: raw pictures only as fast as the bus allows.
    const USB: &[(PixelFormat, u32, u32, u32)] = &[
        (Yuyv, 640, 480, 30),
        (Yuyv, 1280, 720, 10),
        (Yuyv, 1920, 1080, 5),
        (Mjpeg, 640, 480, 30),
        (Mjpeg, 1280, 720, 30),
        (Mjpeg, 1920, 1080, 30),
    ];

    #[test]
    fn a_usb_camera_gives_large_pictures_compressed_and_small_ones_raw() {
        assert_eq!(best(USB, wanted(1280, 720, 30)), Some((Mjpeg, 1280, 720, 30)));
        assert_eq!(best(USB, wanted(640, 480, 30)), Some((Yuyv, 640, 480, 30)));
        assert_eq!(best(USB, wanted(1280, 720, 10)), Some((Yuyv, 1280, 720, 10)));
    }

    #[test]
    fn the_shape_counts_more_than_the_pixels_to_scale() {
        assert_eq!(best(USB, wanted(640, 360, 30)), Some((Mjpeg, 1280, 720, 30)));
    }

    #[test]
    fn what_is_cheap_to_convert_wins_among_equals() {
        let offered = [(Mjpeg, 1280, 720, 30), (Rgb, 1280, 720, 30), (Yuyv, 1280, 720, 30), (Nv12, 1280, 720, 30)];
        assert_eq!(best(&offered, wanted(1280, 720, 30)), Some((Nv12, 1280, 720, 30)));
        assert_eq!(best(&offered[..3], wanted(1280, 720, 30)), Some((Yuyv, 1280, 720, 30)));
        assert_eq!(best(&offered[..2], wanted(1280, 720, 30)), Some((Rgb, 1280, 720, 30)));
    }

    #[test]
    fn a_small_camera_is_used_at_its_largest_and_fastest() {
        let offered = [(Yuyv, 320, 240, 30), (Yuyv, 640, 480, 60), (Yuyv, 640, 480, 25), (Yuyv, 640, 480, 1)];
        assert_eq!(best(&offered, wanted(1280, 720, 30)), Some((Yuyv, 640, 480, 25)));
    }

    #[test]
    fn an_infrared_picture_is_the_last_resort() {
        let offered = [(Gray, 1280, 720, 30), (Yuyv, 320, 240, 15)];
        assert_eq!(best(&offered, wanted(1280, 720, 30)), Some((Yuyv, 320, 240, 15)));
        assert_eq!(best(&offered[..1], wanted(1280, 720, 30)), Some((Gray, 1280, 720, 30)));
        assert_eq!(best(&[], wanted(1280, 720, 30)), None);
        assert_eq!(best(&[(Yuyv, 640, 480, 0)], wanted(1280, 720, 30)), None);
    }
}
