//! Two sockets on loopback, one of which moves: packets go on arriving, each as if nothing had happened.

use super::*;
use std::future::poll_fn;
use webrtc::runtime::{Runtime as _, TokioRuntime};

const MEDIA: &[u8] = &[0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1];

fn socket(local: &str, remote: &str) -> (Arc<Migrating>, SocketAddr) {
    let side = |name: &str| format!("a=ice-ufrag:{name}\r\na=ice-pwd:password of {name} 123456\r\n");
    let credentials = Credentials::of(&side(local), &side(remote));
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("loopback is there");
    socket.set_nonblocking(true).expect("settable");
    let wrap: Wrap = Arc::new(|socket| TokioRuntime.wrap_udp_socket(socket));
    let socket = Migrating::new(socket, false, Arc::new(Mutex::new(credentials)), wrap, &Tasks::default());
    let socket = socket.expect("wrapped");
    let address = socket.local_addr().expect("bound");
    (socket, address)
}

async fn send(socket: &Migrating, destination: SocketAddr, contents: &[u8]) {
    let transmit = Transmit { destination, ecn: None, contents, segment_size: None, src_ip: None };
    poll_fn(|context| socket.poll_send(context, &transmit)).await.expect("sent");
}

async fn receive(socket: &Migrating) -> (SocketAddr, Vec<u8>) {
    let (mut buffer, mut meta) = ([0; 2048], [RecvMeta::default()]);
    let received = poll_fn(|context| socket.poll_recv(context, &mut [IoSliceMut::new(&mut buffer)], &mut meta));
    let count = tokio::time::timeout(Duration::from_secs(10), received).await.expect("it comes").expect("received");
    assert_eq!(count, 1);
    (meta[0].addr, buffer[..meta[0].len].to_vec())
}

/// Answers checks as ICE does, until something else comes.
async fn receive_media(socket: &Migrating, name: &str) -> SocketAddr {
    loop {
        let (from, datagram) = receive(socket).await;
        if !check::is_stun(&datagram) {
            return from;
        }
        let id = TransactionId(datagram[8..20].try_into().expect("a header"));
        let password = Credentials::of(
            &format!("a=ice-ufrag:{name}\r\na=ice-pwd:password of {name} 123456\r\n"),
            "a=ice-ufrag:x\r\na=ice-pwd:x\r\n",
        );
        send(socket, from, &check::answer(&password.expect("complete"), id)).await;
    }
}

#[tokio::test]
async fn a_socket_that_moves_is_followed_and_neither_side_of_ice_sees_it() {
    let (mover, mover_at) = socket("mover", "stayer");
    let (stayer, stayer_at) = socket("stayer", "mover");
    send(&mover, stayer_at, MEDIA).await;
    send(&stayer, mover_at, MEDIA).await;
    assert_eq!(receive(&stayer).await.0, mover_at);
    assert_eq!(receive(&mover).await.0, stayer_at);

    mover.reopen().expect("opened");
    let moved = Instant::now();
    lock(&mover.path).moved(moved);
    // Both go on as before; the stayer's media reach the mover once it was found again.
    let stays = async {
        loop {
            let from = receive_media(&stayer, "stayer").await;
            send(&stayer, mover_at, MEDIA).await;
            if from == mover_at {
                break;
            }
        }
    };
    let moves = async {
        let told = async {
            let mut tick = tokio::time::interval(Duration::from_millis(20));
            loop {
                tick.tick().await;
                mover.look(Instant::now());
                send(&mover, stayer_at, MEDIA).await;
            }
        };
        tokio::select! {
            () = told => unreachable!("it has no end"),
            from = receive_media(&mover, "mover") => assert_eq!(from, stayer_at),
        }
    };
    tokio::join!(stays, moves);
    assert_eq!(mover.local_addr().expect("known"), mover_at, "ICE knows the old one");
}
