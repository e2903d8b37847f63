//! Video packets of any sender, through the depacketizer into one decoder. The input is payloads: a byte whose lowest bit
//! ends a frame, the length in two bytes, the payload.
#![no_main]

use fuzz::{Script, assert_showable};
use libfuzzer_sys::fuzz_target;
use media_codec::{H264Decoder, h264_rtp::depacketize};
use media_core::{PicturePool, Size};

fuzz_target!(|data: &[u8]| {
    let mut decoder = H264Decoder::new().expect("there is memory");
    let pool = PicturePool::new(1);
    let mut script = Script::new(data);
    let mut payloads: Vec<&[u8]> = Vec::new();
    while !script.is_over() {
        let ends = script.byte() & 1 == 1;
        payloads.push(script.long());
        if !ends && !script.is_over() {
            continue;
        }
        let mut frame = Vec::new();
        if depacketize(payloads.drain(..), &mut frame).is_err() {
            continue;
        }
        match decoder.decode(&frame, &pool) {
            Ok(Some(picture)) => {
                let Size { width, height } = picture.size();
                assert_eq!(Size::new(width, height), Ok(picture.size()));
            }
            Ok(None) => {}
            Err(error) => assert_showable(&error.to_string()),
        }
    }
});
