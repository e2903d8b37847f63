//! trial
use audio_device::*;
use std::time::{Duration, Instant};
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let choice = |s: &str| if s == "auto" { DeviceChoice::Default } else { DeviceChoice::Id(s.to_owned()) };
    let t0 = Instant::now();
    println!("inputs {:#?}", list(Direction::Input)); println!("in {:?}", t0.elapsed());
    let t = Instant::now();
    println!("outputs {:#?}", list(Direction::Output)); println!("in {:?}", t.elapsed());
    if args.len() < 3 { return; }
    let secs: u64 = args[3].parse().unwrap();
    let t = Instant::now();
    let mut mic = Microphone::open(choice(&args[1]), move |n| println!("{:?} mic notice {n:?}", t0.elapsed()));
    println!("mic opened {:?} in {:?}", mic.opened(), t.elapsed());
    let t = Instant::now();
    let mut spk = Speaker::open(choice(&args[2]), move |n| println!("{:?} spk notice {n:?}", t0.elapsed()));
    println!("spk opened {:?} in {:?}", spk.opened(), t.elapsed());
    let begin = Instant::now();
    let (mut out, mut pulled, mut pushed, mut phase) = (Vec::new(), 0usize, 0usize, 0f32);
    let mut next = begin; let mut sec = 0;
    let mut click: Option<Instant> = None; let mut lat = Vec::new(); let mut n = 0u64;
    let mut peak: f32 = 0.0;
    let mut maxq = Duration::ZERO;
    while begin.elapsed() < Duration::from_secs(secs) {
        next += Duration::from_millis(10);
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        let now = Instant::now();
        out.clear(); mic.pull(now, &mut out); pulled += out.len();
        let p = out.iter().fold(0.0f32, |a, b| a.max(b.abs())); peak = peak.max(p);
        if p > 0.8 { if let Some(c) = click.take() { lat.push(c.elapsed().as_millis()); } }
        let mut w = spk.wanted(now);
        while w >= 480 {
            n += 1;
            let mut b: Vec<f32> = (0..480).map(|_| { phase += 440.0 / 48000.0; (phase * std::f32::consts::TAU).sin() * 0.2 }).collect();
            if n % 50 == 0 { b.iter_mut().take(48).for_each(|s| *s = 0.95); click = Some(now); }
            spk.push(&b); pushed += 480; w -= 480;
        }
        maxq = maxq.max(spk.queued());
        if begin.elapsed().as_secs() > sec { sec += 1;
            println!("{sec}s pulled {pulled} pushed {pushed} underruns {} overruns {} queued {:?} max {:?} peak {peak:.2} click latency {lat:?}", spk.underruns(), mic.overruns(), spk.queued(), maxq); lat.clear(); peak = 0.0; maxq = Duration::ZERO; }
    }
    let t = Instant::now(); drop(mic); println!("mic drop {:?}", t.elapsed());
    let t = Instant::now(); drop(spk); println!("spk drop {:?}", t.elapsed());
}
