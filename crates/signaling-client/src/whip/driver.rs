//! Runs one session with a media server: commands and events on one side, HTTP requests on the other, the machine in between.
//! After the call has left, the server gets the time of a close to hear of it, and no more.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use call_core::SignalingEvent;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::WhipSession;
use super::exchange::{Client, Failure};
use super::message::{Request, Response, Step};
use crate::codec::Command;
use crate::config::SignalingConfig;
use crate::driver::{at, deliver, now};

/// A request on its way; gives the client back.
type Running = Pin<Box<dyn Future<Output = (Client, Result<Response, Failure>)> + Send>>;

/// Runs one attempt to its end. Returns within [`Timeouts::close`](crate::Timeouts) after `cancel`.
pub(crate) async fn run(
    config: SignalingConfig,
    mut wanted: mpsc::Receiver<Command>,
    happened: mpsc::Sender<SignalingEvent>,
    skipped: Arc<AtomicU64>,
    cancel: CancellationToken,
) {
    if config.server.url.scheme() == "https" && config.tls.insecure && config.tls.pin_sha256.is_none() {
        warn!("the server's certificate is NOT checked (--insecure): anybody on the way can listen in and take part");
    }
    let close = config.timeouts.close;
    let mut shell = Shell {
        session: WhipSession::new(config.join()),
        client: Some(Client::new(config.clone())),
        running: None,
        undelivered: VecDeque::new(),
        skipped,
        over: false,
    };
    let steps = shell.session.on_start();
    shell.perform(steps);
    let mut leave_by = None;
    while !(shell.over && shell.undelivered.is_empty()) {
        let due = shell.session.deadline();
        let leaving = leave_by.is_some();
        let command = tokio::select! {
            biased;
            () = cancel.cancelled(), if !leaving => Some(Command::Leave),
            () = happened.closed(), if !leaving => Some(Command::Leave),
            command = wanted.recv(), if !leaving => command.or(Some(Command::Leave)),
            () = at(leave_by), if leaving => return debug!("the server did not confirm the end of the session"),
            () = deliver(&happened, &mut shell.undelivered), if !shell.undelivered.is_empty() => None,
            (client, result) = answered(&mut shell.running) => {
                shell.client = Some(client);
                shell.running = None;
                let steps = match result {
                    Ok(response) => {
                        debug!(status = response.status, "the server answered");
                        shell.session.on_response(now(), &response)
                    }
                    Err(Failure { reason, retry }) => shell.session.on_failure(now(), reason, retry),
                };
                shell.perform(steps);
                None
            }
            () = at(due) => {
                let steps = shell.session.on_timeout(now());
                shell.perform(steps);
                None
            }
        };
        let Some(command) = command else { continue };
        if matches!(command, Command::Leave) {
            leave_by = Some((Instant::now() + close).into_std());
            // Who leaves wants to hear no more.
            shell.undelivered.clear();
        }
        let steps = shell.session.on_command(now(), command);
        shell.perform(steps);
    }
    debug!("session over");
}

async fn answered(running: &mut Option<Running>) -> (Client, Result<Response, Failure>) {
    match running {
        Some(request) => request.await,
        None => std::future::pending().await,
    }
}

struct Shell {
    session: WhipSession,
    /// Rests here while no request runs.
    client: Option<Client>,
    running: Option<Running>,
    /// Events for which the queue had no room yet: the machine gives at most one a response.
    undelivered: VecDeque<SignalingEvent>,
    skipped: Arc<AtomicU64>,
    over: bool,
}

impl Shell {
    fn perform(&mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Send(request) => self.send(request),
                Step::Event(event) => self.undelivered.push_back(event),
                Step::Skipped(error) => {
                    self.skipped.fetch_add(1, Ordering::Relaxed);
                    warn!("{error}");
                }
                Step::Close => self.over = true,
            }
        }
    }

    fn send(&mut self, request: Request) {
        let mut client = self.client.take().expect("the machine has one request running at a time");
        debug!(?request, "asking the server");
        self.running = Some(Box::pin(async move {
            let result = client.send(&request).await;
            (client, result)
        }));
    }
}
