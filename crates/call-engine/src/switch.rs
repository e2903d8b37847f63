//! Which of several requests for another device counts, and what becomes of the one in use: pure, told how each attempt went.
//! The last request wins; the device in use stays until a new one is open, and comes back when it had to be let go of in vain.

/// The choice of one device, and the requests to change it. Its shell opens what it is told to, one at a time.
#[derive(Debug)]
pub(crate) struct Switch<C> {
    chosen: C,
    held: Held,
    attempt: Option<Attempt<C>>,
    /// Asked for while something else is being opened.
    wanted: Option<C>,
    closed: bool,
}

/// The device of the choice in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    /// It could not be opened.
    Nothing,
    Open,
    /// It was closed to make way for an attempt.
    LetGo,
}

/// A device to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempt<C> {
    pub(crate) choice: C,
    /// Close the one in use before.
    pub(crate) let_go: bool,
    /// It was in use before; what was to replace it has failed.
    pub(crate) restores: bool,
}

/// How an attempt went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Open,
    /// Somebody has it: perhaps ourselves.
    Busy,
    Failed,
}

/// What becomes of the result of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The new device takes the place of the old one.
    Use,
    /// The failure is for the person to know.
    Tell,
    /// It does not count: there is something newer, another try, or nothing to do any more.
    Drop,
}

impl<C: Clone> Switch<C> {
    /// A choice whose device is not open yet.
    pub(crate) fn new(chosen: C) -> Self {
        Self { chosen, held: Held::Nothing, attempt: None, wanted: None, closed: false }
    }

    /// The choice in force.
    pub(crate) fn chosen(&self) -> &C {
        &self.chosen
    }

    /// Somebody wants another device; what to open at once, if nothing is being opened.
    pub(crate) fn ask(&mut self, choice: C) -> Option<Attempt<C>> {
        if self.closed {
            return None;
        }
        if self.attempt.is_some() {
            self.wanted = Some(choice);
            return None;
        }
        self.begin(Attempt { choice, let_go: false, restores: false })
    }

    /// The device in use was closed to make way for the attempt.
    pub(crate) fn let_go(&mut self) {
        if self.held == Held::Open {
            self.held = Held::LetGo;
        }
    }

    /// The attempt is over; what becomes of its result, and what to open next.
    pub(crate) fn opened(&mut self, outcome: Outcome) -> (Verdict, Option<Attempt<C>>) {
        let Some(attempt) = self.attempt.take() else { return (Verdict::Drop, None) };
        if self.closed {
            return (Verdict::Drop, None);
        }
        if let Some(choice) = self.wanted.take() {
            return (Verdict::Drop, self.begin(Attempt { choice, let_go: false, restores: false }));
        }
        match outcome {
            Outcome::Open => {
                self.chosen = attempt.choice;
                self.held = Held::Open;
                (Verdict::Use, None)
            }
            Outcome::Busy if self.held == Held::Open && !attempt.let_go => {
                (Verdict::Drop, self.begin(Attempt { let_go: true, ..attempt }))
            }
            Outcome::Busy | Outcome::Failed if self.held == Held::LetGo && !attempt.restores => {
                let choice = self.chosen.clone();
                (Verdict::Tell, self.begin(Attempt { choice, let_go: false, restores: true }))
            }
            Outcome::Busy | Outcome::Failed => {
                if attempt.restores {
                    self.held = Held::Nothing;
                }
                (Verdict::Tell, None)
            }
        }
    }

    /// The call is over: nothing is opened any more, and what is being opened does not count.
    pub(crate) fn close(&mut self) {
        self.closed = true;
        self.wanted = None;
    }

    fn begin(&mut self, attempt: Attempt<C>) -> Option<Attempt<C>> {
        self.attempt = Some(attempt.clone());
        Some(attempt)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(choice: &'static str) -> Option<Attempt<&'static str>> {
        Some(Attempt { choice, let_go: false, restores: false })
    }

    fn in_use(choice: &'static str) -> Switch<&'static str> {
        let mut switch = Switch::new(choice);
        assert_eq!(switch.ask(choice), plain(choice));
        assert_eq!(switch.opened(Outcome::Open), (Verdict::Use, None));
        switch
    }

    #[test]
    fn of_quick_requests_the_last_counts_and_those_between_are_never_opened() {
        let mut switch = in_use("a");
        assert_eq!(switch.ask("b"), plain("b"));
        assert_eq!(switch.ask("c"), None);
        assert_eq!(switch.ask("d"), None);
        assert_eq!(switch.opened(Outcome::Open), (Verdict::Drop, plain("d")));
        assert_eq!(*switch.chosen(), "a", "the old one is in use all the while");
        assert_eq!(switch.opened(Outcome::Open), (Verdict::Use, None));
        assert_eq!(*switch.chosen(), "d");
    }

    #[test]
    fn a_failure_that_nobody_waits_for_any_more_is_not_told() {
        let mut switch = in_use("a");
        switch.ask("b");
        switch.ask("c");
        assert_eq!(switch.opened(Outcome::Failed), (Verdict::Drop, plain("c")));
    }

    #[test]
    fn what_fails_leaves_the_old_one_in_use() {
        let mut switch = in_use("a");
        switch.ask("b");
        assert_eq!(switch.opened(Outcome::Failed), (Verdict::Tell, None));
        assert_eq!(*switch.chosen(), "a");
        assert_eq!(switch.ask("c"), plain("c"));
    }

    #[test]
    fn a_busy_device_may_be_our_own_so_it_is_tried_once_more_without_ours() {
        let mut switch = in_use("a");
        switch.ask("b");
        let again = Some(Attempt { choice: "b", let_go: true, restores: false });
        assert_eq!(switch.opened(Outcome::Busy), (Verdict::Drop, again));
        switch.let_go();
        let back = Some(Attempt { choice: "a", let_go: false, restores: true });
        assert_eq!(switch.opened(Outcome::Busy), (Verdict::Tell, back), "it was another's; ours comes back");
        assert_eq!(switch.opened(Outcome::Open), (Verdict::Use, None));
        assert_eq!(*switch.chosen(), "a");
    }

    #[test]
    fn an_old_device_that_does_not_come_back_is_tried_once() {
        let mut switch = in_use("a");
        switch.ask("a");
        switch.let_go();
        switch.opened(Outcome::Failed);
        assert_eq!(switch.opened(Outcome::Failed), (Verdict::Tell, None));
        assert_eq!(switch.ask("b"), plain("b"));
        assert_eq!(switch.opened(Outcome::Failed), (Verdict::Tell, None), "nothing is there to restore");
    }

    #[test]
    fn a_request_during_the_restoring_wins_and_its_failure_restores_once_more() {
        let mut switch = in_use("a");
        switch.ask("a");
        switch.let_go();
        switch.opened(Outcome::Failed);
        assert_eq!(switch.ask("b"), None);
        assert_eq!(switch.opened(Outcome::Open), (Verdict::Drop, plain("b")));
        let (verdict, next) = switch.opened(Outcome::Failed);
        assert_eq!((verdict, next.map(|attempt| attempt.choice)), (Verdict::Tell, Some("a")));
    }

    #[test]
    fn after_the_end_nothing_is_opened_or_used() {
        let mut switch = in_use("a");
        switch.ask("b");
        switch.ask("c");
        switch.close();
        assert_eq!(switch.opened(Outcome::Open), (Verdict::Drop, None));
        assert_eq!(switch.ask("d"), None);
    }

    proptest! {
        #[test]
        fn whatever_happens_one_attempt_runs_at_a_time_and_the_last_request_is_tried(
            steps in proptest::collection::vec((any::<bool>(), 0_u8..5, 0_u8..3, any::<bool>()), 1..60),
        ) {
            let mut switch = Switch::new(0);
            let (mut running, mut last) = (None::<Attempt<u8>>, None);
            for (asks, choice, outcome, lets_go) in steps {
                if asks {
                    let attempt = switch.ask(choice);
                    prop_assert_eq!(attempt.is_some(), running.is_none());
                    last = Some(choice);
                    running = running.or(attempt);
                } else if let Some(attempt) = running.take() {
                    if attempt.let_go || lets_go {
                        switch.let_go();
                    }
                    let outcome = [Outcome::Open, Outcome::Busy, Outcome::Failed][usize::from(outcome)];
                    let (verdict, next) = switch.opened(outcome);
                    if verdict == Verdict::Use {
                        prop_assert_eq!(outcome, Outcome::Open);
                        prop_assert_eq!(*switch.chosen(), attempt.choice);
                        prop_assert!(attempt.restores || Some(attempt.choice) == last);
                    }
                    if verdict == Verdict::Tell {
                        prop_assert!(attempt.restores || Some(attempt.choice) == last);
                    }
                    running = next;
                }
            }
            // Left alone, it comes to rest.
            for _ in 0..4 {
                running = running.take().and_then(|_| switch.opened(Outcome::Failed).1);
            }
            prop_assert!(running.is_none());
        }
    }
}
