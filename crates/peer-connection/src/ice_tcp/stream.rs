//! A stream to the peer as webrtc-rs sees it: writing never waits, and what finds no room is lost as a whole, as over UDP.
//! It breaks without an error: nothing more comes out of it.

use crate::channels::Tasks;
use bytes::{Buf as _, Bytes, BytesMut};
use socket2::SockRef;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpStream;
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio_util::sync::DropGuard;
use tracing::debug;
use webrtc::runtime::AsyncTcpStream;

/// Bytes that wait here for a peer that does not take them: a burst of pictures or data, not seconds of a call.
const MAX_WAITING: usize = 256 * 1024;

/// Those that wait in the system besides; left to itself, it would take megabytes.
const SYSTEM_BUFFER: usize = 256 * 1024;

/// A connected stream; the connection is closed when it is dropped.
#[derive(Debug)]
pub(crate) struct Stream {
    line: Arc<Line>,
    /// What was read to know the peer.
    early: Mutex<Bytes>,
    local: SocketAddr,
    peer: SocketAddr,
    _flushes: DropGuard,
    _place: Option<OwnedSemaphorePermit>,
}

#[derive(Debug)]
struct Line {
    socket: TcpStream,
    waiting: Mutex<BytesMut>,
    waits: Notify,
}

impl Stream {
    /// Begins with `early`, which was read already, and holds its place until it is dropped.
    ///
    /// # Errors
    /// The stream is broken.
    pub(crate) fn start(
        socket: TcpStream,
        early: Bytes,
        place: Option<OwnedSemaphorePermit>,
        tasks: &Tasks,
    ) -> io::Result<Arc<Self>> {
        let (local, peer) = (socket.local_addr()?, socket.peer_addr()?);
        socket.set_nodelay(true)?;
        if let Err(error) = SockRef::from(&socket).set_send_buffer_size(SYSTEM_BUFFER) {
            debug!("the send buffer of a stream keeps its size: {error}");
        }
        let line = Arc::new(Line { socket, waiting: Mutex::default(), waits: Notify::new() });
        let ends = tasks.cancel.child_token();
        let flush = line.clone().flush();
        tasks.spawn({
            let ends = ends.clone();
            async move {
                ends.run_until_cancelled(flush).await;
            }
        });
        Ok(Arc::new(Self { line, early: Mutex::new(early), local, peer, _flushes: ends.drop_guard(), _place: place }))
    }
}

impl Line {
    fn write(&self, frame: &[u8]) {
        let mut waiting = lock(&self.waiting);
        let sent = if waiting.is_empty() { self.socket.try_write(frame).unwrap_or(0) } else { 0 };
        let rest = &frame[sent..];
        // Half a frame must be followed by the other half.
        if !rest.is_empty() && (sent > 0 || waiting.len() + rest.len() <= MAX_WAITING) {
            waiting.extend_from_slice(rest);
            self.waits.notify_one();
        }
    }

    /// Writes what waits, until the stream breaks.
    async fn flush(self: Arc<Self>) {
        loop {
            self.waits.notified().await;
            while !lock(&self.waiting).is_empty() {
                if self.socket.writable().await.is_err() {
                    return;
                }
                let mut waiting = lock(&self.waiting);
                match self.socket.try_write(&waiting) {
                    Ok(count) => waiting.advance(count),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(_) => return,
                }
            }
        }
    }
}

impl AsyncTcpStream for Stream {
    fn read<'a, 'b>(&'a self, buffer: &'b mut [u8]) -> Pin<Box<dyn Future<Output = io::Result<usize>> + Send + 'b>>
    where
        'a: 'b,
    {
        Box::pin(async move {
            {
                let mut early = lock(&self.early);
                let count = early.len().min(buffer.len());
                if count > 0 {
                    early.copy_to_slice(&mut buffer[..count]);
                    return Ok(count);
                }
            }
            loop {
                let read = match self.line.socket.readable().await {
                    Ok(()) => self.line.socket.try_read(buffer),
                    Err(error) => Err(error),
                };
                match read {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => {
                        debug!("a stream to the peer broke: {error}");
                        return Ok(0);
                    }
                    read => return read,
                }
            }
        })
    }

    fn write_all<'a, 'b>(&'a self, frame: &'b [u8]) -> Pin<Box<dyn Future<Output = io::Result<()>> + Send + 'b>>
    where
        'a: 'b,
    {
        self.line.write(frame);
        Box::pin(std::future::ready(Ok(())))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt as _;

    async fn pair(early: &'static [u8]) -> (Arc<Stream>, TcpStream, Tasks) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("bound");
        let (ours, theirs) = tokio::join!(TcpStream::connect(address), listener.accept());
        let tasks = Tasks::default();
        let stream = Stream::start(ours.expect("connected"), early.into(), None, &tasks).expect("whole");
        (stream, theirs.expect("accepted").0, tasks)
    }

    #[tokio::test]
    async fn a_peer_that_does_not_read_loses_whole_frames_and_keeps_nobody_waiting() {
        let (stream, mut peer, _tasks) = pair(b"").await;
        // Sixteen bytes more than a round number, so that no end of a buffer is the end of a frame.
        let frame = |number: u32| [&number.to_be_bytes()[..], &[0; 4_108]].concat();
        let sent = 20_000_u32;
        for number in 0..sent {
            stream.write_all(&frame(number)).await.expect("never an error");
        }
        assert!(lock(&stream.line.waiting).len() <= MAX_WAITING + frame(0).len());
        let (mut before, mut count, mut read) = (None, 0, vec![0; frame(0).len()]);
        let mut last = false;
        loop {
            let whole = tokio::time::timeout(std::time::Duration::from_secs(20), peer.read_exact(&mut read)).await;
            if whole.expect("in time").is_err() {
                break;
            }
            let number = u32::from_be_bytes([read[0], read[1], read[2], read[3]]);
            assert!(before.is_none_or(|before| before < number) && read[4..].iter().all(|byte| *byte == 0));
            before = Some(number);
            count += 1;
            if !last && lock(&stream.line.waiting).is_empty() {
                stream.write_all(&frame(sent)).await.expect("never an error");
                last = true;
            }
            if number == sent {
                break;
            }
        }
        assert!(before == Some(sent) && count < sent, "{count} of {sent} came");
    }

    #[tokio::test]
    async fn it_begins_with_what_was_read_already_and_ends_without_an_error() {
        let (stream, mut peer, _tasks) = pair(b"early").await;
        tokio::io::AsyncWriteExt::write_all(&mut peer, b" late").await.expect("connected");
        let (mut all, mut buffer) = (Vec::new(), [0; 3]);
        while all.len() < 10 {
            let count = stream.read(&mut buffer).await.expect("never an error");
            all.extend_from_slice(&buffer[..count]);
        }
        assert_eq!(all, b"early late");
        SockRef::from(&peer).set_linger(Some(std::time::Duration::ZERO)).expect("settable");
        drop(peer);
        assert_eq!(stream.read(&mut buffer).await.expect("a reset, which is an end"), 0);
    }

    #[tokio::test]
    async fn dropping_it_closes_the_connection_also_while_something_waits() {
        let (stream, mut peer, tasks) = pair(b"").await;
        for _ in 0..5_000 {
            stream.write_all(&[0; 4_096]).await.expect("never an error");
        }
        drop(stream);
        tasks.tracker.close();
        tasks.tracker.wait().await;
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(std::time::Duration::from_secs(20), peer.read_to_end(&mut rest)).await;
        assert!(ended.is_ok());
    }
}
