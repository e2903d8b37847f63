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

pub(crate) const SPACE_HELD: &str = "Talk while held";
pub(crate) const SPACE_SWITCHES: &str = "Mute or unmute (this terminal does not tell when a key is let go)";
pub(crate) const YOU_ARE_MUTED: &str = "muted";
pub(crate) const YOUR_CAMERA_IS_OFF: &str = "camera off";
pub(crate) const PEER_MUTED: &str = "the other is muted";
pub(crate) const PEER_CAMERA_OFF: &str = "The other's camera is off";
pub(crate) const NO_PICTURE: &str = "No picture yet";
pub(crate) const METER_MICROPHONE: &str = "mic";
pub(crate) const METER_SPEAKER: &str = "speaker";
pub(crate) const SECTION_CAMERA: &str = "Camera";
pub(crate) const SECTION_MICROPHONE: &str = "Microphone";
pub(crate) const SECTION_SPEAKER: &str = "Speaker";
pub(crate) const DEVICE_AUTO: &str = "whatever the system prefers";
pub(crate) const DEVICE_TEST_CARD: &str = "test card";
pub(crate) const DEVICE_NONE: &str = "none";
pub(crate) const DEVICE_USED: &str = "in use";
pub(crate) const CHAT_YOU: &str = "you";
pub(crate) const CHAT_PEER: &str = "the other";
pub(crate) const CHAT_HINT: &str = "Enter sends, Esc closes";
pub(crate) const CALLING: &str = "Calling\u{2026}";
pub(crate) const FIGURE_SENT: &str = "sent";
pub(crate) const FIGURE_RECEIVED: &str = "received";
pub(crate) const FIGURE_LOSS: &str = "lost";
pub(crate) const FIGURE_RTT: &str = "round trip";
pub(crate) const FIGURE_LATENCY: &str = "latency";
pub(crate) const FIGURE_FPS: &str = "pictures";
pub(crate) const FIGURE_SIZE: &str = "size";
pub(crate) const FIGURE_PATH: &str = "path";
pub(crate) const FIGURE_ENCRYPTION: &str = "encryption";
pub(crate) const PICKER_HINT: &str = "arrows and Enter choose, Esc closes";

/// How others come into the room.
pub(crate) fn join_by(link: &str) -> String {
    format!("Others join with a browser: {link}")
}

/// The call that is over, and what can be done now.
pub(crate) fn ended(reason: &str) -> String {
    format!("The call is over: {reason}")
}

/// How good the connection is.
pub(crate) fn quality(quality: ConnectionQuality) -> &'static str {
    match quality {
        ConnectionQuality::Good => "Good connection",
        ConnectionQuality::Fair => "Fair connection",
        ConnectionQuality::Poor => "Poor connection",
    }
}
