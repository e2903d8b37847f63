//! A Y4M file from anywhere. The same pictures come out each time it is read,
//! and what was read can be written and read again.
#![no_main]

use std::io::Cursor;

use fuzz::assert_showable;
use libfuzzer_sys::fuzz_target;
use media_codec::{Y4mError, Y4mReader, Y4mWriter};
use media_core::{FrameRate, Picture, PicturePool};

/// Larger pictures only copy more of the same.
const SMALL: usize = 256 * 256;

fuzz_target!(|file: &[u8]| {
    let mut reader = match Y4mReader::new(Cursor::new(file)) {
        Ok(reader) => reader,
        Err(error) => return assert_showable(&error.to_string()),
    };
    let (numerator, denominator) = reader.frame_rate();
    assert!(denominator > 0 && numerator > 0, "{numerator}/{denominator}");
    if reader.size().pixels() > SMALL {
        return;
    }
    let (first, broken) = read(&mut reader);
    assert!(first.iter().all(|picture| picture.size() == reader.size()));
    reader.rewind().expect("memory can be rewound");
    let (second, broken_again) = read(&mut reader);
    assert_eq!(first, second);
    assert_eq!(broken.map(|error| error.to_string()), broken_again.map(|error| error.to_string()));

    let rate = FrameRate::new(30).expect("a plain rate");
    let mut written = Vec::new();
    let mut writer = Y4mWriter::new(&mut written, reader.size(), rate).expect("memory takes everything");
    for picture in &first {
        writer.write(picture).expect("it has the file's size");
    }
    if !first.is_empty() {
        let mut copy = Y4mReader::new(Cursor::new(&written)).expect("our own file");
        let (copied, broken) = read(&mut copy);
        assert!(copied == first && broken.is_none());
    }
});

fn read(reader: &mut Y4mReader<Cursor<impl AsRef<[u8]>>>) -> (Vec<Picture>, Option<Y4mError>) {
    let (pool, mut pictures) = (PicturePool::new(1), Vec::new());
    loop {
        match reader.read_picture(&pool) {
            Ok(Some(picture)) => pictures.push(picture.clone()),
            Ok(None) => return (pictures, None),
            Err(error) => {
                assert_showable(&error.to_string());
                return (pictures, Some(error));
            }
        }
    }
}
