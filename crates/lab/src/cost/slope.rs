//! Whether something grows: the slope of the line that lies nearest to its values over time.
//! Least squares; a leak of memory or handles in a soak shows as a slope that is not about 0.

use std::time::Duration;

/// With fewer points a slope is chance.
const LEAST_POINTS: usize = 10;

/// How much the values grow in an hour; `None` with fewer than ten of them, or all at one time.
#[must_use]
pub fn slope(points: impl IntoIterator<Item = (Duration, f64)>) -> Option<f64> {
    let points: Vec<(f64, f64)> = points.into_iter().map(|(at, value)| (at.as_secs_f64() / 3600.0, value)).collect();
    if points.len() < LEAST_POINTS {
        return None;
    }
    let count = points.len() as f64;
    let mean_at = points.iter().map(|point| point.0).sum::<f64>() / count;
    let mean_value = points.iter().map(|point| point.1).sum::<f64>() / count;
    let spread = points.iter().map(|point| (point.0 - mean_at).powi(2)).sum::<f64>();
    let product = points.iter().map(|point| (point.0 - mean_at) * (point.1 - mean_value)).sum::<f64>();
    (spread > 0.0).then(|| product / spread)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(60 * minutes)
    }

    #[test]
    fn a_slope_needs_ten_points_at_different_times() {
        let line = |count| (0..count).map(|at| (minutes(at), at as f64));
        assert_eq!(slope(line(9)), None);
        assert!((slope(line(10)).expect("enough") - 60.0).abs() < 1e-9, "one a minute");
        assert_eq!(slope((0..20).map(|at| (minutes(1), f64::from(at)))), None);
    }

    proptest! {
        #[test]
        fn a_line_has_its_slope_whatever_its_height(a_minute in -100.0..100.0f64, height in -1e6..1e6f64, count in 10u64..200) {
            let found = slope((0..count).map(|at| (minutes(at), height + a_minute * at as f64))).expect("enough");
            prop_assert!((found - 60.0 * a_minute).abs() < 1e-3);
        }
    }
}
