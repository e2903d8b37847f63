//! trial
use media_capture::*;
use media_core::*;
use std::sync::Arc;
use std::time::{Duration, Instant};
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let t = Instant::now();
    for c in list_cameras() { println!("{} {} {:?}", c.id, c.name, c.problem); for f in c.formats { println!("   {f}"); } }
    println!("listed in {:?}", t.elapsed());
    if args.len() < 4 { return; }
    let size: Size = args[2].parse().unwrap();
    let secs: u64 = args[3].parse().unwrap();
    let fps = args.get(4).map_or(30, |f| f.parse().unwrap());
    let slot = Arc::new(LatestSlot::new());
    let t0 = Instant::now();
    let cap = video::start(&args[1].parse().unwrap(), VideoFormat { size, frame_rate: FrameRate::new(fps).unwrap() }, slot.clone(), move |n| println!("{:?} notice {n:?}", t0.elapsed()));
    let cap = match cap { Ok(c) => c, Err(e) => { println!("error in {:?}: {e}", t0.elapsed()); return; } };
    println!("{} in {:?}", cap.description(), t0.elapsed());
    let mut n = 0; let begin = Instant::now(); let mut sec = 0; let mut age = Duration::ZERO; let mut last = None;
    while begin.elapsed() < Duration::from_secs(secs) {
        if let SlotWait::Value(p) = slot.wait_timeout(Duration::from_millis(100)) { n += 1; age = age.max(p.captured_at.elapsed()); last = Some(p.picture); }
        if begin.elapsed().as_secs() > sec { sec += 1; println!("{sec}s {n} pictures, oldest {age:?} {:?}", last); n = 0; age = Duration::ZERO; }
    }
    if let (Some(p), Some(path)) = (last, args.get(5)) { let mut b = format!("P5 {} {} 255\n", size.width, size.height).into_bytes(); b.extend_from_slice(p.planes()[0]); std::fs::write(path, b).unwrap(); }
    let t = Instant::now(); cap.stop(); println!("stop {:?}", t.elapsed());
}
