//! Delay, loss, freezes, skew, disorder, silence: each alone, each reported as it was put in.

use std::time::Duration;

use lab::judge::{Facts, LinkRow};

use crate::callers::{INTERVAL_US, Path, ZERO_US};

/// What known delays may be off by, milliseconds.
const EXACT: f64 = 2.0;

#[test]
fn known_delay_in_is_that_latency_out() {
    for (picture_ms, sound_ms) in [(0, 0), (47, 31), (150, 420), (900, 2_500), (5_000, 7_000)] {
        let (totals, _) = Path::delayed(picture_ms, sound_ms).judged();
        let picture = totals.picture_latency_ms.expect("pictures were shown");
        let sound = totals.sound_latency_ms.expect("sound was heard");
        for (measured, injected) in [(picture, picture_ms), (sound, sound_ms)] {
            for quantile in [measured.p50, measured.p95, measured.p99, measured.max] {
                assert!((quantile - injected as f64).abs() <= EXACT, "{measured:?} instead of {injected}");
            }
        }
        let skew = totals.skew_mean_ms.expect("both were there");
        assert!((skew - (picture_ms as f64 - sound_ms as f64)).abs() <= EXACT, "{skew}");
        assert_eq!(totals.first_picture_ms, Some(400.0 + picture_ms as f64));
        assert_eq!(totals.connected_ms, Some(300.0));
    }
}

#[test]
fn a_clean_run_has_nothing_to_complain_of() {
    let (totals, seconds) = Path::delayed(50, 50).judged();
    assert_eq!(totals.freezes, Some(0));
    assert_eq!(totals.out_of_order, Some(0));
    assert_eq!(totals.pictures_unreadable, Some(0));
    assert_eq!(totals.sound_gaps, Some(0));
    assert_eq!(totals.chirps_missing, Some(0));
    assert_eq!(totals.concealed_ratio, Some(0.02));
    assert_eq!(totals.mean_qp, Some(27.0));
    assert_eq!(totals.psnr_db, Some(99.0));
    assert!((totals.frame_rate.expect("pictures were shown") - 30.0).abs() < 0.1);
    assert_eq!(seconds.len(), 12);
    assert!(seconds[2..].iter().all(|second| second.pictures.abs_diff(30) <= 1), "{seconds:?}");
    assert_eq!((totals.link_use, totals.adapt_down_s, totals.recovery_ms), (None, None, None));
}

#[test]
fn lost_pictures_are_missing_and_a_burst_of_them_is_a_freeze() {
    let mut path = Path::delayed(40, 40);
    // Every tenth alone; and two bursts, of 15 and of 45 pictures.
    let lost = |index: u32| index % 10 == 5 || (100..115).contains(&index) || (200..245).contains(&index);
    path.picture = Box::new(move |index| (!lost(index)).then_some(40_000));
    let (totals, seconds) = path.judged();
    // The last one that is shown in time is number 358.
    let expected = (0..359).filter(|index| !lost(*index)).count() as u64;
    assert_eq!(totals.pictures_rendered, Some(expected));
    assert_eq!(totals.freezes, Some(2));
    let interval = INTERVAL_US as f64 / 1e6;
    let (short, long) = (16.0 * interval, 47.0 * interval);
    assert!((totals.freeze_seconds.expect("two") - short - long).abs() < 2.1 * interval, "{totals:?}");
    assert!((totals.longest_freeze_ms.expect("two") / 1e3 - long).abs() < 1.1 * interval, "{totals:?}");
    let frozen: f64 = seconds.iter().map(|second| second.frozen_ms / 1e3).sum();
    assert!((frozen - totals.freeze_seconds.expect("two")).abs() < 0.001);
}

#[test]
fn a_picture_that_never_moves_again_is_a_freeze_to_the_end() {
    let mut path = Path::delayed(40, 40);
    path.picture = Box::new(|index| (index < 150).then_some(40_000));
    let (totals, _) = path.judged();
    assert_eq!(totals.freezes, Some(1));
    assert!((totals.freeze_seconds.expect("one") - 7.0).abs() < 0.1, "{totals:?}");
}

#[test]
fn what_comes_after_a_later_one_is_out_of_order() {
    let mut path = Path::delayed(40, 40);
    path.picture = Box::new(|index| Some(if index % 50 == 10 { 140_000 } else { 40_000 }));
    let (totals, _) = path.judged();
    assert_eq!(totals.out_of_order, Some(7));
    assert_eq!(totals.freezes, Some(0));
}

#[test]
fn a_damaged_stamp_is_unreadable_and_its_picture_still_counts() {
    let mut path = Path::delayed(40, 40);
    path.show = Box::new(|index, picture| {
        if index % 100 == 50 {
            picture.as_bytes_mut()[..320 * 16].fill(128);
        }
        true
    });
    let (totals, _) = path.judged();
    assert_eq!(totals.pictures_unreadable, Some(4));
    assert!(totals.picture_latency_ms.is_some_and(|latency| latency.max < 42.0));
}

#[test]
fn a_worse_picture_is_a_worse_figure() {
    let noisy = |levels: u8| {
        let mut path = Path::delayed(40, 40);
        path.show = Box::new(move |_, picture| {
            for (at, luma) in picture.planes_mut()[0].iter_mut().enumerate().skip(320 * 16) {
                *luma = if at % 2 == 0 { luma.saturating_add(levels) } else { luma.saturating_sub(levels) };
            }
            true
        });
        let totals = path.judged().0;
        (totals.psnr_db.expect("pictures were kept"), totals.ssim.expect("pictures were kept"))
    };
    let (little, much) = (noisy(4), noisy(16));
    // 20 log10(255 / 4) and 20 log10(255 / 16).
    assert!((little.0 - 36.09).abs() < 0.1 && (much.0 - 24.05).abs() < 0.1, "{little:?} {much:?}");
    assert!(much.1 < little.1 && little.1 < 1.0);
}

#[test]
fn silences_and_missing_chirps_are_counted() {
    let mut path = Path::delayed(40, 60);
    path.play = Box::new(|samples| {
        // From 3.5 s on for 150 ms; and the chirps at 6 s and 7 s go under, with 1.3 s of pilot.
        samples[168_000..168_000 + 7_200].fill(0.0);
        samples[280_000..280_000 + 62_400].fill(0.0);
    });
    let (totals, _) = path.judged();
    assert_eq!(totals.sound_gaps, Some(2));
    assert!((totals.sound_gap_ms.expect("two") - 1_450.0).abs() <= 4.0, "{totals:?}");
    assert_eq!(totals.chirps_missing, Some(2));

    // Silent from 8.5 s on; the chirps at 9 s is missing, those of the last two seconds are not expected.
    path.play = Box::new(|samples| samples[408_000..].fill(0.0));
    let (totals, _) = path.judged();
    assert_eq!(totals.sound_gaps, Some(1));
    assert!((totals.sound_gap_ms.expect("one") - 3_440.0).abs() <= 2.0, "{totals:?}");
    assert_eq!(totals.chirps_missing, Some(1));
}

#[test]
fn where_the_pilot_is_heard_and_no_chirp_all_are_missing_and_no_latency_is_told() {
    let mut path = Path::delayed(40, 60);
    path.play = Box::new(|samples| {
        let pilot = samples[9_600..9_600 + 160].to_vec();
        samples.iter_mut().zip(pilot.iter().cycle()).for_each(|(sample, pilot)| *sample = *pilot);
    });
    let (totals, _) = path.judged();
    assert_eq!(totals.chirps_missing, Some(9), "those sent at 1 s to 9 s");
    assert_eq!((totals.sound_latency_ms, totals.skew_ms, totals.sound_gaps), (None, None, Some(0)));
}

#[test]
fn a_skew_that_grows_is_told_by_its_quantiles() {
    let mut path = Path::delayed(0, 100);
    // The picture is 100 ms late in the first half, then 250 ms.
    path.picture = Box::new(|index| Some(if index < 180 { 100_000 } else { 250_000 }));
    let (totals, seconds) = path.judged();
    let skew = totals.skew_ms.expect("both were there");
    assert!(skew.p50 <= 2.0 && (skew.max - 150.0).abs() <= 2.0, "{skew:?}");
    // Of chirps at 0 s to 11 s, six each.
    assert!((totals.skew_mean_ms.expect("both were there") - 75.0).abs() <= 2.0, "{totals:?}");
    assert_eq!(seconds[3].picture_latency_ms, Some(100.0));
    assert_eq!(seconds[9].picture_latency_ms, Some(250.0));
}

#[test]
fn where_nothing_was_shown_and_heard_nothing_is_measured() {
    let mut path = Path::delayed(40, 40);
    path.picture = Box::new(|_| None);
    path.sound_us = None;
    let (totals, seconds) = path.judged();
    assert_eq!(totals.connected_ms, Some(300.0));
    let nothing = lab::figures::Totals { connected_ms: totals.connected_ms, ..Default::default() };
    assert_eq!(totals, nothing);
    assert!(seconds.is_empty());
}

#[test]
fn where_the_zero_of_the_network_is_unknown_seconds_count_from_the_first_picture() {
    let mut path = Path::delayed(400, 400);
    path.facts = Facts { falls: vec![Duration::from_secs(3)], ..Facts::default() };
    let (totals, seconds) = path.judged();
    assert_eq!(totals.seconds, Some(11.6));
    assert_eq!((totals.adapt_down_s, seconds.len()), (None, 11));
    assert!(seconds.iter().all(|second| second.pictures.abs_diff(30) <= 1), "{seconds:?}");
}

/// A link whose sender sends at a rate of the time, one row every 100 ms.
fn link(seconds: u64, rate: impl Fn(f64) -> f64, capacity: impl Fn(f64) -> Option<f64>) -> Vec<LinkRow> {
    let mut bytes = 0.0;
    (0..=seconds * 10)
        .map(|tick| {
            let at = tick as f64 / 10.0;
            bytes += rate(at) / 80.0;
            let queue_ms = if (5.0..6.0).contains(&at) { 250.0 } else { 0.0 };
            LinkRow { at_us: ZERO_US + tick * 100_000, in_bytes: bytes as u64, queue_ms, capacity_bps: capacity(at) }
        })
        .collect()
}

#[test]
fn the_link_tells_its_use_and_its_queue() {
    let mut path = Path::delayed(0, 0);
    path.link = link(12, |_| 750_000.0, |_| Some(1_000_000.0));
    let (totals, seconds) = path.judged();
    assert!((totals.wire_bitrate_bps.expect("known") - 750_000.0).abs() < 1_000.0);
    assert!((totals.link_use.expect("known") - 0.75).abs() < 0.01);
    assert_eq!(totals.queue_peak_ms, Some(250.0));
    assert!((totals.queue_mean_ms.expect("known") - 250.0 / 12.0).abs() < 3.0);
    assert_eq!(seconds[5].queue_ms, Some(250.0));
    assert_eq!(seconds[3].capacity_bps, Some(1_000_000.0));
    assert!((seconds[8].wire_bps.expect("known") - 750_000.0).abs() < 1_000.0);
}

#[test]
fn the_time_to_give_way_and_to_come_back_is_measured() {
    let mut path = Path::delayed(50, 50);
    path.seconds = 40;
    // Down at 15 s, up at 25 s. The latency is 800 ms for four seconds; the rate is back after six.
    path.picture = Box::new(|index| {
        let captured_us = u64::from(index) * INTERVAL_US;
        Some(if (15_000_000..19_000_000).contains(&captured_us) { 800_000 } else { 50_000 })
    });
    path.facts.falls = vec![Duration::from_secs(15)];
    path.facts.rises = vec![Duration::from_secs(25)];
    path.link = link(40, |at| if (15.0..31.0).contains(&at) { 4e5 } else { 2e6 }, |_| Some(2.5e6));
    let (totals, _) = path.judged();
    // The last of these pictures is captured just before 19 s and shown 800 ms later.
    assert!((totals.adapt_down_s.expect("it did") - 4.8).abs() < 0.05, "{totals:?}");
    // A mean over a second reaches 80 % after three quarters of it.
    assert!((totals.come_back_s.expect("it did") - 6.75).abs() < 0.2, "{totals:?}");

    path.picture = Box::new(|index| Some(if u64::from(index) * INTERVAL_US > 15_000_000 { 800_000 } else { 50_000 }));
    path.link = link(40, |at| if at < 15.0 { 2e6 } else { 4e5 }, |_| Some(2.5e6));
    let (totals, _) = path.judged();
    assert_eq!((totals.adapt_down_s, totals.come_back_s), (None, None), "it never did");

    path.picture = Box::new(|index| (u64::from(index) * INTERVAL_US < 15_000_000).then_some(50_000));
    assert_eq!(path.judged().0.adapt_down_s, None, "a picture that stands still has not adapted");
}

#[test]
fn a_freeze_after_the_fall_is_no_adapting_even_if_no_picture_is_late() {
    let mut path = Path::delayed(50, 50);
    path.seconds = 20;
    path.facts.falls = vec![Duration::from_secs(8)];
    path.picture =
        Box::new(|index| (!(8_000_000..11_000_000).contains(&(u64::from(index) * INTERVAL_US))).then_some(50_000));
    let (totals, _) = path.judged();
    assert!((totals.adapt_down_s.expect("it did") - 3.05).abs() < 0.05, "{totals:?}");
}

#[test]
fn recovery_counts_from_the_end_of_the_blackout_to_the_first_picture_captured_after_it() {
    let mut path = Path::delayed(40, 40);
    path.facts = Facts {
        zero_us: Some(ZERO_US),
        blackouts: vec![(Duration::from_secs(4), Duration::from_secs(6))],
        ..Facts::default()
    };
    // Lost from 4 s to 6.5 s: the sender is told late.
    path.picture =
        Box::new(|index| (!(4_000_000..6_500_000).contains(&(u64::from(index) * INTERVAL_US))).then_some(40_000));
    let (totals, _) = path.judged();
    let recovery = totals.recovery_ms.expect("it did");
    assert!((540.0..=574.0).contains(&recovery), "{recovery}");

    path.picture = Box::new(|index| (u64::from(index) * INTERVAL_US < 4_000_000).then_some(40_000));
    assert_eq!(path.judged().0.recovery_ms, None, "it never did");
}

#[test]
fn a_picture_that_is_shown_again_is_not_counted_again() {
    let mut path = Path::delayed(40, 40);
    // Of the last hundred only the first reaches the screen, again and again.
    let mut stands = None;
    path.show = Box::new(move |index, picture| {
        if index >= 260 {
            *picture = stands.get_or_insert_with(|| picture.clone()).clone();
        }
        true
    });
    let (totals, _) = path.judged();
    assert_eq!(totals.pictures_rendered, Some(261));
    assert_eq!(totals.freezes, Some(1));
    assert!((totals.freeze_seconds.expect("one") - 3.29).abs() < 0.05, "{totals:?}");
    assert!(totals.picture_latency_ms.is_some_and(|latency| latency.max < 42.0), "{totals:?}");
}
