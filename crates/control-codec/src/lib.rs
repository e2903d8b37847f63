//! The language of the control socket, as `docs/CONTROL.md` has it: bytes are cut into lines, and each line is read as a wish.
//! Pure: no socket, no clock, and nothing of the engine; the words for devices and servers are spelled out by whoever grants a wish.

mod lines;
mod members;
mod read;
mod wish;

pub use lines::{LineCutter, MOST_BYTES};
pub use read::{AskError, Asked, ID_BYTES, NAMES, read};
pub use wish::{CallWish, MediaWish, Panel, Subscription, Theme, Wish};
