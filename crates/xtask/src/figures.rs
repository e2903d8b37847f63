//! The main figures of a finished call, as a short table for a person.
//! What the report could not measure is shown as unknown, never as zero.

use crate::json::Json;

/// The lines to print for one report.
pub(crate) fn table(report: &Json) -> Vec<String> {
    let size = match (text(report, "video.received.width"), text(report, "video.received.height")) {
        (Some(width), Some(height)) => format!("{width}x{height}"),
        _ => "unknown size".to_owned(),
    };
    let rows = [
        ("end", show(report, "end.reason", "")),
        (
            "path",
            format!(
                "{} to {} over {}, round trip {}",
                show(report, "path.local_type", ""),
                show(report, "path.remote_type", ""),
                show(report, "path.protocol", ""),
                show(report, "path.rtt_ms", " ms"),
            ),
        ),
        (
            "first media",
            format!(
                "sound after {}, picture after {}",
                show(report, "milestones_ms.first_audio_played", " ms"),
                show(report, "milestones_ms.first_video_decoded", " ms"),
            ),
        ),
        (
            "picture in",
            format!(
                "{} decoded, {size} at {}, {} freezes, {} packets lost",
                show(report, "video.received.frames_decoded", ""),
                show(report, "video.received.fps", "/s"),
                show(report, "video.received.freezes", ""),
                show(report, "video.received.lost", ""),
            ),
        ),
        (
            "picture out",
            format!(
                "{} sent at {}",
                show(report, "video.sent.frames", ""),
                show(report, "video.sent.bitrate_bps", " bit/s"),
            ),
        ),
        (
            "sound in",
            format!(
                "{} packets, {} lost, {} concealed, {} delay",
                show(report, "audio.received.packets", ""),
                show(report, "audio.received.lost", ""),
                percent(report.at("audio.received.concealed_ratio")),
                show(report, "audio.received.playout_delay_ms", " ms"),
            ),
        ),
        (
            "cost",
            format!(
                "{} s of processor time, {} MB of memory",
                show(report, "process.cpu_seconds", ""),
                report
                    .at("process.peak_rss_bytes")
                    .number()
                    .map_or_else(|| "unknown".to_owned(), |bytes| format!("{:.0}", bytes / 1e6)),
            ),
        ),
    ];
    rows.into_iter().map(|(name, value)| format!("  {name:<14}{value}")).collect()
}

fn show(report: &Json, path: &str, unit: &str) -> String {
    text(report, path).map_or_else(|| "unknown".to_owned(), |value| format!("{value}{unit}"))
}

fn text(report: &Json, path: &str) -> Option<String> {
    match report.at(path) {
        Json::Number(number) if number.fract() == 0.0 => Some(format!("{number:.0}")),
        Json::Number(number) => Some(format!("{number:.1}")),
        Json::Text(text) => Some(text.clone()),
        _ => None,
    }
}

fn percent(ratio: &Json) -> String {
    ratio.number().map_or_else(|| "unknown".to_owned(), |ratio| format!("{:.2} %", ratio * 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_measured_is_unknown_and_not_zero() {
        let report = Json::parse(r#"{"video": {"received": {"frames_decoded": 299, "fps": 29.97, "lost": null}}}"#)
            .expect("well-formed");
        let table = table(&report).join("\n");
        assert!(table.contains("299 decoded, unknown size at 30.0/s"), "{table}");
        assert!(table.contains("unknown packets lost"), "{table}");
    }
}
