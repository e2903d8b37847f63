//! When frames are due, for frames that are under way for longer or shorter.

use super::*;

/// Due times in milliseconds of 30 s of frames that are this long under way, in milliseconds.
fn due_times(mut network: impl FnMut(u64) -> u64) -> Vec<(f64, f64)> {
    let (mut sender, mut receiver) = (Sender { frame: 0, ..Sender::new() }, Receiver::new());
    for frame in 0..900_u64 {
        sender.frame = (frame % 250) as u8;
        let sent = frame * 100 / 3;
        receiver.receive(sent + network(frame), sender.frame(frame == 0, 1));
    }
    let start = receiver.start;
    let millis = |at: Instant| at.duration_since(start).as_secs_f64() * 1e3;
    receiver.frames.iter().map(|frame| (millis(frame.arrived), millis(frame.due))).collect()
}

#[test]
fn on_a_calm_network_frames_are_due_evenly_and_soon() {
    let due = due_times(|_| 30);
    assert_eq!(due.len(), 900);
    for pair in due[300..].windows(2) {
        let step = pair[1].1 - pair[0].1;
        assert!((32.0..=35.0).contains(&step), "{step} ms");
        assert!(pair[0].1 - pair[0].0 <= 5.0, "held for {} ms", pair[0].1 - pair[0].0);
    }
}

#[test]
fn jitter_is_taken_out_of_the_due_times() {
    // Arrivals up to 20 ms late, by a fixed pattern; in the order they were sent.
    let due = due_times(|frame| 30 + frame * 7919 % 21);
    let steps = due[300..].windows(2).map(|pair| pair[1].1 - pair[0].1);
    let uneven = steps.map(|step| (step - 33.3).abs()).fold(0.0, f64::max);
    let arrivals = due[300..].windows(2).map(|pair| pair[1].0 - pair[0].0);
    let jitter = arrivals.map(|step| (step - 33.3).abs()).fold(0.0, f64::max);
    assert!(jitter > 12.0 && uneven < 6.0, "{jitter} ms in, {uneven} ms out");
    let held = due[300..].iter().map(|(arrived, due)| due - arrived).fold(0.0, f64::max);
    assert!(held <= 30.0, "{held} ms");
}

#[test]
fn after_a_slow_spell_the_delay_goes_away() {
    let due = due_times(|frame| if (200..260).contains(&frame) { 130 } else { 30 });
    let held =
        |frames: std::ops::Range<usize>| due[frames].iter().map(|(arrived, due)| due - arrived).fold(0.0, f64::max);
    assert!(held(800..900) <= 10.0, "{} ms", held(800..900));
}
