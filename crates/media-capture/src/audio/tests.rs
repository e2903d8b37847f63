//! Sound sources without devices, in virtual time.

use std::time::Duration;

use media_codec::{DEFAULT_TONE_HZ, WavWriter, goertzel_power};

use super::*;

fn ignore(_: CaptureNotice) {}

/// Ten-millisecond pulls over `seconds`.
fn pulled(capture: &mut AudioCapture, seconds: u64) -> Vec<f32> {
    let start = Instant::now();
    let mut samples = Vec::new();
    for tick in 0..=seconds * 100 {
        capture.pull(start + Duration::from_millis(tick * 10), &mut samples);
    }
    samples
}

#[test]
fn the_test_tone_gives_exactly_the_elapsed_time() {
    let mut capture = start(&AudioSource::Test, false, ignore).expect("needs nothing");
    let samples = pulled(&mut capture, 3);
    assert_eq!(samples.len(), 3 * 48_000);
    assert!(goertzel_power(&samples, DEFAULT_TONE_HZ) > 100.0 * goertzel_power(&samples, 1_500.0));
    assert_eq!((capture.description(), capture.overruns()), ("test tone", 0));
}

#[test]
fn a_program_is_told_when_each_sample_is_captured() {
    let (sender, asked) = std::sync::mpsc::channel();
    let maker = SoundMaker::new(move |captured_at, samples: &mut [f32]| {
        samples.fill(0.5);
        let _ = sender.send((captured_at, samples.len()));
    });
    let mut capture = start(&AudioSource::Program(maker), false, ignore).expect("needs nothing");
    let samples = pulled(&mut capture, 1);
    assert_eq!(samples, vec![0.5; 48_000]);
    drop(capture);
    let asked: Vec<_> = asked.iter().collect();
    assert_eq!(asked.len(), 100);
    for pair in asked.windows(2) {
        assert_eq!(pair[0].0 + Duration::from_millis(10), pair[1].0);
    }
}

#[test]
fn a_file_plays_over_and_over_without_a_gap() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("in.wav");
    let mut writer = WavWriter::create(&path).expect("the file can be created");
    writer.write(&[0.25; 1_000]).expect("the file can be written");
    writer.finish().expect("the file can be completed");
    let mut capture = start(&AudioSource::File(path), false, ignore).expect("a WAV file");
    let samples = pulled(&mut capture, 1);
    assert_eq!(samples.len(), 48_000);
    assert!(samples.iter().all(|sample| (sample - 0.25).abs() < 0.001));
}

#[test]
fn a_machine_that_slept_does_not_make_up_for_it() {
    let mut capture = start(&AudioSource::Test, false, ignore).expect("needs nothing");
    let begun = Instant::now();
    let mut samples = Vec::new();
    capture.pull(begun, &mut samples);
    capture.pull(begun + Duration::from_secs(3600), &mut samples);
    assert_eq!(samples.len(), MAX_PULL);
    capture.pull(begun + Duration::from_millis(3_600_010), &mut samples);
    assert_eq!(samples.len(), MAX_PULL + 480);
}

#[test]
fn no_source_gives_nothing() {
    let mut capture = start(&AudioSource::None, false, ignore).expect("needs nothing");
    assert!(pulled(&mut capture, 1).is_empty());
}

#[test]
fn files_that_are_no_sound_are_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("in.wav");
    std::fs::write(&path, b"this is no sound").expect("the file can be written");
    for path in [path, "/no/such/file.wav".into(), folder.path().to_owned()] {
        let error = start(&AudioSource::File(path.clone()), false, ignore).err().expect("no WAV file");
        assert!(error.to_string().starts_with(&format!("{}: ", path.display())), "{error}");
    }
    let empty = folder.path().join("empty.wav");
    WavWriter::create(&empty).expect("the file can be created").finish().expect("the file can be completed");
    let error = start(&AudioSource::File(empty), false, ignore).err().expect("without sound");
    assert!(error.to_string().ends_with("no sound"), "{error}");
}
