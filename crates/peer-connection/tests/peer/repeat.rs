//! Connections one after another, and how long each takes to come up.

use crate::pair::{Side, on_loopback};
use call_core::PeerEvent;
use std::time::{Duration, Instant};

/// Twenty connections: each is up within the time that a person does not notice, and each closes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_connections_come_up_fast_and_close() {
    let (mut connected, mut open) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        let (mut a, mut b) = (Side::open(on_loopback()).await, Side::open(on_loopback()).await);
        let began = Instant::now();
        crate::pair::negotiate(&mut a, &mut b).await;
        tokio::join!(a.until_session(PeerEvent::Connected), b.until_session(PeerEvent::Connected));
        connected.push(began.elapsed());
        tokio::join!(a.until_session(PeerEvent::DataOpen), b.until_session(PeerEvent::DataOpen));
        open.push(began.elapsed());
        tokio::join!(a.peer.close(), b.peer.close());
    }
    for (what, times) in [("connected", &mut connected), ("data open", &mut open)] {
        times.sort();
        eprintln!("create_offer to {what}: min {:?} median {:?} max {:?}", times[0], times[10], times[19]);
        assert!(times[10] < Duration::from_millis(400), "{what}: {times:?}");
    }
}
