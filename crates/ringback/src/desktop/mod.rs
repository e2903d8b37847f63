//! Manners on a desktop: settings that are remembered, one window a room, notices of calls, a screen that stays awake, an icon.
//! None of it is needed for a call: where the desktop lacks a part, the call goes on without it.

pub(crate) mod attend;
#[cfg(all(test, target_os = "linux"))]
mod bus;
pub(crate) mod icon;
pub(crate) mod inhibit;
pub(crate) mod instance;
pub(crate) mod notify;
pub(crate) mod settings;
