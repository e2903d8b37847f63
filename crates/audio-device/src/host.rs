//! Which sound system to use and which devices it has: PulseAudio (or PipeWire behind its socket) first, ALSA otherwise.
//! A sound system that is absent is passed over in silence; nothing here prints or blocks for ever.

use std::fmt;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use cpal::HostId;
use cpal::traits::{DeviceTrait, HostTrait};
use media_core::DevicePreference;

use crate::format::{HostKind, StreamPlan};
use crate::{DeviceError, Direction};

/// How long listing may take. ALSA opens every device for its formats: those not asked by half of it are listed without.
const LIST_LIMIT: Duration = Duration::from_secs(4);

/// Which device to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The system's default.
    Default,
    /// The one with this id, as [`list`] gives it; the part after the sound system's name is enough. Until it was there once, no
    /// other will do.
    Id(String),
    /// That one where it is there, else the default.
    Rather(String),
}

impl DeviceChoice {
    pub(crate) fn id(&self) -> Option<&str> {
        match self {
            Self::Default => None,
            Self::Id(id) | Self::Rather(id) => Some(id),
        }
    }
}

/// A sample format that a device offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioFormat {
    /// Samples per second and channel.
    pub sample_rate: u32,
    /// Number of channels.
    pub channels: u16,
    /// The kind of sample, such as `i16`.
    pub sample: String,
}

impl fmt::Display for AudioFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} Hz, {} ch, {}", self.sample_rate, self.channels, self.sample)
    }
}

/// A microphone or a speaker that is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioDeviceInfo {
    /// What to choose it by, such as `pulseaudio:alsa_input.usb-Blue`.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Whether it is the one that the system uses when none is chosen.
    pub default: bool,
    /// Its native formats; empty when the device is busy or slow to tell.
    pub formats: Vec<AudioFormat>,
}

/// The devices of one direction. What only plays back a speaker's sound (a monitor) is no microphone and is left out.
///
/// # Errors
/// When no sound system runs, or the one that runs does not answer within 4 s.
pub fn list(direction: Direction) -> Result<Vec<AudioDeviceInfo>, DeviceError> {
    in_time(direction, move || list_now(direction))
}

/// Looks whether a device has this id, as in [`DeviceChoice::Id`]; opens nothing.
///
/// # Errors
/// When none has. Of a sound system that does not answer within 4 s that is not known.
pub fn check(id: &str, direction: Direction) -> Result<(), DeviceError> {
    let id = id.to_owned();
    let found = in_time(direction, move || {
        quiet();
        find_by_id(&id, direction).map(drop)
    });
    if matches!(found, Err(DeviceError::Unresponsive(_))) { Ok(()) } else { found }
}

/// Asks the sound system. One that hangs keeps the thread; the caller goes on without it.
fn in_time<T: Send + 'static>(
    direction: Direction,
    ask: impl FnOnce() -> Result<T, DeviceError> + Send + 'static,
) -> Result<T, DeviceError> {
    let (sender, receiver) = mpsc::sync_channel(1);
    std::thread::Builder::new()
        .name("sound-list".into())
        .spawn(move || sender.send(ask()).unwrap_or(()))
        .map_err(|error| DeviceError::Failed { kind: direction, reason: error.to_string() })?;
    receiver.recv_timeout(LIST_LIMIT).map_err(|_| DeviceError::Unresponsive(direction))?
}

fn list_now(direction: Direction) -> Result<Vec<AudioDeviceInfo>, DeviceError> {
    quiet();
    let begun = Instant::now();
    let host = hosts(None).next().ok_or(DeviceError::Missing(direction))?;
    let default = default_device(&host, direction);
    let default_id = default.as_ref().and_then(|device| device.id().ok());
    let mut infos: Vec<AudioDeviceInfo> = Vec::new();
    for device in default.into_iter().chain(devices(&host, direction)?) {
        let Ok(id) = device.id() else { continue };
        let info = AudioDeviceInfo {
            id: id.to_string(),
            name: name_of(&device),
            default: Some(&id) == default_id.as_ref(),
            formats: Vec::new(),
        };
        if infos.iter().any(|known| known.id == info.id) {
            continue;
        }
        let formats = if begun.elapsed() < LIST_LIMIT / 2 { native_format(&device, direction) } else { None };
        // ALSA's "default" is there even on a machine without sound: it counts when it opens or a card exists.
        infos.push(AudioDeviceInfo { formats: formats.into_iter().collect(), ..info });
    }
    if kind(host.id()) == HostKind::Alsa && infos.len() == 1 && infos[0].formats.is_empty() {
        infos.clear();
    }
    Ok(infos)
}

fn native_format(device: &cpal::Device, direction: Direction) -> Option<AudioFormat> {
    let config = match direction {
        Direction::Input => device.default_input_config(),
        Direction::Output => device.default_output_config(),
    };
    let config = config.ok()?;
    let (sample_rate, channels) = (config.sample_rate(), config.channels());
    Some(AudioFormat { sample_rate, channels, sample: config.sample_format().to_string() })
}

/// A device that was found, and how to open it.
#[derive(Clone)]
pub(crate) struct Found {
    pub(crate) id: String,
    pub(crate) device: cpal::Device,
    pub(crate) name: String,
    pub(crate) kind: HostKind,
}

impl Found {
    /// Whether it is a device of ALSA that converts to whatever it is asked for.
    pub(crate) fn converts(&self) -> bool {
        let converts = |id: &str| id == "default" || id.starts_with("plughw:") || id.starts_with("sysdefault");
        self.kind == HostKind::Alsa && self.id.split_once(':').is_some_and(|(_, bare)| converts(bare))
    }

    /// The stream to ask this device for. `patient`: see [`StreamPlan::choose`].
    pub(crate) fn plan(&self, direction: Direction, patient: bool) -> Result<StreamPlan, DeviceError> {
        if self.kind == HostKind::Server {
            return Ok(StreamPlan::SERVER);
        }
        let offered: Vec<_> = match direction {
            Direction::Input => self.device.supported_input_configs().map(Iterator::collect),
            Direction::Output => self.device.supported_output_configs().map(Iterator::collect),
        }
        .map_err(|error| DeviceError::of_device(direction, &self.id, &error))?;
        StreamPlan::choose(&offered, direction, self.kind, patient).ok_or(DeviceError::Format(direction))
    }
}

/// The best sound system that runs.
pub(crate) fn best() -> Option<cpal::Host> {
    quiet();
    hosts(None).next()
}

/// The devices that a system has now, the default first. May block while a sound server hangs.
/// `wanted` is the id of one that is among them also where it is not worth showing.
pub(crate) fn present(
    host: &cpal::Host,
    direction: Direction,
    wanted: Option<&str>,
) -> Result<Vec<Found>, DeviceError> {
    quiet();
    let all = all(host, direction)?;
    let is_wanted = |device: &&cpal::Device| {
        wanted.is_some_and(|wanted| device.id().is_ok_and(|id| DevicePreference::is_called(&id.to_string(), wanted)))
    };
    let wanted: Vec<_> = all.iter().filter(is_wanted).cloned().collect();
    let mut present: Vec<Found> = Vec::new();
    // ALSA's default may lead to a sound server that does not run: then a card is better than nothing.
    for device in default_device(host, direction).into_iter().chain(wanted).chain(worth_showing(host, all)) {
        if let Some(found) = found(host, device)
            && !present.iter().any(|known| known.id == found.id)
        {
            present.push(found);
        }
    }
    Ok(present)
}

/// The device with this id, also one that is not worth showing. Searches every sound system that runs.
pub(crate) fn find_by_id(id: &str, direction: Direction) -> Result<Found, DeviceError> {
    let (host_id, bare) = match id.split_once(':').and_then(|(host, rest)| Some((host.parse().ok()?, rest))) {
        Some((host_id, rest)) => (Some(host_id), rest),
        None => (None, id),
    };
    for host in hosts(host_id) {
        // ALSA's own look-up does not find the id of its default device, and the list leaves out hidden plugins and monitors.
        let all = host.devices().map_err(|error| DeviceError::from_cpal(direction, &error))?;
        let mut candidates = all.filter(|device| fits(device, direction)).chain(raw_default(&host, direction));
        if let Some(device) = candidates.find(|device| device.id().is_ok_and(|known| known.id() == bare)) {
            return found(&host, device).ok_or(DeviceError::Missing(direction));
        }
    }
    Err(DeviceError::UnknownId { kind: direction, id: id.to_owned() })
}

fn found(host: &cpal::Host, device: cpal::Device) -> Option<Found> {
    Some(Found { id: device.id().ok()?.to_string(), name: name_of(&device), device, kind: kind(host.id()) })
}

fn name_of(device: &cpal::Device) -> String {
    device.description().map_or_else(|_| "unnamed".to_owned(), |description| description.name().to_owned())
}

/// The sound systems that run, best first, or only the one asked for.
fn hosts(only: Option<HostId>) -> impl Iterator<Item = cpal::Host> {
    #[cfg(target_os = "linux")]
    let order = [HostId::PulseAudio, HostId::Alsa];
    #[cfg(not(target_os = "linux"))]
    let order = cpal::available_hosts();
    order.into_iter().filter(move |id| only.is_none_or(|only| only == *id)).filter_map(|id| cpal::host_from_id(id).ok())
}

pub(crate) fn kind(id: HostId) -> HostKind {
    // By name: not every build of the sound library has every variant.
    match id.to_string().as_str() {
        "pulseaudio" => HostKind::Server,
        "alsa" => HostKind::Alsa,
        _ => HostKind::Other,
    }
}

fn raw_default(host: &cpal::Host, direction: Direction) -> Option<cpal::Device> {
    match direction {
        Direction::Input => host.default_input_device(),
        Direction::Output => host.default_output_device(),
    }
}

/// The default device, unless it is a monitor: on a machine without a microphone PulseAudio's default source plays the speaker's
/// sound, and a call would send the peer's own voice back.
fn default_device(host: &cpal::Host, direction: Direction) -> Option<cpal::Device> {
    raw_default(host, direction).filter(|device| !is_monitor(device))
}

/// The devices worth showing: not monitors, and of ALSA's long list only the converting access to each card.
fn devices(host: &cpal::Host, direction: Direction) -> Result<Vec<cpal::Device>, DeviceError> {
    Ok(worth_showing(host, all(host, direction)?))
}

fn all(host: &cpal::Host, direction: Direction) -> Result<Vec<cpal::Device>, DeviceError> {
    let all = host.devices().map_err(|error| DeviceError::from_cpal(direction, &error))?;
    Ok(all.filter(|device| fits(device, direction)).collect())
}

fn worth_showing(host: &cpal::Host, mut devices: Vec<cpal::Device>) -> Vec<cpal::Device> {
    devices.retain(|device| !is_monitor(device));
    if kind(host.id()) == HostKind::Alsa {
        let card = |device: &cpal::Device| device.id().ok()?.id().strip_prefix("plughw:CARD=").map(str::to_owned);
        let by_number = |card: &str| card.starts_with(|first: char| first.is_ascii_digit());
        // Cards are listed twice, by name and by number; numbers change with every start of the machine.
        let named = devices.iter().filter_map(card).any(|card| !by_number(&card));
        devices.retain(|device| card(device).is_some_and(|card| !(named && by_number(&card))));
    }
    devices
}

fn fits(device: &cpal::Device, direction: Direction) -> bool {
    // ALSA's trait methods answer from the description instead of opening the device.
    match direction {
        Direction::Input => device.supports_input(),
        Direction::Output => device.supports_output(),
    }
}

fn is_monitor(device: &cpal::Device) -> bool {
    device.id().is_ok_and(|id| id.id().ends_with(".monitor"))
}

/// Keeps the ALSA library from printing to stderr on this thread: what it has to say comes back as errors.
fn quiet() {
    #[cfg(target_os = "linux")]
    if alsa::Output::local_error_handler().is_err() {
        tracing::debug!("alsa cannot be kept from printing");
    }
}
