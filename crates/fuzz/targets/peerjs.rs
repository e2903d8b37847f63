//! What a PeerJS server and its strangers send to the client, between commands of the call: a script as `fuzz::conversation`
//! reads it.
#![no_main]

use fuzz::conversation::{join, play};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use signaling_client::PeerJsCodec;

fuzz_target!(|text: &str| {
    play(&mut PeerJsCodec::new(join()), text, &|sent| {
        let message: Value = serde_json::from_str(sent).expect("what is sent is JSON");
        match message["type"].as_str() {
            Some("HEARTBEAT") => {}
            Some("LEAVE") => assert!(message["dst"].is_string(), "{sent}"),
            Some("OFFER" | "ANSWER" | "CANDIDATE") => {
                assert!(message["dst"].is_string() && message["payload"]["connectionId"].is_string(), "{sent}");
            }
            _ => panic!("{sent}"),
        }
    });
});
