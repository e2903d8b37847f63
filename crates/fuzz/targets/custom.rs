//! A mapping file, which a person may have from a stranger, and behind the line `---` what a server sends to a client that
//! works by it: a script as `fuzz::conversation` reads it.
#![no_main]

use std::sync::Arc;

use fuzz::assert_showable;
use fuzz::conversation::{join, play};
use libfuzzer_sys::fuzz_target;
use signaling_client::{CustomCodec, Mapping};

fuzz_target!(|text: &str| {
    let (mapping, script) = text.split_once("\n---\n").unwrap_or((text, ""));
    match Mapping::parse("fuzz.toml", mapping) {
        // A mapping can have anything sent.
        Ok(mapping) => play(&mut CustomCodec::new(join(), Arc::new(mapping)), script, &|_| {}),
        Err(error) => assert_showable(&error.to_string()),
    }
});
