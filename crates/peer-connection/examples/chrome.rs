//! temporary
#![allow(missing_docs)]
use call_core::*;
use media_codec::*;
use media_core::*;
use peer_connection::*;
use std::time::{Duration, Instant};
use tokio::io::AsyncBufReadExt;
fn out(v: serde_json::Value) { println!("{v}"); }
#[tokio::main]
async fn main() {
    let offers = std::env::args().nth(1).as_deref() == Some("offer");
    let (peer, mut ev) = Peer::open(PeerConfig::default()).await.unwrap();
    let t0 = Instant::now();
    let streams = ev.streams();
    if offers {
        let o = peer.create_offer().await.unwrap();
        if std::env::var("SDP").is_ok() { eprintln!("{}", o.sdp); }
        peer.set_local(o.clone()).await.unwrap();
        out(serde_json::json!({"type":"offer","sdp":o.sdp}));
    }
    let p = peer.clone();
    tokio::spawn(async move {
        let mut lines = tokio::io::BufReader::new(tokio::io::stdin()).lines();
        let mut have = false; let mut q = vec![];
        while let Ok(Some(l)) = lines.next_line().await {
            let Ok(m) = serde_json::from_str::<serde_json::Value>(&l) else { continue };
            if let Some(sdp) = m["sdp"].as_str() {
                if offers { p.set_remote(Description::answer(sdp)).await.unwrap(); } else {
                    p.set_remote(Description::offer(sdp)).await.unwrap();
                    let a = p.create_answer().await.unwrap();
                    if std::env::var("SDP").is_ok() { eprintln!("{}", a.sdp); }
                    p.set_local(a.clone()).await.unwrap();
                    out(serde_json::json!({"type":"answer","sdp":a.sdp}));
                }
                have = true;
                for c in q.drain(..) { if let Err(e) = p.add_candidate(c).await { eprintln!("AIC {e}"); } }
            } else if m["candidate"].is_object() {
                let c = Candidate { candidate: m["candidate"]["candidate"].as_str().unwrap_or("").into(), sdp_mid: Some("0".into()), sdp_m_line_index: Some(0), username_fragment: None };
                if have { if let Err(e) = p.add_candidate(c).await { eprintln!("AIC {e}"); } } else { q.push(c) }
            }
        }
    });
    let (kf_tx, mut kf) = tokio::sync::mpsc::unbounded_channel();
    let (con_tx, mut con) = tokio::sync::mpsc::unbounded_channel();
    let target = ev.target.clone();
    tokio::spawn(async move { while let Some(n) = ev.notices.recv().await { match n {
        PeerNotice::Session(PeerEvent::LocalCandidate(c)) => out(serde_json::json!({"candidate":{"candidate":c.candidate,"sdpMid":c.sdp_mid,"sdpMLineIndex":c.sdp_m_line_index,"usernameFragment":c.username_fragment}})),
        PeerNotice::Session(PeerEvent::Activity) => {}
        PeerNotice::KeyframeRequested => { let _ = kf_tx.send(()); }
        n => { eprintln!("[rs] {:?} {n:?}", t0.elapsed()); if n == PeerNotice::Session(PeerEvent::Connected) { let _ = con_tx.send(()); } }
    } } });
    tokio::time::timeout(Duration::from_secs(25), con.recv()).await.expect("connected");
    let size = Size::new(1280, 720).unwrap();
    let card = TestCard::new(size); let pool = PicturePool::new(4);
    let mut enc = H264Encoder::new(VideoEncoderConfig { size, frame_rate: FrameRate::new(30).unwrap(), bitrate: target.borrow().percent(75) }).unwrap();
    let (v, a) = (peer.video_sender(), peer.audio_sender());
    let mut buf = vec![]; let mut iv = tokio::time::interval(Duration::from_micros(33_333));
    let mut opus = OpusEncoder::new(Bitrate::from_kbps(32)).unwrap(); let mut ob = vec![];
    let (mut dropped, mut sent, mut keys, mut plis) = (0, 0, 0, 0);
    let mut rx = (0, 0); let mut key_size = 0;
    for i in 0..300u64 {
        iv.tick().await;
        while kf.try_recv().is_ok() { plis += 1; enc.request_keyframe(); }
        let mut pic = pool.take(size); card.draw(i, &mut pic);
        if i % 30 == 0 { enc.set_bitrate(target.borrow().percent(75)).unwrap(); peer.request_keyframe().await; }
        let e = enc.encode(&pic, &mut buf).unwrap();
        if e.keyframe { keys += 1; key_size = buf.len(); }
        if !e.skipped { match v.send(&buf, Instant::now()) { Sent::Queued => sent += 1, Sent::Dropped => { dropped += 1; enc.request_keyframe() } } }
        if i % 3 != 2 { opus.encode(&[0.1; 960], &mut ob).unwrap(); let _ = a.send(&ob, Instant::now()); }
        while streams.video.try_pop().is_some() { rx.0 += 1 }
        while streams.audio.try_pop().is_some() { rx.1 += 1 }
        if i == 150 { peer.send_chat("hi").await.ok(); }
    }
    eprintln!("[rs] RESULT sent {sent} dropped {dropped} keyframes {keys} (last {key_size} bytes) plis {plis} rx video {} audio {} pkts; target {}", rx.0, rx.1, *target.borrow());
    eprintln!("[rs] {:#?}", peer.stats().await);
    tokio::time::sleep(Duration::from_millis(2500)).await;
    peer.send_goodbye("done").await; peer.close().await; std::process::exit(0);
}
