//! ICE's connectivity checks as bytes (RFC 8445 §7.1, RFC 8489): made, answered and read with the credentials of both sides.
//! What does not carry the right name and integrity is none.

use call_core::Secret;
use rtc::crypto::{RTCCryptoProvider, default_provider};
use rtc::stun::attributes::{ATTR_PRIORITY, ATTR_USERNAME};
use rtc::stun::fingerprint::FINGERPRINT;
use rtc::stun::integrity::MessageIntegrity;
use rtc::stun::message::{
    BINDING_REQUEST, BINDING_SUCCESS, Getter as _, Message, Setter, TransactionId as StunId, is_stun_message,
};
use rtc::stun::textattrs::{TextAttribute, Username};
use std::sync::{Arc, LazyLock};

/// Names a check, so that its answer is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TransactionId(pub(crate) [u8; 12]);

/// The priority of a candidate that only the check itself makes known (RFC 8445 §5.1.2, type preference 110).
const PEER_REFLEXIVE: [u8; 4] = [110, 0xff, 0xff, 0xff];

/// What both sides prove themselves with, in one ICE generation.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    local: (String, Secret),
    remote: (String, Secret),
}

impl Credentials {
    /// From both descriptions; `None` where one of them has none.
    pub(crate) fn of(local: &str, remote: &str) -> Option<Self> {
        let attribute =
            |sdp: &str, name| sdp.lines().find_map(|line| line.strip_prefix(name)).map(|text| text.trim().to_owned());
        let side = |sdp| Some((attribute(sdp, "a=ice-ufrag:")?, Secret::new(attribute(sdp, "a=ice-pwd:")?)));
        Some(Self { local: side(local)?, remote: side(remote)? })
    }
}

/// A message with the right name and integrity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// The peer asks.
    Request,
    /// The peer answers this.
    Answer(TransactionId),
}

/// Whether the datagram is of STUN, or of TURN, which look alike.
pub(crate) fn is_stun(datagram: &[u8]) -> bool {
    is_stun_message(datagram)
}

/// A check of ours.
pub(crate) fn request(credentials: &Credentials, id: TransactionId) -> Vec<u8> {
    let name = format!("{}:{}", credentials.remote.0, credentials.local.0);
    let username = Username::new(ATTR_USERNAME, name);
    build(
        &[Box::new(BINDING_REQUEST), Box::new(StunId(id.0)), Box::new(username), Box::new(Priority)],
        &credentials.remote.1,
    )
}

/// An answer as the peer of these credentials awaits it.
#[cfg(test)]
pub(crate) fn answer(credentials: &Credentials, id: TransactionId) -> Vec<u8> {
    build(&[Box::new(BINDING_SUCCESS), Box::new(StunId(id.0))], &credentials.local.1)
}

/// Reads a check of the peer or its answer to one of ours.
pub(crate) fn read(datagram: &[u8], credentials: &Credentials) -> Option<Check> {
    if !is_stun(datagram) {
        return None;
    }
    let mut message = Message::new();
    message.unmarshal_binary(datagram).ok()?;
    if message.typ == BINDING_SUCCESS {
        is_sealed(&mut message, &credentials.remote.1).then_some(Check::Answer(TransactionId(message.transaction_id.0)))
    } else if message.typ == BINDING_REQUEST {
        let mut name = TextAttribute::new(ATTR_USERNAME, String::new());
        name.get_from(&message).ok()?;
        let expected = format!("{}:{}", credentials.local.0, credentials.remote.0);
        (name.text == expected && is_sealed(&mut message, &credentials.local.1)).then_some(Check::Request)
    } else {
        None
    }
}

/// Whether it is a check that the peer sent.
pub(crate) fn is_request(datagram: &[u8], credentials: &Credentials) -> bool {
    read(datagram, credentials) == Some(Check::Request)
}

/// The library that webrtc-rs itself uses.
static CRYPTO: LazyLock<Option<Arc<dyn RTCCryptoProvider>>> = LazyLock::new(|| default_provider().ok());

fn is_sealed(message: &mut Message, password: &Secret) -> bool {
    let Some(provider) = &*CRYPTO else { return false };
    MessageIntegrity::check(message, password.expose().as_bytes(), provider.crypto()).is_ok()
}

/// Empty where it cannot be sealed, which no crypto library refuses.
fn build(parts: &[Box<dyn Setter>], password: &Secret) -> Vec<u8> {
    let Some(provider) = &*CRYPTO else { return Vec::new() };
    let seal =
        MessageIntegrity::new_short_term_integrity_with_provider(password.expose().to_owned(), provider.crypto());
    let mut message = Message::new();
    let built =
        message.build(parts).and_then(|()| seal.add_to(&mut message)).and_then(|()| FINGERPRINT.add_to(&mut message));
    if built.is_ok() { message.raw } else { Vec::new() }
}

struct Priority;

impl Setter for Priority {
    fn add_to(&self, message: &mut Message) -> Result<(), rtc::shared::error::Error> {
        message.add(ATTR_PRIORITY, &PEER_REFLEXIVE);
        Ok(())
    }
}
