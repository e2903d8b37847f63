//! A data channel that the program asked for by its label: messages in order and complete, both ways.
//! Sending waits for the peer and receiving makes the peer wait, so that no message is lost and nothing piles up.

use crate::PeerError;
use bytes::{Bytes, BytesMut};
use std::fmt;
use std::sync::Arc;
use webrtc::data_channel::{DataChannel as Inner, DataChannelEvent};
use webrtc::error::Error;

/// An open data channel. It ends with its connection.
pub struct DataChannel {
    label: String,
    channel: Arc<dyn Inner>,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataMessage {
    /// Text; what is no UTF-8 is replaced.
    Text(String),
    /// Bytes.
    Binary(Bytes),
}

impl DataChannel {
    /// The longest message in bytes that is sent and taken; Chromium has the same limit.
    pub const MAX_MESSAGE: usize = 256 * 1024;

    pub(crate) fn new(label: String, channel: Arc<dyn Inner>) -> Self {
        Self { label, channel }
    }

    /// Its label; both sides have it in their [`PeerConfig::channels`](crate::PeerConfig::channels).
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Sends one message; waits while [`PeerConfig::data_buffer_limit`](crate::PeerConfig::data_buffer_limit) bytes are on
    /// their way.
    ///
    /// # Errors
    /// [`PeerError::NoDataChannel`] when the channel is closed, [`PeerError::MessageTooLong`] beyond
    /// [`MAX_MESSAGE`](Self::MAX_MESSAGE), or less where the peer takes less (RFC 8841 §6.1).
    pub async fn send(&self, message: &[u8]) -> Result<(), PeerError> {
        self.channel.send(BytesMut::from(message)).await.map_err(|error| error_of(&error))
    }

    /// The same for text.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_text(&self, message: &str) -> Result<(), PeerError> {
        self.channel.send_text(message).await.map_err(|error| error_of(&error))
    }

    /// The next message; `None` once the channel is closed and all is read. While nobody asks, 256 messages are kept, and
    /// then the peer has to wait.
    pub async fn receive(&self) -> Option<DataMessage> {
        loop {
            match self.channel.poll().await? {
                DataChannelEvent::OnMessage(message) if message.is_string => {
                    return Some(DataMessage::Text(String::from_utf8_lossy(&message.data).into_owned()));
                }
                DataChannelEvent::OnMessage(message) => return Some(DataMessage::Binary(message.data.freeze())),
                DataChannelEvent::OnClose => return None,
                _ => {}
            }
        }
    }

    /// Bytes that were sent and that the peer has not acknowledged; 0 once the channel is closed.
    pub async fn outstanding_bytes(&self) -> usize {
        self.channel.outstanding_bytes().await.unwrap_or(0)
    }
}

fn error_of(error: &Error) -> PeerError {
    match error {
        Error::ErrOutboundPacketTooLarge => PeerError::MessageTooLong { limit: DataChannel::MAX_MESSAGE },
        _ => PeerError::NoDataChannel,
    }
}

impl fmt::Debug for DataChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataChannel").field("label", &self.label).finish_non_exhaustive()
    }
}
