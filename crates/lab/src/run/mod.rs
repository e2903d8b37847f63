//! Runs: a scenario, two callers, and the network between them.

pub mod caller;
pub mod installed;
pub mod scenario;
#[cfg(target_os = "linux")]
pub mod side_by_side;
#[cfg(target_os = "linux")]
pub mod stage;

#[cfg(target_os = "linux")]
mod download;
#[cfg(target_os = "linux")]
mod process;
