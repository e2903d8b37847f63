//! Makes a call ready to be placed, as the arguments and the network say.
//! The same for every face: which of them shows the call is none of its business.

use std::time::Instant;

use call_engine::{Call, CallConfig, Protocol, RoomId, SignalingConfig, VideoFormat, VideoSink};

use crate::cli::CallArgs;
use crate::face::ByHand;
use crate::reach::Reach;
use crate::rendezvous::{self, Meeting};
use crate::{by_hand, terminal};

/// A call to be placed, and what has to live as long as it.
pub(crate) struct Prepared {
    pub(crate) config: CallConfig,
    pub(crate) meeting: Option<Meeting>,
    /// The lines of a call without a server.
    pub(crate) by_hand: Option<ByHand>,
}

/// What standard input is for: the other's line first, where a person carries it; whether a call is taken, where the terminal
/// `asks`; and chat.
pub(crate) fn take_input(args: &CallArgs, by_hand: Option<ByHand>, call: &Call, asks: bool) {
    match by_hand {
        Some(by_hand) => by_hand::lines_from_stdin(by_hand, call.commands(), args.chat),
        None if args.chat || asks => terminal::lines_from_stdin(call.commands(), call.snapshot(), args.chat),
        None => {}
    }
}

/// Finds the server and says how the other can join; `prints` the lines of a call by hand on the terminal.
pub(crate) async fn prepare(
    args: &CallArgs,
    room: &RoomId,
    mut reach: Reach,
    started: Instant,
    prints: bool,
) -> anyhow::Result<Prepared> {
    let (server, meeting) = match &args.server {
        Some(server) => (server.clone(), None),
        None => {
            let meeting = rendezvous::meet(room, reach.key.as_ref()).await?;
            meeting.announce(room);
            reach.tls.pin_sha256 = meeting.pin;
            (meeting.server.clone(), Some(meeting))
        }
    };
    reach.warn(&server);
    let mut signaling = SignalingConfig::new(server, room.clone(), client_id());
    reach.apply(&mut signaling);
    signaling.tls = reach.tls;
    let is_by_hand = signaling.server.protocol == Protocol::Manual;
    let by_hand = is_by_hand.then(|| if prints { by_hand::on_terminal() } else { ByHand::new(|_| ()) });
    signaling.desk = by_hand.as_ref().map(ByHand::desk);
    let config = CallConfig {
        video_in: args.video_in.clone(),
        audio_in: args.audio_in.clone(),
        video_out: args.video_out.clone().unwrap_or(VideoSink::None),
        audio_out: args.audio_out.clone(),
        video: VideoFormat { size: args.size, frame_rate: args.fps },
        max_bitrate: args.max_bitrate,
        audio_bitrate: args.audio_bitrate,
        ice_servers: args.ice_server.iter().flat_map(|servers| servers.0.clone()).collect(),
        relay_only: args.relay_only,
        bind: args.bind.clone(),
        duration: args.duration,
        wait: args.wait,
        ask: !args.auto_accept,
        once: args.once,
        started,
        ..CallConfig::new(signaling)
    };
    Ok(Prepared { config, meeting, by_hand })
}

/// Tells this client from others in the server's log, and says nothing about the person.
fn client_id() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    format!("ringback-{:016x}", RandomState::new().hash_one(0))
}
