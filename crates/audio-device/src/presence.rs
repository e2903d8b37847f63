//! Whether sound devices have come, gone or become the default, at a cost that allows to ask twice a second.
//! Says only that something is different; [`list`](crate::list) says what is there, which takes opening devices.

use std::time::{Duration, Instant};

use crate::Direction;
use crate::format::HostKind;
use crate::host;
use crate::survey::cards;

/// How often another sound system is looked for while no server runs, and how often those are asked that are slow to answer.
const SLOW_INTERVAL: Duration = Duration::from_secs(3);

/// A look at what is there, kept from one time to the next: a sound server is asked over one connection.
#[derive(Default)]
pub struct Presence {
    system: Option<cpal::Host>,
    found_at: Option<Instant>,
    signs: String,
}

impl Presence {
    /// One that has not looked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Something that differs from the last time when the devices do. Blocks while a sound server hangs.
    pub fn signs(&mut self, now: Instant) -> &str {
        let is_server = |system: &cpal::Host| host::kind(system.id()) == HostKind::Server;
        let recent = self.found_at.is_some_and(|at| now.saturating_duration_since(at) < SLOW_INTERVAL);
        let server = self.system.as_ref().is_some_and(is_server);
        if !server && !recent {
            (self.system, self.found_at) = (host::best(), Some(now));
            self.signs.clear();
        }
        let kind = self.system.as_ref().map(|system| host::kind(system.id()));
        match (&self.system, kind) {
            (Some(system), Some(HostKind::Server)) => match ids(system) {
                Some(ids) => self.signs = ids,
                // It has ended.
                None => *self = Self::default(),
            },
            (Some(_), Some(HostKind::Alsa)) => self.signs = format!("alsa {}", cards()),
            (Some(system), _) if self.signs.is_empty() => self.signs = ids(system).unwrap_or_default(),
            _ => {}
        }
        &self.signs
    }
}

fn ids(system: &cpal::Host) -> Option<String> {
    let mut all = String::new();
    for direction in [Direction::Input, Direction::Output] {
        for found in host::present(system, direction, None).ok()? {
            all.push_str(&found.id);
            all.push('\n');
        }
        all.push('\n');
    }
    Some(all)
}
