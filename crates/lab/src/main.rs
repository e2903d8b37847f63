//! `lab`: calls over bad networks, measured; and bad networks to run any program in.
//! Each command is a file of its own; this one only finds it.

mod cli;

use std::process::ExitCode;

const HELP: &str = "\
lab COMMAND [OPTIONS]

  run     the standard scenarios, measured, beside other callers: `lab run --help`
  bench   speed and cost, beside other callers: `lab bench --help`
  net     a bad network between namespaces, for any program: `lab net help`
  help    this text
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", &[][..]),
    };
    let result = match command {
        "run" => cli::run::run(rest),
        "bench" => cli::bench::run(rest),
        "net" => cli::net::run(rest),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        unknown => Err(format!("no command `{unknown}`\n\n{HELP}")),
    };
    result.unwrap_or_else(|message| {
        eprintln!("lab: {message}");
        ExitCode::from(2)
    })
}
