//! A command line, taken apart piece by piece; what is left over at the end is an error.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use lab::network::profile::time;

/// The arguments of a command, those before `--`.
#[derive(Debug)]
pub(crate) struct Options {
    command: &'static str,
    rest: Vec<String>,
}

impl Options {
    /// Those arguments of the command of that name (for messages), and what comes after `--`.
    pub(crate) fn split(command: &'static str, arguments: &[String]) -> (Self, Vec<String>) {
        let mut parts = arguments.splitn(2, |argument| argument == "--");
        let rest = parts.next().unwrap_or_default().to_vec();
        (Self { command, rest }, parts.next().unwrap_or_default().to_vec())
    }

    /// Whether this flag is there.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let before = self.rest.len();
        self.rest.retain(|argument| argument != name);
        self.rest.len() != before
    }

    /// The value after this option, if it is there.
    pub(crate) fn value(&mut self, name: &str) -> Result<Option<String>, String> {
        let Some(at) = self.rest.iter().position(|argument| argument == name) else { return Ok(None) };
        if at + 1 == self.rest.len() {
            return Err(format!("{name} needs a value"));
        }
        self.rest.remove(at);
        Ok(Some(self.rest.remove(at)))
    }

    /// The value after this option, read as a `T`.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(&mut self, name: &str) -> Result<Option<T>, String> {
        let read = |text: String| text.parse().map_err(|error| format!("{name} {text}: {error}"));
        self.value(name)?.map(read).transpose()
    }

    /// The time after this option, more than none.
    pub(crate) fn time(&mut self, name: &str) -> Result<Option<Duration>, String> {
        let Some(text) = self.value(name)? else { return Ok(None) };
        match time(&text) {
            Ok(Duration::ZERO) => Err(format!("{name} {text}: write more than nothing")),
            Ok(time) => Ok(Some(time)),
            Err(problem) => Err(format!("{name} {text}: {problem}")),
        }
    }

    /// The next argument that is no option.
    pub(crate) fn word(&mut self) -> Option<String> {
        let at = self.rest.iter().position(|argument| !argument.starts_with('-'))?;
        Some(self.rest.remove(at))
    }

    /// Nothing may be left.
    pub(crate) fn finish(self) -> Result<(), String> {
        match self.rest.first() {
            None => Ok(()),
            Some(unknown) => Err(format!("`{}` knows no `{unknown}`", self.command)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> (Options, Vec<String>) {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::split("test", &words)
    }

    #[test]
    fn options_are_taken_wherever_they_stand_and_what_follows_two_dashes_is_left_alone() {
        let (mut options, command) = split("a --seed 7 --v6 -- ping --seed 8");
        assert_eq!(options.parsed::<u64>("--seed"), Ok(Some(7)));
        assert_eq!(options.parsed::<u64>("--seed"), Ok(None));
        assert!(options.flag("--v6") && !options.flag("--v6"));
        assert_eq!(options.word().as_deref(), Some("a"));
        assert_eq!(options.finish(), Ok(()));
        assert_eq!(command, ["ping", "--seed", "8"]);
    }

    #[test]
    fn what_no_one_took_is_an_error() {
        assert!(split("--fast").0.finish().unwrap_err().contains("--fast"));
        assert!(split("--seed").0.value("--seed").unwrap_err().contains("needs a value"));
        assert!(split("--seed x").0.parsed::<u64>("--seed").unwrap_err().starts_with("--seed x: "));
    }
}
