//! Calls the room that is named on the command line, with test media, for ten seconds.
use call_engine::{AudioSink, AudioSource, Call, CallConfig, Event, RoomId, SignalingConfig, VideoSource};
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let room = RoomId::new(std::env::args().nth(1).unwrap_or("kitchen".into()))?;
    let server = call_engine::parse_server_url("ws://127.0.0.1:7550/signaling")?;

    let config = CallConfig {
        video_in: VideoSource::TestCard,
        audio_in: AudioSource::Test,
        audio_out: AudioSink::None,
        duration: Some(Duration::from_secs(10)),
        ..CallConfig::new(SignalingConfig::new(server, room, "example"))
    };

    let mut call = Call::place(config).await?;
    while let Some(event) = call.event().await {
        match event {
            Event::Phase(phase) => println!("{phase:?}"),
            Event::Chat(text) => println!("the peer says: {text}"),
            Event::Info(text) | Event::Problem(text) => println!("{text}"),
            Event::Ended(reason) => println!("ended: {reason}"),
        }
    }
    let outcome = call.finished().await;
    println!("{} pictures decoded", outcome.figures.video_received.frames_decoded.unwrap_or(0));
    Ok(())
}
