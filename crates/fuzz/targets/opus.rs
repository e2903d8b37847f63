//! Sound packets of any sender through one decoder, with gaps between them. Whatever they hold, the sound is in [-1, 1]
//! and as long as was said.
#![no_main]

use fuzz::{Script, assert_showable};
use libfuzzer_sys::fuzz_target;
use media_codec::{CodecError, OpusDecoder};

/// 120 ms, the longest packet.
const LONGEST: usize = 5760;

fuzz_target!(|data: &[u8]| {
    let mut decoder = OpusDecoder::new().expect("there is memory");
    let mut script = Script::new(data);
    let mut sound = vec![0.5_f32];
    while !script.is_over() {
        let word = script.byte();
        let samples = usize::from(word >> 2) * 120;
        let outcome = match word & 3 {
            0 => decoder.conceal(samples, &mut sound),
            1 => decoder.decode_fec(script.short(), samples, &mut sound),
            _ => decoder.decode(script.short(), &mut sound),
        };
        check(&outcome, &sound);
        sound.truncate(1);
    }
});

fn check(outcome: &Result<usize, CodecError>, sound: &[f32]) {
    match outcome {
        Ok(samples) => {
            assert!((1..=LONGEST).contains(samples), "{samples} samples");
            assert_eq!(sound.len(), samples + 1);
        }
        Err(error) => {
            assert_eq!(sound.len(), 1, "a failure left sound");
            assert_showable(&error.to_string());
        }
    }
    assert!(sound.iter().all(|sample| (-1.0..=1.0).contains(sample)), "sound beyond full scale, or no number");
}
