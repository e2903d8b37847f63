//! Installs a server below the target folder, once. A version is part of the folder's name, so that another is another folder.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The folder with the `node_modules` that hold `package`.
pub(crate) fn npm(package: &str, version: &str) -> PathBuf {
    once(&format!("npm-{package}-{version}"), "node_modules", |folder| {
        let manifest = format!(r#"{{"private":true,"dependencies":{{"{package}":"{version}"}}}}"#);
        fs::write(folder.join("package.json"), manifest).expect("the target folder is writable");
        let arguments = ["install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"];
        run(Command::new("npm").args(arguments).current_dir(folder));
    })
}

/// The program of that name of a crate.
pub(crate) fn cargo(package: &str, version: &str, program: &str) -> PathBuf {
    let folder = once(&format!("cargo-{package}-{version}"), "bin", |folder| {
        let build = folder.join("build");
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command
            .args(["install", "--quiet", "--debug", "--locked", "--version", version, package, "--root"])
            .arg(folder);
        // A build of its own: nothing of ours is to be built again because of it, nor with the flags that we build with.
        run(command.env("CARGO_TARGET_DIR", &build).env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS"));
        let _ = fs::remove_dir_all(build);
    });
    folder.join("bin").join(program)
}

/// The folder `name`, filled by `fill` unless it holds `result`. Others who want it meanwhile wait, in this process or another.
fn once(name: &str, result: &str, fill: impl FnOnce(&Path)) -> PathBuf {
    let servers = Path::new(env!("CARGO_TARGET_TMPDIR")).join("servers");
    let folder = servers.join(name);
    fs::create_dir_all(&servers).expect("the target folder is writable");
    let lock = File::create(servers.join(format!("{name}.lock"))).expect("the target folder is writable");
    lock.lock().expect("the file system has locks");
    if !folder.join(result).is_dir() {
        let unfinished = servers.join(format!("{name}.unfinished"));
        let _ = fs::remove_dir_all(&unfinished);
        fs::create_dir_all(&unfinished).expect("the target folder is writable");
        fill(&unfinished);
        fs::rename(&unfinished, &folder).expect("both lie in one folder");
    }
    folder
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
