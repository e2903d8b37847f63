//! H.264 payloads of RTP packets (RFC 6184, packetization modes 0 and 1) to an Annex B byte stream.
//! Whatever the network sends, the answer is NAL units or an error, never a panic, and no bytes but those and start codes.

use media_core::PayloadInfo;

use crate::CodecError;

/// NAL unit types, ITU-T H.264 table 7-1 and RFC 6184 table 1.
mod nal {
    pub(super) const SLICE: u8 = 1;
    pub(super) const PARTITION_A: u8 = 2;
    pub(super) const IDR: u8 = 5;
    pub(super) const SEI: u8 = 6;
    pub(super) const SPS: u8 = 7;
    pub(super) const PPS: u8 = 8;
    pub(super) const DELIMITER: u8 = 9;
    pub(super) const LAST_SINGLE: u8 = 23;
    pub(super) const STAP_A: u8 = 24;
    pub(super) const FU_A: u8 = 28;
}

const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// Of the header byte: five bits of type, and the rest, forbidden bit and reference importance.
const TYPE_MASK: u8 = 0x1f;
const FORBIDDEN: u8 = 0x80;

/// Of the fragmentation header (RFC 6184 §5.8).
const FU_START: u8 = 0x80;
const FU_END: u8 = 0x40;

/// What a payload says about the frame it belongs to. Anything malformed says nothing.
pub fn inspect(payload: &[u8]) -> PayloadInfo {
    match payload {
        [header, rest @ ..] if header & TYPE_MASK == nal::STAP_A => {
            let mut info = PayloadInfo::default();
            for (position, unit) in aggregated(rest).map_while(Result::ok).enumerate() {
                let inner = inspect_unit(unit[0], &unit[1..]);
                info.starts_frame |= position == 0 && inner.starts_frame;
                info.keyframe |= inner.keyframe;
            }
            info
        }
        [header, fragment, rest @ ..] if header & TYPE_MASK == nal::FU_A => {
            let info = inspect_unit(*fragment, rest);
            PayloadInfo { starts_frame: info.starts_frame && fragment & FU_START != 0, keyframe: info.keyframe }
        }
        [header, rest @ ..] => inspect_unit(*header, rest),
        [] => PayloadInfo::default(),
    }
}

fn inspect_unit(header: u8, body: &[u8]) -> PayloadInfo {
    // A slice begins with the address of its first macroblock as ue(v): a leading 1 bit is address 0, the picture's first.
    let first_slice = body.first().is_some_and(|byte| byte & 0x80 != 0);
    match header & TYPE_MASK {
        nal::SLICE | nal::PARTITION_A => PayloadInfo { starts_frame: first_slice, keyframe: false },
        nal::IDR => PayloadInfo { starts_frame: first_slice, keyframe: true },
        nal::SPS | nal::PPS => PayloadInfo { starts_frame: true, keyframe: true },
        nal::SEI | nal::DELIMITER => PayloadInfo { starts_frame: true, keyframe: false },
        _ => PayloadInfo::default(),
    }
}

/// Appends the NAL units in the payloads of one frame, given in order, to `out`, each behind a start code. Empty payloads
/// (padding) are passed over.
///
/// # Errors
/// [`CodecError::Payload`] when a unit is cut short, a fragment is missing or the packetization is one that we did not
/// offer; what `out` then holds beyond its former end is of no use.
pub fn depacketize<'a>(payloads: impl Iterator<Item = &'a [u8]>, out: &mut Vec<u8>) -> Result<(), CodecError> {
    let mut in_fragments = false;
    for payload in payloads {
        let Some((&header, body)) = payload.split_first() else { continue };
        let kind = header & TYPE_MASK;
        if header & FORBIDDEN != 0 {
            return Err(CodecError::Payload("the forbidden bit is set"));
        }
        if in_fragments && kind != nal::FU_A {
            return Err(CodecError::Payload("the end of a fragmented unit is missing"));
        }
        match kind {
            1..=nal::LAST_SINGLE => push_unit(out, header, body),
            nal::STAP_A => {
                for unit in aggregated(body) {
                    let unit = unit?;
                    if !(1..=nal::LAST_SINGLE).contains(&(unit[0] & TYPE_MASK)) {
                        return Err(CodecError::Payload("an aggregated unit is no plain unit"));
                    }
                    push_unit(out, unit[0], &unit[1..]);
                }
            }
            nal::FU_A => {
                let Some((&fragment, body)) = body.split_first() else {
                    return Err(CodecError::Payload("a fragment has no header"));
                };
                if !(1..=nal::LAST_SINGLE).contains(&(fragment & TYPE_MASK)) {
                    return Err(CodecError::Payload("a fragment is of no plain unit"));
                }
                match (fragment & FU_START != 0, in_fragments) {
                    (true, false) => push_unit(out, (header & !TYPE_MASK) | (fragment & TYPE_MASK), body),
                    (false, true) => out.extend_from_slice(body),
                    (true, true) => return Err(CodecError::Payload("the end of a fragmented unit is missing")),
                    (false, false) => return Err(CodecError::Payload("the start of a fragmented unit is missing")),
                }
                in_fragments = fragment & FU_END == 0;
            }
            _ => return Err(CodecError::Payload("only single units, STAP-A and FU-A were offered")),
        }
    }
    if in_fragments {
        return Err(CodecError::Payload("the end of a fragmented unit is missing"));
    }
    Ok(())
}

fn push_unit(out: &mut Vec<u8>, header: u8, body: &[u8]) {
    out.extend_from_slice(&START_CODE);
    out.push(header);
    out.extend_from_slice(body);
}

/// The units in the body of a STAP-A (RFC 6184 §5.7.1), none of them empty; ends at the first error.
fn aggregated(mut body: &[u8]) -> impl Iterator<Item = Result<&[u8], CodecError>> {
    std::iter::from_fn(move || {
        let (size, rest) = match std::mem::take(&mut body) {
            [] => return None,
            [high, low, rest @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), rest),
            [_] => return Some(Err(CodecError::Payload("an aggregated unit has no size"))),
        };
        if size == 0 || size > rest.len() {
            return Some(Err(CodecError::Payload("an aggregated unit is empty or cut short")));
        }
        let (unit, rest) = rest.split_at(size);
        body = rest;
        Some(Ok(unit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn annexb(units: &[Vec<u8>]) -> Vec<u8> {
        units.iter().flat_map(|unit| START_CODE.iter().chain(unit)).copied().collect()
    }

    /// A packetizer by the letter of RFC 6184: small units are aggregated, large ones fragmented.
    fn packetize(units: &[Vec<u8>], limit: usize) -> Vec<Vec<u8>> {
        let mut payloads = Vec::new();
        let mut small: Vec<&Vec<u8>> = Vec::new();
        let flush = |small: &mut Vec<&Vec<u8>>, payloads: &mut Vec<Vec<u8>>| match std::mem::take(small).as_slice() {
            [] => {}
            [unit] => payloads.push(unit.to_vec()),
            several => {
                let mut payload = vec![nal::STAP_A];
                for unit in several {
                    payload.extend_from_slice(&(unit.len() as u16).to_be_bytes());
                    payload.extend_from_slice(unit);
                }
                payloads.push(payload);
            }
        };
        for unit in units {
            if unit.len() <= limit {
                if small.iter().map(|unit| unit.len() + 2).sum::<usize>() + unit.len() > limit {
                    flush(&mut small, &mut payloads);
                }
                small.push(unit);
                continue;
            }
            flush(&mut small, &mut payloads);
            let pieces: Vec<&[u8]> = unit[1..].chunks(limit).collect();
            for (index, piece) in pieces.iter().enumerate() {
                let start = if index == 0 { FU_START } else { 0 };
                let end = if index + 1 == pieces.len() { FU_END } else { 0 };
                payloads
                    .push([&[unit[0] & !TYPE_MASK | nal::FU_A, unit[0] & TYPE_MASK | start | end], *piece].concat());
            }
        }
        flush(&mut small, &mut payloads);
        payloads
    }

    fn run(payloads: &[Vec<u8>]) -> Result<Vec<u8>, CodecError> {
        let mut out = Vec::new();
        depacketize(payloads.iter().map(Vec::as_slice), &mut out).map(|()| out)
    }

    fn unit() -> impl Strategy<Value = Vec<u8>> {
        (1..=23u8, 0..4u8, proptest::collection::vec(any::<u8>(), 0..300)).prop_map(|(kind, importance, body)| {
            let mut unit = vec![kind | importance << 5];
            unit.extend(body);
            unit
        })
    }

    proptest! {
        #[test]
        fn depacketize_undoes_packetize(units in proptest::collection::vec(unit(), 1..8), limit in 10..120usize) {
            prop_assert_eq!(run(&packetize(&units, limit)).unwrap(), annexb(&units));
        }

        #[test]
        fn a_lost_fragment_is_noticed(body in proptest::collection::vec(any::<u8>(), 100..300), lost in 0..5usize) {
            let mut payloads = packetize(&[[vec![nal::IDR], body].concat()], 20);
            // A gap in the middle shows in the sequence numbers only; the frame buffer never lets such a frame out.
            let lost = if lost % 2 == 0 { 0 } else { payloads.len() - 1 };
            payloads.remove(lost);
            prop_assert!(run(&payloads).is_err());
        }

        #[test]
        fn hostile_payloads_never_panic(payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..8)) {
            let bytes: usize = payloads.iter().map(Vec::len).sum();
            if let Ok(out) = run(&payloads) {
                prop_assert!(out.len() <= bytes * 5, "at worst each byte is a unit and gets a start code");
            }
            for payload in &payloads {
                inspect(payload);
            }
        }
    }

    #[test]
    fn frames_start_where_the_standard_says() {
        let info = |starts_frame, keyframe| PayloadInfo { starts_frame, keyframe };
        for (payload, expected) in [
            (&[0x61, 0x9a][..], info(true, false)),    // P slice at macroblock 0
            (&[0x61, 0x4a], info(false, false)),       // P slice further down
            (&[0x65, 0x88], info(true, true)),         // IDR slice
            (&[0x67, 0x42], info(true, true)),         // SPS
            (&[0x68, 0xce], info(true, true)),         // PPS
            (&[0x06, 0x05], info(true, false)),        // SEI
            (&[0x7c, 0x85, 0x88], info(true, true)),   // first fragment of an IDR slice
            (&[0x7c, 0x05, 0x88], info(false, true)),  // a later one, whose data happens to begin with a 1 bit
            (&[0x5c, 0x41, 0x88], info(false, false)), // last fragment of a P slice
            (&[0x78, 0, 2, 0x67, 0x42, 0, 1, 0x68], info(true, true)), // SPS and PPS in one
            (&[0x78, 0, 9, 0x67], info(false, false)), // cut short
            (&[0x7c], info(false, false)),
            (&[], info(false, false)),
        ] {
            assert_eq!(inspect(payload), expected, "{payload:02x?}");
        }
    }

    #[test]
    fn what_was_not_offered_is_refused() {
        for payload in
            [&[25u8, 0, 0, 0, 1, 0x65][..], &[29, 0x85, 0], &[0, 1, 2], &[31], &[0x85, 1], &[28], &[28, 0x9c, 1]]
        {
            assert!(run(&[payload.to_vec()]).is_err(), "{payload:02x?}");
        }
        assert_eq!(run(&[vec![], vec![0x61, 7], vec![]]).unwrap(), annexb(&[vec![0x61, 7]]), "padding is passed over");
    }
}
