//! `look window` and `look screenshots`: the window on a screen of its own, measured and photographed.
//! `cargo xtask window` and `cargo xtask screenshots` build what this needs and start it.

mod cost;
mod screenshots;

use std::process::ExitCode;
use std::time::Duration;

use ringback_tests::program::{Call, Running, Server};
use ringback_tests::screen::Screen;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("window") => cost::measure(),
        Some("screenshots") => screenshots::make(),
        _ => {
            eprintln!("look window | look screenshots");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// A call with a window, on a screen without a graphics card.
fn windowed(name: &str, room: &str, server: &Server, screen: &Screen) -> Call {
    Call::new(name, room).shown_on(screen).on(server).media("test", "none").option("--audio-out", "none")
}

/// Somebody to call: 720p30, seen by nobody there.
fn peer(room: &str, server: &Server) -> Running {
    let peer = Call::new("peer", room).on(server).media("test", "test").option("--audio-out", "none");
    let peer = peer.option("--video-out", "none").option("--size", "1280x720").option("--fps", "30").start();
    peer.process.line_err("* waiting", Duration::from_secs(20));
    peer
}
