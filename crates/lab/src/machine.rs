//! The machine that the lab runs on, as far as it says so: figures without it mean little.
//! What cannot be read is `None`; only Linux tells.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// What the machine is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// Model of the processor.
    pub cpu: Option<String>,
    /// Processors that this process may use.
    pub cores: Option<u64>,
    /// Memory in all, bytes.
    pub memory_bytes: Option<u64>,
    /// Release of the kernel.
    pub kernel: Option<String>,
}

impl Machine {
    /// This one.
    #[must_use]
    pub fn here() -> Self {
        let cores = std::thread::available_parallelism().ok().map(|cores| cores.get() as u64);
        Self { cores, ..Self::read(Path::new("/proc")) }
    }

    /// The one that a `/proc` is of; `cores` is left out, as `/proc` does not know what this process may use.
    #[must_use]
    pub fn read(proc: &Path) -> Self {
        let text = |name: &str| fs::read_to_string(proc.join(name)).ok();
        Self {
            cpu: text("cpuinfo").as_deref().and_then(|text| value(text, "model name")).map(str::to_owned),
            cores: None,
            memory_bytes: text("meminfo").as_deref().and_then(|text| kibibytes(text, "MemTotal")),
            kernel: text("sys/kernel/osrelease").map(|text| text.trim().to_owned()),
        }
    }
}

/// Load average of this machine over the last minute, now.
#[must_use]
pub fn load() -> Option<f64> {
    load_of(Path::new("/proc"))
}

/// That of the machine that a `/proc` is of.
#[must_use]
pub fn load_of(proc: &Path) -> Option<f64> {
    fs::read_to_string(proc.join("loadavg")).ok()?.split_whitespace().next()?.parse().ok()
}

/// The value of the first line `NAME : VALUE`.
pub(crate) fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == name).then_some(value.trim())
    })
}

/// The value of the first line `NAME: N kB`, in bytes.
pub(crate) fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let number: u64 = value(text, name)?.strip_suffix("kB")?.trim().parse().ok()?;
    number.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_read_from_its_proc() {
        let proc = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, text: &str| {
            let path = proc.path().join(name);
            fs::create_dir_all(path.parent().expect("in the folder")).expect("writable");
            fs::write(path, text).expect("writable");
        };
        write("cpuinfo", "processor\t: 0\nmodel name\t: Fast: 3 GHz\nprocessor\t: 1\nmodel name\t: Slow\n");
        write("meminfo", "MemTotal:       16384 kB\nMemFree:         1 kB\n");
        write("sys/kernel/osrelease", "6.1.0-9\n");
        write("loadavg", "0.52 0.58 0.59 1/257 9\n");
        let expected = Machine {
            cpu: Some("Fast: 3 GHz".into()),
            cores: None,
            memory_bytes: Some(16 << 20),
            kernel: Some("6.1.0-9".into()),
        };
        assert_eq!(Machine::read(proc.path()), expected);
        assert_eq!(load_of(proc.path()), Some(0.52));
    }

    #[test]
    fn what_is_not_told_is_none() {
        let proc = tempfile::tempdir().expect("a temporary folder");
        assert_eq!(Machine::read(proc.path()), Machine::default());
        assert_eq!(load_of(proc.path()), None);
        assert_eq!(kibibytes("MemTotal: many kB", "MemTotal"), None);
        assert!(Machine::here().cores.is_some());
    }
}
