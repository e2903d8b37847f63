//! The counters of all links over time, as a table: written while the network runs, read by the judge.
//! A log that was cut off in the middle of a line is read up to there.
//!
//! `unix_us` is Unix time in microseconds. Counters are cumulative, `queue_us` is what a packet that comes now would
//! wait, and an empty `capacity_bps` is no limit. Two lines between the rows tell when the profile's zero was and how
//! late the network itself was: `# zero_us 1732550400000000` and `# late_us P50 P99 MAX`.

use std::io::{self, Write};
use std::time::Duration;

use media_core::Bitrate;

use super::lateness::LateFigures;
use super::link::{Backlog, Counters, Tally};
use super::place::LinkName;
use super::star::LinkState;

const HEADER: &str = "unix_us,link,in_packets,in_bytes,out_packets,out_bytes,lost_packets,lost_bytes,\
    full_packets,full_bytes,down_packets,down_bytes,queued_bytes,queue_us,capacity_bps";

/// One link at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRow {
    /// When.
    pub unix_us: u64,
    /// Which link.
    pub link: LinkName,
    /// How it stood.
    pub state: LinkState,
}

/// A log, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkLog {
    /// When the profile's zero was; `None`: it was never started.
    pub zero_us: Option<u64>,
    /// In the order of time.
    pub rows: Vec<LogRow>,
    /// How late the network itself was; `None`: it did not end by itself.
    pub late: Option<LateFigures>,
}

/// A line that is none of a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the network's log is not understood: `{text}`")]
pub struct LogError {
    /// The line, from 1.
    pub line: usize,
    /// What it says.
    pub text: String,
}

impl NetworkLog {
    /// Reads what a [`LogWriter`] wrote.
    ///
    /// # Errors
    /// The first line that is not understood.
    pub fn read(text: &str) -> Result<Self, LogError> {
        let mut log = Self::default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        for (number, line) in whole.lines().enumerate() {
            let understood = line == HEADER || line.is_empty() || log.take(line).is_some();
            if !understood {
                return Err(LogError { line: number + 1, text: line.to_owned() });
            }
        }
        Ok(log)
    }

    /// The rows of one link.
    pub fn of(&self, link: LinkName) -> impl Iterator<Item = &LogRow> {
        self.rows.iter().filter(move |row| row.link == link)
    }

    fn take(&mut self, line: &str) -> Option<()> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["#", "zero_us", at] => self.zero_us = Some(at.parse().ok()?),
            ["#", "late_us", p50, p99, max] => {
                let micros = |text: &str| text.parse().ok().map(Duration::from_micros);
                self.late = Some(LateFigures { p50: micros(p50)?, p99: micros(p99)?, max: micros(max)? });
            }
            _ => self.rows.push(row(line)?),
        }
        Some(())
    }
}

/// Writes a log.
#[derive(Debug)]
pub struct LogWriter<W>(W);

impl<W: Write> LogWriter<W> {
    /// Begins with the names of the columns.
    ///
    /// # Errors
    /// Those of the writer, as in all its methods.
    pub fn new(mut out: W) -> io::Result<Self> {
        writeln!(out, "{HEADER}")?;
        Ok(Self(out))
    }

    /// One link at one time.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn row(&mut self, row: &LogRow) -> io::Result<()> {
        let LogRow { unix_us, link, state: LinkState { counters, backlog, capacity } } = row;
        write!(self.0, "{unix_us},{link}")?;
        for tally in [counters.entered, counters.delivered, counters.lost, counters.queue_full, counters.down] {
            write!(self.0, ",{},{}", tally.packets, tally.bytes)?;
        }
        let capacity = capacity.map_or(String::new(), |capacity| capacity.bps().to_string());
        writeln!(self.0, ",{},{},{capacity}", backlog.bytes, backlog.delay.as_micros())
    }

    /// When the profile's zero was.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn zero(&mut self, unix_us: u64) -> io::Result<()> {
        writeln!(self.0, "# zero_us {unix_us}")
    }

    /// How late the network itself was.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn late(&mut self, late: LateFigures) -> io::Result<()> {
        let [p50, p99, max] = [late.p50, late.p99, late.max].map(|late| late.as_micros());
        writeln!(self.0, "# late_us {p50} {p99} {max}")
    }

    /// Hands everything on to where it is read.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn row(line: &str) -> Option<LogRow> {
    let (unix_us, rest) = line.split_once(',')?;
    let (link, rest) = rest.split_once(',')?;
    let (numbers, capacity) = rest.rsplit_once(',')?;
    let numbers = numbers.split(',').map(str::parse).collect::<Result<Vec<u64>, _>>().ok()?;
    let numbers: [u64; 12] = numbers.try_into().ok()?;
    let tally = |at: usize| Tally { packets: numbers[at], bytes: numbers[at + 1] };
    let counters =
        Counters { entered: tally(0), delivered: tally(2), lost: tally(4), queue_full: tally(6), down: tally(8) };
    let backlog = Backlog { bytes: numbers[10], delay: Duration::from_micros(numbers[11]) };
    let capacity = if capacity.is_empty() { None } else { Some(Bitrate::from_bps(capacity.parse().ok()?)) };
    let state = LinkState { counters, backlog, capacity };
    Some(LogRow { unix_us: unix_us.parse().ok()?, link: link.parse().ok()?, state })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any_row(link: LinkName, number: u64) -> LogRow {
        let tally = |add: u64| Tally { packets: number + add, bytes: (number + add) * 1000 };
        let counters =
            Counters { entered: tally(1), delivered: tally(2), lost: tally(3), queue_full: tally(4), down: tally(5) };
        let backlog = Backlog { bytes: number, delay: Duration::from_micros(number * 7) };
        let capacity = number.is_multiple_of(2).then(|| Bitrate::from_kbps(number));
        LogRow { unix_us: 1_732_550_400_000_000 + number, link, state: LinkState { counters, backlog, capacity } }
    }

    fn written(log: &NetworkLog) -> String {
        let mut out = Vec::new();
        let mut writer = LogWriter::new(&mut out).unwrap();
        log.zero_us.iter().for_each(|zero| writer.zero(*zero).unwrap());
        log.rows.iter().for_each(|row| writer.row(row).unwrap());
        log.late.iter().for_each(|late| writer.late(*late).unwrap());
        String::from_utf8(out).unwrap()
    }

    fn any_log() -> NetworkLog {
        let rows = LinkName::ALL.into_iter().zip(0..).map(|(link, number)| any_row(link, number)).collect();
        let [p50, p99, max] = [50, 250, 7000].map(Duration::from_micros);
        NetworkLog { zero_us: Some(1_732_550_400_000_000), rows, late: Some(LateFigures { p50, p99, max }) }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let log = any_log();
        assert_eq!(NetworkLog::read(&written(&log)), Ok(log.clone()));
        assert_eq!(log.of(LinkName::ALL[2]).count(), 1);
        assert_eq!(NetworkLog::read(""), Ok(NetworkLog::default()));
    }

    #[test]
    fn a_log_that_was_cut_off_is_read_up_to_there() {
        let log = any_log();
        let text = written(&log);
        for cut in 0..text.len() {
            let read = NetworkLog::read(&text[..cut]).unwrap();
            assert!(log.rows.starts_with(&read.rows), "{cut}");
        }
    }

    #[test]
    fn a_line_of_something_else_is_named() {
        let text = format!("{HEADER}\n1,a.up,1,2\n");
        let error = NetworkLog::read(&text).unwrap_err();
        assert_eq!(error, LogError { line: 2, text: "1,a.up,1,2".to_owned() });
    }
}
