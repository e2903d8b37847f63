//! Delay, loss and rate between namespaces are those of the profile, and the log tells the same.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use lab::network::forward::ForwarderConfig;
use lab::network::lab::Lab;
use lab::network::log::NetworkLog;
use lab::network::memory::{ADDRESS_A, ADDRESS_B, MemoryNetwork};
use lab::network::nat::Nat;
use lab::network::place::Port;
use lab::network::profile::Profile;
use media_core::Bitrate;

use crate::probe::{address, be_punctual, echo, end_echo, flood, receive, socket};
use crate::ready::{config, lab, turn};

/// Measures on a thread of its own, which keeps its priority to itself.
fn measure<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        scope
            .spawn(|| {
                be_punctual();
                work()
            })
            .join()
            .unwrap()
    })
}

/// Round-trip times of so many datagrams, eight of them under way at once.
fn round_trips(lab: &Lab, count: u32) -> Vec<Duration> {
    let (asking, answering) = (socket(lab, Port::A, 5000), socket(lab, Port::B, 5000));
    let to = address(lab, Port::B, 5000);
    std::thread::scope(|scope| {
        scope.spawn(|| echo(&answering));
        let times = measure(|| {
            let start = Instant::now();
            let send = |_| asking.send_to(&(start.elapsed().as_micros() as u64).to_be_bytes(), to).unwrap();
            (0..8).map(send).for_each(drop);
            let answer = |number| {
                let (datagram, _) = receive(&asking, Duration::from_secs(5)).expect("nothing is lost");
                let sent = Duration::from_micros(u64::from_be_bytes(datagram.try_into().unwrap()));
                let time = start.elapsed() - sent;
                if number + 8 < count {
                    send(number);
                }
                time
            };
            (0..count).map(answer).collect()
        });
        end_echo(lab, Port::B, 5000);
        times
    })
}

#[test]
fn forty_milliseconds_each_way_are_eighty_there_and_back() {
    let Some(_turn) = turn() else { return };
    let lab = lab("both 0s delay=40ms", Nat::None, Nat::None);
    lab.start_profile();
    let mut times = round_trips(&lab, 160);
    times.sort();
    let median = times[times.len() / 2];
    assert!(times[0] >= Duration::from_millis(80), "{:?}", times[0]);
    let summary = lab.down().unwrap();
    // Without priority, a busy machine adds delays of its own, and the lab says so.
    let more = Duration::from_millis(if summary.realtime { 2 } else { 10 });
    assert!(median <= Duration::from_millis(80) + more, "{median:?}");
    assert!(summary.late.p50 <= more / 2, "{:?}", summary.late);
}

/// Which of a thousand numbered datagrams arrive at b and come back.
fn survivors(profile: &str) -> BTreeSet<u32> {
    let lab = lab(profile, Nat::None, Nat::None);
    let (asking, answering) = (socket(&lab, Port::A, 5000), socket(&lab, Port::B, 5000));
    let to = address(&lab, Port::B, 5000);
    let mut arrived = BTreeSet::new();
    let mut take = |within| {
        let answer = receive(&asking, within).map(|(datagram, _)| u32::from_be_bytes(datagram.try_into().unwrap()));
        arrived.extend(answer);
        answer
    };
    std::thread::scope(|scope| {
        scope.spawn(|| echo(&answering));
        for number in 0..1000u32 {
            asking.send_to(&number.to_be_bytes(), to).unwrap();
            if number % 10 == 9 {
                // Ten at a time, so that no queue of the kernel overflows; answers that come later count too.
                let _ = (0..10).try_for_each(|_| take(Duration::from_millis(10)).map(drop));
            }
        }
        while take(Duration::from_millis(500)).is_some() {}
        end_echo(&lab, Port::B, 5000);
    });
    let lost = lab.down().unwrap().links.iter().map(|(_, counters)| counters.lost.packets).sum::<u64>();
    assert_eq!(arrived.len() as u64 + lost, 1000, "what did not arrive was lost by the link and by nothing else");
    arrived
}

#[test]
fn the_seed_decides_which_datagrams_are_lost_in_memory_as_between_namespaces() {
    let Some(_turn) = turn() else { return };
    let profile = "b.down 0s loss=10%";
    let start = Instant::now();
    let mut memory = MemoryNetwork::new(Profile::parse(profile).unwrap(), ForwarderConfig::default().seed, start);
    for number in 0..1000u32 {
        memory.send(start, (ADDRESS_A, 1).into(), (ADDRESS_B, 1).into(), number.to_be_bytes().to_vec());
    }
    let foretold: BTreeSet<u32> = std::iter::from_fn(|| memory.poll(start))
        .map(|delivery| u32::from_be_bytes(delivery.payload.try_into().unwrap()))
        .collect();
    assert!((870..930).contains(&foretold.len()), "{}", foretold.len());
    assert_eq!(survivors(profile), foretold);
    assert_eq!(survivors(profile), foretold);
}

/// When datagrams come, until none has come for a second.
fn arrivals(socket: &UdpSocket) -> Vec<Instant> {
    measure(|| std::iter::from_fn(|| receive(socket, Duration::from_secs(1)).map(|_| Instant::now())).collect())
}

#[test]
fn a_rate_is_kept_and_the_log_tells_of_the_queue_before_it() {
    const SIZE: usize = 1200;
    let Some(_turn) = turn() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("network.csv");
    let profile = Profile::parse("ab 0s rate=5mbit queue=200ms").unwrap();
    let forwarder = ForwarderConfig { profile, log: Some(file.clone()), ..ForwarderConfig::default() };
    let lab = Lab::up(config(forwarder, Nat::None, Nat::None)).unwrap();
    let (sending, receiving) = (socket(&lab, Port::A, 0), socket(&lab, Port::B, 5000));
    let to = address(&lab, Port::B, 5000);

    let zero = lab.start_profile();
    let (sent, arrived) = std::thread::scope(|scope| {
        let arrived = scope.spawn(|| arrivals(&receiving));
        let sent = scope.spawn(|| flood(&sending, to, SIZE, 8e6, Duration::from_secs(3)));
        (sent.join().unwrap(), arrived.join().unwrap())
    });
    let length = *arrived.last().unwrap() - arrived[0];
    let rate = ((arrived.len() - 1) * (SIZE + 28) * 8) as f64 / length.as_secs_f64();
    assert!((rate / 5e6 - 1.0).abs() < 0.05, "{rate} bit/s");

    let summary = lab.down().unwrap();
    let log = NetworkLog::read(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!((log.zero_us, log.late.is_some()), (Some(zero), true));
    let rows: Vec<_> = log.of(Port::A.up()).collect();
    let counters = rows.last().unwrap().state.counters;
    assert!(summary.links.contains(&(Port::A.up(), counters)));
    assert_eq!((counters.entered.packets, counters.delivered.packets), (sent, arrived.len() as u64));
    assert_eq!(counters.queue_full.packets, sent - arrived.len() as u64);
    assert!(rows.iter().all(|row| row.state.capacity == Some(Bitrate::from_kbps(5000))));
    let longest = rows.iter().map(|row| row.state.backlog.delay).max().unwrap();
    assert!((Duration::from_millis(180)..=Duration::from_millis(201)).contains(&longest), "{longest:?}");
}

#[test]
fn a_profile_does_not_begin_before_it_is_told_to() {
    let Some(_turn) = turn() else { return };
    let lab = lab("both 0s delay=10ms\nboth 50ms delay=30ms", Nat::None, Nat::None);
    // 160 round trips of 20 ms, eight at once: 400 ms, in which the second step would have come.
    let before = round_trips(&lab, 160);
    assert!(before.iter().min().unwrap() >= &Duration::from_millis(20));
    assert!(before[120..].iter().min().unwrap() < &Duration::from_millis(40), "{:?}", &before[120..]);
    lab.start_profile();
    let after = round_trips(&lab, 160);
    assert!(after[120..].iter().min().unwrap() >= &Duration::from_millis(60), "{:?}", &after[120..]);
}

#[test]
fn tcp_passes_between_all_hosts() {
    let Some(_turn) = turn() else { return };
    let lab = lab("both 0s delay=5ms\nb.down 0s rate=40mbit queue=200ms", Nat::None, Nat::None);
    let content: Vec<u8> = (0..500_000u32).map(|number| (number % 251) as u8).collect();
    for (server, client) in [(Port::S, Port::B), (Port::S, Port::A), (Port::A, Port::B)] {
        let listener = lab.inside(server, || TcpListener::bind(address(&lab, server, 8000))).unwrap().unwrap();
        let to = address(&lab, server, 8000);
        let got = std::thread::scope(|scope| {
            scope.spawn(|| listener.accept().unwrap().0.write_all(&content).unwrap());
            let within = Duration::from_secs(10);
            let mut stream = lab.inside(client, || TcpStream::connect_timeout(&to, within)).unwrap().unwrap();
            stream.set_read_timeout(Some(within)).unwrap();
            let mut got = Vec::new();
            stream.read_to_end(&mut got).unwrap();
            got
        });
        assert!(got == content, "from {server} to {client}: {} of {} bytes", got.len(), content.len());
    }
}
