//! The network of the lab, tested in real namespaces before anything is measured over it: what was asked for is what packets get.
//! Where there are no namespaces or devices, each test says so and is counted as skipped.

#![cfg(target_os = "linux")]

mod nat;
mod probe;
mod program;
mod ready;
mod wire;
