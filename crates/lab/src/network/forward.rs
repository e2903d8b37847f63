//! The wire between the namespaces: a thread that reads IP packets from the TUN devices, lets the star have them, and
//! writes them out when they are due. It ends with the value that started it.

use std::fs::File;
use std::io::{self, BufWriter, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::lateness::{LateFigures, Lateness};
use super::link::Counters;
use super::log::{LogRow, LogWriter};
use super::place::{LinkName, Port};
use super::profile::Profile;
use super::star::Star;
use super::system;

/// The longest wait: nothing is due then, it only bounds what a missed wake-up costs.
const LONGEST_WAIT: Duration = Duration::from_millis(200);

/// Packets read from one device before the others have their turn.
const READ_AT_ONCE: usize = 64;

/// The largest IP packet.
const LARGEST: usize = 65_536;

/// What the forwarder does.
#[derive(Clone, Debug)]
pub struct ForwarderConfig {
    /// What the links do; the profile stands still at its zero until [`Forwarder::start_profile`].
    pub profile: Profile,
    /// The same seed loses the same packets.
    pub seed: u64,
    /// Where to write the log ([`super::log`]).
    pub log: Option<PathBuf>,
    /// How often.
    pub log_every: Duration,
    /// Whether to ask for real-time priority, without which a busy machine adds milliseconds of its own.
    pub realtime: bool,
}

impl Default for ForwarderConfig {
    fn default() -> Self {
        let log_every = Duration::from_millis(100);
        Self { profile: Profile::default(), seed: 1, log: None, log_every, realtime: true }
    }
}

/// What became of the packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Packets delivered.
    pub forwarded: u64,
    /// Packets to nowhere: multicast, mostly.
    pub unroutable: u64,
    /// Packets that the kernel did not take.
    pub refused: u64,
    /// How late they were delivered.
    pub late: LateFigures,
    /// Whether the forwarder had real-time priority.
    pub realtime: bool,
    /// Each link's counters.
    pub links: Vec<(LinkName, Counters)>,
}

/// The wire failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ForwardError {
    /// The log cannot be written.
    #[error("cannot write the network's log to {0}: {1}")]
    Log(PathBuf, io::Error),
    /// The system gives no thread or no way to wake it.
    #[error("cannot start the wire between the namespaces: {0}")]
    Start(io::Error),
    /// A device is gone.
    #[error("a device of the lab has failed, was its namespace removed? {0}")]
    Device(io::Error),
}

/// A running wire.
#[derive(Debug)]
pub struct Forwarder {
    orders: Sender<Order>,
    bell: UnixStream,
    /// `None` once it was joined.
    thread: Option<JoinHandle<Result<Summary, ForwardError>>>,
}

enum Order {
    StartProfile { at: Instant, unix_us: u64 },
    Stop,
}

impl Forwarder {
    /// Starts the wire between the devices of a, b and s.
    ///
    /// # Errors
    /// When the log cannot be made or the system gives no thread.
    pub fn start(devices: [File; 3], config: ForwarderConfig) -> Result<Self, ForwardError> {
        let log = config.log.clone().map(Log::create).transpose()?;
        let (bell, heard) = UnixStream::pair().map_err(ForwardError::Start)?;
        heard.set_nonblocking(true).map_err(ForwardError::Start)?;
        let (orders, taken) = mpsc::channel();
        let wire = Wire {
            star: Star::new(config.profile.clone(), config.seed),
            devices,
            origin: Instant::now(),
            log,
            orders: taken,
            bell: heard,
            lateness: Lateness::new(),
            summary: Summary {
                forwarded: 0,
                unroutable: 0,
                refused: 0,
                late: LateFigures::default(),
                realtime: false,
                links: Vec::new(),
            },
        };
        let thread = std::thread::Builder::new().name("wire".to_owned()).spawn(move || wire.run(&config));
        Ok(Self { orders, bell, thread: Some(thread.map_err(ForwardError::Start)?) })
    }

    /// The profile's zero is now; gives that time as Unix time in microseconds, as the log tells it too.
    pub fn start_profile(&self) -> u64 {
        let (at, unix_us) = (Instant::now(), unix_us());
        self.order(Order::StartProfile { at, unix_us });
        unix_us
    }

    /// Whether the wire still works; when not, [`Forwarder::stop`] tells why.
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Ends the wire.
    ///
    /// # Errors
    /// What made it fail before.
    pub fn stop(mut self) -> Result<Summary, ForwardError> {
        self.join().expect("it is joined here or in drop, which comes later")
    }

    fn order(&self, order: Order) {
        // A wire that has failed takes no orders; `stop` tells of it.
        let _ = self.orders.send(order);
        let _ = (&self.bell).write_all(&[0]);
    }

    fn join(&mut self) -> Option<Result<Summary, ForwardError>> {
        let thread = self.thread.take()?;
        self.order(Order::Stop);
        Some(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.order(Order::Stop);
            // Whoever wants to know why it failed calls `stop`; a panic here would hide the one that led here.
            let _ = thread.join();
        }
    }
}

/// What the thread owns.
struct Wire {
    star: Star<Vec<u8>>,
    /// Of a, b and s.
    devices: [File; 3],
    origin: Instant,
    log: Option<Log>,
    orders: Receiver<Order>,
    bell: UnixStream,
    lateness: Lateness,
    summary: Summary,
}

impl Wire {
    fn run(mut self, config: &ForwarderConfig) -> Result<Summary, ForwardError> {
        self.summary.realtime = config.realtime && system::be_punctual();
        let mut buffer = vec![0; LARGEST];
        let mut log_at = Duration::ZERO;
        while self.follow_orders()? {
            self.deliver();
            let now = self.now();
            if self.log.is_some() && now >= log_at {
                self.write_log(now)?;
                log_at = now + config.log_every;
            }
            let next = self.star.deadline().into_iter().chain(self.log.as_ref().map(|_| log_at)).min();
            let wait = next.map_or(LONGEST_WAIT, |next| next.saturating_sub(self.now())).min(LONGEST_WAIT);
            self.receive(wait, &mut buffer)?;
        }
        self.finish()
    }

    /// False: stop.
    fn follow_orders(&mut self) -> Result<bool, ForwardError> {
        loop {
            match self.orders.try_recv() {
                Ok(Order::StartProfile { at, unix_us }) => {
                    self.star.start(at.saturating_duration_since(self.origin));
                    self.log.as_mut().map_or(Ok(()), |log| log.write(|writer| writer.zero(unix_us)))?;
                }
                Ok(Order::Stop) | Err(TryRecvError::Disconnected) => return Ok(false),
                Err(TryRecvError::Empty) => return Ok(true),
            }
        }
    }

    fn deliver(&mut self) {
        let now = self.now();
        while let Some(arrival) = self.star.poll(now) {
            self.lateness.add(self.now().saturating_sub(arrival.at));
            // A device takes a packet whole or not at all.
            match self.devices[arrival.to as usize].write_all(&arrival.packet) {
                Ok(()) => self.summary.forwarded += 1,
                Err(_) => self.summary.refused += 1,
            }
        }
    }

    /// Waits for packets, and takes those that are there.
    fn receive(&mut self, wait: Duration, buffer: &mut [u8]) -> Result<(), ForwardError> {
        let [a, b, s] = &self.devices;
        let files = [a.as_fd(), b.as_fd(), s.as_fd(), self.bell.as_fd()];
        let [a, b, s, rung] = system::wait(files, wait).map_err(ForwardError::Device)?;
        for (port, ready) in Port::ALL.into_iter().zip([a, b, s]) {
            for _ in 0..if ready { READ_AT_ONCE } else { 0 } {
                match self.devices[port as usize].read(buffer) {
                    Ok(bytes) => self.take(port, &buffer[..bytes]),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return Err(ForwardError::Device(error)),
                }
            }
        }
        if rung {
            let _ = self.bell.read(buffer);
        }
        Ok(())
    }

    fn take(&mut self, from: Port, packet: &[u8]) {
        // Multicast (mDNS, IPv6 router solicitations) ends here, and so draws no number from the links' chance.
        match destination(packet) {
            Some(to) => self.star.send(self.now(), from, to, packet.to_vec()),
            None => self.summary.unroutable += 1,
        }
    }

    fn write_log(&mut self, now: Duration) -> Result<(), ForwardError> {
        let Some(log) = &mut self.log else { return Ok(()) };
        let unix_us = unix_us();
        let states = LinkName::ALL.map(|link| LogRow { unix_us, link, state: self.star.link(now, link) });
        log.write(|writer| states.iter().try_for_each(|row| writer.row(row)))
    }

    fn finish(mut self) -> Result<Summary, ForwardError> {
        let now = self.now();
        self.write_log(now)?;
        let late = self.lateness.figures();
        self.log.as_mut().map_or(Ok(()), |log| log.write(|writer| writer.late(late)))?;
        let links = LinkName::ALL.map(|link| (link, self.star.link(now, link).counters)).to_vec();
        Ok(Summary { late, links, ..self.summary })
    }

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }
}

struct Log {
    path: PathBuf,
    writer: LogWriter<BufWriter<File>>,
}

impl Log {
    fn create(path: PathBuf) -> Result<Self, ForwardError> {
        let created = File::create(&path).and_then(|file| LogWriter::new(BufWriter::new(file)));
        match created {
            Ok(writer) => Ok(Self { path, writer }),
            Err(error) => Err(ForwardError::Log(path, error)),
        }
    }

    fn write(
        &mut self,
        write: impl FnOnce(&mut LogWriter<BufWriter<File>>) -> io::Result<()>,
    ) -> Result<(), ForwardError> {
        let written = write(&mut self.writer).and_then(|()| self.writer.flush());
        written.map_err(|error| ForwardError::Log(self.path.clone(), error))
    }
}

/// The host that a packet is for: the last byte of 10.201.0.x, or of fd00:201::x.
fn destination(packet: &[u8]) -> Option<Port> {
    const NETWORK_V6: [u8; 15] = [0xfd, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let last = match packet.first()? >> 4 {
        4 if packet.get(16..19)? == [10, 201, 0] => *packet.get(19)?,
        6 if packet.get(24..39)? == NETWORK_V6 => *packet.get(39)?,
        _ => return None,
    };
    Port::ALL.into_iter().find(|port| port.number() == last)
}

/// Unix time now, in microseconds.
pub(crate) fn unix_us() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_go_by_their_destination_and_strangers_nowhere() {
        let v4 = |to: [u8; 4]| [&[0x45; 16][..], &to].concat();
        assert_eq!(destination(&v4([10, 201, 0, 2])), Some(Port::B));
        assert_eq!(destination(&v4([10, 201, 0, 9])), Some(Port::S));
        assert_eq!(destination(&v4([10, 201, 0, 77])), None);
        assert_eq!(destination(&v4([224, 0, 0, 251])), None);
        let mut v6 = [0x60; 40];
        v6[24..].copy_from_slice(&"fd00:201::1".parse::<std::net::Ipv6Addr>().unwrap().octets());
        assert_eq!(destination(&v6), Some(Port::A));
        for cut in 0..v6.len() {
            assert_eq!(destination(&v6[..cut]), None);
        }
        assert_eq!(destination(&v4([10, 201, 0, 2])[..19]), None);
    }
}
