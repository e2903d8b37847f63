//! A virtual machine with real camera and sound drivers, booted for one command (see `devlab/devlab.sh`).
//! Its files are this machine's, so that the program runs there at its own path.

use std::path::Path;
use std::process::{Command, Output};

use crate::place::{folder, program, repository};

/// Why there can be no such machine here.
pub fn unavailable() -> Option<String> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Some("the virtual machine is for x86-64 Linux".to_owned());
    }
    if program("apt-get").is_none() {
        return Some("the virtual machine is made of Debian packages, and there is no apt-get here".to_owned());
    }
    None
}

/// Boots, runs `script` with bash, and gives back what it printed; `shared` can be written to.
pub fn run(script: &str, shared: &Path, seconds: u32) -> Output {
    let devlab = repository().join("tests/devlab/devlab.sh");
    let output = Command::new(devlab)
        .args(["-t", &seconds.to_string(), "-w"])
        .arg(shared)
        .args(["--", "bash", "-c", script])
        .env("DEVLAB_CACHE", folder("devlab"))
        .current_dir(shared)
        .output()
        .expect("bash is here");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(
        output.status.success(),
        "the machine ended with {}\n--- stdout ---\n{out}\n--- stderr ---\n{err}",
        output.status
    );
    output
}
