//! Puts the figures of the connection and of the media threads together.
//! Each figure has one source: the network's come from the connection, a picture's or a sample's from the thread that made it.

use std::time::Instant;

use media_core::ConnectionFigures;
use peer_connection::PeerStats;

use crate::figures::{AudioSent, Figures, Path, PeerState};
use crate::media::Media;

pub(crate) fn path(stats: &PeerStats) -> Path {
    let Some(path) = &stats.path else { return Path::default() };
    Path {
        local_type: Some(path.local_type.clone()),
        remote_type: Some(path.remote_type.clone()),
        protocol: Some(path.protocol.clone()),
        relay_protocol: path.relay_protocol.clone(),
        rtt: path.rtt,
    }
}

pub(crate) fn audio_sent(stats: &PeerStats) -> AudioSent {
    let Some(sent) = &stats.audio_sent else { return AudioSent::default() };
    AudioSent { codec: sent.codec.clone(), packets: Some(sent.packets), bytes: Some(sent.bytes) }
}

pub(crate) fn media(figures: &mut Figures, media: &Media, stats: &PeerStats, started: Instant, now: Instant) {
    let since = |at: Instant| at.saturating_duration_since(started);
    figures.audio_received = media.audio_receive().figures();
    figures.milestones.first_audio_played = media.audio_receive().first_played().map(since);
    figures.video_received = media.video_receive().figures(now);
    figures.milestones.first_video_decoded = media.video_receive().first_decoded().map(since);
    if let Some(video) = media.video_send() {
        figures.video_sent = video.figures(now);
        figures.video_sent.nacks = stats.video_sent.as_ref().and_then(|sent| sent.nacks);
    }
    figures.audio_received.bytes = stats.audio_received.as_ref().map(|received| received.bytes);
    figures.video_received.bytes = stats.video_received.as_ref().map(|received| received.bytes);
}

/// What the quality of the connection is judged by.
pub(crate) fn connection(figures: &Figures, peer: PeerState, stats: &PeerStats) -> ConnectionFigures {
    let (audio, video) = (&figures.audio_received, &figures.video_received);
    let sum = |one: Option<u64>, other: Option<u64>| one.unwrap_or(0) + other.unwrap_or(0);
    // Pictures that do not come while the camera is off, or before the first of this connection, do not stand still.
    let filmed = peer.camera_on != Some(false) && stats.video_received.is_some();
    ConnectionFigures {
        rtt: figures.path.rtt,
        packets: sum(audio.packets, video.packets),
        lost: sum(audio.lost, video.lost),
        samples: audio.samples.unwrap_or(0),
        concealed: audio.concealed_samples.unwrap_or(0),
        frozen: video.freeze_time.filter(|_| filmed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::{AudioReceived, VideoReceived};
    use std::time::Duration;

    #[test]
    fn a_picture_stands_still_only_while_one_is_to_be_expected() {
        let figures = Figures {
            audio_received: AudioReceived { packets: Some(70), lost: Some(2), ..AudioReceived::default() },
            video_received: VideoReceived {
                packets: Some(30),
                freeze_time: Some(Duration::from_secs(2)),
                ..VideoReceived::default()
            },
            ..Figures::default()
        };
        let flows =
            PeerStats { video_received: Some(peer_connection::ReceivedStats::default()), ..PeerStats::default() };
        let state = |camera_on| PeerState { camera_on, ..PeerState::default() };
        let judged = connection(&figures, state(None), &flows);
        assert_eq!((judged.packets, judged.lost, judged.frozen), (100, 2, Some(Duration::from_secs(2))));
        assert_eq!(connection(&figures, state(Some(true)), &flows).frozen, Some(Duration::from_secs(2)));
        assert_eq!(connection(&figures, state(Some(false)), &flows).frozen, None);
        assert_eq!(connection(&figures, state(None), &PeerStats::default()).frozen, None);
    }
}
