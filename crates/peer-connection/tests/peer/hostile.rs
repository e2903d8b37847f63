//! What a peer or a signaling server may send that makes no sense: always an error, never a panic.

use crate::pair::{Side, connect, on_loopback};
use call_core::{Candidate, Description};
use peer_connection::PeerError;
use proptest::prelude::*;

fn candidate(text: &str) -> Candidate {
    Candidate { candidate: text.into(), ..Candidate::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_is_refused_and_the_connection_still_comes_about() {
    let (mut a, mut b) = (Side::open(on_loopback()).await, Side::open(on_loopback()).await);
    for garbage in ["", "v=0", "\u{0}", "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=", &"a=".repeat(100_000)] {
        for description in [Description::offer(garbage), Description::answer(garbage)] {
            assert!(matches!(b.peer.set_remote(description).await, Err(PeerError::Description(_))), "{garbage:.40}");
        }
    }
    assert!(
        matches!(
            b.peer.add_candidate(candidate("candidate:1 1 udp 1 10.0.0.1 9 typ host")).await,
            Err(PeerError::Candidate(_))
        ),
        "no description yet"
    );
    for garbage in [
        "x",
        "candidate:",
        "candidate:1 1 udp 1 10.0.0.1 70000 typ host",
        "candidate:1 1 udp 1 10.0.0.1 1 typ nonsense",
    ] {
        assert!(matches!(b.peer.add_candidate(candidate(garbage)).await, Err(PeerError::Candidate(_))), "{garbage}");
    }
    let offer = a.peer.create_offer().await.expect("an offer");
    connect(&mut a, &mut b).await;
    drop(offer);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn candidates_that_mean_nothing_are_left_out() {
    let (mut a, mut b) = (Side::open(on_loopback()).await, Side::open(on_loopback()).await);
    let offer = a.peer.create_offer().await.expect("an offer");
    a.peer.set_local(offer.clone()).await.expect("our own");
    b.peer.set_remote(offer).await.expect("a good offer");
    a.trickle_to(&b);
    for nothing in [
        "",
        "candidate:1 1 tcp 1 10.0.0.1 9 typ host tcptype active",
        "candidate:1 1 TCP 1 127.0.0.1 9 typ host tcptype passive",
    ] {
        assert_eq!(b.peer.add_candidate(candidate(nothing)).await, Ok(()));
    }
    let unresolvable = "candidate:1 1 udp 2122260223 3b2dcb6e-0000-0000-0000-000000000000.local 50000 typ host";
    assert_eq!(b.peer.add_candidate(candidate(unresolvable)).await, Ok(()));
    let answer = b.peer.create_answer().await.expect("an answer");
    b.peer.set_local(answer.clone()).await.expect("our own");
    a.peer.set_remote(answer).await.expect("a good answer");
    b.trickle_to(&a);
    tokio::join!(a.until_open(), b.until_open());
}

/// Changes a good offer line by line: most of it is still accepted, the rest refused, none of it panics.
#[test]
fn mutated_descriptions_never_panic() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let offer = runtime.block_on(async {
        let side = Side::open(on_loopback()).await;
        side.peer.create_offer().await.expect("an offer").sdp
    });
    let lines: Vec<&str> = offer.lines().collect();
    let mutation = (0..lines.len(), 0..5_u8, any::<prop::sample::Index>(), ".{0,40}");
    let mut runner = proptest::test_runner::TestRunner::new_with_rng(
        ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() },
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let outcome = runner.run(&prop::collection::vec(mutation, 1..4), |mutations| {
        let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        for (line, how, at, text) in mutations {
            let line = line.min(lines.len() - 1);
            let cut =
                lines[line].char_indices().map(|(index, _)| index).nth(at.index(lines[line].chars().count().max(1)));
            let cut = cut.unwrap_or(0);
            match how {
                0 => drop(lines.remove(line)),
                1 => lines[line].truncate(cut),
                2 => lines[line].insert_str(cut, &text),
                3 => lines[line] = text,
                _ => {
                    let copy = lines[line].clone();
                    lines.insert(line, copy);
                }
            }
        }
        let sdp = lines.join("\r\n") + "\r\n";
        runtime.block_on(async {
            let side = Side::open(on_loopback()).await;
            if side.peer.set_remote(Description::offer(sdp)).await.is_ok()
                && let Ok(answer) = side.peer.create_answer().await
            {
                let _ = side.peer.set_local(answer).await;
            }
            side.peer.close().await;
        });
        Ok(())
    });
    outcome.expect("no panic");
}

#[test]
fn arbitrary_candidates_never_panic() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let side = runtime.block_on(async {
        let (side, other) = (Side::open(on_loopback()).await, Side::open(on_loopback()).await);
        let offer = other.peer.create_offer().await.expect("an offer");
        side.peer.set_remote(offer).await.expect("a good offer");
        side
    });
    let mut runner = proptest::test_runner::TestRunner::new_with_rng(
        ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() },
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let line = "(candidate:)?[ -~]{0,8} [0-9]{1,3} (udp|UDP|x) [0-9]{1,12} [0-9a-f.:]{0,20} [0-9]{1,6} typ (host|srflx|prflx|relay|x)( raddr [0-9.]{0,8}| rport [0-9]{1,6}| [ -~]{0,20})*";
    let outcome = runner.run(&prop_oneof![line, ".*"], |line| {
        runtime.block_on(async { side.peer.add_candidate(candidate(&line)).await.ok() });
        Ok(())
    });
    outcome.expect("no panic");
}
