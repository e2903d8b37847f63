//! The harness of the scenarios: starts the whole program, and everything that it talks to, and reads what came of it.
//! Each module stands for one thing; each value of these types ends what it started when it is dropped.

#[cfg(target_os = "linux")]
pub mod accessible;
pub mod browser;
pub mod camera;
pub mod clip;
pub mod control;
pub mod detour;
pub mod lan;
pub mod machine;
pub mod media_server;
pub mod place;
#[path = "../../crates/signaling-client/tests/servers/port.rs"]
pub mod port;
pub mod process;
pub mod program;
pub mod pulse;
pub mod relay;
pub mod report;
pub mod screen;
pub mod skip;
pub mod sound;
pub mod tmux;
