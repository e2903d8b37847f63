//! The signals that end a program: the first one in order, a second one at once.
//! Whoever looks after a call, or after a window without one, waits for them here.

use call_engine::Command;
use tokio::sync::{mpsc, watch};

use crate::tui;

/// Whether the program was told to stop.
pub(crate) type Interrupted = watch::Receiver<bool>;

/// SIGINT and SIGTERM are told once; a second one ends the program.
pub(crate) async fn stopped(stop: watch::Sender<bool>) {
    interrupted().await;
    let _ = stop.send(true);
    interrupted().await;
    std::process::exit(130);
}

/// The same for a program that has a call all the time: it ends in order.
pub(crate) async fn interrupts(commands: mpsc::Sender<Command>) {
    interrupted().await;
    let _ = commands.try_send(Command::Interrupt);
    interrupted().await;
    tui::restore();
    std::process::exit(130);
}

/// The next of them.
#[cfg(unix)]
pub(crate) async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// The next of them.
#[cfg(not(unix))]
pub(crate) async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
