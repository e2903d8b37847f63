//! What every face of a call shares, be it a window, a terminal or a script: what a person can do, what has happened so far, and
//! the words for it. A face draws this and the engine's snapshots; it keeps no state of the call.

mod action;
mod curves;
mod story;
pub(crate) mod words;

pub(crate) use action::{Action, KEYS, Key, action};
pub(crate) use curves::{Curves, Point};
pub(crate) use story::{Speaker, Story};
