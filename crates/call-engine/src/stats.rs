//! Puts the figures of the connection and of the media threads together.
//! Each figure has one source: the network's come from the connection, a picture's or a sample's from the thread that made it.

use std::time::Instant;

use peer_connection::PeerStats;

use crate::figures::{AudioSent, Figures, Path};
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
}
