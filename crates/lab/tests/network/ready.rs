//! Whether a test can run here, and labs for those that can.

use std::io::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lab::network::forward::ForwarderConfig;
use lab::network::lab::{Lab, LabConfig};
use lab::network::nat::Nat;
use lab::network::privilege;
use lab::network::profile::Profile;

/// One lab at a time: two would take each other's time on a small machine.
static TURN: Mutex<()> = Mutex::new(());

/// The turn of the calling test; `None` when there is nothing to do here: the test has run in a user namespace by then,
/// or is skipped.
pub(crate) fn turn() -> Option<MutexGuard<'static, ()>> {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Err(missing) = privilege::check() else { return Some(turn) };
    let name = std::thread::current().name().expect("the test runner names its threads").to_owned();
    match privilege::in_user_namespace(std::env::current_exe().unwrap()) {
        Ok(mut again) => {
            let status = again.args(["--exact", &name, "--nocapture"]).status().unwrap();
            assert!(status.success(), "{name} failed in a user namespace");
        }
        Err(said) => skip(&format!("{missing}; no user namespace either: {said}")),
    }
    None
}

/// As [`turn`], for what needs routers.
pub(crate) fn turn_with_routers() -> Option<MutexGuard<'static, ()>> {
    let turn = turn()?;
    if std::process::Command::new("nft").arg("--version").output().is_err() {
        skip("routers need `nft` (nftables)");
        return None;
    }
    Some(turn)
}

/// A lab of that profile, with a name of its own.
pub(crate) fn lab(profile: &str, nat_a: Nat, nat_b: Nat) -> Lab {
    let profile = Profile::parse(profile).unwrap();
    Lab::up(config(ForwarderConfig { profile, ..ForwarderConfig::default() }, nat_a, nat_b)).unwrap()
}

/// A lab's configuration, with a name of its own.
pub(crate) fn config(forwarder: ForwarderConfig, nat_a: Nat, nat_b: Nat) -> LabConfig {
    LabConfig { id: id(), nat_a, nat_b, forwarder, ..LabConfig::default() }
}

/// A name that no other lab has.
pub(crate) fn id() -> String {
    static LABS: AtomicU32 = AtomicU32::new(0);
    let number = LABS.fetch_add(1, Ordering::Relaxed);
    format!("{:05x}t{:02x}", std::process::id() & 0xf_ffff, number & 0xff)
}

/// Reports that the running test is skipped, as all tests of this project do.
pub(crate) fn skip(reason: &str) {
    let thread = std::thread::current();
    let line = format!("{}: {reason}\n", thread.name().unwrap_or("a test"));
    // Not `eprint!`: the test runner keeps that to itself while a test passes.
    let _ = std::io::stderr().write_all(format!("SKIPPED {line}").as_bytes());
    let Some(list) = std::env::var_os("RINGBACK_SKIPS") else { return };
    let file = std::fs::OpenOptions::new().append(true).create(true).open(list);
    file.and_then(|mut file| file.write_all(line.as_bytes())).expect("the list of skipped tests is writable");
}
