//! One WebSocket from its opening to its closing handshake, which is bounded in time whatever the other side does.
//! It moves messages between the socket and the hub and decides nothing.

use std::future::Future;
use std::net::IpAddr;
use std::pin::pin;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::CancellationToken;

use crate::config::Limits;
use crate::hub::{self, Outgoing, Outlet, Report};
use crate::rooms::{ConnectionId, Input};

/// How long the closing handshake may take. A peer that reads and answers needs one round trip.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(1500);
/// Bytes read at once. The default of 128 KiB would be 640 MB for 5 000 connections.
const READ_BUFFER: usize = 8 * 1024;

/// Why this side starts closing; `None` when the other side did or is gone.
type Ending = Option<CloseFrame>;

/// Runs one WebSocket to its end.
pub(crate) async fn run<S>(
    stream: S,
    id: ConnectionId,
    address: IpAddr,
    limits: &Limits,
    hub: mpsc::Sender<Report>,
    stop: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let config = WebSocketConfig::default()
        .max_message_size(Some(limits.message_bytes))
        .max_frame_size(Some(limits.message_bytes))
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0);
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
    let (outbox, mut outlet) = hub::outbox(limits);
    // The hub outlives every connection; if it is gone all the same, there is nobody to talk to.
    if hub.send(Report::Opened { id, address, outbox }).await.is_err() {
        return;
    }
    let ending = exchange(&mut socket, id, &mut outlet, &hub, &stop).await;
    // The room is free at once; the other peer does not wait for this one's closing handshake.
    let _ = hub.send(Report::Input { id, input: Input::Closed }).await;
    drop(hub);
    let _ = timeout(CLOSE_TIMEOUT, finish(socket, ending)).await;
}

/// Moves messages both ways until one side wants to end.
async fn exchange<S>(
    socket: &mut WebSocketStream<S>,
    id: ConnectionId,
    outlet: &mut Outlet,
    hub: &mpsc::Sender<Report>,
    stop: &CancellationToken,
) -> Ending
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let overflow = outlet.overflow.clone();
    let mut stopped = pin!(async {
        tokio::select! {
            biased;
            () = stop.cancelled() => closing(CloseCode::Away, "the server is shutting down"),
            () = overflow.cancelled() => closing(CloseCode::Again, "too slow for its messages"),
        }
    });
    loop {
        tokio::select! {
            biased;
            ending = &mut stopped => return ending,
            outgoing = outlet.next() => match outgoing {
                Some(Outgoing::Text(text)) => {
                    // A peer that does not read blocks this; the hub's queue fills and `stopped` ends it.
                    match unless(stopped.as_mut(), socket.send(Message::text(text))).await {
                        Ok(Ok(())) => {}
                        Ok(Err(_)) => return None,
                        Err(ending) => return ending,
                    }
                }
                Some(Outgoing::Close { code, reason }) => return closing(code.into(), reason),
                None => return closing(CloseCode::Away, ""),
            },
            incoming = socket.next() => {
                let input = match incoming {
                    Some(Ok(Message::Text(text))) => Input::Text(text.as_str().to_owned()),
                    // Ayame takes text in binary messages too.
                    Some(Ok(Message::Binary(bytes))) => match String::from_utf8(bytes.into()) {
                        Ok(text) => Input::Text(text),
                        Err(_) => return closing(CloseCode::Invalid, ""),
                    },
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Input::Control,
                    Some(Ok(Message::Close(_))) | None => return None,
                    Some(Err(error)) => return protocol_error(&error),
                };
                match unless(stopped.as_mut(), hub.send(Report::Input { id, input })).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return closing(CloseCode::Away, ""),
                    Err(ending) => return ending,
                }
            }
        }
    }
}

/// `work`, or the ending that came before it was done.
async fn unless<T>(stopped: impl Future<Output = Ending>, work: impl Future<Output = T>) -> Result<T, Ending> {
    tokio::select! {
        biased;
        ending = stopped => Err(ending),
        done = work => Ok(done),
    }
}

fn closing(code: CloseCode, reason: &'static str) -> Ending {
    Some(CloseFrame { code, reason: reason.into() })
}

/// The close code for what was wrong with a message; `None` when the socket itself is gone.
fn protocol_error(error: &Error) -> Ending {
    match error {
        Error::Capacity(_) => closing(CloseCode::Size, ""),
        Error::Utf8(_) => closing(CloseCode::Invalid, ""),
        Error::Protocol(_) => closing(CloseCode::Protocol, ""),
        _ => None,
    }
}

/// Says goodbye and waits for the answer. One that cannot come, because the rest of an oversized message is in the
/// way, is waited for by reading that rest: closing with unread data would reset the connection and lose the goodbye.
async fn finish<S>(mut socket: WebSocketStream<S>, ending: Ending)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut answered = ending.is_none();
    if let Some(frame) = ending
        && socket.close(Some(frame)).await.is_err()
    {
        return;
    }
    while let Some(Ok(message)) = socket.next().await {
        answered |= message.is_close();
    }
    let mut stream = socket.into_inner();
    if stream.shutdown().await.is_err() || answered {
        return;
    }
    let mut unread = vec![0; READ_BUFFER];
    while let Ok(1..) = stream.read(&mut unread).await {}
}
