//! What a person could paste in a call without a server: whatever a chat program, a mail or a joker made of a line.
//! What is read back is what was written; what is refused is told in one line.
#![no_main]

use fuzz::assert_showable;
use libfuzzer_sys::fuzz_target;
use signaling_client::{Desk, Line, MAX_LINE, Pasted};

fuzz_target!(|text: &str| {
    match Line::parse(text) {
        Ok(line) => {
            let again = line.to_text();
            assert!(again.len() > MAX_LINE || Line::parse(&again) == Ok(line));
        }
        Err(error) => assert_showable(&error.to_string()),
    }
    let offer = Line::offer(text);
    for line in [Line::answer(&offer, text), offer] {
        let written = line.to_text();
        assert!(written.len() > MAX_LINE || Line::parse(&written) == Ok(line));
    }
    let desk = Desk::new(|_| panic!("nothing was described"));
    let mut taken = 0;
    for piece in text.split('\n') {
        taken += usize::from(desk.paste(piece) == Pasted::Taken);
    }
    assert!(taken <= 1, "a line after the one that was awaited");
});
