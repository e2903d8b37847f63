//! `data.json`: what a caller found out about its data channels, `bulk` and `ping`.
//! Who offers makes both, sends 200 pings of 64 bytes one after the other, then the bytes beside more pings; the other one
//! counts the bytes, echoes the pings, and tells the throughput as text on `ping`.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// `data.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DataRecord {
    /// Who the caller is, as in `peer.json`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Why there is nothing.
    pub error: Option<String>,
    /// From the first message that the receiver got to the last, without the first one's bytes; bits per second.
    pub throughput_bps: Option<f64>,
    /// Round trips of pings alone, milliseconds; only the sender has them.
    pub rtt_idle_ms: Option<RoundTrips>,
    /// Of pings beside the bytes.
    pub rtt_loaded_ms: Option<RoundTrips>,
    /// Bytes of a message.
    pub message_bytes: Option<u64>,
    /// When the sender sent the first of the bytes, Unix time in microseconds; only the sender knows.
    pub from_us: Option<u64>,
    /// When it heard that all had arrived.
    pub to_us: Option<u64>,
}

/// Quantiles of round trips, milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoundTrips {
    /// Median.
    pub p50: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
}

impl DataRecord {
    /// Reads it from a caller's folder.
    ///
    /// # Errors
    /// When it is not there or not JSON of this form.
    pub fn read(folder: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&fs::read(folder.join("data.json"))?)?)
    }

    /// Writes it there.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        fs::write(folder.join("data.json"), serde_json::to_vec_pretty(self)?)
    }
}

impl RoundTrips {
    /// Of these, by nearest rank.
    #[must_use]
    pub fn of(mut milliseconds: Vec<f64>) -> Self {
        milliseconds.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let rank = (share * milliseconds.len() as f64).floor() as usize;
            milliseconds.get(rank.min(milliseconds.len().checked_sub(1)?)).copied()
        };
        Self { p50: at(0.5), p99: at(0.99) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_nothing_are_none() {
        assert_eq!(RoundTrips::of(Vec::new()), RoundTrips::default());
        assert_eq!(RoundTrips::of(vec![3.0]), RoundTrips { p50: Some(3.0), p99: Some(3.0) });
        let hundred = (1..=100).rev().map(f64::from).collect();
        assert_eq!(RoundTrips::of(hundred), RoundTrips { p50: Some(51.0), p99: Some(100.0) });
    }

    #[test]
    fn what_the_callers_in_javascript_write_is_read() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let text = r#"{"name": "chromium", "version": "1", "throughput_bps": 8000, "rtt_idle_ms": {"p50": 0.4, "p99": 2},
            "rtt_loaded_ms": null, "message_bytes": 16384, "from_us": 1, "to_us": 2}"#;
        fs::write(folder.path().join("data.json"), text).expect("writable");
        let record = DataRecord::read(folder.path()).expect("readable");
        assert_eq!(record.rtt_idle_ms, Some(RoundTrips { p50: Some(0.4), p99: Some(2.0) }));
        assert_eq!((record.throughput_bps, record.rtt_loaded_ms, record.error.as_deref()), (Some(8e3), None, None));
        record.write(folder.path()).expect("writable");
        assert_eq!(DataRecord::read(folder.path()).expect("readable"), record);
    }
}
