//! The line of text that two people carry between them: a description, packed small enough to be pasted or shown as a QR code.
//! Pure: whatever is pasted gives a description, or one sentence that says what to do.
//!
//! `ringback1-offer-` or `ringback1-answer-`, and in base64url (RFC 4648 §5): four bytes of SHA-256 over the word and all that
//! follows, of an answer the six bytes that name its offer, and the SDP deflated (RFC 1951) behind a dictionary. Another
//! dictionary is another version.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use call_core::{Description, DescriptionKind};
use miniz_oxide::deflate::core::{CompressorOxide, TDEFLFlush, compress, create_comp_flags_from_zip_params};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// Longest line that is looked at, in bytes: ours have 500 to 1500.
pub const MAX_LINE: usize = 16 * 1024;
/// Longest SDP that a line may unpack to, in bytes: ours have 3000.
const MAX_SDP: usize = 64 * 1024;

const PREFIX: &str = "ringback";
const VERSION: &str = "1";

const CHECKSUM: usize = 4;
const OFFER_ID: usize = 6;

/// What an offer and its answer have in common, so that an answer to another offer is told from the right one.
pub(super) type OfferId = [u8; OFFER_ID];

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// An offer or an answer.
    pub description: Description,
    /// The offer, or the one that is answered.
    pub(super) offer: OfferId,
}

/// Why a line cannot be used. None of it quotes the line, which holds a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LineError {
    /// No line of ours, nor a piece of one.
    #[error(
        "that is not a line of a call: paste the whole line that the other sent, it begins with {PREFIX}{VERSION}-"
    )]
    Foreign,
    /// Made by a later or an earlier program.
    #[error("that line is of another version: both sides need the same version of ringback")]
    Version,
    /// A piece is missing, or has been changed on the way.
    #[error("so far that line is not whole: paste the rest of it, or all of it once more")]
    Incomplete,
    /// Whole, but no program of ours writes that.
    #[error("that line makes no sense: ask the other for a new one")]
    Broken,
    /// Longer than [`MAX_LINE`].
    #[error("that is far too long for a line of a call: paste only the line that the other sent")]
    TooLong,
    /// Our own line came back.
    #[error("that is your own line: send it to the other, and paste the line that comes back")]
    Own,
    /// An answer, but to an offer that is not ours, or not any more.
    #[error("that line answers another offer: send the other your line above, and paste the answer to it")]
    OtherOffer,
    /// Both lines went their way, and here is another.
    #[error(
        "the lines are exchanged already, and this one changes nothing: if no call comes about, both start again, and only one pastes the other's first line"
    )]
    TooLate,
}

impl Line {
    /// Names an offer by its SDP.
    pub(super) fn offer_id(sdp: &str) -> OfferId {
        let digest: [u8; 32] = Sha256::digest(sdp).into();
        std::array::from_fn(|at| digest[at])
    }

    /// The line of an offer.
    #[must_use]
    pub fn offer(sdp: &str) -> Self {
        Self { description: Description::offer(sdp), offer: Self::offer_id(sdp) }
    }

    /// The line that answers the one of `offer`.
    #[must_use]
    pub fn answer(offer: &Self, sdp: &str) -> Self {
        Self { description: Description::answer(sdp), offer: offer.offer }
    }

    /// The line as text, without an end of line.
    #[must_use]
    pub fn to_text(&self) -> String {
        let is_answer = self.description.kind == DescriptionKind::Answer;
        let word = if is_answer { "answer" } else { "offer" };
        let mut body = Vec::new();
        if is_answer {
            body.extend(self.offer);
        }
        body.extend(pack(&self.description.sdp));
        let mut bytes = checksum(word, &body).to_vec();
        bytes.extend(body);
        format!("{PREFIX}{VERSION}-{word}-{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads a line; what stands before it, and white space in it, is skipped.
    ///
    /// # Errors
    /// A [`LineError`]; only [`LineError::Incomplete`] may become a line with more text behind it.
    pub fn parse(text: &str) -> Result<Self, LineError> {
        if text.len() > MAX_LINE {
            return Err(LineError::TooLong);
        }
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let (_, rest) = text.split_once(PREFIX).ok_or(LineError::Foreign)?;
        let Some((version, rest)) = rest.split_once('-') else {
            let cut = rest.is_empty() || rest == VERSION;
            return Err(if cut { LineError::Incomplete } else { LineError::Foreign });
        };
        if version != VERSION {
            let number = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
            return Err(if number { LineError::Version } else { LineError::Foreign });
        }
        let (word, code) = rest.split_once('-').ok_or(LineError::Incomplete)?;
        let is_answer = match word {
            "offer" => false,
            "answer" => true,
            _ => return Err(LineError::Foreign),
        };
        let bytes = URL_SAFE_NO_PAD.decode(code).map_err(|_| LineError::Incomplete)?;
        let (sum, body) = bytes.split_first_chunk::<CHECKSUM>().ok_or(LineError::Incomplete)?;
        if *sum != checksum(word, body) {
            return Err(LineError::Incomplete);
        }
        if is_answer {
            let (offer, packed) = body.split_first_chunk::<OFFER_ID>().ok_or(LineError::Broken)?;
            let sdp = unpack(packed).ok_or(LineError::Broken)?;
            return Ok(Self { description: Description::answer(sdp), offer: *offer });
        }
        Ok(Self::offer(&unpack(body).ok_or(LineError::Broken)?))
    }

    /// Whether this is meant as a line of a call, so that it is nothing to send as a message.
    pub(super) fn is_meant(text: &str) -> bool {
        let rest = text.trim_start().strip_prefix(PREFIX);
        rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    }
}

fn checksum(word: &str, body: &[u8]) -> [u8; CHECKSUM] {
    let digest: [u8; 32] = Sha256::new().chain_update(word).chain_update(body).finalize().into();
    std::array::from_fn(|at| digest[at])
}

/// What our own descriptions mostly consist of, with the ends of line that an SDP has (RFC 8866 §5).
fn dictionary() -> &'static [u8] {
    static DICTIONARY: OnceLock<Vec<u8>> = OnceLock::new();
    DICTIONARY.get_or_init(|| include_str!("dictionary.sdp").replace('\n', "\r\n").into_bytes())
}

/// Deflates `sdp` as if the dictionary had gone before it.
fn pack(sdp: &str) -> Vec<u8> {
    const BEST: i32 = 9;
    /// Deflate without a wrapping of its own.
    const RAW: i32 = -15;
    let mut compressor = CompressorOxide::new(create_comp_flags_from_zip_params(BEST, RAW, 0));
    let mut packed = Vec::new();
    for (input, flush, wanted) in [(dictionary(), TDEFLFlush::Sync, false), (sdp.as_bytes(), TDEFLFlush::Finish, true)]
    {
        // Deflate adds at most a few bytes to what it cannot shorten, and an SDP is short.
        let mut out = vec![0; input.len() * 2 + 1024];
        let (_, _, written) = compress(&mut compressor, input, &mut out, flush);
        if wanted {
            packed.extend_from_slice(&out[..written]);
        }
    }
    packed
}

/// The SDP in it, unless it is none or longer than any.
fn unpack(packed: &[u8]) -> Option<String> {
    let before = dictionary().len();
    let mut out = dictionary().to_vec();
    out.resize(before + MAX_SDP, 0);
    let flags = TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let (status, read, written) = decompress(&mut DecompressorOxide::new(), packed, &mut out, before, flags);
    if status != TINFLStatus::Done || read != packed.len() {
        return None;
    }
    String::from_utf8(out[before..before + written].to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sdp() -> String {
        let candidates: String = (1..5)
            .map(|n| format!("a=candidate:{n}234567{n} 1 udp 2130706431 192.168.{n}.17 5{n}231 typ host\r\n"))
            .collect();
        let ours = include_str!("dictionary.sdp").replace('\n', "\r\n");
        let (_, ours) = ours.split_once("v=0").expect("there");
        format!("v=0{ours}").replace("a=end-of-candidates\r\n", &candidates)
    }

    #[test]
    fn a_line_of_a_usual_call_fits_a_qr_code() {
        let offer = Line::offer(&sdp());
        assert!(offer.to_text().len() < 600, "{}", offer.to_text().len());
    }

    #[test]
    fn what_happens_to_a_line_on_its_way_is_healed_or_told() {
        let offer = Line::offer(&sdp());
        let answer = Line::answer(&offer, &sdp());
        let (offered, answered) = (offer.to_text(), answer.to_text());
        assert_eq!(Line::parse(&answered), Ok(answer));
        let wrapped: String = offered
            .chars()
            .enumerate()
            .flat_map(|(at, c)| [Some(c), (at % 72 == 71).then_some('\n')].into_iter().flatten())
            .collect();
        let swapped = if offered.ends_with('A') { 'B' } else { 'A' };
        let changed = format!("{}{swapped}", &offered[..offered.len() - 1]);
        let later = offered.replace("ringback1-", "ringback2-");
        let other_word = offered.replace("-offer-", "-answer-");
        for (text, result) in [
            (offered.clone(), Ok(())),
            (format!("  {offered}\r\n"), Ok(())),
            (format!("> Anna: {offered}"), Ok(())),
            (wrapped, Ok(())),
            (offered[..offered.len() - 1].to_owned(), Err(LineError::Incomplete)),
            (offered[..40].to_owned(), Err(LineError::Incomplete)),
            ("ringback1-offer-".to_owned(), Err(LineError::Incomplete)),
            ("ringback1".to_owned(), Err(LineError::Incomplete)),
            (changed, Err(LineError::Incomplete)),
            (other_word, Err(LineError::Incomplete)),
            (later, Err(LineError::Version)),
            ("hello".to_owned(), Err(LineError::Foreign)),
            ("ringback is fun - try it".to_owned(), Err(LineError::Foreign)),
            ("ringback1-call-abc".to_owned(), Err(LineError::Foreign)),
            ("x".repeat(MAX_LINE + 1), Err(LineError::TooLong)),
            (String::new(), Err(LineError::Foreign)),
        ] {
            assert_eq!(Line::parse(&text).map(|line| assert_eq!(line, offer)), result, "{text:?}");
        }
    }

    #[test]
    fn a_line_that_unpacks_without_end_is_refused() {
        let bomb = "a".repeat(MAX_SDP + 1);
        assert_eq!(Line::parse(&Line::offer(&bomb).to_text()), Err(LineError::Broken));
        let largest = "a".repeat(MAX_SDP);
        assert_eq!(Line::parse(&Line::offer(&largest).to_text()), Ok(Line::offer(&largest)));
    }

    proptest! {
        #[test]
        fn every_description_comes_back(sdp in "(?s).{0,2000}", theirs in ".{0,20}", is_answer: bool) {
            let offer = Line::offer(&theirs);
            let line = if is_answer { Line::answer(&offer, &sdp) } else { Line::offer(&sdp) };
            let text = line.to_text();
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')));
            if text.len() <= MAX_LINE {
                prop_assert_eq!(Line::parse(&text), Ok(line));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "(ringback1?-?(offer|answer)?-?)?.{0,200}") {
            let _ = Line::parse(&text);
        }
    }
}
