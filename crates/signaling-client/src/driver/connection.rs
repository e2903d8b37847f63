//! One WebSocket, from its opening to its end: what the codec wants done, and what the server and the line do.
//! While the call does not listen nothing is read from the server, but commands are taken all the same.

use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError as ProtocolViolation;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Error as WsError, Message};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{Attempt, at, deliver, now};
use crate::close::CloseInfo;
use crate::codec::{Command, Out, ProtocolError};
use crate::keep_alive::{Beat, KeepAlive};
use crate::socket::Socket;
use crate::transport::MAX_MESSAGE;

/// A WebSocket that is open.
pub(super) struct Connection<S> {
    attempt: Attempt,
    socket: Socket<S>,
    keep_alive: KeepAlive,
    answer_due: Instant,
}

/// Why a connection is over.
enum End {
    /// Nothing more to do here: we leave, or the codec has said its last word.
    Ours,
    /// The codec wants another one.
    Reopen,
    /// The server or the line ended it. With the code to close with, if there is anybody left to close with.
    Theirs(CloseInfo, Option<CloseCode>),
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(super) fn new(attempt: Attempt, socket: WebSocketStream<S>) -> Self {
        let timeouts = attempt.timeouts;
        let now = Instant::now();
        Self {
            attempt,
            socket: Socket::new(socket),
            keep_alive: KeepAlive::new(now.into_std(), timeouts.ping, timeouts.dead),
            answer_due: now + timeouts.join,
        }
    }

    /// Runs the connection to its end. Gives the attempt back when it wants another one.
    pub(super) async fn run(mut self, cancel: &CancellationToken) -> Option<Attempt> {
        let end = tokio::select! {
            biased;
            () = cancel.cancelled() => End::Ours,
            end = self.serve() => end,
        };
        let Self { mut attempt, socket, .. } = self;
        let close = attempt.timeouts.close;
        let (last, code) = match end {
            End::Reopen => {
                socket.close(CloseCode::Normal, close).await;
                return Some(attempt);
            }
            End::Ours => (None, Some(CloseCode::Normal)),
            End::Theirs(info, code) => (attempt.codec.on_close(info), code),
        };
        let Attempt { mut wanted, happened, undelivered, .. } = attempt;
        // A call that is stuck sending us a command gets an error now, and reads on.
        wanted.close();
        let tell = async move {
            for event in undelivered.into_iter().chain(last) {
                tokio::select! {
                    () = cancel.cancelled() => return,
                    _ = happened.send(event) => {}
                }
            }
        };
        // Neither waits for the other: the call need not watch our good manners, nor the server our deaf call.
        let farewell = async move {
            if let Some(code) = code {
                socket.close(code, close).await;
            }
        };
        tokio::join!(tell, farewell);
        debug!("connection over");
        None
    }

    /// Carries messages both ways until the connection is over.
    async fn serve(&mut self) -> End {
        let joining = self.attempt.codec.on_open(now());
        let mut flow = self.perform(joining);
        loop {
            if let ControlFlow::Break(end) = flow {
                return end;
            }
            // Looked at on every turn, so that a server that talks without end about other things is left as well.
            if !self.attempt.codec.is_answered() && Instant::now() >= self.answer_due {
                return self.unanswered();
            }
            let listening = self.attempt.undelivered.is_empty();
            let wake = self.deadline();
            let due = self.attempt.codec.deadline();
            let attempt = &mut self.attempt;
            // In this order a flood from the server cannot drown our own commands, and what has arrived already counts
            // before the clock does.
            flow = tokio::select! {
                biased;
                command = attempt.wanted.recv() => {
                    let command = command.unwrap_or(Command::Leave);
                    if matches!(command, Command::Leave) {
                        // Who leaves wants to hear no more.
                        attempt.undelivered.clear();
                    }
                    let out = attempt.codec.on_command(now(), command);
                    self.perform(out)
                }
                () = attempt.happened.closed() => ControlFlow::Break(End::Ours),
                () = deliver(&attempt.happened, &mut attempt.undelivered), if !listening => {
                    // While the call did not listen to us, we did not listen to the server: that silence was ours.
                    self.keep_alive.heard(now());
                    ControlFlow::Continue(())
                }
                received = self.socket.next(listening) => self.receive(received),
                () = sleep_until(wake), if listening => self.tick(),
                () = at(due) => {
                    let out = attempt.codec.on_timeout(now());
                    self.perform(out)
                }
            };
        }
    }

    fn deadline(&self) -> Instant {
        let beat = Instant::from_std(self.keep_alive.deadline());
        if self.attempt.codec.is_answered() { beat } else { beat.min(self.answer_due) }
    }

    fn unanswered(&self) -> End {
        let Attempt { timeouts, protocol, .. } = &self.attempt;
        let reason = format!(
            "the server did not answer the join request within {:?}: does it speak {protocol}? check the URL",
            timeouts.join
        );
        End::Theirs(CloseInfo::Broken(reason), Some(CloseCode::Normal))
    }

    fn tick(&mut self) -> ControlFlow<End> {
        match self.keep_alive.poll(now()) {
            None => ControlFlow::Continue(()),
            Some(Beat::Ping) => self.queue(Message::Ping(Bytes::new())),
            Some(Beat::Dead) => broken(format!("the server has been silent for {:?}", self.attempt.timeouts.dead)),
        }
    }

    fn receive(&mut self, received: Option<Result<Message, WsError>>) -> ControlFlow<End> {
        self.keep_alive.heard(now());
        match received {
            Some(Ok(Message::Text(text))) => self.understand(&text),
            Some(Ok(Message::Binary(bytes))) => match std::str::from_utf8(&bytes) {
                Ok(text) => self.understand(text),
                Err(_) => self.skip(&ProtocolError::NotJson),
            },
            // tungstenite answers pings by itself.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => ControlFlow::Continue(()),
            Some(Ok(Message::Close(frame))) => {
                let (code, reason) = match frame {
                    Some(frame) => (u16::from(frame.code), frame.reason.to_string()),
                    None => (1005, String::new()),
                };
                ControlFlow::Break(End::Theirs(CloseInfo::Frame { code, reason }, Some(CloseCode::Normal)))
            }
            Some(Err(error)) => self.failed(&error),
            None => cut(),
        }
    }

    fn understand(&mut self, text: &str) -> ControlFlow<End> {
        match self.attempt.codec.on_text(now(), text) {
            Ok(out) => self.perform(out),
            Err(error) => self.skip(&error),
        }
    }

    fn perform(&mut self, out: Vec<Out>) -> ControlFlow<End> {
        for step in out {
            match step {
                Out::Send(text) => self.queue(Message::text(text))?,
                Out::Skipped(error) => self.skip(&error)?,
                Out::Reopen => return ControlFlow::Break(End::Reopen),
                Out::Close => return ControlFlow::Break(End::Ours),
                Out::Event(event) => self.attempt.undelivered.push_back(event),
            }
        }
        ControlFlow::Continue(())
    }

    fn queue(&mut self, message: Message) -> ControlFlow<End> {
        match self.socket.queue(message) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&self, error: &WsError) -> ControlFlow<End> {
        match error {
            WsError::Capacity(_) => ControlFlow::Break(End::Theirs(
                CloseInfo::Broken(format!("the server sent a message of more than {} KiB", MAX_MESSAGE / 1024)),
                Some(CloseCode::Size),
            )),
            WsError::WriteBufferFull(_) => broken("the server takes no more messages".to_owned()),
            WsError::Protocol(ProtocolViolation::ResetWithoutClosingHandshake) => cut(),
            WsError::Io(error) if is_cut(error.kind()) => cut(),
            WsError::Protocol(_) => {
                ControlFlow::Break(End::Theirs(CloseInfo::Broken(error.to_string()), Some(CloseCode::Protocol)))
            }
            error => broken(error.to_string()),
        }
    }

    /// Leaves a message out. The first is worth a warning; a server that sends one often sends thousands.
    fn skip(&self, error: &ProtocolError) -> ControlFlow<End> {
        if self.attempt.skipped.fetch_add(1, Ordering::Relaxed) == 0 {
            warn!(%error, "skipped a signaling message; further ones are only counted");
        } else {
            debug!(%error, "skipped a signaling message");
        }
        ControlFlow::Continue(())
    }
}

fn broken(reason: String) -> ControlFlow<End> {
    ControlFlow::Break(End::Theirs(CloseInfo::Broken(reason), None))
}

/// How the end of the line shows, with and without TLS.
fn is_cut(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(kind, BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

fn cut() -> ControlFlow<End> {
    broken("the line was cut without a close frame".to_owned())
}
