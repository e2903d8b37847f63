//! Who holds a device that is in use, where the system tells: on Linux by what each process has open, and by ALSA's own lists.
//! Only processes that this person may look into are seen; the answer is a help in a message, and nothing is decided by it.

use std::fmt;
use std::path::Path;

/// A program that holds a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its name, as the system has it (up to 15 bytes on Linux).
    pub name: String,
    /// Its process id.
    pub pid: u32,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.pid)
    }
}

/// Who is in the way, for a message: the program by name, or "another program".
pub fn by_whom(holder: Option<&Holder>) -> String {
    holder.map_or_else(|| "another program".to_owned(), Holder::to_string)
}

/// The other program that has this file or device open, if there is one and it may be known.
pub fn of_file(path: &Path) -> Option<Holder> {
    in_proc::of_file(Path::new("/proc"), path)
}

/// The other program that uses ALSA's device with this id (`alsa:plughw:CARD=PCH,DEV=0`; without a card: any device).
pub(crate) fn of_sound(id: &str, direction: crate::Direction) -> Option<Holder> {
    // A sound server shares its devices.
    if !id.starts_with("alsa:") {
        return None;
    }
    in_proc::of_sound(Path::new("/proc"), id, direction)
}

/// The files of /proc (proc(5), and the kernel's sound/designs/procfile), which are not there on other systems.
mod in_proc {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::Holder;
    use crate::Direction;

    pub(super) fn of_file(proc: &Path, path: &Path) -> Option<Holder> {
        let path = fs::canonicalize(path).ok()?;
        let processes = fs::read_dir(proc).ok()?.flatten();
        let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let has_open = |pid: &u32| {
            let files = fs::read_dir(proc.join(pid.to_string()).join("fd"));
            files.is_ok_and(|files| {
                files.flatten().any(|file| fs::read_link(file.path()).is_ok_and(|open| open == path))
            })
        };
        pids.filter(|pid| *pid != std::process::id()).find(has_open).and_then(|pid| named(proc, pid))
    }

    pub(super) fn of_sound(proc: &Path, id: &str, direction: Direction) -> Option<Holder> {
        let value = |key: &str| id.split([':', ',']).find_map(|part| part.strip_prefix(key));
        let (card, device) = (value("CARD="), value("DEV="));
        let cards = match card {
            // Cards are there by number, and by name as links to these.
            Some(card) if card.starts_with(|first: char| first.is_ascii_digit()) => vec![format!("card{card}")],
            Some(card) => vec![card.to_owned()],
            None => names(&proc.join("asound"), |name| name.starts_with("card")),
        };
        let side = if direction == Direction::Input { 'c' } else { 'p' };
        let wanted = |name: &str| {
            let number = name.strip_prefix("pcm").and_then(|rest| rest.strip_suffix(side));
            number.is_some_and(|number| card.is_none() || number == device.unwrap_or("0"))
        };
        let statuses = cards.iter().flat_map(|card| {
            let card = proc.join("asound").join(card);
            names(&card, wanted).into_iter().flat_map(move |pcm| {
                let pcm = card.join(pcm);
                names(&pcm, |name| name.starts_with("sub")).into_iter().map(move |sub| pcm.join(sub).join("status"))
            })
        });
        statuses.filter_map(|status| owner(proc, &status)).find(|holder| holder.pid != std::process::id())
    }

    /// The names in a folder that are wanted, in order.
    fn names(folder: &Path, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names: Vec<_> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| wanted(name)).collect();
        names.sort();
        names
    }

    /// `owner_pid` is the thread that opened the stream; its process is what a person knows.
    fn owner(proc: &Path, status: &PathBuf) -> Option<Holder> {
        let thread: u32 = field(&fs::read_to_string(status).ok()?, "owner_pid")?.parse().ok()?;
        let status = fs::read_to_string(proc.join(thread.to_string()).join("status")).ok();
        let process = status.and_then(|status| field(&status, "Tgid")?.parse().ok()).unwrap_or(thread);
        named(proc, process)
    }

    fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
        let mut lines = text.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim())
    }

    fn named(proc: &Path, pid: u32) -> Option<Holder> {
        let name = fs::read_to_string(proc.join(pid.to_string()).join("comm")).ok()?;
        Some(Holder { name: name.trim_end().to_owned(), pid })
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        /// A folder like /proc: a card in use by a thread of a program.
        fn proc() -> tempfile::TempDir {
            let proc = tempfile::tempdir().expect("a temporary folder");
            let write = |name: &str, text: &str| {
                let path = proc.path().join(name);
                fs::create_dir_all(path.parent().expect("it has one")).expect("writable");
                fs::write(path, text).expect("writable");
            };
            write("asound/card0/pcm0c/sub0/status", "closed\n");
            write("asound/card0/pcm0p/sub0/status", "state: RUNNING\nowner_pid   : 4321\ntrigger_time: 1.2\n");
            write("asound/card1/pcm0c/sub0/status", "closed\n");
            write("asound/card1/pcm0c/sub1/status", "state: RUNNING\nowner_pid   : 77\n");
            write("asound/card1/pcm1c/sub0/status", "state: OPEN\nowner_pid   : 99\n");
            write("asound/cards", " 0 [PCH]: one\n");
            write("4321/status", "Name:\taudio-thread\nTgid:\t4300\nPid:\t4321\n");
            write("4300/comm", "firefox\n");
            write("77/status", "Tgid:\t77\n");
            write("77/comm", "arecord\n");
            #[cfg(unix)]
            std::os::unix::fs::symlink("card0", proc.path().join("asound/PCH")).expect("writable");
            proc
        }

        #[cfg(unix)]
        #[test]
        fn the_program_behind_the_thread_that_plays_is_named() {
            let proc = proc();
            let firefox = Some(Holder { name: "firefox".into(), pid: 4300 });
            let arecord = Some(Holder { name: "arecord".into(), pid: 77 });
            let table = [
                ("alsa:plughw:CARD=PCH,DEV=0", Direction::Output, &firefox),
                ("alsa:plughw:CARD=0,DEV=0", Direction::Output, &firefox),
                ("alsa:plughw:CARD=PCH,DEV=0", Direction::Input, &None),
                ("alsa:hw:CARD=1", Direction::Input, &arecord),
                ("alsa:default", Direction::Input, &arecord),
                ("alsa:default", Direction::Output, &firefox),
                ("alsa:hw:CARD=1,DEV=1", Direction::Input, &None),
                ("alsa:hw:CARD=gone,DEV=0", Direction::Input, &None),
            ];
            for (id, direction, expected) in table {
                assert_eq!(of_sound(proc.path(), id, direction), *expected, "{id} {direction}");
            }
        }

        #[cfg(target_os = "linux")]
        #[test]
        fn a_real_process_that_has_a_file_open_is_found_until_it_ends() {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let path = folder.path().join("video0");
            fs::write(&path, "").expect("writable");
            let open = fs::File::open(&path).expect("readable");
            assert_eq!(of_file(Path::new("/proc"), &path), None, "this program itself is in nobody's way");
            let mut other =
                std::process::Command::new("sleep").arg("600").stdin(open).spawn().expect("it is everywhere");
            let expected = Holder { name: "sleep".into(), pid: other.id() };
            let found = of_file(Path::new("/proc"), &path);
            other.kill().expect("it runs");
            other.wait().expect("it has ended");
            assert_eq!(found, Some(expected));
            assert_eq!(of_file(Path::new("/proc"), &path), None);
        }
    }
}
