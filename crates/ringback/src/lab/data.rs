//! The data channels of the engine under measurement: bytes one way, and round trips of small messages without and beside
//! them. The roles and the words are those of [`lab::record::DataRecord`], so that any two callers understand each other.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use call_engine::{AudioSink, AudioSource, Call, CallConfig, DataChannel, DataMessage, VideoSink, VideoSource};
use lab::record::{DataRecord, RoundTrips};
use serde_json::json;
use tokio::time::{sleep, timeout};

use super::unix_us;
use crate::lab::cli::DataArgs;

const BULK: &str = "bulk";
const PING: &str = "ping";

const PING_BYTES: usize = 64;
const IDLE_PINGS: usize = 200;

/// Between an answer and the next ping.
const PAUSE: Duration = Duration::from_millis(5);

/// For all of it.
const LIMIT: Duration = Duration::from_secs(120);

/// For the receiver's last answers, and for the lab to look at the processor time once more.
const FLUSH: Duration = Duration::from_millis(500);

/// Makes a call without media and measures its data channels; leaves the record in its folder. Whether it came to an end.
///
/// # Errors
/// When the record cannot be written.
pub(crate) async fn measure(config: CallConfig, orders: &DataArgs) -> anyhow::Result<bool> {
    let config = CallConfig {
        audio_in: AudioSource::None,
        audio_out: AudioSink::None,
        video_in: VideoSource::None,
        video_out: VideoSink::None,
        channels: vec![BULK.into(), PING.into()],
        ..config
    };
    let wait = config.wait.unwrap_or(LIMIT);
    let mut call = Call::place(config).await?;
    let work = async {
        let channels = timeout(wait, opened(&mut call)).await.context("the data channels did not open in time")??;
        let offers = call.snapshot().borrow().offers.context("the room was not joined")?;
        let measured = async {
            match offers {
                true => send(&channels, orders).await,
                false => receive(&channels, orders).await,
            }
        };
        timeout(LIMIT, measured).await.context("the data did not arrive in time")?
    };
    let measured = work.await;
    call.hang_up().await;
    call.finished().await;
    let failed = measured.is_err();
    let record = DataRecord {
        name: "ringback".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        message_bytes: Some(orders.message as u64),
        ..measured.unwrap_or_else(|error| DataRecord { error: Some(error.to_string()), ..DataRecord::default() })
    };
    if let Some(error) = &record.error {
        crate::terminal::error(error);
    }
    let folder = &orders.caller.folder;
    record.write(folder).with_context(|| format!("cannot write to {}", folder.display()))?;
    Ok(!failed)
}

async fn opened(call: &mut Call) -> anyhow::Result<BTreeMap<String, DataChannel>> {
    let mut opening = call.take_channels().context("the channels are taken")?;
    let mut channels = BTreeMap::new();
    while channels.len() < 2 {
        let channel = opening.recv().await.context("the call ended")?;
        channels.insert(channel.label().to_owned(), channel);
    }
    Ok(channels)
}

async fn send(channels: &BTreeMap<String, DataChannel>, orders: &DataArgs) -> anyhow::Result<DataRecord> {
    let (bulk, ping) = (&channels[BULK], &channels[PING]);
    let mut count = None;
    let mut idle = Vec::new();
    while idle.len() < IDLE_PINGS {
        idle.push(trip(ping, &mut count).await?);
        sleep(PAUSE).await;
    }
    let from_us = unix_us();
    let bytes = async {
        let piece = vec![0x5a; orders.message];
        let mut left = orders.bytes;
        while left > 0 {
            let length = left.min(piece.len() as u64);
            bulk.send(&piece[..length as usize]).await?;
            left -= length;
        }
        Ok(())
    };
    let pings = async {
        let mut loaded = Vec::new();
        loop {
            loaded.push(trip(ping, &mut count).await?);
            if let Some(count) = count.take() {
                return anyhow::Ok((loaded, count));
            }
            sleep(PAUSE).await;
        }
    };
    let ((), (loaded, count)) = tokio::try_join!(bytes, pings)?;
    sleep(FLUSH).await;
    Ok(DataRecord {
        throughput_bps: count.throughput_bps,
        rtt_idle_ms: Some(RoundTrips::of(idle)),
        rtt_loaded_ms: Some(RoundTrips::of(loaded)),
        from_us: Some(from_us),
        to_us: Some(count.at_us),
        ..DataRecord::default()
    })
}

/// What the receiver says at the end.
struct Count {
    throughput_bps: Option<f64>,
    at_us: u64,
}

/// The round trip of one ping, milliseconds. The receiver's count may come before the answer, and is kept.
async fn trip(ping: &DataChannel, count: &mut Option<Count>) -> anyhow::Result<f64> {
    let sent = Instant::now();
    ping.send(&[0; PING_BYTES]).await?;
    loop {
        match ping.receive().await.context("the peer went away")? {
            DataMessage::Binary(_) => return Ok(sent.elapsed().as_secs_f64() * 1e3),
            DataMessage::Text(text) => {
                let told: serde_json::Value = serde_json::from_str(&text).context("the count cannot be read")?;
                *count = Some(Count { throughput_bps: told["throughput_bps"].as_f64(), at_us: unix_us() });
            }
        }
    }
}

async fn receive(channels: &BTreeMap<String, DataChannel>, orders: &DataArgs) -> anyhow::Result<DataRecord> {
    let (bulk, ping) = (&channels[BULK], &channels[PING]);
    let echo = async {
        while let Some(message) = ping.receive().await {
            if let DataMessage::Binary(bytes) = message {
                ping.send(&bytes).await?;
            }
        }
        anyhow::Ok(())
    };
    let mut echo = std::pin::pin!(echo);
    let throughput_bps = tokio::select! {
        throughput = count(bulk, orders.bytes) => throughput?,
        ended = &mut echo => {
            ended?;
            anyhow::bail!("the peer went away");
        }
    };
    ping.send_text(&json!({ "throughput_bps": throughput_bps }).to_string()).await?;
    // The sender waits for one more answer, and then hangs up.
    let _ = timeout(FLUSH, echo).await;
    Ok(DataRecord { throughput_bps, ..DataRecord::default() })
}

/// Bits a second from the first message to the last, without the first; `None` when it was the only one.
async fn count(bulk: &DataChannel, expected: u64) -> anyhow::Result<Option<f64>> {
    let (mut first, mut received) = (None, 0);
    while received < expected {
        let length = match bulk.receive().await.context("the peer went away")? {
            DataMessage::Binary(bytes) => bytes.len(),
            DataMessage::Text(text) => text.len(),
        } as u64;
        first.get_or_insert((Instant::now(), length));
        received += length;
    }
    let Some((began, uncounted)) = first else { return Ok(None) };
    let (bits, seconds) = ((received - uncounted) as f64 * 8.0, began.elapsed().as_secs_f64());
    Ok((bits > 0.0 && seconds > 0.0).then(|| bits / seconds))
}
