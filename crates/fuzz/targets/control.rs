//! What a program could send over the control socket, in pieces of any size: the first byte of the input says how large they are.
//! Lines come as they were written, and each is a wish or an error of one line; nothing that is sent takes more memory than that.
#![no_main]

use control_codec::{ID_BYTES, LineCutter, MOST_BYTES, Wish, read};
use fuzz::{Script, assert_showable};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut script = Script::new(bytes);
    let size = usize::from(script.byte()) + 1;
    let bytes = script.rest();
    let (mut cutter, mut lines) = (LineCutter::default(), Vec::new());
    for piece in bytes.chunks(size) {
        cutter.add(piece);
        lines.extend(std::iter::from_fn(|| cutter.next_line()));
        assert!(cutter.kept() <= MOST_BYTES);
    }
    let mut whole: Vec<_> = bytes.split(|&byte| byte == b'\n').collect();
    whole.pop();
    if bytes.len() <= MOST_BYTES {
        assert_eq!(lines, whole);
    }
    for line in lines {
        let asked = read(&line);
        assert!(asked.id.is_none_or(|id| id.is_number() || id.as_str().is_some_and(|id| id.len() <= ID_BYTES)));
        match asked.wish {
            Ok(Wish::Chat(text)) => assert!((1..=16 * 1024).contains(&text.len())),
            Ok(Wish::Subscribe(subscription)) => assert!((1..=30).contains(&subscription.a_second)),
            Ok(_) => {}
            Err(error) => assert_showable(&error.to_string()),
        }
    }
});
