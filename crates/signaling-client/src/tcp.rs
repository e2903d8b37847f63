//! Opens a TCP connection to a host by name, trying all its addresses. A dead address costs a quarter of a second, not a
//! time-out (Happy Eyeballs, RFC 8305).

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::{TcpStream, lookup_host};

/// How long one address is tried alone before the next joins in (RFC 8305 §5).
const HEAD_START: Duration = Duration::from_millis(250);
/// Addresses tried of one name: more only lengthen the wait for an error.
const MAX_ADDRESSES: usize = 16;

/// All addresses of `host`, the address families taking turns (RFC 8305 §4).
///
/// # Errors
/// As the system's resolver reports it, and `NotFound` when the name has no address.
pub(crate) async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let addresses = take_turns(lookup_host((host, port)).await?);
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

/// Keeps the resolver's order within a family and its choice of the first family.
fn take_turns(found: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut found = found.peekable();
    let Some(first) = found.peek().copied() else { return Vec::new() };
    let (same, other): (Vec<_>, Vec<_>) = found.partition(|address| address.is_ipv6() == first.is_ipv6());
    let (mut same, mut other) = (same.into_iter(), other.into_iter());
    let mut turns = Vec::new();
    loop {
        let pair = [same.next(), other.next()];
        if pair == [None, None] {
            turns.truncate(MAX_ADDRESSES);
            return turns;
        }
        turns.extend(pair.into_iter().flatten());
    }
}

async fn race<C, F, T>(addresses: Vec<SocketAddr>, connect: C) -> io::Result<T>
where
    C: Fn(SocketAddr) -> F,
    F: Future<Output = io::Result<T>>,
{
    let mut waiting = addresses.into_iter();
    let mut attempts = FuturesUnordered::new();
    let mut failure: Option<io::Error> = None;
    loop {
        let started = waiting.next().map(|address| attempts.push(connect(address))).is_some();
        if attempts.is_empty() {
            return Err(failure.unwrap_or_else(|| io::ErrorKind::NotFound.into()));
        }
        tokio::select! {
            Some(finished) = attempts.next() => match finished {
                Ok(stream) => return Ok(stream),
                // A failure frees the next address at once.
                Err(error) => failure = Some(more_telling(failure, error)),
            },
            () = tokio::time::sleep(HEAD_START), if started => {}
        }
    }
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

    use tokio::time::Instant;

    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn families_take_turns() {
        let found = ["[::1]:1", "[::2]:1", "[::3]:1", "10.0.0.1:1"].map(address);
        let turns = take_turns(found.into_iter());
        assert_eq!(turns, ["[::1]:1", "10.0.0.1:1", "[::2]:1", "[::3]:1"].map(address));
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
}
