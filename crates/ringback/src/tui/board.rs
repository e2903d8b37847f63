//! What the person has open on the terminal, and what each stroke does to it: chat line, figures, help, devices.
//! Pure: strokes and snapshots go in, effects come out; the state of the call is in the engine alone.

use call_engine::{Command, Snapshot};

use super::keys::Stroke;
use super::picker::Picker;
use crate::face::{self, Action, Key};

/// Longest line that can be typed, in characters.
const MOST_TYPED: usize = 2000;

/// Longest line of a call by hand that can be typed or pasted without brackets, in characters.
const MOST_LINE: usize = call_engine::MAX_LINE;

/// What a stroke brings about outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The engine is to do this.
    Command(Command),
    /// This is for the peer.
    Say(String),
    /// This is the other's line, in a call by hand.
    Paste(String),
    /// Our own line goes to the clipboard.
    Copy,
    /// The devices are to be listed.
    ListDevices,
    /// The chat was opened, and is read.
    Read,
    /// Everything is to be drawn anew.
    Redraw,
    /// Back to the shell.
    Close,
    /// The same call once more.
    Again,
}

/// A field that is there while a line is awaited. It is open at first, as what is pasted may come letter by letter, and letters are
/// keys elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Field {
    /// No line is awaited.
    #[default]
    Absent,
    /// The keys act as ever.
    Closed,
    /// With what is in it.
    Open(String),
}

/// What is open.
#[derive(Clone, Debug, Default)]
pub(crate) struct Board {
    /// The chat, with the line that is being typed.
    pub(crate) chat: Option<String>,
    /// The field for the other's line in a call by hand, where that is awaited.
    pub(crate) field: Field,
    /// Our own line as a code, in the place of its letters.
    pub(crate) code: bool,
    /// The figures and curves.
    pub(crate) figures: bool,
    /// The keys.
    pub(crate) help: bool,
    /// Nothing but the picture.
    pub(crate) full_screen: bool,
    /// Our own picture large.
    pub(crate) swapped: bool,
    /// The devices.
    pub(crate) picker: Option<Picker>,
    /// Whether the terminal tells when a key is let go.
    pub(crate) tells_release: bool,
    /// The space bar is held, and the microphone was off before.
    talks: bool,
}

impl Board {
    /// A board on a terminal that tells of releases or not.
    pub(crate) fn new(tells_release: bool) -> Self {
        Self { tells_release, ..Self::default() }
    }

    /// Whether anything lies on the picture.
    pub(crate) fn covers(&self) -> bool {
        self.figures || self.help || self.picker.is_some()
    }

    /// One stroke.
    pub(crate) fn stroke(&mut self, stroke: Stroke, snapshot: &Snapshot) -> Vec<Effect> {
        match stroke {
            Stroke::Redraw => return vec![Effect::Redraw],
            Stroke::Interrupt if snapshot.end.is_some() => return vec![Effect::Close],
            Stroke::Interrupt => return vec![Effect::Command(Command::Interrupt)],
            Stroke::SpaceUp => return self.space_up(),
            Stroke::Copy => return vec![Effect::Copy],
            Stroke::Code => {
                self.code = !self.code;
                return Vec::new();
            }
            _ => {}
        }
        // Whoever types wants to see it.
        if std::mem::take(&mut self.code) && stroke == Stroke::Escape {
            return Vec::new();
        }
        if let Some((line, most)) = self.written() {
            match stroke {
                Stroke::Char(c) => return typed(line, c, most),
                Stroke::Space { .. } => return typed(line, ' ', most),
                Stroke::Backspace => {
                    line.pop();
                    return Vec::new();
                }
                Stroke::Enter => {
                    let line = std::mem::take(line);
                    if line.trim().is_empty() {
                        return Vec::new();
                    }
                    return vec![if self.chat.is_some() { Effect::Say(line) } else { Effect::Paste(line) }];
                }
                _ => {}
            }
        }
        match (stroke, &mut self.picker) {
            (Stroke::Up | Stroke::Down, Some(picker)) => {
                picker.step(stroke == Stroke::Down, snapshot);
                return Vec::new();
            }
            (Stroke::Enter, Some(picker)) => return picker.chosen(snapshot).map(Effect::Command).into_iter().collect(),
            _ => {}
        }
        match stroke {
            Stroke::Space { again } => self.space(again, snapshot),
            Stroke::Escape if self.close() => Vec::new(),
            Stroke::Escape => self.key(Key::Escape, snapshot),
            Stroke::Enter if self.field == Field::Closed => {
                self.field = Field::Open(String::new());
                Vec::new()
            }
            Stroke::Enter => self.key(Key::Enter, snapshot),
            Stroke::Char(c) => self.key(Key::Char(c.to_ascii_lowercase()), snapshot),
            _ => Vec::new(),
        }
    }

    /// Text that was pasted: into the chat line, or as the other's line; anywhere else it would be taken for keys.
    pub(crate) fn pasted(&mut self, text: &str) -> Vec<Effect> {
        if let Some(line) = &mut self.chat {
            let room = MOST_TYPED.saturating_sub(line.chars().count());
            line.extend(text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(room));
        } else if self.field != Field::Absent {
            return vec![Effect::Paste(text.to_owned())];
        }
        Vec::new()
    }

    /// A line is awaited from now on, or no more.
    pub(crate) fn awaits_line(&mut self, awaits: bool) {
        match (&self.field, awaits) {
            (Field::Absent, true) => self.field = Field::Open(String::new()),
            (_, false) => self.field = Field::Absent,
            _ => {}
        }
    }

    /// What is being written, and how many letters it may have.
    fn written(&mut self) -> Option<(&mut String, usize)> {
        match (&mut self.chat, &mut self.field) {
            (Some(line), _) => Some((line, MOST_TYPED)),
            (None, Field::Open(line)) => Some((line, MOST_LINE)),
            _ => None,
        }
    }

    /// Closes what lies on top; false where nothing does.
    fn close(&mut self) -> bool {
        std::mem::take(&mut self.help)
            || self.picker.take().is_some()
            || self.chat.take().is_some()
            || self.close_field()
            || std::mem::take(&mut self.figures)
            || std::mem::take(&mut self.full_screen)
    }

    fn close_field(&mut self) -> bool {
        let is_open = matches!(self.field, Field::Open(_));
        if is_open {
            self.field = Field::Closed;
        }
        is_open
    }

    fn key(&mut self, key: Key, snapshot: &Snapshot) -> Vec<Effect> {
        if snapshot.end.is_some() && matches!(key, Key::Enter | Key::Escape) {
            return vec![Effect::Close];
        }
        let Some(action) = face::action(key, snapshot) else { return Vec::new() };
        match action {
            Action::Chat => {
                self.chat = Some(String::new());
                return vec![Effect::Read];
            }
            Action::Figures => self.figures = !self.figures,
            Action::Help => self.help = !self.help,
            Action::FullScreen => self.full_screen = !self.full_screen,
            Action::Swap => self.swapped = !self.swapped,
            Action::Devices if self.picker.take().is_none() => {
                self.picker = Some(Picker::default());
                return vec![Effect::ListDevices];
            }
            Action::HangUp if snapshot.end.is_some() => return vec![Effect::Close],
            Action::CallAgain => return vec![Effect::Again],
            _ => return action.commands(snapshot).into_iter().map(Effect::Command).collect(),
        }
        Vec::new()
    }

    fn space(&mut self, again: bool, snapshot: &Snapshot) -> Vec<Effect> {
        if again || self.talks || snapshot.end.is_some() {
            return Vec::new();
        }
        if !self.tells_release {
            return vec![Effect::Command(Command::SetMicrophoneOn(!snapshot.microphone_on))];
        }
        if snapshot.microphone_on {
            return Vec::new();
        }
        self.talks = true;
        vec![Effect::Command(Command::SetMicrophoneOn(true))]
    }

    fn space_up(&mut self) -> Vec<Effect> {
        let talked = std::mem::take(&mut self.talks);
        if talked { vec![Effect::Command(Command::SetMicrophoneOn(false))] } else { Vec::new() }
    }
}

fn typed(line: &mut String, c: char, most: usize) -> Vec<Effect> {
    // Bytes are counted at once, letters one by one; a letter has four bytes at most.
    if line.len() < most || line.chars().count() < most {
        line.push(c);
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use call_engine::{EndReason, Phase};

    fn talking(microphone_on: bool) -> Snapshot {
        Snapshot { phase: Phase::Connected, microphone_on, ..Snapshot::default() }
    }

    fn type_in(board: &mut Board, text: &str) -> Vec<Effect> {
        text.chars()
            .flat_map(|c| {
                let stroke = match c {
                    ' ' => Stroke::Space { again: false },
                    '\n' => Stroke::Enter,
                    c => Stroke::Char(c),
                };
                board.stroke(stroke, &talking(true))
            })
            .collect()
    }

    #[test]
    fn keys_are_commands_until_a_line_is_typed_and_then_they_are_letters() {
        let mut board = Board::default();
        assert_eq!(type_in(&mut board, "m"), [Effect::Command(Command::SetMicrophoneOn(false))]);
        assert_eq!(type_in(&mut board, "M"), [Effect::Command(Command::SetMicrophoneOn(false))]);
        assert_eq!(type_in(&mut board, "c"), [Effect::Read]);
        assert_eq!(type_in(&mut board, "mmm q?\n"), [Effect::Say("mmm q?".into())]);
        assert_eq!(type_in(&mut board, "  \n"), [], "nothing is not sent");
        board.pasted("a\nb");
        assert_eq!(board.chat.as_deref(), Some("a b"));
        assert_eq!(board.stroke(Stroke::Backspace, &talking(true)), []);
        assert_eq!(board.chat.as_deref(), Some("a "));
        assert_eq!(board.stroke(Stroke::Escape, &talking(true)), []);
        assert_eq!(type_in(&mut board, "q"), [Effect::Command(Command::HangUp)]);
        board.pasted("qqq");
        assert_eq!(board.chat, None, "what is pasted beside the chat is no key");
    }

    #[test]
    fn space_is_held_to_talk_where_the_terminal_tells_and_a_switch_elsewhere() {
        let (down, held) = (Stroke::Space { again: false }, Stroke::Space { again: true });
        let mut board = Board::new(true);
        assert_eq!(board.stroke(down, &talking(false)), [Effect::Command(Command::SetMicrophoneOn(true))]);
        assert_eq!(board.stroke(held, &talking(true)), []);
        assert_eq!(board.stroke(Stroke::SpaceUp, &talking(true)), [Effect::Command(Command::SetMicrophoneOn(false))]);
        assert_eq!(board.stroke(down, &talking(true)), [], "who can be heard already is not muted");
        assert_eq!(board.stroke(Stroke::SpaceUp, &talking(true)), []);
        let mut board = Board::new(false);
        assert_eq!(board.stroke(down, &talking(false)), [Effect::Command(Command::SetMicrophoneOn(true))]);
        assert_eq!(board.stroke(down, &talking(true)), [Effect::Command(Command::SetMicrophoneOn(false))]);
    }

    #[test]
    fn escape_closes_what_is_open_one_after_the_other() {
        let mut board = Board::default();
        type_in(&mut board, "if?o");
        assert!(board.figures && board.full_screen && board.help && board.picker.is_some());
        for _ in 0..4 {
            assert_eq!(board.stroke(Stroke::Escape, &talking(true)), []);
        }
        assert!(!board.figures && !board.full_screen && !board.help && board.picker.is_none());
    }

    #[test]
    fn a_device_is_chosen_with_arrows_and_enter() {
        let mut board = Board::default();
        assert_eq!(type_in(&mut board, "o"), [Effect::ListDevices]);
        assert_eq!(board.stroke(Stroke::Down, &talking(true)), []);
        let chosen = board.stroke(Stroke::Enter, &talking(true));
        assert_eq!(chosen, [Effect::Command(Command::SetVideoSource(call_engine::VideoSource::TestCard))]);
    }

    #[test]
    fn the_others_line_is_taken_pasted_or_typed_until_it_is_there() {
        let mut board = Board::default();
        assert_eq!(board.pasted("ringback1-offer-q"), [], "no line is awaited");
        board.awaits_line(true);
        assert_eq!(type_in(&mut board, "qm\n"), [Effect::Paste("qm".into())], "letters are no keys now");
        assert_eq!(board.pasted("a\nb"), [Effect::Paste("a\nb".into())]);
        assert_eq!(board.stroke(Stroke::Copy, &talking(true)), [Effect::Copy]);
        assert_eq!(board.stroke(Stroke::Escape, &talking(true)), []);
        board.awaits_line(true);
        assert_eq!(type_in(&mut board, "m"), [Effect::Command(Command::SetMicrophoneOn(false))]);
        assert_eq!(board.pasted("line"), [Effect::Paste("line".into())], "also while the keys are free");
        assert_eq!(type_in(&mut board, "\nx\n"), [Effect::Paste("x".into())]);
        board.awaits_line(false);
        assert_eq!(type_in(&mut board, "q"), [Effect::Command(Command::HangUp)]);
    }

    #[test]
    fn the_code_of_our_line_comes_and_goes_by_its_key_and_goes_when_something_is_typed() {
        let mut board = Board::default();
        board.awaits_line(true);
        for (stroke, shown) in [
            (Stroke::Code, true),
            (Stroke::Code, false),
            (Stroke::Code, true),
            (Stroke::Copy, true),
            (Stroke::Escape, false),
            (Stroke::Code, true),
            (Stroke::Char('r'), false),
        ] {
            board.stroke(stroke, &talking(true));
            assert_eq!(board.code, shown, "{stroke:?}");
        }
        assert_eq!(board.field, Field::Open("r".into()), "the first Escape closed the code alone");
    }

    #[test]
    fn after_the_end_there_is_a_way_out_and_a_way_back() {
        let over = Snapshot { phase: Phase::Ended, end: Some(EndReason::PeerLeft), ..Snapshot::default() };
        for (stroke, expected) in [
            (Stroke::Char('q'), vec![Effect::Close]),
            (Stroke::Enter, vec![Effect::Close]),
            (Stroke::Escape, vec![Effect::Close]),
            (Stroke::Interrupt, vec![Effect::Close]),
            (Stroke::Char('r'), vec![Effect::Again]),
            (Stroke::Char('m'), vec![]),
            (Stroke::Space { again: false }, vec![]),
        ] {
            assert_eq!(Board::default().stroke(stroke, &over), expected, "{stroke:?}");
        }
        let rings = Snapshot { phase: Phase::Ringing, ..Snapshot::default() };
        assert_eq!(Board::default().stroke(Stroke::Enter, &rings), [Effect::Command(Command::Accept)]);
    }
}
