//! Two machines on one network, as two network namespaces joined by a cable; nothing leaves this machine.
//! Works for root, and for others where the system lets them make namespaces.

use std::process::Command;
use std::time::Duration;

use crate::process::Process;

/// The two machines; the namespaces end with this value.
pub struct Lan {
    machines: [Process; 2],
    as_root: bool,
}

impl Lan {
    /// Makes the machines; an error says which privilege is missing.
    pub fn start() -> Result<Self, String> {
        Self::with(["10.77.0.1/24", "10.77.0.2/24"])
    }

    /// The same with IPv6 addresses only, `fd77::1` and `fd77::2`.
    pub fn start_v6() -> Result<Self, String> {
        Self::with(["fd77::1/64", "fd77::2/64"])
    }

    fn with(addresses: [&str; 2]) -> Result<Self, String> {
        // SAFETY: geteuid(2) takes nothing, cannot fail and touches no memory.
        let as_root = unsafe { libc::geteuid() } == 0;
        let mut first = Command::new("unshare");
        first.args(if as_root { &["--net"][..] } else { &["--net", "--user", "--map-root-user"] });
        let first = holder("the first machine", &mut first)?;
        let mut second = enter(&first, as_root);
        let second = holder("the second machine", second.args(["unshare", "--net"]))?;
        let lan = Self { machines: [first, second], as_root };
        lan.add_cable("lan", addresses)?;
        for machine in 0..2 {
            lan.run(machine, &["ip", "link", "set", "lo", "up"])?;
        }
        Ok(lan)
    }

    /// One more cable between the two, with the address of each end.
    pub fn add_cable(&self, name: &str, addresses: [&str; 2]) -> Result<(), String> {
        let [a, b] = [&self.machines[0], &self.machines[1]].map(|machine| machine.id().to_string());
        self.run(0, &["ip", "link", "add", name, "netns", &a, "type", "veth", "peer", "name", name, "netns", &b])?;
        for (machine, address) in addresses.into_iter().enumerate() {
            let mut add = vec!["ip", "address", "add", address, "dev", name];
            // Nobody else is there: the address need not be looked for before it is used.
            add.extend(address.contains(':').then_some("nodad"));
            self.run(machine, &add)?;
            self.run(machine, &["ip", "link", "set", name, "up", "multicast", "on"])?;
        }
        Ok(())
    }

    /// A command that runs `program` on one of the machines (0 or 1); its arguments may be added.
    pub fn command(&self, machine: usize, program: &std::path::Path) -> Command {
        let mut command = enter(&self.machines[machine], self.as_root);
        command.arg(program);
        command
    }

    /// Runs a command on one of the machines, to its end.
    pub fn run(&self, machine: usize, words: &[&str]) -> Result<(), String> {
        let mut command = enter(&self.machines[machine], self.as_root);
        let output = command.args(words).output().map_err(|error| format!("nsenter: {error}"))?;
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        if output.status.success() { Ok(()) } else { Err(format!("{}: {said}", words.join(" "))) }
    }
}

/// A process that does nothing but hold its namespace open.
fn holder(name: &str, command: &mut Command) -> Result<Process, String> {
    let process = Process::start(name, command.args(["sh", "-c", "echo ready; exec cat"]));
    match process.stdout.wait_for("ready", Duration::from_secs(10)) {
        Some(_) => Ok(process),
        None => Err(format!("no network namespace: {}", process.stderr.text())),
    }
}

fn enter(holder: &Process, as_root: bool) -> Command {
    let mut command = Command::new("nsenter");
    command.args(["--net", "--target", &holder.id().to_string()]);
    if !as_root {
        command.args(["--user", "--preserve-credentials"]);
    }
    command.arg("--");
    command
}
