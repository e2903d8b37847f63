//! The rules by which two people exchange their lines: ours is an offer until the other's offer is pasted, which makes it an answer.
//! Pure: told what is pasted and what the call wants, it gives events for the call and lines for the person.

use std::collections::VecDeque;

use call_core::{Description, DescriptionKind, PeerCapabilities, Role, SignalingEvent};

use super::line::{Line, LineError, MAX_LINE, OfferId};

/// A line holds all candidates, and nothing can follow it.
const CAPABILITIES: PeerCapabilities = PeerCapabilities {
    renegotiation: false,
    trickle: false,
    candidate_needs_mid: false,
    presence: false,
    server_ice: false,
    by_hand: true,
};

/// A line that is to be given to the other.
#[derive(Clone, PartialEq, Eq)]
pub enum Shown {
    /// An offer: the answer to it is to be pasted.
    Offer(String),
    /// An answer: the call comes when the other has pasted it.
    Answer(String),
}

/// What became of pasted text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pasted {
    /// It was the other's line.
    Taken,
    /// It cannot be used; a line is still awaited, unless it came [too late](LineError::TooLate).
    Refused(LineError),
    /// There was nothing in it.
    Empty,
    /// No line is awaited, and this is none: it is meant for somebody else.
    NotAwaited,
}

#[derive(Debug)]
enum Part {
    /// We offer; with the name of the offer once it is shown.
    Offering(Option<OfferId>),
    /// We take the other's offer.
    Answering(Line),
    /// The answer to our offer is here.
    Answered,
}

/// One exchange, over all attempts to make a connection from it.
#[derive(Debug)]
pub(super) struct Exchange {
    part: Part,
    /// A line of which only the beginning was pasted so far.
    beginning: String,
    /// Nothing more can be pasted.
    ended: bool,
    /// For the call: at most what one attempt begins with, and one more for each paste.
    events: VecDeque<SignalingEvent>,
}

impl Exchange {
    pub(super) fn new() -> Self {
        Self { part: Part::Offering(None), beginning: String::new(), ended: false, events: VecDeque::new() }
    }

    /// The call begins an attempt.
    pub(super) fn join(&mut self) {
        if matches!(self.part, Part::Answered) {
            self.part = Part::Offering(None);
        }
        self.events.clear();
        let offers_first = !matches!(self.part, Part::Answering(_));
        self.events.push_back(SignalingEvent::Joined {
            role: Role { offers_first, polite: !offers_first },
            capabilities: CAPABILITIES,
            ice_servers: Vec::new(),
        });
        if let Part::Answering(line) = &self.part {
            self.events.push_back(SignalingEvent::Description(line.description.clone()));
        }
        self.end();
    }

    /// The call has a description for the peer.
    pub(super) fn describe(&mut self, description: &Description) -> Option<Shown> {
        match (&mut self.part, description.kind) {
            (Part::Offering(offer), DescriptionKind::Offer) => {
                let line = Line::offer(&description.sdp);
                *offer = Some(line.offer);
                Some(Shown::Offer(line.to_text()))
            }
            (Part::Answering(theirs), DescriptionKind::Answer) => {
                Some(Shown::Answer(Line::answer(theirs, &description.sdp).to_text()))
            }
            _ => None,
        }
    }

    /// The person has pasted a line of text.
    pub(super) fn paste(&mut self, text: &str) -> Pasted {
        let Part::Offering(ours) = self.part else {
            return if Line::is_meant(text) { Pasted::Refused(LineError::TooLate) } else { Pasted::NotAwaited };
        };
        if text.trim().is_empty() {
            return Pasted::Empty;
        }
        match self.complete(text) {
            Ok(line) if ours == Some(line.offer) && line.description.kind == DescriptionKind::Offer => {
                Pasted::Refused(LineError::Own)
            }
            Ok(line) if line.description.kind == DescriptionKind::Offer => {
                self.part = Part::Answering(line);
                // Nobody knows of our own offer, or nobody will answer it: another attempt takes the other's.
                self.events.push_back(SignalingEvent::PeerLeft);
                Pasted::Taken
            }
            Ok(line) if ours == Some(line.offer) => {
                self.part = Part::Answered;
                self.events.push_back(SignalingEvent::Description(line.description));
                Pasted::Taken
            }
            Ok(_) => Pasted::Refused(LineError::OtherOffer),
            Err(error) => Pasted::Refused(error),
        }
    }

    /// Nothing more can be pasted.
    pub(super) fn input_ended(&mut self) {
        self.ended = true;
        self.end();
    }

    /// Ends a call that waits for a line which cannot come.
    fn end(&mut self) {
        if self.ended && matches!(self.part, Part::Offering(_)) {
            let reason = "there is none, and the input from which the other's line is taken has ended".to_owned();
            self.events.push_back(SignalingEvent::Unreachable { reason, retry: false });
        }
    }

    /// The next event for the call.
    pub(super) fn poll(&mut self) -> Option<SignalingEvent> {
        self.events.pop_front()
    }

    /// A terminal or a chat program may have wrapped the line, so that it comes in pieces.
    fn complete(&mut self, text: &str) -> Result<Line, LineError> {
        let mut beginning = std::mem::take(&mut self.beginning);
        if beginning.len() + text.len() > MAX_LINE {
            return Err(LineError::TooLong);
        }
        let is_piece = text.trim().bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        let goes_on = is_piece && !beginning.is_empty() && !Line::is_meant(text);
        let whole = if goes_on {
            beginning.push_str(text);
            beginning
        } else {
            text.to_owned()
        };
        let parsed = Line::parse(&whole);
        if parsed == Err(LineError::Incomplete) {
            self.beginning = whole;
        }
        parsed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A call that has begun an attempt, and what it heard.
    fn begin(exchange: &mut Exchange) -> Vec<SignalingEvent> {
        exchange.join();
        std::iter::from_fn(|| exchange.poll()).collect()
    }

    fn offer(exchange: &mut Exchange, sdp: &str) -> String {
        match exchange.describe(&Description::offer(sdp)) {
            Some(Shown::Offer(line)) => line,
            _ => panic!("no offer is shown"),
        }
    }

    fn answer(exchange: &mut Exchange, sdp: &str) -> String {
        match exchange.describe(&Description::answer(sdp)) {
            Some(Shown::Answer(line)) => line,
            _ => panic!("no answer is shown"),
        }
    }

    fn offers(events: &[SignalingEvent]) -> bool {
        matches!(events, [SignalingEvent::Joined { role, .. }] if role.offers_first && !role.polite)
    }

    #[test]
    fn the_one_who_pastes_an_offer_answers_it() {
        let (mut one, mut other) = (Exchange::new(), Exchange::new());
        assert!(offers(&begin(&mut one)) && offers(&begin(&mut other)));
        let offered = offer(&mut one, "first");
        offer(&mut other, "void");

        assert_eq!(other.paste(&offered), Pasted::Taken);
        assert_eq!(other.poll(), Some(SignalingEvent::PeerLeft));
        let [SignalingEvent::Joined { role, .. }, SignalingEvent::Description(theirs)] = &begin(&mut other)[..] else {
            panic!("the next attempt takes the offer");
        };
        assert!(!role.offers_first && role.polite);
        assert_eq!(*theirs, Description::offer("first"));
        let answered = answer(&mut other, "second");
        assert_eq!(other.paste("hello"), Pasted::NotAwaited);

        assert_eq!(one.paste(&answered), Pasted::Taken);
        assert_eq!(one.poll(), Some(SignalingEvent::Description(Description::answer("second"))));
        assert_eq!(one.paste("hello"), Pasted::NotAwaited);
        one.input_ended();
        assert_eq!(one.poll(), None);
    }

    #[test]
    fn a_wrong_paste_is_told_and_the_right_one_still_awaited() {
        let mut one = Exchange::new();
        begin(&mut one);
        let early = Line::answer(&Line::offer("first"), "second").to_text();
        assert_eq!(one.paste(&early), Pasted::Refused(LineError::OtherOffer));
        let own = offer(&mut one, "first");
        let other = Line::answer(&Line::offer("another"), "second").to_text();
        for (text, refused) in [
            (own.as_str(), Pasted::Refused(LineError::Own)),
            (other.as_str(), Pasted::Refused(LineError::OtherOffer)),
            ("hello", Pasted::Refused(LineError::Foreign)),
            (&early[..30], Pasted::Refused(LineError::Incomplete)),
            (&own.replace("ringback1-", "ringback7-"), Pasted::Refused(LineError::Version)),
            ("not the rest", Pasted::Refused(LineError::Foreign)),
            (&"x".repeat(MAX_LINE + 1), Pasted::Refused(LineError::TooLong)),
            (" \t", Pasted::Empty),
        ] {
            assert_eq!(one.paste(text), refused, "{text:?}");
            assert_eq!(one.poll(), None);
        }
        assert_eq!(one.paste(&early), Pasted::Taken);
    }

    #[test]
    fn a_line_that_comes_in_pieces_is_put_together() {
        let mut one = Exchange::new();
        begin(&mut one);
        let offered = Line::offer("theirs").to_text();
        let (first, rest) = offered.split_at(20);
        let (second, third) = rest.split_at(10);
        assert_eq!(one.paste(first), Pasted::Refused(LineError::Incomplete));
        assert_eq!(one.paste(&format!("{second}\r")), Pasted::Refused(LineError::Incomplete));
        assert_eq!(one.paste(third), Pasted::Taken);
    }

    #[test]
    fn when_both_answer_each_other_both_are_told_to_start_again() {
        let (mut one, mut other) = (Exchange::new(), Exchange::new());
        begin(&mut one);
        begin(&mut other);
        let (ours, theirs) = (offer(&mut one, "one"), offer(&mut other, "other"));
        assert_eq!(one.paste(&theirs), Pasted::Taken);
        assert_eq!(other.paste(&ours), Pasted::Taken);
        begin(&mut other);
        let answered = answer(&mut other, "answer");
        assert_eq!(one.paste(&answered), Pasted::Refused(LineError::TooLate));
    }

    #[test]
    fn without_a_line_the_end_of_the_input_is_the_end() {
        let mut one = Exchange::new();
        begin(&mut one);
        one.input_ended();
        assert!(matches!(one.poll(), Some(SignalingEvent::Unreachable { retry: false, .. })));

        let mut early = Exchange::new();
        early.input_ended();
        let events = begin(&mut early);
        assert!(
            matches!(&events[..], [SignalingEvent::Joined { .. }, SignalingEvent::Unreachable { .. }]),
            "{events:?}"
        );
        let mut piped = Exchange::new();
        assert_eq!(piped.paste(&Line::offer("theirs").to_text()), Pasted::Taken);
        piped.input_ended();
        assert!(matches!(&begin(&mut piped)[..], [SignalingEvent::Joined { .. }, SignalingEvent::Description(_)]));
    }
}
