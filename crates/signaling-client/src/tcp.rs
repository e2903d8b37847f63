//! Opens a TCP connection to a host by name, trying all its addresses. A dead address costs a quarter of a second, not a
//! time-out (Happy Eyeballs, RFC 8305).

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, sleep_until};

use crate::race::Race;

/// All addresses of `host`.
///
/// # Errors
/// As the system's resolver reports it, and `NotFound` when the name has no address.
pub(crate) async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let addresses: Vec<_> = lookup_host((host, port)).await?.collect();
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    }
    Ok(addresses)
}

/// A connection to whichever of `addresses` answers first, without Nagle's delay: candidates are small and urgent.
///
/// # Errors
/// When no address could be connected to: the most telling of the failures.
pub(crate) async fn connect(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let stream = race(addresses, TcpStream::connect).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The first of the attempts that succeeds; the others are dropped.
async fn race<C, F, T>(addresses: Vec<SocketAddr>, connect: C) -> io::Result<T>
where
    C: Fn(SocketAddr) -> F,
    F: Future<Output = io::Result<T>>,
{
    let now = || Instant::now().into_std();
    let mut race = Race::new(now(), addresses);
    let mut attempts = FuturesUnordered::new();
    let mut failure: Option<io::Error> = None;
    while !race.is_lost() {
        if let Some(address) = race.poll(now()) {
            attempts.push(connect(address));
        }
        let next = race.deadline();
        tokio::select! {
            Some(finished) = attempts.next() => match finished {
                Ok(stream) => return Ok(stream),
                Err(error) => {
                    race.failed(now());
                    failure = Some(more_telling(failure, error));
                }
            },
            () = sleep_until(next.map_or_else(Instant::now, Instant::from_std)), if next.is_some() => {}
        }
    }
    Err(failure.unwrap_or_else(|| io::ErrorKind::NotFound.into()))
}

/// A refusal says that the machine is there; beside it an unreachable second address family is noise.
fn more_telling(known: Option<io::Error>, new: io::Error) -> io::Error {
    match known {
        Some(known) if new.kind() != io::ErrorKind::ConnectionRefused => known,
        _ => new,
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use super::*;
    use crate::race::HEAD_START;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_address_costs_a_quarter_of_a_second() {
        let start = Instant::now();
        let reached = race(vec![address("10.0.0.1:1"), address("10.0.0.2:1")], async |tried| {
            if tried == address("10.0.0.1:1") { pending().await } else { Ok(tried) }
        });
        assert_eq!(reached.await.expect("the second answers"), address("10.0.0.2:1"));
        assert_eq!(start.elapsed(), HEAD_START);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_starts_the_next_address_at_once_and_a_refusal_is_what_is_told() {
        let start = Instant::now();
        let error = race(vec![address("10.0.0.1:1"), address("10.0.0.2:1"), address("10.0.0.3:1")], async |tried| {
            let kind = if tried == address("10.0.0.2:1") {
                io::ErrorKind::ConnectionRefused
            } else {
                io::ErrorKind::NetworkUnreachable
            };
            Err::<(), _>(kind.into())
        })
        .await
        .expect_err("all fail");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    /// A listener on loopback that takes no connection any more: its queue is full, and the system drops what comes.
    async fn full() -> (tokio::net::TcpListener, Vec<TcpStream>) {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("loopback has free ports");
        let listener = socket.listen(0).expect("a listener");
        let address = listener.local_addr().expect("bound");
        let mut waiting = Vec::new();
        while let Ok(stream) = tokio::time::timeout(HEAD_START, TcpStream::connect(address)).await {
            waiting.push(stream.expect("loopback refuses nobody"));
            assert!(waiting.len() < 16, "the queue has no end");
        }
        (listener, waiting)
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn real_addresses_that_refuse_or_say_nothing_give_way_to_one_that_answers() {
        let refusing = {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
            listener.local_addr().expect("bound")
        };
        let (silent, _waiting) = full().await;
        let good = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
        let [silent, good] = [&silent, &good].map(|listener| listener.local_addr().expect("bound"));
        let start = Instant::now();
        let stream = connect(vec![refusing, silent, good]).await.expect("the last one answers");
        assert_eq!(stream.peer_addr().expect("connected"), good);
        // The silent one would cost two minutes.
        assert!((HEAD_START..Duration::from_secs(10)).contains(&start.elapsed()), "{:?}", start.elapsed());
        assert_eq!(connect(vec![refusing]).await.expect_err("nobody else").kind(), io::ErrorKind::ConnectionRefused);
    }
}
