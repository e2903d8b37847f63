//! The end of a connection, from either side, with and without words, and that nothing of it stays behind.

use crate::pair::{PATIENCE, closed_queue, connected, on_loopback, picture};
use call_core::PeerEvent;
use peer_connection::{PictureRequest, Sent};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_goodbye_and_the_close_after_it_reach_the_peer_in_under_a_second() {
    let (a, mut b) = connected(on_loopback()).await;
    let began = Instant::now();
    a.peer.send_goodbye("hung up").await;
    let said = began.elapsed();
    a.peer.close().await;
    b.until_session(PeerEvent::Goodbye { reason: Some("hung up".into()) }).await;
    b.until_session(PeerEvent::DataClosed).await;
    b.until_session(PeerEvent::Closed).await;
    let all = began.elapsed();
    eprintln!("goodbye acknowledged after {said:?}, close seen after {all:?}");
    assert!(said < Duration::from_millis(200), "{said:?}");
    assert!(all < Duration::from_secs(1), "{all:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_without_words_is_seen_too_and_closing_twice_is_fine() {
    let (a, mut b) = connected(on_loopback()).await;
    let sender = a.peer.video_sender();
    tokio::join!(a.peer.close(), a.peer.close());
    a.peer.close().await;
    b.until_session(PeerEvent::DataClosed).await;
    b.until_session(PeerEvent::Closed).await;
    closed_queue(&a.streams.audio).await;
    closed_queue(&a.streams.video).await;
    assert_eq!(sender.send(&picture(1, 10), Instant::now()), Sent::Dropped);
    a.peer.send_goodbye("too late").await;
    a.peer.request(&PictureRequest::Keyframe).await;
    assert!(a.peer.create_offer().await.is_err());
    let _ = a.peer.stats().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_goodbye_does_not_wait_for_a_peer_that_is_gone() {
    let (a, b) = connected(on_loopback()).await;
    b.peer.close().await;
    let began = Instant::now();
    a.peer.send_goodbye("hung up").await;
    a.peer.close().await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_the_last_handle_closes_the_connection() {
    let (a, mut b) = connected(on_loopback()).await;
    b.end_trickle();
    let another = a.peer.clone();
    drop(a);
    another.send_chat("still there").await.expect("a handle is left");
    drop(another);
    b.until_session(PeerEvent::Closed).await;
}

/// Sockets and tasks are counted over many connections: one that leaks would show twenty times.
#[cfg(target_os = "linux")]
#[test]
fn dropped_connections_leave_neither_sockets_nor_tasks() {
    fn sockets() -> usize {
        let entries = std::fs::read_dir("/proc/self/fd").expect("Linux");
        let targets = entries.flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok());
        targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
    }
    // In a process of its own: other tests of this binary open sockets too.
    if std::env::var_os("RINGBACK_LEAK_TEST").is_none() {
        let this = std::env::current_exe().expect("the test binary");
        let status = std::process::Command::new(this)
            .args(["close::dropped_connections_leave_neither_sockets_nor_tasks", "--exact", "--nocapture"])
            .env("RINGBACK_LEAK_TEST", "1")
            .status();
        assert!(status.expect("runs").success());
        return;
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let before = sockets();
    let tasks = || runtime.metrics().num_alive_tasks();
    for round in 0..20 {
        runtime.block_on(async {
            let (a, b) = connected(on_loopback()).await;
            if round % 2 == 0 {
                a.peer.close().await;
            }
            drop((a, b));
        });
    }
    let began = Instant::now();
    while (sockets() > before || tasks() > 0) && began.elapsed() < PATIENCE {
        runtime.block_on(tokio::task::yield_now());
    }
    assert_eq!((sockets(), tasks()), (before, 0));
}
