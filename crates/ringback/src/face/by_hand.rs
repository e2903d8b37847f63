//! A call by hand as every face sees it: the line to give to the other, and what became of the one that was pasted.
//! One step follows another; a face shows the step that it finds, and none of them decides about the call.

use call_engine::{Desk, Pasted, Shown};
use tokio::sync::watch;

use super::words;

/// How far the two lines are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Step {
    /// Our line is being made.
    #[default]
    Preparing,
    /// This line is for the other; the one that comes back is to be pasted.
    Offer(String),
    /// The other's line was taken.
    Taken,
    /// This line is for the other, and nothing more is to be pasted.
    Answer(String),
}

impl Step {
    /// The line that is for the other now.
    pub(crate) fn line(&self) -> Option<&str> {
        match self {
            Self::Offer(line) | Self::Answer(line) => Some(line),
            Self::Preparing | Self::Taken => None,
        }
    }
}

/// The desk of one call. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct ByHand {
    desk: Desk,
    step: watch::Sender<Step>,
}

impl ByHand {
    /// A desk that also tells `show` each line for the other.
    pub(crate) fn new(show: impl Fn(&Shown) + Send + Sync + 'static) -> Self {
        let step = watch::Sender::new(Step::default());
        let shown = step.clone();
        let desk = Desk::new(move |line| {
            show(&line);
            shown.send_replace(match line {
                Shown::Offer(line) => Step::Offer(line),
                Shown::Answer(line) => Step::Answer(line),
            });
        });
        Self { desk, step }
    }

    /// One that is at this step, for a test of what is drawn then.
    #[cfg(test)]
    pub(crate) fn at(step: Step) -> Self {
        let by_hand = Self::new(|_| ());
        by_hand.step.send_replace(step);
        by_hand
    }

    /// The call's end of it.
    pub(crate) fn desk(&self) -> Desk {
        self.desk.clone()
    }

    /// The step now and each one that follows.
    pub(crate) fn steps(&self) -> watch::Receiver<Step> {
        self.step.subscribe()
    }

    /// The step now.
    pub(crate) fn step(&self) -> Step {
        self.step.borrow().clone()
    }

    /// A person pasted a line. Says what became of it.
    pub(crate) fn take(&self, text: &str) -> Pasted {
        let pasted = self.desk.paste(text);
        if pasted == Pasted::Taken {
            self.step.send_if_modified(|step| {
                // The answer to it may be shown by now.
                let waits = matches!(step, Step::Preparing | Step::Offer(_));
                if waits {
                    *step = Step::Taken;
                }
                waits
            });
        }
        pasted
    }

    /// The same where nothing but a line is expected.
    ///
    /// # Errors
    /// Why it cannot be used, for the person.
    pub(crate) fn paste(&self, text: &str) -> Result<(), String> {
        match self.take(text) {
            Pasted::Taken | Pasted::Empty => Ok(()),
            Pasted::Refused(error) => Err(error.to_string()),
            Pasted::NotAwaited => Err(words::NO_LINE_AWAITED.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pasted_is_taken_once_or_refused_with_a_reason() {
        let by_hand = ByHand::new(|_| ());
        assert_eq!(by_hand.paste(" \n"), Ok(()));
        let error = by_hand.paste("hello").expect_err("no line");
        assert!(error.starts_with("that is not a line of a call"), "{error}");
        assert_eq!(by_hand.step(), Step::Preparing);
        let theirs = call_engine::Line::offer("theirs").to_text();
        let (first, rest) = theirs.split_at(20);
        assert_eq!(by_hand.paste(&format!("Here it is:\n{first}\n{rest}\n")), Ok(()), "as a mail wraps it");
        assert_eq!(by_hand.step(), Step::Taken);
        assert_eq!(by_hand.paste("hello"), Err(words::NO_LINE_AWAITED.to_owned()));
    }
}
