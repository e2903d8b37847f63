//! Descriptions: what they hold, glare with rollback, renegotiation, and candidates that come late or labelled.

use crate::pair::{Side, connect, connected, drain, flows, negotiate, on_loopback, picture, restart};
use call_core::{Description, PeerEvent};
use peer_connection::PeerError;

#[tokio::test]
async fn the_offer_holds_all_that_a_call_will_carry() {
    let side = Side::open(on_loopback()).await;
    let offer = side.peer.create_offer().await.expect("an offer").sdp;
    let sections: Vec<_> = offer.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(sections.len(), 3, "{sections:?}");
    for (section, start) in sections.iter().zip(["m=audio", "m=video", "m=application"]) {
        assert!(section.starts_with(start), "{section}");
    }
    for wanted in [
        "opus/48000/2",
        "minptime=10;useinbandfec=1",
        "H264/90000",
        "packetization-mode=1;profile-level-id=42e01f",
        "rtx/90000",
        "transport-cc",
        "nack pli",
        "ccm fir",
        "a=group:BUNDLE",
        "a=ssrc-group:FID",
    ] {
        assert!(offer.contains(wanted), "{wanted} is not in:\n{offer}");
    }
    assert_eq!(offer.matches("a=sendrecv").count(), 2 + 1, "audio, video and data:\n{offer}");
    assert!(!offer.contains("VP8"));
}

#[tokio::test]
async fn candidates_are_labelled_for_browsers() {
    let mut side = Side::open(on_loopback()).await;
    let offer = side.peer.create_offer().await.expect("an offer");
    let mid = offer.sdp.lines().find_map(|line| line.strip_prefix("a=mid:")).expect("a mid").to_owned();
    side.peer.set_local(offer).await.expect("our own");
    let candidate = side.next_candidate().await;
    assert_eq!((candidate.sdp_mid, candidate.sdp_m_line_index), (Some(mid), Some(0)));
    assert!(candidate.username_fragment.is_some());
    assert!(candidate.candidate.contains("127.0.0.1"), "loopback is bound, so it is offered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_polite_side_rolls_its_offer_back_and_the_call_comes_about() {
    let (mut polite, mut impolite) = (Side::open(on_loopback()).await, Side::open(on_loopback()).await);
    let withdrawn = polite.peer.create_offer().await.expect("an offer");
    polite.peer.set_local(withdrawn).await.expect("our own");
    polite.peer.rollback().await.expect("an offer of ours is pending");
    connect(&mut impolite, &mut polite).await;
    flows(&polite.peer.video_sender(), &impolite.streams.video, &picture(1, 100)).await;
    flows(&impolite.peer.video_sender(), &polite.streams.video, &picture(1, 100)).await;
    polite.peer.send_chat("after you").await.expect("open");
    impolite.until("a line", |notice| matches!(notice, peer_connection::PeerNotice::Chat(_))).await;
}

#[tokio::test]
async fn the_peers_offer_can_be_rolled_back_too_but_nothing_cannot() {
    let (a, b) = (Side::open(on_loopback()).await, Side::open(on_loopback()).await);
    let offer = a.peer.create_offer().await.expect("an offer");
    b.peer.set_remote(offer).await.expect("a good offer");
    b.peer.rollback().await.expect("an offer of the peer is pending");
    assert!(matches!(b.peer.create_answer().await, Err(PeerError::Create(_))), "nothing to answer");
    assert!(matches!(a.peer.rollback().await, Err(PeerError::Description(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_that_was_refused_does_not_stand_in_the_way_of_a_good_one() {
    let (mut a, mut b) = (Side::open(on_loopback()).await, Side::open(on_loopback()).await);
    let offer = a.peer.create_offer().await.expect("an offer");
    for missing in ["a=fingerprint:", "a=ice-ufrag:", "a=ice-pwd:", "a=mid:"] {
        let lines = offer.sdp.lines().filter(|line| !line.starts_with(missing));
        let sdp: String = lines.flat_map(|line| [line, "\r\n"]).collect();
        let refused = b.peer.set_remote(Description::offer(sdp)).await;
        assert!(matches!(refused, Err(PeerError::Description(_))), "without {missing}");
    }
    connect(&mut a, &mut b).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_call_is_renegotiated_from_either_side() {
    let (a, b) = connected(on_loopback()).await;
    for (from, to) in [(&a, &b), (&b, &a)] {
        let offer = from.peer.create_offer().await.expect("an offer");
        from.peer.set_local(offer.clone()).await.expect("our own");
        to.peer.set_remote(offer).await.expect("a good offer");
        let answer = to.peer.create_answer().await.expect("an answer");
        to.peer.set_local(answer.clone()).await.expect("our own");
        from.peer.set_remote(answer).await.expect("a good answer");
        flows(&from.peer.video_sender(), &to.streams.video, &picture(1, 100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ice_is_restarted_by_either_side_and_media_flow_again_over_new_sockets() {
    let (mut a, mut b) = connected(on_loopback()).await;
    for a_restarts in [true, false] {
        let (one, other) = if a_restarts { (&mut a, &mut b) } else { (&mut b, &mut a) };
        restart(one, other).await;
        for (from, to) in [(&*one, &*other), (&*other, &*one)] {
            drain(&to.streams.audio);
            flows(&from.peer.audio_sender(), &to.streams.audio, &[0xf8, 0xff, 0xfe]).await;
        }
        let again =
            [one.peer.create_offer().await, one.peer.create_offer().await].map(|offer| offer.expect("an offer"));
        assert_eq!(again[0].ice_ufrag(), again[1].ice_ufrag(), "a restart is asked for once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_sides_candidates_are_enough_and_the_path_is_still_called_by_its_real_name() {
    let (mut a, mut b) = (Side::open(on_loopback()).await, Side::open(on_loopback()).await);
    let offer = a.peer.create_offer().await.expect("an offer");
    a.peer.set_local(offer.clone()).await.expect("our own");
    b.peer.set_remote(offer).await.expect("a good offer");
    a.trickle_to(&b);
    let answer = b.peer.create_answer().await.expect("an answer");
    b.peer.set_local(answer.clone()).await.expect("our own");
    a.peer.set_remote(answer).await.expect("a good answer");
    // Not one candidate of b is given to a before the two are connected.
    tokio::join!(a.until_session(PeerEvent::Connected), b.until_session(PeerEvent::Connected));
    assert_eq!(a.peer.stats().await.path.expect("connected").remote_type, "prflx");
    loop {
        let late = b.next_candidate().await;
        if late.is_end_of_candidates() {
            break;
        }
        a.peer.add_candidate(late).await.expect("a good candidate");
    }
    assert_eq!(a.peer.stats().await.path.expect("connected").remote_type, "host");
}

#[tokio::test]
async fn what_is_out_of_turn_is_refused() {
    let mut side = Side::open(on_loopback()).await;
    assert!(matches!(side.peer.create_answer().await, Err(PeerError::Create(_))));
    let mut other = Side::open(on_loopback()).await;
    let offer = other.peer.create_offer().await.expect("an offer");
    assert!(matches!(side.peer.set_local(offer.clone()).await, Err(PeerError::Description(_))), "not ours");
    assert!(matches!(side.peer.set_remote(Description::answer(offer.sdp)).await, Err(PeerError::Description(_))));
    assert_eq!(side.peer.send_chat("too early").await, Err(PeerError::NoDataChannel));
    negotiate(&mut other, &mut side).await;
}
