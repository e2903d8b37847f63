//! When the window draws for a new picture: at once for the peer's, and for our own together with the next of the peer's.
//! Two cameras of 30 pictures a second so ask for 30 drawings a second, not for 60 or 120, and the peer's picture never waits.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use call_engine::Pictures;
use eframe::egui;

/// How long after the peer's last picture the next one is worth waiting for: 25 a second, and a little jitter.
const NEXT_COMES: Duration = Duration::from_millis(45);

/// A window that is asked to draw at once draws twice, to let its widgets settle: a picture has nothing to settle.
const AT_ONCE: Duration = Duration::from_nanos(1);

/// When pictures were drawn.
#[derive(Debug, Default)]
struct Pace {
    remote_at: Option<Instant>,
}

impl Pace {
    /// A new picture is there, and the peer's slot is full or not: how long to wait before the window draws.
    fn wait(&mut self, now: Instant, remote_is_new: bool) -> Duration {
        if remote_is_new {
            self.remote_at = Some(now);
            return Duration::ZERO;
        }
        self.remote_at.map_or(Duration::ZERO, |at| (at + NEXT_COMES).saturating_duration_since(now))
    }
}

/// What is kept in the window's context.
type Kept = Arc<(Pictures, Mutex<Pace>)>;

/// Where it is kept; the type is key enough.
const KEY: egui::Id = egui::Id::NULL;

/// From now on the window of this context draws in the pace of these pictures of the peer.
pub(crate) fn follow(context: &egui::Context, remote: Pictures) {
    let kept: Kept = Arc::new((remote, Mutex::default()));
    context.data_mut(|data| data.insert_temp(KEY, kept));
}

/// A new picture is there: lets the window draw it, from any thread.
pub(crate) fn wake(context: &egui::Context) {
    let kept = context.data(|data| data.get_temp::<Kept>(KEY));
    let wait = kept.map_or(Duration::ZERO, |kept| {
        kept.1.lock().unwrap_or_else(PoisonError::into_inner).wait(Instant::now(), kept.0.is_full())
    });
    context.request_repaint_after(wait.max(AT_ONCE));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_picture_is_drawn_with_the_peers_and_the_peers_at_once() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        assert_eq!(pace.wait(at(0), false), Duration::ZERO, "before the peer's first");
        assert_eq!(pace.wait(at(10), true), Duration::ZERO);
        assert_eq!(pace.wait(at(33), false), Duration::from_millis(22));
        assert_eq!(pace.wait(at(43), true), Duration::ZERO);
        assert_eq!(pace.wait(at(66), false), Duration::from_millis(22));
        assert_eq!(pace.wait(at(99), false), Duration::ZERO, "the peer's camera is off");
        assert_eq!(pace.wait(at(132), false), Duration::ZERO);
    }
}
