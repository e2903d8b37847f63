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

pub(crate) const SPACE_HELD: &str = "Talk while held";
pub(crate) const SPACE_SWITCHES: &str = "Mute or unmute (this terminal does not tell when a key is let go)";
pub(crate) const STATE_MUTED: &str = "muted";
pub(crate) const STATE_CAMERA_OFF: &str = "camera off";
pub(crate) const STATE_PEER_MUTED: &str = "the other one is muted";
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

// The start page.
pub(crate) const APP: &str = "Ringback";
pub(crate) const ROOM: &str = "Room";
pub(crate) const ROOM_HINT: &str = "a word that both of you know";
pub(crate) const ROOM_MISSING: &str = "Name a room: whoever names the same one is called.";
pub(crate) const RECENT: &str = "Recent rooms";
pub(crate) const CALL: &str = "Call";
pub(crate) const NEW_ROOM: &str = "New room";
pub(crate) const NEW_ROOM_HINT: &str = "A name that nobody guesses, and that can be said on the telephone";
pub(crate) const WHERE: &str = "Where to meet";
pub(crate) const FIND_OR_HOST: &str = "On this machine or network: find the room, or host it here";
pub(crate) const BY_SERVER: &str = "At a server";
pub(crate) const SERVER: &str = "Server address";
pub(crate) const SERVER_HINT: &str = "wss://example.org/signaling";
pub(crate) const SERVER_MISSING: &str = "Name a server, such as wss://example.org/signaling.";
pub(crate) const PREVIEW: &str = "Camera preview";
pub(crate) const NO_PREVIEW: &str = "No picture from the camera";
pub(crate) const MICROPHONE_LEVEL: &str = "Microphone level";
pub(crate) const PLACING: &str = "Looking for the room\u{2026}";
pub(crate) const CANCEL: &str = "Cancel";

pub(crate) const THEME: &str = "Light or dark";
pub(crate) const THEME_SYSTEM: &str = "As the desktop";
pub(crate) const THEME_LIGHT: &str = "Light";
pub(crate) const THEME_DARK: &str = "Dark";

// Devices.
pub(crate) const CAMERA: &str = "Camera";
pub(crate) const CAMERA_FORMAT: &str = "Picture size";
pub(crate) const MICROPHONE: &str = "Microphone";
pub(crate) const SPEAKER: &str = "Speaker";
pub(crate) const AUTOMATIC: &str = "Automatic";
pub(crate) const NO_CAMERA: &str = "No camera";
pub(crate) const TEST_PICTURE: &str = "Test picture";
pub(crate) const NO_MICROPHONE: &str = "No microphone";
pub(crate) const NO_SPEAKER: &str = "No speaker";
pub(crate) const TEST_SOUND: &str = "Test sound";

// How others come into the room.
pub(crate) const OPEN_LINK: &str = "Open the link in a browser";
pub(crate) const COPY_LINK: &str = "Copy the link";
pub(crate) const CODE: &str = "Code of the link, for a telephone's camera";
pub(crate) const REACH_HERE: &str = "Whoever uses this machine can join.";
pub(crate) const REACH_NETWORK: &str = "Whoever is on this network can join.";
pub(crate) const LINK_FAILED: &str = "No browser could be opened; copy the link.";

// A call without a server.
pub(crate) const LINE: &str = "Line for the other";
pub(crate) const LINE_OFFER: &str = "Send this line to the other, who calls without a server too and pastes it there:";
pub(crate) const LINE_ANSWER: &str = "Send this line back. The call begins when the other has pasted it:";
pub(crate) const LINE_PASTE: &str =
    "Then paste the line that comes back (or the other's first line, if that is here before):";
pub(crate) const LINE_HINT: &str = "ringback1-answer-\u{2026}";
pub(crate) const LINE_CARRIED: &str = "The lines are being exchanged";
pub(crate) const LINE_TAKE: &str = "Take the line";
pub(crate) const LINE_COPY: &str = "Copy the line";
pub(crate) const LINE_COPIED: &str = "the line was given to the clipboard, if this terminal lets programs do that";
pub(crate) const LINE_CODE: &str = "Code of the line, for the camera of the other's machine";
pub(crate) const LINE_CODE_SHOWN: &str = "Your line as a code, for a camera. Ctrl-K shows its letters again.";
pub(crate) const LINE_CODE_TOO_LONG: &str = "Your line is too long for a code. Ctrl-K shows its letters again.";
pub(crate) const LINE_KEYS: &str = "Enter takes it, Esc frees the keys, Ctrl-Y copies yours, Ctrl-K shows it as a code";
pub(crate) const LINE_KEYS_OURS: &str = "Ctrl-Y: copy yours, Ctrl-K: its code";
pub(crate) const LINE_KEYS_FREE: &str = "Enter: paste the other's line";
pub(crate) const LINE_BY_HAND: &str = "Without a server: you and the other exchange two lines, by mail or chat.";
pub(crate) const NO_LINE_AWAITED: &str = "no line is awaited now";

/// A terminal that is too small for the line's code, which has so many columns and rows.
pub(crate) fn line_code_hidden(columns: usize, rows: usize) -> String {
    format!(
        "The code of your line needs {columns} columns and {rows} rows here: make the terminal larger, or its letters smaller. \
         Ctrl-K shows the line itself again."
    )
}

/// A terminal that is too small for the line.
pub(crate) fn line_hidden(letters: usize) -> String {
    format!("{letters} letters do not fit: Ctrl-Y copies the line, or make the terminal larger")
}

// In the call.
pub(crate) const MUTE: &str = "Mute";
pub(crate) const UNMUTE: &str = "Unmute";
pub(crate) const CAMERA_OFF: &str = "Turn camera off";
pub(crate) const CAMERA_ON: &str = "Turn camera on";
pub(crate) const CHAT: &str = "Chat";
pub(crate) const DEVICES: &str = "Devices";
pub(crate) const FIGURES: &str = "Statistics";
pub(crate) const FULL_SCREEN: &str = "Full screen";
pub(crate) const LEAVE_FULL_SCREEN: &str = "Leave full screen";
pub(crate) const HELP: &str = "Help";
pub(crate) const HANG_UP: &str = "Hang up";
pub(crate) const ACCEPT: &str = "Accept";
pub(crate) const ACCEPT_WITHOUT_CAMERA: &str = "Accept without camera";
pub(crate) const DECLINE: &str = "Decline";
pub(crate) const CLOSE: &str = "Close";
pub(crate) const SMALL_PICTURE: &str = "Drag or arrow keys move it, click or Enter swaps the pictures";
pub(crate) const TOP_LEFT: &str = "top left";
pub(crate) const TOP_RIGHT: &str = "top right";
pub(crate) const BOTTOM_LEFT: &str = "bottom left";
pub(crate) const BOTTOM_RIGHT: &str = "bottom right";
pub(crate) const PEER_PICTURE: &str = "The other one's picture";
pub(crate) const OWN_PICTURE: &str = "Your own picture";
pub(crate) const SCREEN_PICTURE: &str = "The shared screen";
pub(crate) const PEER_MUTED: &str = "The other one is muted";
pub(crate) const PEER_CAMERA_OFF: &str = "The other one's camera is off";
pub(crate) const OWN_CAMERA_OFF: &str = "Your camera is off";
pub(crate) const NO_PICTURE: &str = "No picture yet";
pub(crate) const YOU_ARE_MUTED: &str = "You are muted";
pub(crate) const TALKING: &str = "Talking while the space key is held";
pub(crate) const SPACE: &str = "Space";

// Chat.
pub(crate) const MESSAGE: &str = "Message";
pub(crate) const MESSAGE_HINT: &str = "Write, Enter sends";
pub(crate) const SEND: &str = "Send";
pub(crate) const YOU: &str = "You";
pub(crate) const PEER: &str = "Other";
pub(crate) const NO_CHAT: &str = "Nothing was written yet.";
/// Sent as they are by one click.
pub(crate) const ANSWERS: [&str; 5] = ["Yes.", "No.", "One moment, please.", "I can't hear you.", "I can't see you."];

// After the call.
pub(crate) const CALL_AGAIN: &str = "Call again";
pub(crate) const START_PAGE: &str = "Back to the start page";

// Statistics.
pub(crate) const SENT: &str = "Sent";
pub(crate) const RECEIVED: &str = "Received";
pub(crate) const PICTURE_SENT: &str = "Picture sent";
pub(crate) const PICTURE_RECEIVED: &str = "Picture received";
pub(crate) const LOSS: &str = "Packets lost";
pub(crate) const ROUND_TRIP: &str = "Round trip";
pub(crate) const LATENCY: &str = "Latency of the sound";
pub(crate) const PATH: &str = "Path";
pub(crate) const ENCRYPTION: &str = "Encryption";
pub(crate) const NOT_MEASURED: &str = "not measured";
pub(crate) const LAST_MINUTE: &str = "The last minute";

/// The chat button, with the lines that were not seen.
pub(crate) fn chat(unread: usize) -> String {
    if unread == 0 { CHAT.to_owned() } else { format!("{CHAT}, {unread} new") }
}

/// An entry for what is found automatically, with what that is now.
pub(crate) fn automatic(found: Option<&str>) -> String {
    found.map_or_else(|| AUTOMATIC.to_owned(), |name| format!("{AUTOMATIC} ({name})"))
}

/// The small picture, with the corner that it is in.
pub(crate) fn small_picture(corner: &str) -> String {
    format!("Small picture, {corner}")
}

/// A picture and what stands in its place.
pub(crate) fn instead(picture: &str, words: &str) -> String {
    format!("{picture}: {words}")
}

/// The room's own line in the invitation.
pub(crate) fn hosted(room: &str) -> String {
    format!("\u{201c}{room}\u{201d} is hosted here.")
}

/// Where the room was found.
pub(crate) fn met_at(host: &str) -> String {
    format!("Meeting at {host}.")
}

/// The title of the window.
pub(crate) fn title(room: Option<&str>, state: Option<&str>) -> String {
    match (room, state) {
        (Some(room), Some(state)) => format!("{APP}: {room} \u{2014} {state}"),
        (Some(room), None) => format!("{APP}: {room}"),
        (None, _) => APP.to_owned(),
    }
}

/// The state of a call in the title: a word or two.
pub(crate) fn short_phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Joining => "joining",
        Phase::Waiting => "calling\u{2026}",
        Phase::Ringing => "somebody calls",
        Phase::Negotiating => "connecting\u{2026}",
        Phase::Connected => "connected",
        Phase::Reconnecting => "reconnecting\u{2026}",
        Phase::Ending => "hanging up",
        Phase::Ended => "over",
    }
}

/// With a capital letter and a full stop.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let capital: String =
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect());
    if capital.is_empty() || capital.ends_with(['.', '!', '?', '\u{2026}']) { capital } else { capital + "." }
}
