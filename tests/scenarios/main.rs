//! The whole program, run as people run it: each file is about one part of their day, each test tells one story.
//! One binary; every scenario has the machine to itself (see `place::alone`).

mod arguments;
mod browser;
mod by_hand;
mod chat;
mod control;
mod devices;
mod drivers;
mod ends;
mod engines;
mod foreign;
mod hostile;
#[path = "../../crates/signaling-client/tests/servers/install.rs"]
mod install;
mod lab;
mod media;
mod media_server;
mod networks;
#[cfg(target_os = "linux")]
mod newcomer;
mod reach;
mod real_paths;
mod relays;
mod routers;
#[path = "../../crates/signaling-client/tests/servers/server.rs"]
mod server;
mod survival;
mod switching;
mod tui;
mod window;

use ringback_tests::port;
