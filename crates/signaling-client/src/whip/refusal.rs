//! What a media server's refusals mean, as sentences that say what to do.
//! All but those that blame the server's own state are final.

/// An answer without a description in it.
pub(crate) const NO_SDP: &str = "it answered without a session description: is that the URL of a WHIP or WHEP server?";
/// More redirects than make sense.
pub(crate) const LOOP: &str = "it sends us from one address to the next: check the URL";
/// A redirect that leads nowhere, or from an encrypted address to one that is not.
pub(crate) const ASTRAY: &str = "it sends us to an address that cannot be used: check the URL";

/// A status that is final. `keyed`: our token was sent; `away`: we were redirected to another host, which does not get it.
pub(crate) fn refused(status: u16, keyed: bool, away: bool) -> String {
    let meaning = match status {
        401 | 403 if away => "the host that it sends us to wants a token, which is not passed on: use that host's URL",
        401 | 403 if keyed => "it does not accept the token that was given with --key",
        401 | 403 => "it wants a bearer token: pass it with --key",
        404 | 410 => "nothing is there: check the path; a stream to watch has to be published first",
        405 | 501 => "it takes no offers there: check the path",
        406 => "it does not take our offer, and wants to make its own, which we do not answer",
        409 => "somebody else publishes there",
        400 | 415 | 422 => "it does not understand or like our offer",
        300..400 => "it has moved, but does not say where",
        _ => "it refused our offer",
    };
    format!("HTTP {status}: {meaning}")
}

/// A status that blames the server's own state.
pub(crate) fn broken(status: u16) -> String {
    let meaning = match status {
        429 | 503 => "the server is busy",
        502 | 504 => "the server behind it is not running",
        _ => "the server failed",
    };
    format!("HTTP {status}: {meaning}")
}
