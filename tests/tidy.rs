//! The rules of the house, as tests: who may import whom, which crate names which library, what a core may not touch.
//! They read `cargo metadata` and the tracked files; ARCHITECTURE.md gives the reasons.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use ringback_tests::place::repository;
use serde_json::Value;

/// Which of our crates each of our crates may import. What is not listed here fails, so that a new crate finds its place.
const IMPORTS: [(&str, &[&str]); 15] = [
    ("call-core", &[]),
    ("media-core", &[]),
    ("control-codec", &[]),
    ("media-codec", &["media-core"]),
    ("audio-device", &["media-codec", "media-core"]),
    ("media-capture", &["audio-device", "media-codec", "media-core"]),
    ("media-render", &["audio-device", "media-codec", "media-core"]),
    ("signaling-client", &["call-core"]),
    ("signaling-server", &["call-core"]),
    ("peer-connection", &["call-core", "media-core"]),
    (
        "call-engine",
        &[
            "call-core",
            "media-capture",
            "media-codec",
            "media-core",
            "media-render",
            "peer-connection",
            "signaling-client",
        ],
    ),
    // The codecs are for its tests only.
    ("lab", &["media-codec", "media-core"]),
    ("ringback", &["call-engine", "control-codec", "lab", "signaling-server"]),
    ("ringback-tests", &["media-codec", "media-core"]),
    ("xtask", &[]),
];

/// Which crates may name an outside library whose types must not spread.
const OWNERS: [(&str, &[&str]); 20] = [
    ("webrtc", &["peer-connection"]),
    ("rtc", &["peer-connection"]),
    ("tokio-tungstenite", &["signaling-client", "signaling-server"]),
    ("hyper", &["signaling-client", "signaling-server"]),
    ("mdns-sd", &["signaling-server"]),
    ("rcgen", &["signaling-server", "ringback-tests"]),
    // The peer connection reads and writes the goodbye of the control channel.
    (
        "serde_json",
        &[
            "control-codec",
            "lab",
            "peer-connection",
            "ringback",
            "ringback-tests",
            "signaling-client",
            "signaling-server",
        ],
    ),
    ("cpal", &["audio-device"]),
    ("nokhwa", &["media-capture"]),
    ("opus", &["media-codec"]),
    ("openh264", &["media-codec"]),
    ("zune-jpeg", &["media-codec"]),
    ("rubato", &["media-codec"]),
    ("eframe", &["ringback"]),
    ("zbus", &["ringback", "ringback-tests"]),
    ("atspi", &["ringback-tests"]),
    ("ratatui", &["ringback"]),
    ("clap", &["ringback"]),
    ("anyhow", &["ringback"]),
    ("tracing-subscriber", &["ringback"]),
];

/// Crates without any dependency, and without anything that is not decided by their inputs.
const CORES: [&str; 2] = ["call-core", "media-core"];

/// What a core may not name: clocks, threads, input and output, chance, runtimes.
const IMPURE: [&str; 16] = [
    "Instant::now",
    "SystemTime",
    "elapsed()",
    "std::thread",
    "std::fs",
    "std::io",
    "std::net",
    "std::env",
    "std::process",
    "async fn",
    ".await",
    "tokio",
    "tracing::",
    "println!",
    "rand::",
    "RandomState",
];

/// Longer files hold more than one idea.
const MOST_LINES: usize = 400;

/// Larger files are made by a build or belong elsewhere.
const MOST_BYTES: u64 = 1 << 20;

#[test]
fn our_crates_import_only_downwards() {
    let allowed = BTreeMap::from(IMPORTS);
    let packages = packages();
    let ours: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let mut broken = Vec::new();
    for package in &packages {
        let Some(allowed) = allowed.get(package.name.as_str()) else {
            broken.push(format!("{} has no place in the table of imports", package.name));
            continue;
        };
        for import in package.imports.iter().filter(|import| ours.contains(&import.as_str())) {
            if !allowed.contains(&import.as_str()) {
                broken.push(format!("{} imports {import}", package.name));
            }
        }
    }
    assert_none(&broken, "imports against the direction");
}

#[test]
fn each_outside_library_is_named_by_its_owner_only() {
    let owners = BTreeMap::from(OWNERS);
    let mut broken = Vec::new();
    for package in packages() {
        for import in &package.imports {
            if owners.get(import.as_str()).is_some_and(|owners| !owners.contains(&package.name.as_str())) {
                broken.push(format!("{} names {import}", package.name));
            }
        }
    }
    assert_none(&broken, "libraries outside their owner");
}

#[test]
fn cores_depend_on_nothing() {
    let broken: Vec<_> = packages()
        .into_iter()
        .filter(|package| CORES.contains(&package.name.as_str()) && !package.imports.is_empty())
        .map(|package| format!("{} depends on {}", package.name, package.imports.join(", ")))
        .collect();
    assert_none(&broken, "cores with dependencies");
}

#[test]
fn cores_name_no_clock_thread_or_runtime() {
    let mut broken = Vec::new();
    let files: Vec<_> = tracked().into_iter().filter(|file| is_core_source(file)).collect();
    let test_modules: Vec<_> = files.iter().flat_map(|file| test_modules(&read(file))).collect();
    for file in
        files.iter().filter(|file| !file.split(['/', '.']).any(|part| test_modules.iter().any(|name| name == part)))
    {
        let text = read(file);
        for (number, line) in without_tests(&text).lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if let Some(name) = IMPURE.into_iter().find(|name| code.contains(name)) {
                broken.push(format!("{file}:{} names {name}", number + 1));
            }
        }
    }
    assert_none(&broken, "impure names in a core");
}

#[test]
fn every_source_file_is_short_and_says_what_it_promises() {
    let mut broken = Vec::new();
    for file in tracked().iter().filter(|file| file.ends_with(".rs")) {
        let text = read(file);
        let lines = text.lines().count();
        if lines > MOST_LINES {
            broken.push(format!("{file} has {lines} lines; the limit is {MOST_LINES}"));
        }
        if !text.starts_with("//!") {
            broken.push(format!("{file} does not open with a `//!` doc"));
        }
    }
    assert_none(&broken, "source files");
}

#[test]
fn no_file_names_a_machine_or_a_registry() {
    // In pieces, so that this file does not name them either.
    let names = [
        ["/wo", "rk/"],
        ["/ro", "ot/."],
        ["/ho", "me/"],
        ["registry.", "npmjs"],
        ["py", "pi.org"],
        ["deb.", "debian.org"],
        ["static.crates", ".io"],
        ["index.crates", ".io"],
    ]
    .map(|pieces| pieces.concat());
    let mut broken = Vec::new();
    for file in tracked().iter().filter(|file| file.as_str() != "Cargo.lock") {
        let Ok(text) = std::fs::read_to_string(repository().join(file)) else { continue };
        for (number, line) in text.lines().enumerate() {
            if let Some(name) = names.iter().find(|name| line.contains(name.as_str())) {
                broken.push(format!("{file}:{} names {name}", number + 1));
            }
        }
    }
    assert_none(&broken, "names that are true on one machine only");
}

#[test]
fn no_large_file_is_tracked() {
    let size = |file: &String| std::fs::metadata(repository().join(file)).map_or(0, |data| data.len());
    let broken: Vec<_> = tracked().into_iter().filter(|file| size(file) > MOST_BYTES).collect();
    assert_none(&broken, "tracked files above 1 MiB");
}

/// One of our crates, with what it depends on outside of its tests.
struct Package {
    name: String,
    imports: Vec<String>,
}

fn packages() -> Vec<Package> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let text = output(Command::new(cargo).args(["metadata", "--format-version", "1", "--no-deps", "--offline"]));
    let metadata: Value = serde_json::from_str(&text).expect("cargo writes JSON");
    let name = |value: &Value| value["name"].as_str().expect("every package has a name").to_owned();
    let list = |value: &Value| value.as_array().expect("documented as a list").clone();
    list(&metadata["packages"])
        .iter()
        .map(|package| Package {
            name: name(package),
            imports: list(&package["dependencies"])
                .iter()
                .filter(|dependency| dependency["kind"] != "dev")
                .map(name)
                .collect(),
        })
        .collect()
}

/// The files that git tracks, by their path from the root. One that was just deleted is tracked still.
fn tracked() -> Vec<String> {
    let text = output(Command::new("git").args(["ls-files", "-z"]));
    let files = text.split('\0').filter(|file| !file.is_empty() && repository().join(file).exists());
    files.map(str::to_owned).collect()
}

fn is_core_source(file: &str) -> bool {
    CORES.iter().any(|core| file.starts_with(&format!("crates/{core}/src/")))
}

/// The names of modules in files of their own that are built for tests only.
fn test_modules(text: &str) -> Vec<String> {
    let after = text.split("#[cfg(test)]\nmod ").skip(1);
    after
        .filter_map(|rest| rest.split_once(';'))
        .map(|(name, _)| name.to_owned())
        .filter(|name| !name.contains(' '))
        .collect()
}

/// The text up to its tests, which may use threads and clocks.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod ").next().unwrap_or(text)
}

fn read(file: &str) -> String {
    let path = repository().join(Path::new(file));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn output(command: &mut Command) -> String {
    let output = command.current_dir(repository()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("git and cargo write UTF-8")
}

fn assert_none(broken: &[String], what: &str) {
    assert!(broken.is_empty(), "{what}:\n  {}", broken.join("\n  "));
}
