//! Which page a program is at: before a call, placing one, in one, or after it; and how its window, where it has one, looks.
//! Whoever places calls says the first, the window the second; scripts are told both.

use call_engine::EndReason;

/// The page.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Page {
    pub(crate) name: PageName,
    /// The room of the call, but on the start page.
    pub(crate) room: Option<String>,
    /// Why the last call was not placed, on the start page.
    pub(crate) error: Option<String>,
    /// How the call ended, after it.
    pub(crate) end: Option<EndReason>,
    /// The window, where there is one.
    pub(crate) window: Option<Looks>,
}

/// Its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PageName {
    /// Nothing was asked for yet.
    #[default]
    Start,
    /// A server is looked for, and the call made ready.
    Placing,
    /// A call, from joining the room to its end.
    Call,
    /// The call is over.
    Ended,
}

/// What is open in a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Looks {
    pub(crate) full_screen: bool,
    pub(crate) chat: bool,
    pub(crate) devices: bool,
    pub(crate) statistics: bool,
    pub(crate) help: bool,
    /// Our own picture is the large one.
    pub(crate) swapped: bool,
}

impl Page {
    /// Another page of the same window.
    pub(crate) fn turn(&mut self, name: PageName, room: Option<String>) {
        *self = Self { name, room, window: self.window, ..Self::default() };
    }
}
