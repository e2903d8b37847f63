//! The commands of the `lab` program: each reads its own arguments and says in words what went wrong.

use std::process::ExitCode;

#[cfg_attr(not(target_os = "linux"), path = "bench_elsewhere.rs")]
pub(crate) mod bench;
#[cfg(target_os = "linux")]
pub(crate) mod callers;
#[cfg_attr(not(target_os = "linux"), path = "net_elsewhere.rs")]
pub(crate) mod net;
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "`lab net` takes no options there"))]
pub(crate) mod options;
#[cfg_attr(not(target_os = "linux"), path = "run_elsewhere.rs")]
pub(crate) mod run;

/// What a command ends with: its exit code, or a message for people.
pub(crate) type Outcome = Result<ExitCode, String>;
