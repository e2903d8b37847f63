//! What every face of a call shares, be it a window, a terminal or a script: what a person can do, what has happened so far, and
//! the words for it. A face draws this and the engine's snapshots; it keeps no state of the call.

mod action;
mod by_hand;
mod curves;
mod page;
mod story;
pub(crate) mod words;

pub(crate) use action::{Action, KEYS, Key, action};
pub(crate) use by_hand::{ByHand, Step};
pub(crate) use curves::{Curves, Point};
pub(crate) use page::{Looks, Page, PageName};
pub(crate) use story::{Speaker, Story};
