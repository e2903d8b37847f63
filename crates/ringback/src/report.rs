//! The JSON report of a call: a contract with scripts and benches, described in the README.
//! Later versions only add members; what was not measured is `null`.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use call_engine::{Figures, Outcome};
use serde_json::{Value, json};

use crate::process;

/// The report of a call that ended with `outcome`.
pub(crate) fn report(outcome: &Outcome, exit_code: u8) -> Value {
    let usage = process::usage();
    let mut report = figures(&outcome.figures);
    report["schema"] = json!(1);
    report["program"] = json!({ "version": env!("CARGO_PKG_VERSION") });
    report["end"] = json!({ "reason": outcome.end.slug(), "exit_code": exit_code });
    report["process"] = json!({
        "cpu_seconds": usage.map(|usage| rounded(usage.cpu.as_secs_f64())),
        "peak_rss_bytes": usage.map(|usage| usage.peak_rss_bytes),
    });
    report
}

/// The figures as the report has them, and the control socket's snapshots.
pub(crate) fn figures(figures: &Figures) -> Value {
    let milestones = &figures.milestones;
    let (sent, received) = (&figures.video_sent, &figures.video_received);
    json!({
        "milestones_ms": {
            "first_paint": milliseconds(process::first_paint()),
            "signaling_joined": milliseconds(milestones.signaling_joined),
            "offer": milliseconds(milestones.offer),
            "ice_connected": milliseconds(milestones.ice_connected),
            "dtls_connected": milliseconds(milestones.dtls_connected),
            "data_channel_open": milliseconds(milestones.data_channel_open),
            "first_audio_played": milliseconds(milestones.first_audio_played),
            "first_video_decoded": milliseconds(milestones.first_video_decoded),
            "ended": milliseconds(milestones.ended),
        },
        "path": {
            "local_type": figures.path.local_type,
            "remote_type": figures.path.remote_type,
            "protocol": figures.path.protocol,
            "relay_protocol": figures.path.relay_protocol,
            "rtt_ms": milliseconds(figures.path.rtt),
            "encryption": figures.encryption,
        },
        "audio": {
            "sent": {
                "codec": figures.audio_sent.codec,
                "packets": figures.audio_sent.packets,
                "bytes": figures.audio_sent.bytes,
            },
            "received": {
                "codec": figures.audio_received.codec,
                "packets": figures.audio_received.packets,
                "lost": figures.audio_received.lost,
                "bytes": figures.audio_received.bytes,
                "concealed_ratio": figures.audio_received.concealed_ratio,
                "jitter_ms": milliseconds(figures.audio_received.jitter),
                "playout_delay_ms": milliseconds(figures.audio_received.playout_delay),
            },
        },
        "video": {
            "sent": {
                "codec": sent.codec,
                "frames": sent.frames,
                "bytes": sent.bytes,
                "width": sent.size.map(|size| size.width),
                "height": sent.size.map(|size| size.height),
                "fps": sent.fps.map(rounded),
                "bitrate_bps": sent.bitrate.map(|rate| rate.bps()),
                "target_bitrate_bps": sent.target_bitrate.map(|rate| rate.bps()),
                "keyframes": sent.keyframes,
                "nacks": sent.nacks,
                "plis": sent.plis,
            },
            "received": {
                "codec": received.codec,
                "packets": received.packets,
                "lost": received.lost,
                "bytes": received.bytes,
                "frames_decoded": received.frames_decoded,
                "frames_dropped": received.frames_dropped,
                "freezes": received.freezes,
                "freeze_seconds": received.freeze_time.map(|time| rounded(time.as_secs_f64())),
                "width": received.size.map(|size| size.width),
                "height": received.size.map(|size| size.height),
                "fps": received.fps.map(rounded),
                "nacks": received.nacks,
                "plis": received.plis,
            },
        },
        "data": {
            "messages_sent": figures.data.messages_sent,
            "messages_received": figures.data.messages_received,
        },
    })
}

pub(crate) fn milliseconds(time: Option<Duration>) -> Option<f64> {
    time.map(|time| rounded(time.as_secs_f64() * 1e3))
}

/// To a thousandth: more digits would only be noise.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// Finds out before the call whether a report can be written after it.
pub(crate) fn check(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        return Err(std::io::ErrorKind::IsADirectory.into());
    }
    beside(path).map(drop)
}

/// A new file in the folder of `path`, gone when dropped.
fn beside(path: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    readable(&mut tempfile::Builder::new()).tempfile_in(folder)
}

/// Writes `report` to `path` as a whole or not at all: to a file beside it, which then takes its name.
pub(crate) fn write(path: &Path, report: &Value) -> std::io::Result<()> {
    let mut file = beside(path)?;
    serde_json::to_writer_pretty(&mut file, report)?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// As readable as any file that this person makes; temporary files are private otherwise.
fn readable<'a, 'b, 'c>(builder: &'a mut tempfile::Builder<'b, 'c>) -> &'a mut tempfile::Builder<'b, 'c> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder
}

#[cfg(test)]
mod tests {
    use super::*;
    use call_engine::EndReason;

    fn nothing_measured() -> Outcome {
        Outcome { end: EndReason::NoPeerCame, connected: false, figures: Figures::default() }
    }

    #[test]
    fn what_was_not_measured_is_null() {
        let report = report(&nothing_measured(), 6);
        assert_eq!(report["end"], json!({ "reason": "no_peer_came", "exit_code": 6 }));
        assert_eq!(report["video"]["received"]["frames_decoded"], Value::Null);
        assert_eq!(report["audio"]["received"]["concealed_ratio"], Value::Null);
        assert_eq!(report["milestones_ms"]["offer"], Value::Null);
    }

    #[test]
    fn a_report_replaces_an_older_one_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("report.json");
        std::fs::write(&path, "old").expect("writable");
        write(&path, &report(&nothing_measured(), 6)).expect("written");
        let text = std::fs::read_to_string(&path).expect("readable");
        assert!(serde_json::from_str::<Value>(&text).is_ok());
        assert_eq!(std::fs::read_dir(folder.path()).expect("readable").count(), 1);
    }
}
