//! Payloads of video packets from any sender. What comes out is start codes and the units that were in the packets,
//! and no byte more. The input is payloads, each behind its length in two bytes.
#![no_main]

use fuzz::{Script, assert_showable};
use libfuzzer_sys::fuzz_target;
use media_codec::h264_rtp::{depacketize, inspect};

/// What every unit comes out behind (ITU-T H.264 annex B).
const START_CODE: [u8; 4] = [0, 0, 0, 1];

fuzz_target!(|data: &[u8]| {
    let mut script = Script::new(data);
    let mut payloads = Vec::new();
    while !script.is_over() {
        payloads.push(script.long());
    }
    for payload in &payloads {
        let info = inspect(payload);
        assert!(!payload.is_empty() || info == Default::default(), "padding belongs to no frame");
        assert_eq!(inspect(payload), info);
    }

    let mut out = b"before".to_vec();
    match depacketize(payloads.iter().copied(), &mut out) {
        Ok(()) => {
            let out = out.strip_prefix(b"before").expect("what was there stays");
            let sent: usize = payloads.iter().map(|payload| payload.len()).sum();
            assert!(out.is_empty() || out.starts_with(&START_CODE));
            // The shortest unit is a byte in a packet of its own, which its start code makes five.
            assert!(out.len() <= sent * 5, "{} bytes out of {sent}", out.len());
            // Padding, and a STAP-A (type 24) of nothing.
            let holds_none = |payload: &&[u8]| matches!(payload, [] | [0x18 | 0x38 | 0x58 | 0x78]);
            assert_eq!(out.is_empty(), payloads.iter().all(holds_none));
        }
        Err(error) => assert_showable(&error.to_string()),
    }

    // A frame goes the same way whatever its padding.
    let padded = payloads.iter().flat_map(|payload| [*payload, &[]]);
    let mut again = b"before".to_vec();
    let _ = depacketize(padded, &mut again);
    assert_eq!(out, again);
});
