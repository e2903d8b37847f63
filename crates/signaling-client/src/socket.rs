//! A WebSocket that reads and writes at the same time in one task. Queueing a message never waits for the server, so a
//! server that does not read cannot keep us from hearing it.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

/// The message-level end of a connection.
pub(crate) struct Socket<S> {
    inner: WebSocketStream<S>,
    unsent: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// Takes over an open WebSocket.
    pub(crate) fn new(inner: WebSocketStream<S>) -> Self {
        Self { inner, unsent: false }
    }

    /// Puts `message` in the write buffer; [`next`](Self::next) writes it out.
    ///
    /// # Errors
    /// The connection is gone, or the buffer is full because the server does not read.
    pub(crate) fn queue(&mut self, message: Message) -> Result<(), Error> {
        self.unsent = true;
        // The buffer of tungstenite has its own bound, so there is no readiness to wait for.
        self.inner.start_send_unpin(message)
    }

    /// The next message, while writing out what is queued. Without `listening` it only writes, and gives nothing but errors.
    /// Safe to cancel. `None` after the end.
    pub(crate) async fn next(&mut self, listening: bool) -> Option<Result<Message, Error>> {
        poll_fn(|cx| {
            if self.unsent {
                match self.inner.poll_flush_unpin(cx) {
                    Poll::Ready(Ok(())) => self.unsent = false,
                    Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(error))),
                    Poll::Pending => {}
                }
            }
            if listening { self.inner.poll_next_unpin(cx) } else { Poll::Pending }
        })
        .await
    }

    /// Sends or answers the close frame and waits for the server's, `limit` in all (RFC 6455 §7.1.2). What else still comes
    /// is dropped.
    pub(crate) async fn close(mut self, code: CloseCode, limit: Duration) {
        let handshake = async {
            let frame = CloseFrame { code, reason: "".into() };
            if self.inner.close(Some(frame)).await.is_err() {
                // The server closed first, and tungstenite has the answer ready.
                let _ = self.inner.flush().await;
                return;
            }
            while !matches!(self.inner.next().await, None | Some(Err(_) | Ok(Message::Close(_)))) {}
        };
        // Out of time: the server does not care, and dropping the socket closes it all the same.
        let _ = timeout(limit, handshake).await;
    }
}
