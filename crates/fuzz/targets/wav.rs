//! A WAV file from anywhere. However much is asked for at a time, its sound is in [-1, 1] and not longer than
//! the file has room for.
#![no_main]

use std::io::Cursor;

use fuzz::assert_showable;
use libfuzzer_sys::fuzz_target;
use media_codec::{WavError, WavReader};

/// A frame, an odd piece of one and more than one: where blocks meet is where readers err.
const ASKED: [usize; 3] = [960, 7, 5000];

/// One byte of one channel at 8 kHz is six samples at 48 kHz; the resampler adds its own length, which is far below a second.
const MOST_PER_BYTE: usize = 6;

fuzz_target!(|file: &[u8]| {
    let mut reader = match WavReader::new(Cursor::new(file)) {
        Ok(reader) => reader,
        Err(error) => return assert_showable(&error.to_string()),
    };
    let (first, failed) = read(&mut reader);
    assert!(first.iter().all(|sample| (-1.0..=1.0).contains(sample)), "sound beyond full scale");
    assert!(first.len() <= file.len() * MOST_PER_BYTE + 48_000, "{} samples", first.len());
    if reader.rewind().is_ok() {
        let (second, failed_again) = read(&mut reader);
        assert_eq!(first, second);
        assert_eq!(failed.is_some(), failed_again.is_some());
    }
});

fn read(reader: &mut WavReader<Cursor<&[u8]>>) -> (Vec<f32>, Option<WavError>) {
    let mut sound = Vec::new();
    for samples in ASKED.into_iter().cycle() {
        let before = sound.len();
        match reader.read(samples, &mut sound) {
            Ok(read) => {
                assert_eq!(sound.len() - before, read);
                assert!(read <= samples, "{read} of {samples} samples");
                if read == 0 {
                    break;
                }
            }
            Err(error) => {
                assert_showable(&error.to_string());
                return (sound, Some(error));
            }
        }
    }
    (sound, None)
}
