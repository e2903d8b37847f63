//! Every text that the window and the terminal face show, in one place for whoever translates them.
//! Plain short words; `{}` marks what is filled in.

use call_engine::{ConnectionQuality, Phase};

pub(crate) const KEY_MICROPHONE: &str = "Mute or unmute";
pub(crate) const KEY_CAMERA: &str = "Camera off or on";
pub(crate) const KEY_CHAT: &str = "Chat";
pub(crate) const KEY_FULL_SCREEN: &str = "Full screen";
pub(crate) const KEY_FIGURES: &str = "Statistics";
pub(crate) const KEY_SWAP: &str = "Swap the pictures";
pub(crate) const KEY_DEVICES: &str = "Camera, microphone, speaker";
pub(crate) const KEY_ACCEPT: &str = "Accept the call";
pub(crate) const KEY_ACCEPT_WITHOUT_CAMERA: &str = "Accept without camera";
pub(crate) const KEY_DECLINE: &str = "Decline the call";
pub(crate) const KEY_CALL_AGAIN: &str = "Call again";
pub(crate) const KEY_HANG_UP: &str = "Hang up";
pub(crate) const KEY_HELP: &str = "Help";
pub(crate) const KEY_PUSH_TO_TALK: &str = "Talk while held";

/// What the desktop shows: buttons of a notification, and why the screen stays on.
pub(crate) const DESKTOP_ACCEPT: &str = "Accept";
pub(crate) const DESKTOP_DECLINE: &str = "Decline";
pub(crate) const DESKTOP_OPEN: &str = "Show";
pub(crate) const DESKTOP_IN_A_CALL: &str = "In a call";

/// Where the call stands, for the person.
pub(crate) fn phase(phase: Phase, room: &str) -> String {
    match phase {
        Phase::Joining => format!("Joining \u{201c}{room}\u{201d}\u{2026}"),
        Phase::Waiting => format!("Calling\u{2026} waiting for somebody to join \u{201c}{room}\u{201d}"),
        Phase::Ringing => format!("Somebody calls in \u{201c}{room}\u{201d}"),
        Phase::Negotiating => "Connecting\u{2026}".to_owned(),
        Phase::Connected => "Connected".to_owned(),
        Phase::Reconnecting => "Reconnecting\u{2026}".to_owned(),
        Phase::Ending => "Hanging up\u{2026}".to_owned(),
        Phase::Ended => "The call is over".to_owned(),
    }
}

/// How good the connection is.
pub(crate) fn quality(quality: ConnectionQuality) -> &'static str {
    match quality {
        ConnectionQuality::Good => "Good connection",
        ConnectionQuality::Fair => "Fair connection",
        ConnectionQuality::Poor => "Poor connection",
    }
}
