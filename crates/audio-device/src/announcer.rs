//! Tells the owner of a stream how its device does: once as the answer to its start, later only what has changed.
//! Another device that takes over at once is one quiet notice, not a loss and a return.

use std::sync::mpsc::SyncSender;

use crate::{DeviceError, DeviceNotice};

/// What the owner was told.
pub(crate) struct Announcer<N> {
    notify: N,
    /// The owner that waits for the first attempt.
    first: Option<SyncSender<Result<String, DeviceError>>>,
    /// The id of the device that the owner believes to work.
    told: Option<String>,
}

impl<N: Fn(DeviceNotice)> Announcer<N> {
    pub(crate) fn new(first: SyncSender<Result<String, DeviceError>>, notify: N) -> Self {
        Self { notify, first: Some(first), told: None }
    }

    /// A device works; at first it may be another one than wanted, for a reason.
    pub(crate) fn works(&mut self, id: &str, name: &str, instead_of: Option<DeviceError>) {
        if let Some(error) = instead_of.filter(|_| self.first.is_some()) {
            self.refused(error, name);
        }
        let answered = self.answer(Ok(name.to_owned()));
        if self.told.replace(id.to_owned()).is_none_or(|told| told != id) && !answered {
            (self.notify)(DeviceNotice::Restored(name.to_owned()));
        }
    }

    /// A better device than the one that works, which has this name, was refused.
    pub(crate) fn refused(&self, error: DeviceError, name: &str) {
        (self.notify)(DeviceNotice::Instead { error, name: name.to_owned() });
    }

    /// No device works.
    pub(crate) fn fails(&mut self, error: DeviceError) {
        let waited_for = self.first.is_some();
        let answered = self.answer(Err(error.clone()));
        // An owner that did not wait goes on without, and knows no more than that; who has the device is worth telling.
        let held = waited_for && matches!(error, DeviceError::Busy(_));
        if (self.told.take().is_some() || held) && !answered {
            (self.notify)(DeviceNotice::Lost(error));
        }
    }

    /// False where nobody waits, or the owner has waited long enough and goes on without the device.
    fn answer(&mut self, outcome: Result<String, DeviceError>) -> bool {
        self.first.take().is_some_and(|first| first.send(outcome).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::mpsc;

    use super::*;
    use crate::Direction;

    const GONE: DeviceError = DeviceError::Gone(Direction::Input);

    #[test]
    fn a_change_of_devices_is_one_notice_and_a_loss_another() {
        let (first, answer) = mpsc::sync_channel(1);
        let notices = RefCell::new(Vec::new());
        let mut announcer = Announcer::new(first, |notice| notices.borrow_mut().push(notice));
        announcer.works("a", "headset", None);
        assert_eq!(answer.try_recv(), Ok(Ok("headset".into())));
        announcer.works("a", "headset", None);
        assert_eq!(notices.take(), [], "opened again, and nobody noticed");
        announcer.works("b", "built-in", Some(GONE));
        assert_eq!(notices.take(), [DeviceNotice::Restored("built-in".into())]);
        announcer.fails(GONE);
        announcer.fails(GONE);
        assert_eq!(notices.take(), [DeviceNotice::Lost(GONE)]);
        announcer.works("b", "built-in", None);
        assert_eq!(notices.take(), [DeviceNotice::Restored("built-in".into())]);
    }

    #[test]
    fn a_start_with_another_device_than_wanted_says_why() {
        let (first, answer) = mpsc::sync_channel(1);
        let notices = RefCell::new(Vec::new());
        let mut announcer = Announcer::new(first, |notice| notices.borrow_mut().push(notice));
        let absent = DeviceError::Absent(Direction::Input);
        announcer.works("b", "built-in", Some(absent.clone()));
        assert_eq!(answer.try_recv(), Ok(Ok("built-in".into())));
        assert_eq!(notices.take(), [DeviceNotice::Instead { error: absent, name: "built-in".into() }]);
        announcer.works("a", "headset", None);
        assert_eq!(notices.take(), [DeviceNotice::Restored("headset".into())]);
    }

    #[test]
    fn an_owner_that_did_not_wait_is_told_who_has_the_device() {
        let (first, answer) = mpsc::sync_channel(1);
        drop(answer);
        let notices = RefCell::new(Vec::new());
        let mut announcer = Announcer::new(first, |notice| notices.borrow_mut().push(notice));
        let held = DeviceError::Busy(crate::InUse { kind: Direction::Input, holder: None });
        announcer.fails(held.clone());
        announcer.fails(held.clone());
        assert_eq!(notices.take(), [DeviceNotice::Lost(held)], "once");
    }

    #[test]
    fn an_owner_that_did_not_wait_is_told_by_notice() {
        let (first, answer) = mpsc::sync_channel(1);
        drop(answer);
        let notices = RefCell::new(Vec::new());
        let mut announcer = Announcer::new(first, |notice| notices.borrow_mut().push(notice));
        announcer.fails(GONE);
        assert_eq!(notices.take(), [], "it goes on without the device as it is");
        announcer.works("a", "headset", None);
        assert_eq!(notices.take(), [DeviceNotice::Restored("headset".into())]);
    }
}
