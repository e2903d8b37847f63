//! Runs: a scenario, two callers, and the network between them.

pub mod caller;
pub mod scenario;
#[cfg(target_os = "linux")]
pub mod stage;
