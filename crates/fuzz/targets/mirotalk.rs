//! What a MiroTalk server sends to the client, between commands of the call: a script as `fuzz::conversation` reads it.
#![no_main]

use fuzz::conversation::{join, play};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use signaling_client::MiroTalkCodec;

fuzz_target!(|text: &str| {
    play(&mut MiroTalkCodec::new(join()), text, &|sent| {
        let Some(json) = sent.strip_prefix("42") else {
            return assert!(matches!(sent, "40" | "3"), "{sent}");
        };
        let event: Value = serde_json::from_str(json).expect("what is sent is JSON");
        assert!(matches!(event[0].as_str(), Some("join" | "relaySDP" | "relayICE")) && event[1].is_object(), "{sent}");
    });
});
