//! The right to make namespaces and devices: as root, or in a user namespace in which this program runs once more.
//! When neither is possible, it says what is missing.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use super::system;

/// Set for a program that already runs in a user namespace of its own.
const MARK: &str = "LAB_USER_NAMESPACE";

/// Gives `ip` a place for its namespaces that this user may write to: on `/run/netns`, or where that folder is missing
/// and cannot be made, on all of `/run`.
const PREPARE: &str = "mkdir -p /run/netns 2>/dev/null || { mount -t tmpfs lab /run && mkdir /run/netns; } \
    && mount -t tmpfs lab /run/netns && exec \"$@\"";

/// What is missing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrivilegeError {
    /// No `ip`.
    #[error("the lab needs `ip`: install iproute2 ({0})")]
    NoIp(io::Error),
    /// No namespaces.
    #[error("this user may not make network namespaces ({0}): run as root")]
    NoNamespaces(io::Error),
    /// No devices.
    #[error(
        "this user may not make TUN devices ({0}): load the module `tun`, make /dev/net/tun usable, or run as root"
    )]
    NoTun(io::Error),
    /// No user namespaces either.
    #[error("{direct}; and no user namespace in its place: {said}")]
    NoUserNamespace {
        /// Why not without one.
        direct: Box<Self>,
        /// What `unshare` said.
        said: String,
    },
}

/// Whether this process can make a lab, as it is.
///
/// # Errors
/// What is missing.
pub fn check() -> Result<(), PrivilegeError> {
    let ip = Command::new("ip").arg("-Version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    ip.map_err(PrivilegeError::NoIp)?;
    let tun = system::try_namespace(|| system::tun("lab0").map(drop)).map_err(PrivilegeError::NoNamespaces)?;
    tun.map_err(PrivilegeError::NoTun)
}

/// Makes sure that this process can make a lab. Where it cannot, the process is replaced, once, by the same program with
/// the same arguments in a user namespace: call it first in `main`.
///
/// # Errors
/// What is missing, when that does not help either.
pub fn ensure() -> Result<(), PrivilegeError> {
    let Err(direct) = check() else { return Ok(()) };
    let again = std::env::current_exe().map_err(|error| error.to_string()).and_then(|program| {
        let mut command = in_user_namespace(program)?;
        // It returns only when it fails.
        Err(command.args(std::env::args_os().skip(1)).exec().to_string())
    });
    again.map_err(|said| PrivilegeError::NoUserNamespace { direct: Box::new(direct), said })
}

/// A program that will run with the rights to make a lab, in a user namespace and with a `/run/netns` of its own; what
/// it makes there is seen from there only.
///
/// # Errors
/// What `unshare` said, when this user may not make user namespaces; or that this process is in one already.
pub fn in_user_namespace(program: impl AsRef<OsStr>) -> Result<Command, String> {
    if std::env::var_os(MARK).is_some() {
        return Err("this one does not suffice".to_owned());
    }
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--net", "--mount"]);
        command
    };
    let tried = unshare().arg("true").output().map_err(|error| format!("cannot run `unshare`: {error}"))?;
    if !tried.status.success() {
        return Err(String::from_utf8_lossy(&tried.stderr).trim().to_owned());
    }
    let mut command = unshare();
    command.args(["sh", "-c", PREPARE, "lab"]).arg(program).env(MARK, "1");
    Ok(command)
}
