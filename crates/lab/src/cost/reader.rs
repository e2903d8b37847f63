//! Reads `/proc`: the lines of all processes, and more of those that are asked for.
//! Thin: a process that ends meanwhile is left out, and what may not be read is `None`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::process::{self, Held, Process, Stat};

/// Reads one `/proc`.
#[derive(Clone, Debug)]
pub struct Reader {
    proc: PathBuf,
}

impl Reader {
    /// Of this folder.
    #[must_use]
    pub fn new(proc: &Path) -> Self {
        Self { proc: proc.to_owned() }
    }

    /// The lines of all processes that are there now.
    #[must_use]
    pub fn stats(&self) -> Vec<Stat> {
        numbers(&self.proc).into_iter().flatten().filter_map(|number| self.stat(number)).collect()
    }

    /// More of a process, with what it holds or without; `None` when it is gone.
    #[must_use]
    pub fn process(&self, stat: Stat, with_held: bool) -> Option<Process> {
        let folder = self.folder(stat.id.number);
        // What has ended holds nothing.
        let nothing = Held { pss_bytes: Some(0), handles: Some(0) };
        let held = with_held.then(|| if stat.is_zombie { nothing } else { held(&folder) });
        let process = Process { stat, switches: switches(&folder), held };
        match self.stat(stat.id.number).filter(|now| now.id == stat.id) {
            None => None,
            // It ended while it was being read.
            Some(now) if now.is_zombie && !stat.is_zombie => self.process(now, with_held),
            Some(_) => Some(process),
        }
    }

    fn stat(&self, number: u32) -> Option<Stat> {
        Stat::parse(&fs::read_to_string(self.folder(number).join("stat")).ok()?)
    }

    fn folder(&self, number: u32) -> PathBuf {
        self.proc.join(number.to_string())
    }
}

fn held(folder: &Path) -> Held {
    let rollup = fs::read_to_string(folder.join("smaps_rollup"));
    Held {
        pss_bytes: rollup.ok().as_deref().and_then(process::pss_bytes),
        handles: fs::read_dir(folder.join("fd")).ok().map(|handles| handles.count() as u64),
    }
}

/// Of the threads that are there; one that ends meanwhile is left out.
fn switches(folder: &Path) -> Option<BTreeMap<u32, u64>> {
    let task = folder.join("task");
    let of = |thread: u32| process::switches(&fs::read_to_string(task.join(thread.to_string()).join("status")).ok()?);
    Some(numbers(&task)?.into_iter().filter_map(|thread| Some((thread, of(thread)?))).collect())
}

/// The entries of a folder that are numbers.
fn numbers(folder: &Path) -> Option<Vec<u32>> {
    let entries = fs::read_dir(folder).ok()?;
    Some(entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
}
