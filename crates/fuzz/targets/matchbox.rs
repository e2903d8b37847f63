//! What a matchbox server sends to the client, between commands of the call: a script as `fuzz::conversation` reads it.
#![no_main]

use fuzz::conversation::{join, play};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use signaling_client::MatchboxCodec;

fuzz_target!(|text: &str| {
    play(&mut MatchboxCodec::new(join()), text, &|sent| {
        let message: Value = serde_json::from_str(sent).expect("what is sent is JSON");
        let signal = &message["Signal"];
        let data = signal["data"].as_object();
        let known =
            data.is_some_and(|data| data.keys().all(|key| matches!(key.as_str(), "Offer" | "Answer" | "IceCandidate")));
        assert!(message == "KeepAlive" || signal["receiver"].is_string() && known, "{sent}");
    });
});
