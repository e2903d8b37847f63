//! The estimate on a link in virtual time: a keyframe, then pictures, and sound are paced onto it, it has a capacity, a queue, a
//! loss and a way of its own to let packets go, and reports come back.

use super::*;

const MIN: Bitrate = Bitrate::from_kbps(100);
const MAX: Bitrate = Bitrate::from_kbps(4_000);
const PACKET: usize = 1_200;

/// Sound: a packet each 20 ms.
const SOUND: usize = 130;
const SOUND_BPS: f64 = 50.0 * SOUND as f64 * 8.0;

/// The first picture's bytes are at least these: one of 640x360 is hardly smaller however low the target.
const FIRST_PICTURE: f64 = 15_000.0;

/// Bits that the pacer lets go at once.
const BURST: f64 = 5.0 * PACKET as f64 * 8.0;

/// Where a call begins, in kbit/s.
const START: u64 = 250;

/// One way, and the queue's length.
const DELAY: Duration = Duration::from_millis(20);
const QUEUE: Duration = Duration::from_millis(300);

/// What a sender has seen of one step of the clock.
#[derive(Clone, Copy, Debug)]
struct Seen {
    at: f64,
    target: f64,
    /// In seconds.
    queue: f64,
    /// Packets that found it full until now.
    dropped: usize,
}

/// What a radio link does to packets beside its capacity.
#[derive(Clone, Copy, Debug, Default)]
struct Air {
    /// Up to so many seconds more, by chance, also out of order.
    jitter: f64,
    /// It lets packets go only so often, in seconds.
    bunches: f64,
    /// It stands still for a fifth of a second each time that so many have passed.
    stalls: f64,
}

struct Path {
    estimate: BandwidthEstimate,
    /// The share of the target that the pictures use.
    use_of_target: f64,
    frame_rate: f64,
    loss: f64,
    reports_lost: f64,
    air: Air,
    /// Whether there is sound, which is a part of the target.
    sound: bool,
    seed: u64,
    /// Packets of the first picture that found the queue full.
    first_picture_lost: usize,
}

impl Path {
    fn new(start_kbps: u64) -> Self {
        let estimate = BandwidthEstimate::new(Bitrate::from_kbps(start_kbps), MIN, MAX);
        Self {
            estimate,
            use_of_target: 0.9,
            frame_rate: 30.0,
            loss: 0.0,
            reports_lost: 0.0,
            air: Air::default(),
            sound: true,
            seed: 1,
            first_picture_lost: 0,
        }
    }

    fn chance(&mut self) -> f64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) as f64 / (1_u64 << 31) as f64
    }

    /// Runs for so many seconds over a link with that capacity, in bits a second by the time in seconds.
    fn run(&mut self, seconds: f64, capacity: impl Fn(f64) -> f64) -> Vec<Seen> {
        let start = Instant::now();
        let at = |seconds: f64| start + Duration::from_secs_f64(seconds);
        let (mut seen, mut dropped, mut backlog, mut free_at) = (Vec::new(), 0, 0.0_f64, 0.0_f64);
        let (mut unreported, mut untold): (Vec<Fate>, Vec<Fate>) = Default::default();
        let (mut budget, mut next_picture, mut next_report) = (BURST, 0.0_f64, 0.1_f64);
        let mut first_picture = 0.0;
        for step in 0..(seconds * 1e3) as u64 {
            let now = step as f64 / 1e3;
            let target = self.estimate.target().bps() as f64;
            if now >= next_picture {
                next_picture += 1.0 / self.frame_rate;
                let sound = if self.sound { SOUND_BPS } else { 0.0 };
                let mean = (target * self.use_of_target - sound).max(0.0) / self.frame_rate;
                // Pictures differ in size; the first is a keyframe, and every hundredth is a large one.
                backlog += match step {
                    0 => (6.0 * mean).max(8.0 * FIRST_PICTURE),
                    _ if step % 3_300 < 33 => 4.0 * mean,
                    _ => (0.6 + 0.8 * self.chance()) * mean,
                };
            }
            budget = (budget + 2.5 * target / 1e3).min(BURST);
            let mut leaving = Vec::new();
            if self.sound && step % 20 == 0 {
                leaving.push(SOUND);
            }
            while backlog > 0.0 && budget > 0.0 {
                let bits = PACKET as f64 * 8.0;
                (backlog, budget) = (backlog - bits, budget - bits);
                leaving.push(PACKET);
            }
            for size in leaving {
                let begins = free_at.max(now);
                let is_full = begins - now > QUEUE.as_secs_f64();
                dropped += usize::from(is_full);
                if size == PACKET && first_picture < FIRST_PICTURE {
                    first_picture += PACKET as f64;
                    self.first_picture_lost += usize::from(is_full);
                }
                let is_lost = is_full || self.chance() < self.loss;
                let arrived = (!is_lost).then(|| {
                    free_at = begins + size as f64 * 8.0 / capacity(now);
                    self.through_the_air(free_at) + DELAY
                });
                unreported.push(Fate { size, sent: at(now), arrival: arrived.map_or(Arrival::Lost, Arrival::At) });
            }
            if now >= next_report {
                next_report += 0.1;
                // What has come until now is in the report, and what was lost before the newest of it.
                let cut = Duration::from_secs_f64(now).saturating_sub(DELAY);
                let has_come = |fate: &Fate| fate.arrived().is_some_and(|arrived| arrived <= cut);
                let newest = unreported.iter().rposition(has_come).map_or(0, |newest| newest + 1);
                let later = unreported.split_off(newest);
                let (mut told, late): (Vec<_>, _) =
                    unreported.into_iter().partition(|fate| fate.arrived().is_none() || has_come(fate));
                unreported = late;
                unreported.extend(later);
                if self.reports_lost > 0.0 && self.chance() < self.reports_lost {
                    untold.extend(told.drain(..).map(|fate| Fate { arrival: Arrival::Untold, ..fate }));
                } else {
                    told.splice(..0, untold.drain(..));
                    self.estimate.told(at(now), &told);
                }
                seen.push(Seen { at: now, target, queue: (free_at - now).max(0.0), dropped });
            }
        }
        seen
    }

    /// When what has come out of the queue then has come through the air.
    fn through_the_air(&mut self, at: f64) -> Duration {
        let Air { jitter, bunches, stalls } = self.air;
        let at = at + jitter * if jitter > 0.0 { self.chance() } else { 0.0 };
        let at = if stalls > 0.0 { at.max(at - at % stalls + 0.2) } else { at };
        Duration::from_secs_f64(if bunches > 0.0 { (at / bunches).ceil() * bunches } else { at })
    }
}

fn mean(seen: &[Seen], of: impl Fn(&Seen) -> f64) -> f64 {
    seen.iter().map(of).sum::<f64>() / seen.len() as f64
}

fn between(seen: &[Seen], from: f64, to: f64) -> &[Seen] {
    let first = seen.iter().position(|seen| seen.at >= from).unwrap_or(seen.len());
    let last = seen.iter().position(|seen| seen.at >= to).unwrap_or(seen.len());
    &seen[first..last]
}

/// The beginning of calls that differ in their pictures, with sound and without.
fn calls() -> impl Iterator<Item = Path> {
    (1..=10).flat_map(|seed| [true, false].map(|sound| Path { seed: 77_777 * seed, sound, ..Path::new(START) }))
}

#[test]
fn the_first_picture_passes_a_narrow_link_and_the_queue_is_never_full_again() {
    for bunches in [0.0, 0.025] {
        for mut path in calls() {
            path.air.bunches = bunches;
            let seen = path.run(20.0, |_| 0.3e6);
            assert_eq!(path.first_picture_lost, 0);
            assert_eq!(between(&seen, 0.5, 20.0)[0].dropped, seen[seen.len() - 1].dropped, "dropped later");
            let target = between(&seen, 0.5, 2.0)[0].target;
            assert!((0.23e6..0.27e6).contains(&target), "{target:.0} bit/s after half a second");
        }
    }
}

#[test]
fn a_wide_link_is_used_within_a_second_and_a_half() {
    for loss in [0.0, 0.05] {
        for mut path in calls() {
            path.loss = loss;
            let seen = path.run(2.0, |_| 10e6);
            let target = between(&seen, 1.5, 2.0)[0].target;
            assert!(target > 2e6, "{target:.0} bit/s with {loss} lost");
        }
    }
}

#[test]
fn so_it_is_by_a_camera_that_gives_many_small_pictures_though_not_as_soon() {
    for mut path in calls() {
        path.frame_rate = 60.0;
        let seen = path.run(12.0, |_| 10e6);
        let reached = seen.iter().find(|seen| seen.target > 2e6).map(|seen| seen.at);
        assert!(reached.is_some_and(|at| at < 4.0), "{reached:?}");
    }
}

#[test]
fn a_call_begins_without_overshooting_its_link() {
    let (even, jitter) = (Air::default(), Air { jitter: 0.03, ..Air::default() });
    let bunches = [0.020, 0.025, 0.030].map(|bunches| Air { bunches, ..Air::default() });
    for (air, loss) in [(even, 0.0), (even, 0.05), (jitter, 0.0)].into_iter().chain(bunches.map(|air| (air, 0.0))) {
        for mut path in calls() {
            (path.air, path.loss) = (air, loss);
            let seen = path.run(20.0, |_| 1e6);
            let highest = between(&seen, 0.0, 5.0).iter().map(|seen| seen.target).fold(0.0, f64::max);
            assert!(highest < 1.35e6, "{air:?}, {loss} lost: {highest:.0} bit/s");
            assert_eq!(between(&seen, 5.0, 20.0)[0].dropped, 0, "{air:?}, {loss} lost: the queue was full");
            let soon = mean(between(&seen, 1.0, 5.0), |seen| seen.target);
            assert!((0.65e6..1.15e6).contains(&soon), "{air:?}, {loss} lost: {soon:.0} bit/s at first");
        }
    }
}

#[test]
fn a_narrow_link_is_used_without_filling_its_queue() {
    for (start, capacity) in [(1_000, 1e6), (1_000, 0.5e6), (300, 1e6), (1_000, 2.5e6)] {
        let seen = Path::new(start).run(40.0, |_| capacity);
        let settled = between(&seen, 10.0, 40.0);
        let used = mean(settled, |seen| seen.target) / capacity;
        let queue = mean(settled, |seen| seen.queue);
        assert!((0.7..1.1).contains(&used), "{start} kbit/s at {capacity}: {used:.2} used");
        assert!(queue < 0.060, "{start} kbit/s at {capacity}: {:.0} ms queued", queue * 1e3);
    }
}

#[test]
fn a_link_that_becomes_narrow_is_obeyed_within_a_second() {
    let seen = Path::new(1_000).run(40.0, |at| if at < 20.0 { 1.5e6 } else { 0.6e6 });
    assert!(mean(between(&seen, 15.0, 20.0), |seen| seen.target) > 1.0e6);
    let after = between(&seen, 21.5, 40.0);
    assert!(mean(after, |seen| seen.target) < 0.66e6);
    assert!(mean(after, |seen| seen.queue) < 0.080, "{:.3} s queued", mean(after, |seen| seen.queue));
    let full = between(&seen, 20.0, 40.0).iter().filter(|seen| seen.queue > 0.2).count();
    assert!(full < 15, "the queue was full in {full} tenths of a second");
}

#[test]
fn a_link_that_becomes_wide_is_used_again() {
    let seen = Path::new(1_000).run(60.0, |at| if at < 20.0 { 0.5e6 } else { 2e6 });
    let wide = between(&seen, 32.0, 60.0);
    assert!(mean(wide, |seen| seen.target) > 1.5e6, "{:.0} bit/s", mean(wide, |seen| seen.target));
}

#[test]
fn a_link_that_falls_to_a_fifth_is_not_given_up() {
    let seen = Path::new(1_000).run(60.0, |at| if at < 30.0 { 2.5e6 } else { 0.5e6 });
    let after = between(&seen, 32.0, 60.0);
    let lowest = after.iter().map(|seen| seen.target).fold(f64::MAX, f64::min);
    assert!(lowest > 0.25e6, "{lowest:.0} bit/s");
    assert!(mean(after, |seen| seen.queue) < 0.080, "{:.3} s queued", mean(after, |seen| seen.queue));
}

#[test]
fn loss_by_chance_does_not_make_a_wide_link_narrow() {
    for reports_lost in [0.0, 0.05, 0.2] {
        let mut path = Path { loss: 0.05, reports_lost, ..Path::new(1_000) };
        let seen = path.run(60.0, |_| 10e6);
        let target = mean(between(&seen, 20.0, 60.0), |seen| seen.target);
        assert!(target > 3e6, "{target:.0} bit/s with {reports_lost} of the reports lost");
    }
}

#[test]
fn a_path_that_stands_still_now_and_then_is_not_narrow() {
    for capacity in [10e6, 3e6] {
        let mut path = Path { air: Air { stalls: 2.0, ..Air::default() }, ..Path::new(250) };
        let seen = path.run(60.0, |_| capacity);
        let target = mean(between(&seen, 20.0, 60.0), |seen| seen.target);
        assert!(target > 0.6 * capacity.min(MAX.bps() as f64), "{target:.0} of {capacity} bit/s");
    }
}

#[test]
fn half_of_all_packets_lost_is_too_much() {
    let mut path = Path::new(1_000);
    path.loss = 0.5;
    let seen = path.run(20.0, |_| 10e6);
    assert!(mean(between(&seen, 10.0, 20.0), |seen| seen.target) < 0.3e6);
}

#[test]
fn who_sends_little_is_not_told_to_send_much() {
    let mut path = Path::new(START);
    path.use_of_target = 0.2;
    let seen = path.run(30.0, |_| 10e6);
    let highest = seen.iter().map(|seen| seen.target).fold(0.0, f64::max);
    assert!(highest < 1.1e6, "{highest:.0} bit/s, and a fifth of it was ever tried");
}

#[test]
fn the_bounds_hold_and_nothing_that_is_told_panics() {
    let start = Instant::now();
    let mut estimate = BandwidthEstimate::new(Bitrate::from_kbps(9_000), MIN, MAX);
    assert_eq!(estimate.target(), MAX);
    let odd = |millis: u64, arrived: Option<u64>| Fate {
        size: 1_200,
        sent: start + Duration::from_millis(millis),
        arrival: arrived.map_or(Arrival::Lost, |arrived| Arrival::At(Duration::from_millis(arrived))),
    };
    estimate.told(start, &[]);
    for round in 0..200_u64 {
        let fates = [odd(9, Some(3)), odd(1, None), odd(round, Some(500 - round)), odd(5, Some(5)), odd(5, Some(5))];
        estimate.told(start + Duration::from_millis(round * 7 % 300), &fates);
        assert!((MIN..=MAX).contains(&estimate.target()));
    }
}
