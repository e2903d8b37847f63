//! Mapping files that are wrong, and what is said of each. The guide's examples are right.

use proptest::prelude::*;

use super::*;

const GST: &str = include_str!("../testdata/gst-simple-server.toml");
const CALL: &str = include_str!("../testdata/libdatachannel-call.toml");

#[track_caller]
fn complaint(mapping: &str) -> String {
    Mapping::parse("test.toml", mapping).expect_err("a wrong mapping").to_string()
}

#[test]
fn a_wrong_mapping_is_told_by_file_key_and_what_is_expected() {
    for (from, to, expected) in [
        ("url = ", "url : ", "test.toml, line 3: "),
        (
            "url = \"wss://localhost:8443\"",
            "",
            "test.toml: `url` is missing or no text: expected a text like wss://host/path",
        ),
        ("wss://localhost:8443", "https://localhost", "test.toml: `url` expected a text like wss://host/path"),
        ("wss://localhost:8443", "wss://{room}/", "test.toml: `url` expected"),
        ("wss://localhost:8443", "wss:///{room}/", "test.toml: `url` expected"),
        (
            "wss://localhost:8443",
            "wss://h/{sdp}",
            "test.toml: `url` cannot hold `{sdp}`: the values here are {me}, {room}, {key}",
        ),
        (
            "\"newcomer\"",
            "\"both\"",
            "test.toml: `offers` is missing or wrong: expected \"newcomer\", \"member\", \"we\" or \"peer\"",
        ),
        ("open = \"HELLO {me}\"", "opens = \"HELLO\"", "test.toml: `send.opens` is unknown: see mapping.md"),
        (
            "open = \"HELLO {me}\"",
            "open = \"HELLO {you}\"",
            "test.toml: `send.open` is wrong: `{you}` is no value: the values are agent, ",
        ),
        (
            "open = \"HELLO {me}\"",
            "open = 7",
            "test.toml: `send.open` is wrong: expected a text or a table that is not empty",
        ),
        ("open = \"HELLO {me}\"", "open = []", "test.toml: `send.open` is wrong: expected 1 to 16 texts or tables"),
        ("sdp = \"{sdp}\"", "sdp = \"x\"", "test.toml: `both.offer` lacks a place for `{sdp}`"),
        (
            "sdp = \"{sdp}\"",
            "sdp = 1979-05-27",
            "test.toml: `both.offer.json.sdp.sdp` is a date, which JSON does not have",
        ),
        ("type = \"offer\"", "type = \"{sdp}\"", "test.toml: `both.offer` is wrong: `{sdp}` is in it twice"),
        ("{peer} {json}\"", "{peer}\"", "test.toml: `both.offer.line` is wrong: expected a text that ends in `{json}`"),
        (
            "joined = \"ROOM_OK {others}\"",
            "",
            "test.toml: `receive.joined` does not tell whether somebody is in the room",
        ),
        ("\"ROOM {room}\"", "\"ROOM {sdp}\"", "test.toml: `reply[0].send` cannot hold `{sdp}`"),
        ("to = \"HELLO\"", "", "test.toml: `reply[0].to` is missing: expected the message to reply to"),
        ("[send]", "[send]\nkeep_alive = \"x\"", "test.toml: `keep_alive_seconds` is missing: expected how often"),
        (
            "[send]",
            "keep_alive_seconds = 0\n[send]",
            "test.toml: `keep_alive_seconds` is wrong: expected a number of seconds from 1 to 3600",
        ),
        ("[send]", "both = 7\n[send]", "test.toml, line "),
        ("[send]", "renegotiation = 1\n[send]", "test.toml: `renegotiation` is wrong: expected true or false"),
    ] {
        let complaint = complaint(&GST.replacen(from, to, 1));
        assert!(complaint.starts_with(expected), "{to}: {complaint}");
    }
    let both = GST.find("[both]").expect("a section");
    let without = complaint(&format!("{}[receive]\njoined = \"OK {{others}}\"", &GST[..both]));
    assert!(without.starts_with("test.toml: `send.offer` is missing: expected a text or a table"), "{without}");
    let nameless = complaint(&CALL.replace("peer = \"{room}\"", "").replace("id = \"{peer}\"", "id = \"x\"").replacen(
        "[both]",
        "[send]\noffer = \"{peer} {sdp}\"\n[both]",
        1,
    ));
    assert!(
        nameless.starts_with("test.toml: `send.offer` needs `{peer}`, but nothing tells who that is"),
        "{nameless}"
    );
    assert_eq!(complaint(&"#".repeat(70_000)), "test.toml is no mapping file: it is longer than 64 KiB");
    let error = Mapping::load(std::path::Path::new("no/such.toml")).expect_err("there is none").to_string();
    assert!(error.starts_with("the mapping file no/such.toml cannot be read: "), "{error}");
}

#[test]
fn every_example_of_the_guide_is_a_mapping() {
    let guide = include_str!("../mapping.md");
    let examples: Vec<&str> = guide.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!examples.is_empty());
    for example in examples {
        Mapping::parse("mapping.md", example).expect("a good mapping");
    }
}

proptest! {
    #[test]
    fn no_file_makes_it_panic(text in "[a-z{}\\[\\]=\". \n]{0,80}", at in 0..GST.len(), cut in 0..40usize) {
        let _ = Mapping::parse("test.toml", &text);
        let end = (at + cut).min(GST.len());
        let _ = Mapping::parse("test.toml", &format!("{}{text}{}", &GST[..at], &GST[end..]));
    }
}
