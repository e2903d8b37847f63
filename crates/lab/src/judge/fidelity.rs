//! How like the scene the kept pictures are: PSNR and SSIM of the luma, without the stamp, means over the pictures.
//! A picture that came at another size is scaled to the scene's first, bilinearly, as a window would.

use std::fs;

use super::mean;
use crate::figures::Totals;
use crate::media::scene::Scene;
use crate::media::stamp;
use crate::record::{Kept, Record, RecordError};

/// What identical pictures are given, decibels.
const IDENTICAL: f64 = 99.0;

/// Side of a window of SSIM, and the step between two.
const BLOCK: usize = 8;
const STEP: usize = 4;

/// The usual constants of SSIM (Wang, Bovik, Sheikh, Simoncelli 2004, §III-B): (0.01 · 255)² and (0.03 · 255)².
const C1: f64 = 6.502_5;
const C2: f64 = 58.522_5;

/// One plane of luma.
struct Plane<'a> {
    luma: &'a [u8],
    width: usize,
    height: usize,
}

pub(super) fn judge(totals: &mut Totals, receiver: &Record, scene: &Scene) -> Result<(), RecordError> {
    let mut psnr = Vec::new();
    let mut ssim = Vec::new();
    for kept in &receiver.kept {
        let Some(luma) = luma(kept)? else { continue };
        let source = scene.picture(kept.index);
        let [width, height] = [source.size().width, source.size().height].map(|side| side as usize);
        let hidden = stamp::height(source.size().width) as usize;
        if hidden >= height {
            continue;
        }
        let came = Plane { luma: &luma, width: kept.width as usize, height: kept.height as usize };
        let scaled = scale(&came, width, height);
        let [sent, came] = [source.planes()[0], &scaled].map(|luma| Plane {
            luma: &luma[hidden * width..],
            width,
            height: height - hidden,
        });
        psnr.push(self::psnr(&sent, &came));
        ssim.push(self::ssim(&sent, &came));
    }
    totals.psnr_db = mean(psnr.into_iter());
    totals.ssim = mean(ssim.into_iter());
    Ok(())
}

/// `None` for a file that was cut off.
fn luma(kept: &Kept) -> Result<Option<Vec<u8>>, RecordError> {
    let mut bytes = fs::read(&kept.path).map_err(|cause| RecordError::File { path: kept.path.clone(), cause })?;
    let pixels = kept.width as usize * kept.height as usize;
    let whole = pixels > 0 && bytes.len() >= pixels;
    bytes.truncate(pixels);
    Ok(whole.then_some(bytes))
}

/// Bilinear, centres on centres.
fn scale(plane: &Plane, width: usize, height: usize) -> Vec<u8> {
    if (plane.width, plane.height) == (width, height) {
        return plane.luma.to_vec();
    }
    let place = |at: usize, from: usize, to: usize| {
        let exact = ((at as f64 + 0.5) * from as f64 / to as f64 - 0.5).clamp(0.0, (from - 1) as f64);
        (exact as usize, (exact as usize + 1).min(from - 1), exact.fract())
    };
    let columns: Vec<_> = (0..width).map(|x| place(x, plane.width, width)).collect();
    let mut out = Vec::with_capacity(width * height);
    for y in 0..height {
        let (top, bottom, down) = place(y, plane.height, height);
        let (top, bottom) = (&plane.luma[top * plane.width..], &plane.luma[bottom * plane.width..]);
        out.extend(columns.iter().map(|&(left, right, across)| {
            let mix = |line: &[u8]| f64::from(line[left]) * (1.0 - across) + f64::from(line[right]) * across;
            (mix(top) * (1.0 - down) + mix(bottom) * down).round() as u8
        }));
    }
    out
}

fn psnr(a: &Plane, b: &Plane) -> f64 {
    let squares: u64 = a.luma.iter().zip(b.luma).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum();
    match squares {
        0 => IDENTICAL,
        _ => 10.0 * (255.0 * 255.0 * a.luma.len() as f64 / squares as f64).log10(),
    }
}

fn ssim(a: &Plane, b: &Plane) -> f64 {
    let places = |length: usize| (0..=length.saturating_sub(BLOCK)).step_by(STEP);
    let blocks = places(a.height).flat_map(|y| places(a.width).map(move |x| block(a, b, x, y)));
    mean(blocks).unwrap_or(1.0)
}

fn block(a: &Plane, b: &Plane, x: usize, y: usize) -> f64 {
    let (mut sum_a, mut sum_b, mut squares_a, mut squares_b, mut product) = (0u32, 0u32, 0u32, 0u32, 0u32);
    for line in y..(y + BLOCK).min(a.height) {
        let range = line * a.width + x..line * a.width + (x + BLOCK).min(a.width);
        for (&a, &b) in a.luma[range.clone()].iter().zip(&b.luma[range]) {
            let (a, b) = (u32::from(a), u32::from(b));
            sum_a += a;
            sum_b += b;
            squares_a += a * a;
            squares_b += b * b;
            product += a * b;
        }
    }
    let count = (BLOCK * BLOCK) as f64;
    let (mean_a, mean_b) = (f64::from(sum_a) / count, f64::from(sum_b) / count);
    let variance_a = f64::from(squares_a) / count - mean_a * mean_a;
    let variance_b = f64::from(squares_b) / count - mean_b * mean_b;
    let covariance = f64::from(product) / count - mean_a * mean_b;
    let luminance = (2.0 * mean_a * mean_b + C1) / (mean_a * mean_a + mean_b * mean_b + C1);
    luminance * (2.0 * covariance + C2) / (variance_a + variance_b + C2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texture() -> Vec<u8> {
        (0..64 * 64u32).map(|at| (at.wrapping_mul(0x9e37_79b1) >> 25) as u8 + 60).collect()
    }

    fn plane(luma: &[u8]) -> Plane<'_> {
        Plane { luma, width: 64, height: 64 }
    }

    #[test]
    fn the_same_is_perfect_and_a_known_error_has_its_known_figure() {
        let source = texture();
        assert_eq!(psnr(&plane(&source), &plane(&source)), IDENTICAL);
        assert!((ssim(&plane(&source), &plane(&source)) - 1.0).abs() < 1e-9);
        let brighter: Vec<u8> = source.iter().map(|luma| luma + 10).collect();
        // 20 log10(255 / 10).
        assert!((psnr(&plane(&source), &plane(&brighter)) - 28.131).abs() < 0.001);
        assert!(ssim(&plane(&source), &plane(&[128; 64 * 64])) < 0.2);
    }

    #[test]
    fn scaling_keeps_what_is_smooth() {
        let slope: Vec<u8> = (0..64 * 64).map(|at| (at % 64 * 3) as u8).collect();
        let half = scale(&plane(&slope), 32, 32);
        let again = scale(&Plane { luma: &half, width: 32, height: 32 }, 64, 64);
        assert!(psnr(&plane(&slope), &plane(&again)) > 45.0);
    }
}
