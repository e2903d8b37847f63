//! Which of the devices that are there to use: the chosen one, else the default, else the next that works.
//! One that failed is passed over for a while, so that it does not take the place of one that works again and again.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How long a device that failed once is passed over; twice as long after each further failure.
const FIRST_PAUSE: Duration = Duration::from_secs(2);

/// The longest pause: a device that another program holds may be free again.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What is preferred, and how each device has done.
#[derive(Debug, Clone, Default)]
pub struct DevicePreference {
    /// The id that was asked for; `None`: the default.
    chosen: Option<String>,
    /// What was there last.
    there: Vec<String>,
    /// Only of devices that are there: as many as those.
    failures: HashMap<String, Failure>,
}

#[derive(Debug, Clone)]
struct Failure {
    pause: Duration,
    until: Instant,
}

impl DevicePreference {
    /// The device with the id `chosen`, or the default.
    pub fn new(chosen: Option<String>) -> Self {
        Self { chosen, ..Self::default() }
    }

    /// The ids that are there now, the default first. When they change, each is worth a try again: a device that comes may be the
    /// one that was missed, and one that goes may have held another.
    pub fn see(&mut self, there: impl IntoIterator<Item = String>) {
        let there: Vec<_> = there.into_iter().collect();
        if there != self.there {
            self.there = there;
            self.failures.clear();
        }
    }

    /// The device could not be opened, or broke.
    pub fn failed(&mut self, now: Instant, id: &str) {
        let pause = self.failures.get(id).map_or(FIRST_PAUSE, |failure| (failure.pause * 2).min(LONGEST_PAUSE));
        self.failures.insert(id.to_owned(), Failure { pause, until: now + pause });
    }

    /// The device has worked for a while.
    pub fn worked(&mut self, id: &str) {
        self.failures.remove(id);
    }

    /// What to try, best first.
    pub fn order(&self, now: Instant) -> Vec<String> {
        let paused = |id: &&String| self.failures.get(*id).is_some_and(|failure| now < failure.until);
        let chosen = self.there.iter().filter(|id| self.is_chosen(id));
        let others = self.there.iter().filter(|id| !self.is_chosen(id));
        chosen.chain(others).filter(|id| !paused(id)).cloned().collect()
    }

    /// What to use instead of the device in use: nothing while that is the best; else what to try, best first. When the device
    /// itself is gone, all others are better.
    pub fn better_than(&self, now: Instant, current: &str) -> Vec<String> {
        self.order(now).into_iter().take_while(|id| id != current).collect()
    }

    /// As [`Self::better_than`], but only what has not failed since something came or went: for devices that cannot be tried
    /// without letting go of the one in use.
    pub fn surely_better_than(&self, now: Instant, current: &str) -> Vec<String> {
        let mut better = self.better_than(now, current);
        better.retain(|id| !self.failures.contains_key(id));
        better
    }

    /// Whether one device would be used before another, were both there and working.
    pub fn prefers(&self, id: &str, to: &str) -> bool {
        let rank =
            |id: &str| (!self.is_chosen(id), self.there.iter().position(|there| there == id).unwrap_or(usize::MAX));
        rank(id) < rank(to)
    }

    /// The chosen device while it is not there.
    pub fn missed(&self) -> Option<&str> {
        self.chosen.as_deref().filter(|_| !self.there.iter().any(|id| self.is_chosen(id)))
    }

    /// Whether the device is there.
    pub fn has(&self, id: &str) -> bool {
        self.there.iter().any(|there| there == id)
    }

    /// Whether a device with this full id (`pulseaudio:name`) is meant by `chosen`, which may leave out the sound system.
    pub fn is_called(id: &str, chosen: &str) -> bool {
        id == chosen || id.split_once(':').is_some_and(|(_, bare)| bare == chosen)
    }

    fn is_chosen(&self, id: &str) -> bool {
        self.chosen.as_deref().is_some_and(|chosen| Self::is_called(id, chosen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn preference(chosen: Option<&str>, there: &[&str]) -> DevicePreference {
        let mut preference = DevicePreference::new(chosen.map(str::to_owned));
        preference.see(there.iter().map(|id| (*id).to_owned()));
        preference
    }

    fn see(preference: &mut DevicePreference, there: &[&str]) {
        preference.see(there.iter().map(|id| (*id).to_owned()));
    }

    #[test]
    fn the_chosen_one_comes_first_then_the_default_then_the_rest() {
        let now = Instant::now();
        let there = ["pulse:built-in", "pulse:webcam", "pulse:headset"];
        let table: [(Option<&str>, &[&str]); 5] = [
            (None, &["pulse:built-in", "pulse:webcam", "pulse:headset"]),
            (Some("pulse:headset"), &["pulse:headset", "pulse:built-in", "pulse:webcam"]),
            (Some("webcam"), &["pulse:webcam", "pulse:built-in", "pulse:headset"]),
            (Some("alsa:webcam"), &there),
            (Some("lost"), &there),
        ];
        for (chosen, expected) in table {
            assert_eq!(preference(chosen, &there).order(now), expected, "{chosen:?}");
        }
        assert!(preference(None, &[]).order(now).is_empty());
    }

    #[test]
    fn an_unplugged_headset_gives_way_to_the_default_and_takes_its_place_again() {
        let now = Instant::now();
        let mut preference = preference(Some("a:headset"), &["a:built-in", "a:headset"]);
        assert!(preference.better_than(now, "a:headset").is_empty());
        see(&mut preference, &["a:built-in"]);
        assert!(!preference.has("a:headset"));
        assert_eq!(preference.better_than(now, "a:headset"), ["a:built-in"]);
        assert!(preference.better_than(now, "a:built-in").is_empty());
        see(&mut preference, &["a:built-in", "a:headset"]);
        assert_eq!(preference.better_than(now, "a:built-in"), ["a:headset"]);
    }

    #[test]
    fn what_is_preferred_and_missed_does_not_depend_on_what_works() {
        let now = Instant::now();
        let mut preference = preference(Some("headset"), &["a:built-in", "a:headset", "a:webcam"]);
        preference.failed(now, "a:headset");
        let table = [
            ("a:headset", "a:built-in", true),
            ("a:built-in", "a:headset", false),
            ("a:built-in", "a:webcam", true),
            ("a:webcam", "a:webcam", false),
            ("a:webcam", "a:gone", true),
        ];
        for (id, to, expected) in table {
            assert_eq!(preference.prefers(id, to), expected, "{id} to {to}");
        }
        assert_eq!(preference.missed(), None);
        see(&mut preference, &["a:built-in"]);
        assert_eq!(preference.missed(), Some("headset"));
        assert_eq!(DevicePreference::new(None).missed(), None);
    }

    #[test]
    fn without_a_choice_the_default_is_followed() {
        let now = Instant::now();
        let mut preference = preference(None, &["a:one", "a:two"]);
        assert!(preference.better_than(now, "a:one").is_empty());
        see(&mut preference, &["a:two", "a:one"]);
        assert_eq!(preference.better_than(now, "a:one"), ["a:two"]);
    }

    #[test]
    fn a_device_that_fails_is_tried_less_and_less_often() {
        let mut now = Instant::now();
        let mut preference = preference(Some("a:broken"), &["a:good", "a:broken"]);
        for pause in [2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(preference.better_than(now, "a:good"), ["a:broken"]);
            preference.failed(now, "a:broken");
            assert!(preference.better_than(now + SECOND * pause - SECOND / 10, "a:good").is_empty(), "{pause}");
            now += SECOND * pause;
        }
        preference.failed(now, "a:broken");
        assert!(preference.surely_better_than(now + SECOND * 60, "a:good").is_empty(), "nothing came or went");
        preference.worked("a:broken");
        assert_eq!(preference.better_than(now, "a:good"), ["a:broken"]);
    }

    #[test]
    fn when_something_comes_or_goes_all_are_worth_a_try_again() {
        let now = Instant::now();
        let mut preference = preference(None, &["a:held", "a:other"]);
        preference.failed(now, "a:held");
        assert_eq!(preference.order(now), ["a:other"]);
        see(&mut preference, &["a:held", "a:other"]);
        assert_eq!(preference.order(now), ["a:other"], "nothing has changed");
        see(&mut preference, &["a:held", "a:other", "a:new"]);
        assert_eq!(preference.order(now), ["a:held", "a:other", "a:new"]);
    }
}
