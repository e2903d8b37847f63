//! What every talk with a proxy is to the shell: steps of bytes to send and of bytes to read, until the way is open.
//! No step reads further than the proxy's last answer, so that what the server says is left in the stream.

use thiserror::Error;

/// What to do next.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Write this out, and come again with nothing. May hold a password.
    Send(Vec<u8>),
    /// Read exactly so many bytes, at least one, and come again with them.
    Read(usize),
    /// From here on it is the server that listens.
    Through,
}

/// A talk with a proxy.
pub(crate) trait Handshake: Send {
    /// The next step, after the last one was done; `heard` is what was read in it.
    ///
    /// # Errors
    /// Why the proxy does not pass us on; there is no next step.
    fn step(&mut self, heard: &[u8]) -> Result<Step, Fault>;
}

/// Why a proxy does not pass us on, in its protocol's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Fault {
    /// What came is not this protocol.
    #[error("it does not answer as such a proxy: check the scheme and the port of its URL")]
    Foreign,
    /// It has no end.
    #[error("its answer is too long")]
    TooLong,
    /// It wants to know who we are, and we were not told.
    #[error("it wants a user name and a password: write them into its URL (scheme://USER:PASSWORD@HOST)")]
    WantsLogin,
    /// It knows, and says no.
    #[error("it does not accept the user name and the password of its URL")]
    WrongLogin,
    /// It answers no to CONNECT, with this HTTP status.
    #[error("HTTP {0}: {hint}", hint = http_hint(*.0))]
    Http(u16),
    /// It answers no to CONNECT, with this SOCKS reply code.
    #[error("{words} (SOCKS reply {0})", words = socks_words(*.0))]
    Socks(u8),
}

impl Fault {
    /// Whether the same request may be granted later.
    pub(crate) fn may_heal(self) -> bool {
        match self {
            Self::Http(status) => matches!(status, 408 | 429 | 500..=599),
            // General failure, network, host, refused, expired.
            Self::Socks(code) => matches!(code, 1 | 3..=6),
            _ => false,
        }
    }
}

fn http_hint(status: u16) -> &'static str {
    match status {
        400 | 405 | 501 => "it does not pass connections on: is it a proxy?",
        403 => "it does not let this program through to there: ask who runs it",
        404 => "nothing there passes connections on: is it a proxy?",
        429 => "too many connections from here: wait a little",
        502..=504 => "it cannot reach the server",
        500..=599 => "it has a problem: try again later",
        _ => "it does not pass us on",
    }
}

/// RFC 1928 §6.
fn socks_words(code: u8) -> &'static str {
    match code {
        1 => "it has a problem: try again later",
        2 => "it does not let this program through to there: ask who runs it",
        3 => "it has no way to the server's network",
        4 => "it cannot reach the server",
        5 => "the server refused its connection: is the server running, and is the port right?",
        6 => "the way from it to the server is too long",
        7 => "it does not pass connections on",
        8 => "it does not know this kind of address: try socks5h:// or socks5://, the other one",
        _ => "it does not pass us on",
    }
}

/// Does a talk with a proxy that has said all it will ever say: the steps' end, and what was sent.
#[cfg(test)]
pub(crate) fn play(
    mut handshake: impl Handshake,
    mut answer: &[u8],
) -> (Result<(), Option<Fault>>, Vec<Vec<u8>>, usize) {
    let (mut heard, mut sent, mut read) = (Vec::new(), Vec::new(), 0);
    loop {
        match handshake.step(&heard) {
            Err(fault) => return (Err(Some(fault)), sent, read),
            Ok(Step::Through) => return (Ok(()), sent, read),
            Ok(Step::Send(bytes)) => {
                sent.push(bytes);
                heard.clear();
            }
            Ok(Step::Read(length)) => {
                assert!(length > 0, "a step of nothing would never end");
                let Some((now, later)) = answer.split_at_checked(length) else {
                    return (Err(None), sent, read);
                };
                (heard, answer) = (now.to_vec(), later);
                read += length;
            }
        }
    }
}
