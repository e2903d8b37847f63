//! What a person can do in a call, and the key for each.
//! The window and the terminal have the same keys; buttons and menus name the same actions.

use call_engine::{Command, Phase, Snapshot};

use super::words;

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Mute or unmute the microphone.
    Microphone,
    /// Turn the camera off or on.
    Camera,
    /// Take the call that rings.
    Accept,
    /// Take it with the camera off.
    AcceptWithoutCamera,
    /// Do not take it.
    Decline,
    /// End the call; after its end, close it.
    HangUp,
    /// Call the same room again, after the end.
    CallAgain,
    /// Show or hide the chat.
    Chat,
    /// Show or hide the figures.
    Figures,
    /// Fill the screen, or no longer.
    FullScreen,
    /// Let the two pictures change places.
    Swap,
    /// Choose devices.
    Devices,
    /// Show or hide the keys.
    Help,
}

/// A key on the keyboard, as far as calls have use for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// A letter or a sign, in lower case.
    Char(char),
    /// Enter.
    Enter,
    /// Escape.
    Escape,
}

/// Each action with its key, in the order in which the help lists them. Space (push to talk) stands apart: it acts while held.
pub(crate) const KEYS: &[(Key, Action, &str)] = &[
    (Key::Char('m'), Action::Microphone, words::KEY_MICROPHONE),
    (Key::Char('v'), Action::Camera, words::KEY_CAMERA),
    (Key::Char('c'), Action::Chat, words::KEY_CHAT),
    (Key::Char('f'), Action::FullScreen, words::KEY_FULL_SCREEN),
    (Key::Char('i'), Action::Figures, words::KEY_FIGURES),
    (Key::Char('s'), Action::Swap, words::KEY_SWAP),
    (Key::Char('o'), Action::Devices, words::KEY_DEVICES),
    (Key::Char('a'), Action::Accept, words::KEY_ACCEPT),
    (Key::Char('w'), Action::AcceptWithoutCamera, words::KEY_ACCEPT_WITHOUT_CAMERA),
    (Key::Char('d'), Action::Decline, words::KEY_DECLINE),
    (Key::Char('r'), Action::CallAgain, words::KEY_CALL_AGAIN),
    (Key::Char('q'), Action::HangUp, words::KEY_HANG_UP),
    (Key::Char('?'), Action::Help, words::KEY_HELP),
];

/// What a key does at this moment of the call; nothing, where it has no use.
pub(crate) fn action(key: Key, snapshot: &Snapshot) -> Option<Action> {
    let key = match key {
        Key::Enter if snapshot.phase == Phase::Ringing => Key::Char('a'),
        key => key,
    };
    let (_, action, _) = KEYS.iter().find(|(known, ..)| *known == key)?;
    action.applies(snapshot).then_some(*action)
}

impl Action {
    /// Whether there is a use for it now.
    pub(crate) fn applies(self, snapshot: &Snapshot) -> bool {
        let rings = snapshot.phase == Phase::Ringing;
        let is_over = snapshot.end.is_some();
        match self {
            Self::Accept | Self::AcceptWithoutCamera | Self::Decline => rings && !is_over,
            Self::CallAgain => is_over,
            Self::Microphone | Self::Camera | Self::Devices => !is_over,
            Self::HangUp | Self::Chat | Self::Figures | Self::FullScreen | Self::Swap | Self::Help => true,
        }
    }

    /// What it asks of the engine, if anything; the rest is the face's own affair.
    pub(crate) fn commands(self, snapshot: &Snapshot) -> Vec<Command> {
        match self {
            Self::Microphone => vec![Command::SetMicrophoneOn(!snapshot.microphone_on)],
            Self::Camera => vec![Command::SetCameraOn(!snapshot.camera_on)],
            Self::Accept => vec![Command::Accept],
            Self::AcceptWithoutCamera => vec![Command::SetCameraOn(false), Command::Accept],
            Self::Decline => vec![Command::Decline],
            Self::HangUp if snapshot.end.is_none() => vec![Command::HangUp],
            Self::HangUp
            | Self::CallAgain
            | Self::Chat
            | Self::Figures
            | Self::FullScreen
            | Self::Swap
            | Self::Devices
            | Self::Help => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use call_engine::EndReason;

    #[test]
    fn each_key_has_one_action_and_each_action_one_key() {
        for (index, (key, action, words)) in KEYS.iter().enumerate() {
            assert!(!words.is_empty());
            assert!(KEYS[index + 1..].iter().all(|(other, same, _)| other != key && same != action), "{key:?}");
        }
    }

    #[test]
    fn keys_act_only_where_they_have_a_use() {
        let talking = Snapshot { phase: Phase::Connected, ..Snapshot::default() };
        let rings = Snapshot { phase: Phase::Ringing, ..Snapshot::default() };
        let over = Snapshot { phase: Phase::Ended, end: Some(EndReason::HungUp), ..Snapshot::default() };
        for (snapshot, key, expected) in [
            (&talking, Key::Char('m'), Some(Action::Microphone)),
            (&talking, Key::Char('a'), None),
            (&talking, Key::Char('r'), None),
            (&talking, Key::Char('x'), None),
            (&talking, Key::Enter, None),
            (&rings, Key::Enter, Some(Action::Accept)),
            (&rings, Key::Char('w'), Some(Action::AcceptWithoutCamera)),
            (&over, Key::Char('r'), Some(Action::CallAgain)),
            (&over, Key::Char('m'), None),
            (&over, Key::Char('q'), Some(Action::HangUp)),
        ] {
            assert_eq!(action(key, snapshot), expected, "{key:?} in {:?}", snapshot.phase);
        }
        assert_eq!(Action::AcceptWithoutCamera.commands(&rings), [Command::SetCameraOn(false), Command::Accept]);
        assert_eq!(Action::Microphone.commands(&talking), [Command::SetMicrophoneOn(false)]);
        assert_eq!(Action::HangUp.commands(&over), []);
    }
}
