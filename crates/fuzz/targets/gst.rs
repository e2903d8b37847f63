//! What GStreamer's signalling server and its strangers send to the client, between commands of the call: a script as
//! `fuzz::conversation` reads it.
#![no_main]

use fuzz::conversation::{join, play};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use signaling_client::GstCodec;

fuzz_target!(|text: &str| {
    play(&mut GstCodec::new(join()), text, &|sent| {
        let message: Value = serde_json::from_str(sent).expect("what is sent is JSON");
        match message["type"].as_str() {
            Some("list") => {}
            Some("setPeerStatus") => assert_eq!(message["meta"]["name"], "room", "{sent}"),
            Some("startSession") => assert!(message["peerId"].is_string(), "{sent}"),
            Some("peer") => {
                assert!(message["sessionId"].is_string() && message["sdp"].is_object() != message["ice"].is_object());
            }
            Some("endSession") => assert!(message["sessionId"].is_string(), "{sent}"),
            _ => panic!("{sent}"),
        }
    });
});
