//! Sources of pictures that need no camera, through the real thread: each test waits for pictures, none for time to pass.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use media_codec::{Y4mWriter, draw_stamp, read_stamp};
use media_core::{Picture, SlotWait};

use super::*;
use crate::PictureMaker;

/// Longer than any machine needs.
const PATIENCE: Duration = Duration::from_secs(20);

fn format(width: u32, height: u32, rate: u32) -> VideoFormat {
    let size = Size::new(width, height).expect("a valid size");
    VideoFormat { size, frame_rate: FrameRate::new(rate).expect("a valid rate") }
}

fn clip(folder: &Path, format: VideoFormat, pictures: u32) -> PathBuf {
    let path = folder.join("clip.y4m");
    let file = std::fs::File::create(&path).expect("the file can be created");
    let mut writer = Y4mWriter::new(file, format.size, format.frame_rate).expect("the file can be written");
    for number in 0..pictures {
        let mut picture = Picture::black(format.size);
        draw_stamp(&mut picture, number);
        writer.write(&picture).expect("the file can be written");
    }
    writer.finish().expect("the file can be completed");
    path
}

type Notices = mpsc::Receiver<CaptureNotice>;

fn started(source: &VideoSource, format: VideoFormat) -> (VideoCapture, Slot, Notices) {
    let slot = Arc::new(LatestSlot::new());
    let (sender, notices) = mpsc::channel();
    let notify = move |notice| drop(sender.send(notice));
    let capture = start(source, format, false, Arc::clone(&slot), notify).expect("the source can be used");
    (capture, slot, notices)
}

fn next(slot: &LatestSlot<CapturedPicture>) -> CapturedPicture {
    match slot.wait_timeout(PATIENCE) {
        SlotWait::Value(picture) => picture,
        other => panic!("no picture: {other:?}"),
    }
}

#[test]
fn a_program_draws_with_the_number_and_the_time_of_capture() {
    let format = format(320, 180, 60);
    let begun = std::time::Instant::now();
    let maker = PictureMaker::new(move |index, captured_at, picture: &mut Picture| {
        let expected = index as f64 / 60.0;
        // The schedule starts somewhat after `begun`, and then keeps its pace.
        assert!(captured_at.duration_since(begun).as_secs_f64() >= expected);
        draw_stamp(picture, u32::try_from(index).expect("a short test"));
        index % 2 == 0
    });
    let (capture, slot, _notices) = started(&VideoSource::Program(maker), format);
    assert_eq!((capture.description(), capture.size()), ("the program", format.size));
    let first = next(&slot);
    let later = next(&slot);
    assert!(read_stamp(&later.picture) > read_stamp(&first.picture));
    let numbers = [first, later].map(|captured| read_stamp(&captured.picture).expect("a stamp"));
    assert!(numbers.iter().all(|number| number % 2 == 0), "the others were not wanted: {numbers:?}");
}

#[test]
fn the_test_card_counts_its_pictures_at_even_times() {
    let format = format(320, 180, 60);
    let (capture, slot, _notices) = started(&VideoSource::TestCard, format);
    assert_eq!((capture.description(), capture.size()), ("test card", format.size));
    let first = next(&slot);
    let later = next(&slot);
    let numbers = [&first, &later].map(|captured| u64::from(read_stamp(&captured.picture).expect("a stamp")));
    assert!(numbers[1] > numbers[0]);
    // Times follow the schedule, whatever the machine's load does to the thread.
    let apart = (later.captured_at - first.captured_at).as_secs_f64();
    assert!((apart - (numbers[1] - numbers[0]) as f64 / 60.0).abs() < 0.001, "{apart} s for {numbers:?}");
}

#[test]
fn a_clip_starts_over_and_is_scaled_to_the_size_wanted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = clip(folder.path(), format(320, 180, 100), 3);
    let (_capture, slot, notices) = started(&VideoSource::File { path, once: false }, format(640, 360, 100));
    let mut seen = [0; 3];
    while seen.iter().any(|times| *times < 2) {
        let captured = next(&slot);
        assert_eq!(captured.picture.size(), format(640, 360, 1).size);
        seen[read_stamp(&captured.picture).expect("a stamp survives scaling") as usize] += 1;
    }
    assert!(notices.try_recv().is_err());
}

#[test]
fn a_clip_that_plays_once_says_when_it_ends() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = clip(folder.path(), format(64, 64, 100), 5);
    let (_capture, slot, notices) = started(&VideoSource::File { path, once: true }, format(64, 64, 100));
    assert_eq!(notices.recv_timeout(PATIENCE), Ok(CaptureNotice::Ended));
    assert_eq!(slot.take().and_then(|captured| read_stamp(&captured.picture)), Some(4));
}

#[test]
fn a_faster_clip_is_thinned_out_to_the_rate_wanted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = clip(folder.path(), format(64, 64, 120), 24);
    let (_capture, slot, _notices) = started(&VideoSource::File { path, once: true }, format(64, 64, 30));
    let mut previous = next(&slot);
    // The last picture stays in the slot, so waiting for it ends.
    while read_stamp(&previous.picture).expect("a stamp") < 19 {
        let captured = next(&slot);
        let apart = captured.captured_at - previous.captured_at;
        assert!(apart > Duration::from_millis(24), "{apart:?} apart");
        previous = captured;
    }
}

#[test]
fn a_stopped_source_gives_no_more() {
    let (capture, slot, _notices) = started(&VideoSource::TestCard, format(64, 64, 120));
    next(&slot);
    capture.stop();
    slot.take();
    assert!(slot.take().is_none());
    // The thread's clone is gone.
    assert_eq!(Arc::strong_count(&slot), 1);
}

#[test]
fn no_source_starts_nothing() {
    let (capture, slot, _notices) = started(&VideoSource::None, format(64, 64, 30));
    assert_eq!((capture.description(), Arc::strong_count(&slot)), ("no pictures", 1));
}

#[test]
fn files_that_are_no_clip_are_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = folder.path().join("text.y4m");
    std::fs::write(&text, b"this is no clip\n").expect("the file can be written");
    let empty = clip(folder.path(), format(64, 64, 30), 0);
    let cut = folder.path().join("cut.y4m");
    let whole = std::fs::read(clip(folder.path(), format(64, 64, 30), 1)).expect("the clip");
    std::fs::write(&cut, &whole[..whole.len() - 100]).expect("the file can be written");
    let empty_again = clip(folder.path(), format(64, 64, 30), 0);
    assert_eq!(empty, empty_again);
    for path in [text, empty, cut, "/no/such/clip.y4m".into(), folder.path().to_owned()] {
        let source = VideoSource::File { path: path.clone(), once: false };
        let error = start(&source, format(64, 64, 30), false, Arc::default(), |_| {}).err().expect("no clip");
        assert!(error.to_string().starts_with(&format!("{}: ", path.display())), "{error}");
    }
}

#[test]
fn a_camera_that_is_not_there_is_an_error_at_once() {
    for id in ["no-such-camera", "4294967295"] {
        let error = start(&VideoSource::Camera(id.into()), format(64, 64, 30), false, Arc::default(), |_| {}).err();
        let device = format!("camera {id}");
        assert_eq!(error, Some(CaptureError::Missing { device }));
    }
}
