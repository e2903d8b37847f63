//! How much two pictures differ, as one number: the peak signal-to-noise ratio over all three planes.
//! For the tests and measurements of whatever lies between a sent and a received picture.

use media_core::Picture;

/// Peak signal-to-noise ratio in dB over every sample of Y, U and V: infinite for equal pictures, above about 38 the eye
/// sees no difference, under 30 it is disturbed. Pictures of different sizes have nothing in common: 0.
pub fn psnr(one: &Picture, other: &Picture) -> f64 {
    if one.size() != other.size() {
        return 0.0;
    }
    let squares: u64 =
        one.as_bytes().iter().zip(other.as_bytes()).map(|(&a, &b)| u64::from(a.abs_diff(b)).pow(2)).sum();
    let mean = squares as f64 / one.as_bytes().len() as f64;
    10.0 * (255.0 * 255.0 / mean).log10()
}

#[cfg(test)]
mod tests {
    use super::*;
    use media_core::Size;

    #[test]
    fn the_scale_is_the_usual_one() {
        let black = Picture::black(Size { width: 64, height: 64 });
        assert_eq!(psnr(&black, &black.clone()), f64::INFINITY);
        let mut off_by_one = black.clone();
        off_by_one.as_bytes_mut().iter_mut().for_each(|sample| *sample += 1);
        assert!((psnr(&black, &off_by_one) - 48.13).abs() < 0.01);
        assert_eq!(psnr(&black, &Picture::black(Size { width: 64, height: 32 })), 0.0);
    }
}
