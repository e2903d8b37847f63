//! The rows of the table: each has a key for files, a name and a unit for people, and a better way.

use crate::report::measure::Better;

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its name in files.
    pub key: &'static str,
    /// What it belongs to.
    pub group: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// Its unit; empty for a plain number.
    pub unit: &'static str,
    /// Which way is better.
    pub better: Better,
    /// Digits behind the point that are shown.
    pub decimals: usize,
}

const SET_UP: &str = "set-up";
const CALL: &str = "sound and pictures one way";
const DATA_16: &str = "data channel, messages of 16 KiB";
const DATA_64: &str = "data channel, messages of 64 KiB";
const PROGRAM: &str = "program";
const FIDELITY: &str = "fidelity";

const fn lower(group: &'static str, key: &'static str, name: &'static str, unit: &'static str) -> Row {
    Row { key, group, name, unit, better: Better::Lower, decimals: 1 }
}

const fn higher(group: &'static str, key: &'static str, name: &'static str, unit: &'static str) -> Row {
    Row { better: Better::Higher, ..lower(group, key, name, unit) }
}

impl Row {
    const fn decimals(self, decimals: usize) -> Self {
        Self { decimals, ..self }
    }

    /// The row of that key.
    #[must_use]
    pub fn named(key: &str) -> Option<&'static Self> {
        ROWS.iter().find(|row| row.key == key)
    }
}

/// All of them, in the order of the table.
pub const ROWS: [Row; 30] = [
    lower(SET_UP, "program_to_connected", "program start to connected", "ms").decimals(0),
    lower(SET_UP, "offer_to_connected", "offer to connected", "ms").decimals(0),
    lower(SET_UP, "offer_to_picture", "offer to first picture", "ms").decimals(0),
    lower(SET_UP, "offer_to_sound", "offer to first sound", "ms").decimals(0),
    lower(CALL, "cpu_send", "CPU to send", "s/s").decimals(3),
    lower(CALL, "cpu_receive", "CPU to receive", "s/s").decimals(3),
    lower(CALL, "pss_send", "memory to send", "MiB").decimals(0),
    lower(CALL, "pss_receive", "memory to receive", "MiB").decimals(0),
    lower(CALL, "threads_send", "threads to send", "").decimals(0),
    lower(CALL, "threads_receive", "threads to receive", "").decimals(0),
    lower(CALL, "wakeups_send", "wake-ups to send", "/s").decimals(0),
    lower(CALL, "wakeups_receive", "wake-ups to receive", "/s").decimals(0),
    lower(CALL, "picture_latency_p50", "picture latency p50", "ms"),
    lower(CALL, "picture_latency_p95", "picture latency p95", "ms"),
    lower(CALL, "sound_latency_p50", "sound latency p50", "ms"),
    higher(CALL, "frame_rate", "frame rate", "fps"),
    higher(CALL, "psnr", "PSNR", "dB"),
    higher(DATA_16, "throughput_16", "throughput", "MB/s"),
    lower(DATA_16, "cpu_100_mb_16", "CPU for 100 MB, both", "s").decimals(2),
    lower(DATA_16, "rtt_idle_p50", "round trip idle p50", "ms").decimals(2),
    lower(DATA_16, "rtt_idle_p99", "round trip idle p99", "ms").decimals(2),
    lower(DATA_16, "rtt_loaded_p50", "round trip loaded p50", "ms"),
    lower(DATA_16, "rtt_loaded_p99", "round trip loaded p99", "ms"),
    higher(DATA_64, "throughput_64", "throughput", "MB/s"),
    lower(DATA_64, "cpu_100_mb_64", "CPU for 100 MB, both", "s").decimals(2),
    lower(DATA_64, "rtt_loaded_p50_64", "round trip loaded p50", "ms"),
    lower(PROGRAM, "installed", "installed size", "MiB").decimals(0),
    higher(FIDELITY, "vmaf", "VMAF, good network", ""),
    higher(FIDELITY, "pesq", "PESQ, 5 % loss", "MOS").decimals(2),
    higher(FIDELITY, "stoi", "STOI, 5 % loss", "").decimals(3),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_by_a_key_of_its_own_and_groups_hold_together() {
        for (at, row) in ROWS.iter().enumerate() {
            assert_eq!(ROWS.iter().position(|other| other.key == row.key), Some(at), "{} twice", row.key);
        }
        let mut groups: Vec<_> = ROWS.iter().map(|row| row.group).collect();
        groups.dedup();
        let mut once = groups.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(groups.len(), once.len());
    }
}
