//! The steps of a call that are timed, and by what each of them is known: pure tables.
//! Of a step that is taken again, as after a reconnect, the first time counts.

use std::time::Duration;

use call_core::{Input, PeerEvent, SignalCommand, SignalingEvent};

use crate::Milestones;

/// A step of a call that the actor sees. Those of the media are seen by their threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Milestone {
    SignalingJoined,
    Offer,
    IceConnected,
    DtlsConnected,
    DataChannelOpen,
    Ended,
}

impl Milestone {
    /// The step that was taken when the session hears this.
    pub(crate) fn of_input(input: &Input) -> Option<Self> {
        match input {
            Input::Signaling(SignalingEvent::Joined { .. }) => Some(Self::SignalingJoined),
            Input::Signaling(SignalingEvent::Description(_)) => Some(Self::Offer),
            Input::Peer(PeerEvent::IceConnected) => Some(Self::IceConnected),
            Input::Peer(PeerEvent::Connected) => Some(Self::DtlsConnected),
            Input::Peer(PeerEvent::DataOpen) => Some(Self::DataChannelOpen),
            _ => None,
        }
    }

    /// The step that is taken when the session has this sent.
    pub(crate) fn of_signal(command: &SignalCommand) -> Option<Self> {
        matches!(command, SignalCommand::Describe(_)).then_some(Self::Offer)
    }
}

impl Milestones {
    /// A step was taken, that long after the start.
    pub(crate) fn reach(&mut self, milestone: Milestone, after: Duration) {
        let place = match milestone {
            Milestone::SignalingJoined => &mut self.signaling_joined,
            Milestone::Offer => &mut self.offer,
            Milestone::IceConnected => &mut self.ice_connected,
            Milestone::DtlsConnected => &mut self.dtls_connected,
            Milestone::DataChannelOpen => &mut self.data_channel_open,
            Milestone::Ended => &mut self.ended,
        };
        place.get_or_insert(after);
    }
}

#[cfg(test)]
mod tests {
    use call_core::{Description, PeerCapabilities, Role};

    use super::*;

    #[test]
    fn each_step_is_known_by_one_input() {
        let joined = SignalingEvent::Joined {
            role: Role { offers_first: true, polite: false },
            capabilities: PeerCapabilities::default(),
            ice_servers: Vec::new(),
        };
        for (input, milestone) in [
            (Input::Start, None),
            (Input::Signaling(joined), Some(Milestone::SignalingJoined)),
            (Input::Signaling(SignalingEvent::OfferWanted), None),
            (Input::Signaling(SignalingEvent::Description(Description::offer(""))), Some(Milestone::Offer)),
            (Input::Peer(PeerEvent::Opened(Ok(()))), None),
            (Input::Peer(PeerEvent::IceConnected), Some(Milestone::IceConnected)),
            (Input::Peer(PeerEvent::Connected), Some(Milestone::DtlsConnected)),
            (Input::Peer(PeerEvent::DataOpen), Some(Milestone::DataChannelOpen)),
            (Input::Peer(PeerEvent::DataClosed), None),
            (Input::HangUp, None),
        ] {
            assert_eq!(Milestone::of_input(&input), milestone, "{input:?}");
        }
    }

    #[test]
    fn an_offer_of_ours_counts_like_the_peers() {
        assert_eq!(Milestone::of_signal(&SignalCommand::Describe(Description::offer(""))), Some(Milestone::Offer));
        assert_eq!(Milestone::of_signal(&SignalCommand::Connect), None);
    }

    #[test]
    fn the_first_time_counts_and_each_step_has_a_place_of_its_own() {
        let at = Duration::from_secs;
        let mut milestones = Milestones::default();
        let steps = [
            Milestone::SignalingJoined,
            Milestone::Offer,
            Milestone::IceConnected,
            Milestone::DtlsConnected,
            Milestone::DataChannelOpen,
            Milestone::Ended,
        ];
        for (step, second) in steps.into_iter().chain(steps).zip(1..) {
            milestones.reach(step, at(second));
        }
        let expected = Milestones {
            signaling_joined: Some(at(1)),
            offer: Some(at(2)),
            ice_connected: Some(at(3)),
            dtls_connected: Some(at(4)),
            data_channel_open: Some(at(5)),
            ended: Some(at(6)),
            ..Milestones::default()
        };
        assert_eq!(milestones, expected);
    }
}
