//! `cargo xtask …`: from a bare machine to a running call, or to a finished test run.
//! Plain std, so that it builds where nothing native is installed yet; it says what it does before it does it.

mod checks;
mod demo;
mod figures;
mod fuzz;
mod install;
mod json;
mod lab;
mod needs;
mod packages;
mod shell;
mod sounds;
mod tally;
mod test;
mod window;

use std::process::ExitCode;

use packages::Consent;
use shell::Outcome;

const HELP: &str = "\
cargo xtask COMMAND [OPTIONS]

  setup [--tests]   install the system packages that the build (and the tests) need
  demo              build, then place a call between you and a second peer on this machine
      --duration T    hang up that long after the call connected (default 10s)
      --dev           the faster, less optimised build
  install           build, and put the program, its icon and its menu entry into ~/.local
      --remove        take them away again
  test [STAGE…]     run every check, or only the named stages
      stages          fmt, spelling, deny, clippy, doc, tests, lab
  fuzz [TARGET…]    feed every parser, or only the named targets, what strangers could send
      --seconds N     for that long each (default 20)
  lab [OPTION…]     measure calls over bad networks, beside a browser, and print the table
                      (`cargo xtask lab --help` lists the options)
  bench [OPTION…]   measure speed and cost beside other programs, and print the table
                      (`cargo xtask bench --help` lists the options)
  window            measure what the window costs when it is drawn without a graphics card
  screenshots       make the pictures of the window in assets/screenshots
  sounds            make the sounds in assets/sounds
  ci                `test` as the build machines run it: asks nothing
  help              this text

  --yes             install missing packages without asking (also: CI=true)
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Outcome {
    let mut options = Options::parse(arguments)?;
    match options.command.as_str() {
        "setup" => {
            let tests = options.flag("--tests");
            options.finish()?;
            setup(tests, options.consent)
        }
        "demo" => {
            let duration = options.value("--duration")?.unwrap_or_else(|| "10s".to_owned());
            let dev = options.flag("--dev");
            options.finish()?;
            demo::run(&demo::Demo { duration, dev }, options.consent)
        }
        "install" => {
            let remove = options.flag("--remove");
            options.finish()?;
            install::run(remove, options.consent)
        }
        "window" | "screenshots" => {
            options.finish()?;
            window::run(&options.command, options.consent)
        }
        "sounds" => {
            options.finish()?;
            sounds::run()
        }
        "test" => test::run(&options.rest, options.consent),
        "fuzz" => {
            let seconds = options.value("--seconds")?.unwrap_or_else(|| fuzz::DEFAULT_SECONDS.to_string());
            let seconds = seconds.parse().map_err(|_| format!("--seconds takes a number from 1, not `{seconds}`"))?;
            if let Some(unknown) = options.rest.iter().find(|word| word.starts_with('-')) {
                return Err(format!("`fuzz` has no option `{unknown}`"));
            }
            fuzz::run(&options.rest, seconds, options.consent)
        }
        "lab" => lab::run("run", &options.rest, options.consent),
        "bench" => lab::run("bench", &options.rest, options.consent),
        "ci" => test::run(&options.rest, Consent::Given),
        "help" => {
            print!("{HELP}");
            Ok(())
        }
        unknown => Err(format!("no command `{unknown}`\n\n{HELP}")),
    }
}

fn setup(tests: bool, consent: Consent) -> Outcome {
    let mut needed = needs::build();
    needed.extend(needs::window());
    if tests {
        needed.extend(needs::tests());
    }
    packages::provide(&needed, consent)?;
    println!("everything needed is installed");
    Ok(())
}

/// The command line, taken apart piece by piece; what is left over at the end is an error.
struct Options {
    command: String,
    consent: Consent,
    rest: Vec<String>,
}

impl Options {
    fn parse(arguments: &[String]) -> Outcome<Self> {
        let mut rest = arguments.to_vec();
        let is_help = |argument: &String| argument == "--help" || argument == "-h";
        // The lab has options of its own, and explains them itself.
        let explains_itself = rest.first().is_some_and(|command| command == "lab" || command == "bench");
        if rest.is_empty() || !explains_itself && rest.iter().any(is_help) {
            rest = vec!["help".to_owned()];
        }
        let command = rest.remove(0);
        let mut options = Self { command, consent: Consent::Ask, rest };
        let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
        if options.flag("--yes") || in_ci {
            options.consent = Consent::Given;
        }
        Ok(options)
    }

    fn flag(&mut self, name: &str) -> bool {
        let before = self.rest.len();
        self.rest.retain(|argument| argument != name);
        self.rest.len() != before
    }

    fn value(&mut self, name: &str) -> Outcome<Option<String>> {
        let Some(at) = self.rest.iter().position(|argument| argument == name) else {
            return Ok(None);
        };
        if at + 1 == self.rest.len() {
            return Err(format!("{name} needs a value"));
        }
        self.rest.remove(at);
        Ok(Some(self.rest.remove(at)))
    }

    fn finish(&self) -> Outcome {
        match self.rest.first() {
            None => Ok(()),
            Some(unknown) => Err(format!("`{}` has no option `{unknown}`", self.command)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Options {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(&words).expect("a command line without values always parses")
    }

    #[test]
    fn options_are_taken_wherever_they_stand() {
        let mut options = parse("demo --dev --duration 3s --yes");
        assert!(options.flag("--dev"));
        assert_eq!(options.value("--duration").unwrap().as_deref(), Some("3s"));
        assert!(options.finish().is_ok());
    }

    #[test]
    fn what_no_one_took_is_an_error() {
        assert!(parse("demo --fast").finish().unwrap_err().contains("--fast"));
        assert!(parse("demo --duration").value("--duration").is_err());
    }

    #[test]
    fn fuzzing_takes_seconds_and_targets_and_nothing_else() {
        for (line, part) in [("fuzz --seconds soon", "`soon`"), ("fuzz --jobs", "`--jobs`"), ("fuzz luck", "`luck`")] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let error = run(&words).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
    }

    #[test]
    fn no_words_ask_for_help() {
        assert_eq!(parse("").command, "help");
        assert_eq!(parse("test --help").command, "help");
    }
}
