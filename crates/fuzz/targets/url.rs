//! The words that name a server, a proxy, a header, a certificate and a room: typed by a person, or told by a stranger on the LAN.
//! What is accepted reads back as itself; what is refused is told in one line.
#![no_main]

use call_core::RoomId;
use fuzz::assert_showable;
use libfuzzer_sys::fuzz_target;
use signaling_client::{Headers, Protocol, parse_pin_sha256, parse_probe_url, parse_proxy, parse_server_url};

fuzz_target!(|text: &str| {
    match parse_server_url(text) {
        Ok(server) => {
            let url = &server.url;
            if server.protocol != Protocol::Manual {
                assert!(matches!(url.scheme(), "ws" | "wss"), "{url}");
                assert!(url.host_str().is_some_and(|host| !host.is_empty()), "{url} has no host");
            }
            assert_ne!(url.port_or_known_default(), Some(0), "{url}");
            assert!(server.protocol != Protocol::Ayame || url.path().len() > 1, "{url} has no path");
            assert_eq!(parse_server_url(&server.to_string()).as_ref(), Ok(&server));
            assert_showable(&server.to_string());
        }
        Err(error) => assert_showable(&error.to_string()),
    }
    if let Err(error) = parse_probe_url(text) {
        assert_showable(&error.to_string());
    }
    match parse_proxy(text) {
        Ok(proxy) => {
            let shown = proxy.to_string();
            assert_eq!(parse_proxy(&shown).map(|proxy| proxy.to_string()).as_ref(), Ok(&shown));
            assert_showable(&shown);
        }
        Err(error) => assert_showable(&error.to_string()),
    }
    if let Err(error) = Headers::default().add(text) {
        assert_showable(&error.to_string());
    }
    if let Ok(pin) = parse_pin_sha256(text) {
        let hex: Vec<String> = pin.iter().map(|byte| format!("{byte:02X}")).collect();
        assert_eq!(parse_pin_sha256(&hex.join(":")), Ok(pin));
    }
    match RoomId::new(text) {
        Ok(room) => {
            assert_eq!(room.as_str(), text);
            assert_showable(room.as_str());
        }
        Err(error) => assert_showable(&error.to_string()),
    }
});
