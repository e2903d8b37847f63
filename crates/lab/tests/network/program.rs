//! The program around the network, and that nothing of it stays behind.

use std::path::Path;
use std::process::{Command, Output};

use lab::network::forward::ForwarderConfig;
use lab::network::lab::{Lab, LabError};
use lab::network::nat::Nat;
use lab::network::place::Port;
use lab::network::privilege;

use crate::ready::{config, id, lab, skip, turn};

const LAB: &str = env!("CARGO_BIN_EXE_lab");

fn exists(namespace: &str) -> bool {
    Path::new("/run/netns").join(namespace).exists()
}

fn run(mut command: Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn a_dropped_lab_leaves_nothing_behind() {
    let Some(_turn) = turn() else { return };
    let lab = lab("", Nat::None, Nat::None);
    let names = Port::ALL.map(|port| lab.namespace(port));
    assert!(names.iter().all(|name| exists(name)));
    drop(lab);
    assert!(!names.iter().any(|name| exists(name)));
}

#[test]
fn a_lab_that_cannot_be_made_leaves_nothing_behind() {
    let Some(_turn) = turn() else { return };
    let forwarder = ForwarderConfig { log: Some("/nowhere/network.csv".into()), ..ForwarderConfig::default() };
    let config = config(forwarder, Nat::None, Nat::None);
    let name = format!("lab{}-a", config.id);
    let error = Lab::up(config.clone()).unwrap_err();
    assert!(matches!(error, LabError::Forward(_)) && error.to_string().contains("/nowhere/network.csv"), "{error}");
    assert!(!exists(&name));
    let error = Lab::up(lab::network::lab::LabConfig { id: "a/b".into(), ..config }).unwrap_err();
    assert!(error.to_string().contains("1 to 8 letters or digits"), "{error}");
}

#[test]
fn a_program_runs_on_its_host_and_sees_no_other_devices() {
    let Some(_turn) = turn() else { return };
    let lab = lab("", Nat::None, Nat::None);
    let mut ip = lab.command(Port::B, "ip").unwrap();
    ip.args(["-brief", "address"]);
    let (_, devices, _) = run(ip);
    assert!(devices.contains("10.201.0.2/24") && devices.lines().count() == 2, "{devices}");
}

#[test]
fn a_command_finds_its_hosts_in_the_environment_and_its_exit_code_is_that_of_the_run() {
    let Some(_turn) = turn() else { return };
    let (id, mut net) = (id(), Command::new(LAB));
    let script = "echo $LAB_A_NS $LAB_B_IP; \"$0\" net exec s --id \"$1\" -- ip -brief address show dev lab0; exit 7";
    net.args(["net", "run", "--id", &id, "--set", "both 0s delay=5ms", "--", "sh", "-c", script, LAB, &id]);
    let (code, said, told) = run(net);
    assert_eq!(code, Some(7), "{told}");
    assert!(said.contains(&format!("lab{id}-a 10.201.0.2")) && said.contains("10.201.0.9/24"), "{said}");
    assert!(told.contains("packets"), "{told}");
    assert!(!exists(&format!("lab{id}-a")));
}

#[test]
fn a_run_that_takes_too_long_is_cut_off_with_all_that_it_started() {
    let Some(_turn) = turn() else { return };
    let mut net = Command::new(LAB);
    // The output ends only when the second program, too, has ended.
    net.args(["net", "run", "--id", &id(), "--duration", "200ms", "--", "sh", "-c", "sleep 60 & wait"]);
    let (code, _, told) = run(net);
    assert_eq!(code, Some(124), "{told}");
}

#[test]
fn without_rights_of_its_own_the_program_runs_in_a_user_namespace() {
    let Some(_turn) = turn() else { return };
    let mut net = match privilege::in_user_namespace(LAB) {
        Ok(net) => net,
        Err(said) => return skip(&said),
    };
    let id = id();
    net.args(["net", "run", "--id", &id, "--", "ip", "netns", "list"]);
    let (code, said, told) = run(net);
    assert_eq!(code, Some(0), "{told}");
    let name = format!("lab{id}-a");
    assert!(said.contains(&name) && !exists(&name), "{said}");
}

#[test]
fn wrong_arguments_are_named() {
    for (line, expected) in [
        ("net run --fast", "knows no `--fast`"),
        ("net run --nat-a cube", "`cube` is no kind of router"),
        ("net run --set ab", "--set, line 1: write WHICH WHEN"),
        ("net run --profile nowhere", "cannot read nowhere"),
        ("net run --duration 5", "--duration 5: `5` is no time"),
        ("net exec", "exec in which part?"),
        ("net fly", "no command `net fly`"),
        ("fly", "no command `fly`"),
    ] {
        let mut lab = Command::new(LAB);
        lab.args(line.split(' '));
        let (code, _, told) = run(lab);
        assert_eq!(code, Some(2), "{line}");
        assert!(told.contains(expected), "{line}: {told}");
    }
}
