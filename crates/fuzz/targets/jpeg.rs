//! A camera's JPEG frames, good and damaged, one after another through one decoder.
//! A frame decodes to the same picture whatever came before it.
#![no_main]

use fuzz::assert_showable;
use libfuzzer_sys::fuzz_target;
use media_codec::JpegDecoder;
use media_core::{PicturePool, Size};

fuzz_target!(|frame: &[u8]| {
    let pool = PicturePool::new(1);
    let mut decoder = JpegDecoder::new();
    let first = decoder.decode(frame, &pool);
    match &first {
        Ok(picture) => {
            let Size { width, height } = picture.size();
            assert_eq!(Size::new(width, height), Ok(picture.size()));
        }
        Err(error) => assert_showable(&error.to_string()),
    }
    let first = first.ok();
    // The second half alone leaves other leftovers in the buffers of decoder and pool.
    let _ = decoder.decode(&frame[frame.len() / 2..], &pool);
    assert!(decoder.decode(frame, &pool).ok() == first);
});
