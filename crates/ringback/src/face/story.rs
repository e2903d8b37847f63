//! What has happened in a call so far, as a face tells it: the chat, the notices and the curves.
//! Events and snapshots of the engine go in; nothing in here decides anything about the call.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use call_engine::{Event, Snapshot};

use super::Curves;

/// How long a notice stays.
const NOTICE_SHOWN: Duration = Duration::from_secs(8);

/// Notices at one time; older ones give way.
const MAX_NOTICES: usize = 3;

/// Lines of chat that are kept; a longer talk loses its beginning.
const MAX_LINES: usize = 1000;

/// Who wrote a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// The person here.
    We,
    /// The other one.
    Peer,
}

/// A line of chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) speaker: Speaker,
    pub(crate) text: String,
}

/// The call so far.
#[derive(Debug, Default)]
pub(crate) struct Story {
    chat: VecDeque<Line>,
    unread: usize,
    notices: VecDeque<(Instant, String)>,
    curves: Curves,
}

impl Story {
    /// Something happened.
    pub(crate) fn event(&mut self, now: Instant, event: &Event) {
        match event {
            Event::Chat(text) => {
                self.unread += 1;
                self.line(Speaker::Peer, text.clone());
            }
            Event::Info(text) | Event::Problem(text) => self.notice(now, text.clone()),
            Event::Phase(_) | Event::Ended(_) => {}
        }
    }

    /// The person sent a line.
    pub(crate) fn said(&mut self, text: String) {
        self.line(Speaker::We, text);
    }

    /// The engine measured.
    pub(crate) fn measured(&mut self, snapshot: &Snapshot) {
        self.curves.measured(snapshot);
    }

    /// Something to show for a while.
    pub(crate) fn notice(&mut self, now: Instant, text: String) {
        self.notices.retain(|(_, known)| *known != text);
        if self.notices.len() == MAX_NOTICES {
            self.notices.pop_front();
        }
        self.notices.push_back((now, text));
    }

    /// The chat was seen.
    pub(crate) fn read(&mut self) {
        self.unread = 0;
    }

    /// Lines of the peer that were not seen.
    pub(crate) fn unread(&self) -> usize {
        self.unread
    }

    /// The chat, oldest line first.
    pub(crate) fn chat(&self) -> impl ExactSizeIterator<Item = &Line> + DoubleEndedIterator {
        self.chat.iter()
    }

    /// What is to be shown now, oldest first.
    pub(crate) fn notices(&self, now: Instant) -> impl Iterator<Item = &str> {
        let fresh = move |at: &Instant| now.saturating_duration_since(*at) < NOTICE_SHOWN;
        self.notices.iter().filter(move |(at, _)| fresh(at)).map(|(_, text)| text.as_str())
    }

    /// The last minute.
    pub(crate) fn curves(&self) -> &Curves {
        &self.curves
    }

    fn line(&mut self, speaker: Speaker, text: String) {
        if self.chat.len() == MAX_LINES {
            self.chat.pop_front();
        }
        self.chat.push_back(Line { speaker, text });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_peer_are_unread_until_they_are_seen() {
        let (mut story, now) = (Story::default(), Instant::now());
        story.event(now, &Event::Chat("hello".into()));
        story.said("hi".into());
        story.event(now, &Event::Chat("how are you?".into()));
        assert_eq!(story.unread(), 2);
        let lines: Vec<_> = story.chat().map(|line| (line.speaker, line.text.as_str())).collect();
        assert_eq!(lines, [(Speaker::Peer, "hello"), (Speaker::We, "hi"), (Speaker::Peer, "how are you?")]);
        story.read();
        assert_eq!(story.unread(), 0);
    }

    #[test]
    fn notices_fade_and_do_not_pile_up() {
        let (mut story, start) = (Story::default(), Instant::now());
        for (second, text) in ["one", "two", "two", "three", "four"].into_iter().enumerate() {
            story.event(start + Duration::from_secs(second as u64), &Event::Info(text.into()));
        }
        let shown = |second| story.notices(start + Duration::from_secs(second)).collect::<Vec<_>>();
        assert_eq!(shown(4), ["two", "three", "four"]);
        assert_eq!(shown(11), ["four"]);
        assert_eq!(shown(12), [""; 0]);
    }

    #[test]
    fn a_peer_that_writes_on_and_on_fills_no_memory() {
        let (mut story, now) = (Story::default(), Instant::now());
        for number in 0..MAX_LINES + 5 {
            story.event(now, &Event::Chat(number.to_string()));
        }
        assert_eq!(story.chat().len(), MAX_LINES);
        assert_eq!(story.chat().next().map(|line| line.text.as_str()), Some("5"));
    }
}
