//! Follows a call for the desktop's sake: a notification while it rings and the person looks elsewhere, and a machine that stays
//! awake while people talk.
//! Nothing waits for the desktop, and what it cannot do is left out.

use call_engine::{Command, Phase, Snapshot};
use tokio::sync::{mpsc, watch};

use super::inhibit::Awake;
use super::notify::{Answer, Ringing};

/// What the desktop is to do in a phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Wanted {
    notification: bool,
    awake: bool,
}

impl Wanted {
    /// `focused`: the person looks at the window.
    fn of(phase: Phase, focused: bool) -> Self {
        match phase {
            Phase::Ringing => Self { notification: !focused, awake: true },
            Phase::Negotiating | Phase::Connected | Phase::Reconnecting => Self { notification: false, awake: true },
            Phase::Joining | Phase::Waiting | Phase::Ending | Phase::Ended => Self::default(),
        }
    }
}

/// Follows the call in `room` to its end; `raise` brings the window to the front. Inside the runtime.
pub(crate) fn attend(
    room: &str,
    mut snapshots: watch::Receiver<Snapshot>,
    mut focused: watch::Receiver<bool>,
    commands: mpsc::Sender<Command>,
    raise: impl Fn() + Clone + Send + 'static,
) {
    let room = room.to_owned();
    tokio::spawn(async move {
        let (mut notification, mut awake) = (None, None);
        loop {
            let phase = snapshots.borrow_and_update().phase;
            let wanted = Wanted::of(phase, *focused.borrow_and_update());
            keep(&mut awake, wanted.awake, Awake::keep);
            keep(&mut notification, wanted.notification, || {
                let (commands, raise) = (commands.clone(), raise.clone());
                Ringing::show(&room, move |answer| {
                    let command = match answer {
                        Answer::Accept => Command::Accept,
                        Answer::Decline => Command::Decline,
                        Answer::Open => return raise(),
                    };
                    // A full queue means that the call is ending anyway.
                    let _ = commands.try_send(command);
                    if answer == Answer::Accept {
                        raise();
                    }
                })
            });
            if phase == Phase::Ended {
                return;
            }
            tokio::select! {
                changed = snapshots.changed() => if changed.is_err() {
                    return;
                },
                // A window that was closed looks nowhere any more, and its call ends.
                Ok(()) = focused.changed() => {}
            }
        }
    });
}

/// Begins what is wanted and not there yet, ends what is there and not wanted any more.
fn keep<T>(kept: &mut Option<T>, wanted: bool, begin: impl FnOnce() -> T) {
    match (kept.is_some(), wanted) {
        (false, true) => *kept = Some(begin()),
        (true, false) => *kept = None,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_is_for_who_looks_elsewhere_while_it_rings_and_the_machine_sleeps_when_nobody_talks() {
        for (phase, notification, awake) in [
            (Phase::Joining, false, false),
            (Phase::Waiting, false, false),
            (Phase::Ringing, true, true),
            (Phase::Negotiating, false, true),
            (Phase::Connected, false, true),
            (Phase::Reconnecting, false, true),
            (Phase::Ending, false, false),
            (Phase::Ended, false, false),
        ] {
            assert_eq!(Wanted::of(phase, false), Wanted { notification, awake }, "{phase:?}");
            assert_eq!(Wanted::of(phase, true), Wanted { notification: false, awake }, "{phase:?}");
        }
    }

    #[test]
    fn what_is_wanted_begins_once_and_ends_once() {
        let (mut kept, mut begun) = (None, 0);
        for (wanted, expected) in [(false, 0), (true, 1), (true, 1), (false, 1), (true, 2)] {
            keep(&mut kept, wanted, || begun += 1);
            assert_eq!((kept.is_some(), begun), (wanted, expected));
        }
    }
}
