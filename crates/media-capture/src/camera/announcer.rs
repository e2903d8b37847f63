//! Tells the owner of a camera how it does: once as the answer to its start, later only what has changed.
//! A loss is told once, however often it is found again.

use std::sync::mpsc::SyncSender;

use super::name;
use crate::error::Notifier;
use crate::{CaptureError, CaptureNotice};

/// What the owner was told.
pub(super) struct Announcer {
    notify: Notifier,
    /// The owner that waits for the first attempt.
    first: Option<SyncSender<Result<String, CaptureError>>>,
    /// The camera that the owner was told of last.
    told: Option<String>,
    /// Whether the owner believes that there is none.
    lost: bool,
}

impl Announcer {
    pub(super) fn new(first: SyncSender<Result<String, CaptureError>>, notify: Notifier) -> Self {
        Self { notify, first: Some(first), told: None, lost: false }
    }

    /// Whether the owner waits for the first attempt.
    pub(super) fn is_awaited(&self) -> bool {
        self.first.is_some()
    }

    /// The first attempt opened this camera, which may be another one than wanted, for a reason.
    pub(super) fn opened(&mut self, id: &str, description: String, instead_of: Option<CaptureError>) {
        self.told = Some(id.to_owned());
        if let Some(error) = instead_of {
            self.notify.tell(CaptureNotice::Fallback(format!("{error}; using {description} instead")));
        }
        self.answer(Ok(description));
    }

    /// A camera gives pictures, and was opened as this.
    pub(super) fn works(&mut self, id: &str, opened: Option<&str>) {
        if std::mem::replace(&mut self.lost, false) || self.told.as_deref() != Some(id) {
            self.told = Some(id.to_owned());
            self.notify.tell(CaptureNotice::Restored(opened.map_or_else(|| name(id), str::to_owned)));
        }
    }

    /// A better camera than the one in use was refused.
    pub(super) fn refused(&self, error: &CaptureError) {
        self.notify.tell(CaptureNotice::Fallback(error.to_string()));
    }

    /// No camera works.
    pub(super) fn fails(&mut self, error: CaptureError) {
        if std::mem::replace(&mut self.lost, true) {
            return;
        }
        if self.is_awaited() {
            return self.answer(Err(error));
        }
        tracing::warn!(%error, "camera lost");
        self.notify.tell(CaptureNotice::Lost(error.to_string()));
    }

    /// What became of the first attempt.
    pub(super) fn answer(&mut self, answer: Result<String, CaptureError>) {
        if let Some(first) = self.first.take() {
            // The owner may have gone.
            first.send(answer).unwrap_or(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    type Answer = Result<String, CaptureError>;

    /// With what its owner hears.
    fn announcer() -> (Announcer, mpsc::Receiver<Answer>, mpsc::Receiver<CaptureNotice>) {
        let (first, answer) = mpsc::sync_channel(1);
        let (sender, notices) = mpsc::channel();
        let notify = Notifier::new(move |notice| sender.send(notice).expect("the test listens"));
        (Announcer::new(first, notify), answer, notices)
    }

    fn told(notices: &mpsc::Receiver<CaptureNotice>) -> Vec<CaptureNotice> {
        notices.try_iter().collect()
    }

    #[test]
    fn a_camera_that_takes_over_is_told_once() {
        let (mut announcer, answer, notices) = announcer();
        announcer.opened("0", "camera 0 (built-in)".into(), None);
        assert_eq!(answer.try_recv(), Ok(Ok("camera 0 (built-in)".into())));
        announcer.works("0", Some("camera 0 (built-in)"));
        assert_eq!(told(&notices), [], "the answer has said so");
        announcer.works("1", None);
        announcer.works("1", None);
        assert_eq!(told(&notices), [CaptureNotice::Restored("camera 1".into())]);
    }

    #[test]
    fn a_loss_is_told_once_and_so_is_the_return_of_the_same_camera() {
        let (mut announcer, _answer, notices) = announcer();
        announcer.opened("0", "camera 0".into(), None);
        announcer.fails(CaptureError::NoCamera);
        announcer.fails(CaptureError::NoCamera);
        assert_eq!(told(&notices), [CaptureNotice::Lost("no camera was found".into())]);
        announcer.works("0", Some("camera 0 (built-in)"));
        assert_eq!(told(&notices), [CaptureNotice::Restored("camera 0 (built-in)".into())]);
    }

    #[test]
    fn a_start_with_another_camera_than_wanted_says_why() {
        let (mut announcer, answer, notices) = announcer();
        assert!(announcer.is_awaited());
        announcer.opened("1", "camera 1".into(), Some(CaptureError::Missing { device: "camera 0".into() }));
        assert!(!announcer.is_awaited());
        let why = "camera 0 was not found: connect it, or choose another; using camera 1 instead";
        assert_eq!(told(&notices), [CaptureNotice::Fallback(why.into())]);
        assert_eq!(answer.try_recv(), Ok(Ok("camera 1".into())));
    }

    #[test]
    fn a_start_without_a_camera_is_answered_and_no_loss() {
        let (mut announcer, answer, notices) = announcer();
        announcer.fails(CaptureError::NoCamera);
        assert_eq!(answer.try_recv(), Ok(Err(CaptureError::NoCamera)));
        assert_eq!(told(&notices), []);
        announcer.works("0", Some("camera 0"));
        assert_eq!(told(&notices), [CaptureNotice::Restored("camera 0".into())]);
    }
}
