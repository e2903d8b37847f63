//! The devices of one direction that are there now, looked at again and again at little cost.
//! A sound server is asked over one connection that stays; ALSA only when the kernel's list of cards has changed.

use std::time::{Duration, Instant};

use media_core::DevicePreference;

use crate::format::HostKind;
use crate::host::{self, Found};
use crate::{DeviceChoice, DeviceError, Direction};

/// How often systems are asked that tell of no change.
const BLIND_INTERVAL: Duration = Duration::from_secs(3);

/// Devices that are considered: ALSA's default and cards, a server's sources or sinks; a machine with more has enough of them.
const MAX_DEVICES: usize = 16;

/// What is there, and how to find out again.
pub(crate) struct Survey {
    direction: Direction,
    chosen: Option<String>,
    /// The best sound system that runs, and what it had.
    system: Option<System>,
}

struct System {
    host: cpal::Host,
    kind: HostKind,
    there: Vec<Found>,
    /// The chosen one, where another sound system has it.
    elsewhere: Option<Found>,
    looked_at: Option<Instant>,
    cards: String,
}

impl Survey {
    pub(crate) fn new(choice: &DeviceChoice, direction: Direction) -> Self {
        Self { direction, chosen: choice.id().map(str::to_owned), system: None }
    }

    /// The devices that are there, the default first. May block while a sound server hangs.
    pub(crate) fn look(&mut self, now: Instant) -> Result<&[Found], DeviceError> {
        let mut system = match self.system.take() {
            Some(system) => system,
            None => System::find(self.direction)?,
        };
        // A server that is gone, or an error: the next look begins with finding a system.
        system.look(now, self.direction, self.chosen.as_deref())?;
        Ok(&self.system.insert(system).there)
    }

    /// Begins anew at the next look: another sound system may run by then.
    pub(crate) fn forget(&mut self) {
        self.system = None;
    }
}

impl System {
    fn find(direction: Direction) -> Result<Self, DeviceError> {
        let host = host::best().ok_or(DeviceError::Missing(direction))?;
        let (kind, cards) = (host::kind(host.id()), String::new());
        Ok(Self { host, kind, there: Vec::new(), elsewhere: None, looked_at: None, cards })
    }

    fn look(&mut self, now: Instant, direction: Direction, chosen: Option<&str>) -> Result<(), DeviceError> {
        let cards = cards();
        let same_cards = self.looked_at.is_some() && cards == self.cards;
        let known = self.looked_at.is_some_and(|looked_at| match self.kind {
            HostKind::Server => false,
            HostKind::Alsa => same_cards,
            HostKind::Other => now.saturating_duration_since(looked_at) < BLIND_INTERVAL,
        });
        if known {
            return Ok(());
        }
        self.there = host::present(&self.host, direction, chosen)?;
        self.there.truncate(MAX_DEVICES);
        match chosen.filter(|chosen| !self.there.iter().any(|found| DevicePreference::is_called(&found.id, chosen))) {
            None => self.elsewhere = None,
            Some(chosen) if !same_cards => self.elsewhere = host::find_by_id(chosen, direction).ok(),
            Some(_) => {}
        }
        self.there.extend(self.elsewhere.clone());
        (self.looked_at, self.cards) = (Some(now), cards);
        Ok(())
    }
}

/// The kernel's list of sound cards; empty where there is none. Costs some microseconds.
pub(crate) fn cards() -> String {
    std::fs::read_to_string("/proc/asound/cards").unwrap_or_default()
}
