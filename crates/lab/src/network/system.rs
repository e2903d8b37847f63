//! The few system calls that std does not offer: entering a network namespace, TUN devices, waiting, priority.
//! Each is wrapped here, where its safety is argued, and nowhere else.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::Duration;

/// Real-time priority of the forwarder: above everything ordinary, below what the kernel itself needs.
const PRIORITY: libc::c_int = 10;

/// Runs `work` on a thread of its own inside a network namespace, and gives what it gave.
pub(crate) fn inside<T: Send>(namespace: &File, work: impl FnOnce() -> T + Send) -> io::Result<T> {
    on_a_thread(|| {
        enter(namespace)?;
        Ok(work())
    })
}

/// Lets a program start inside a network namespace.
pub(crate) fn start_inside(command: &mut Command, namespace: File) {
    let enter = move || enter(&namespace);
    // SAFETY: between fork and exec the closure makes one system call on a descriptor that it owns; it allocates
    // nothing and takes no lock.
    unsafe { command.pre_exec(enter) };
}

/// Whether this process may make network namespaces: a thread tries, and ends with what it made.
pub(crate) fn try_namespace<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    on_a_thread(|| {
        // SAFETY: the call takes no pointers; it changes this thread alone, which ends here.
        check(unsafe { libc::unshare(libc::CLONE_NEWNET) })?;
        Ok(work())
    })
}

/// Makes a TUN device in the calling thread's namespace; it is gone when the file is closed. Reads and writes are
/// whole IP packets and do not block.
pub(crate) fn tun(name: &str) -> io::Result<File> {
    let flags = libc::O_NONBLOCK | libc::O_CLOEXEC;
    let file = File::options().read(true).write(true).custom_flags(flags).open("/dev/net/tun")?;
    // SAFETY: `ifreq` is plain data, for which zeros are valid.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    // The last byte stays zero: the name ends there.
    let room = request.ifr_name.len() - 1;
    for (to, from) in request.ifr_name[..room].iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
    // SAFETY: the descriptor is open and `request` outlives the call, which reads and writes no more than it.
    check(unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF as _, &raw mut request) })?;
    Ok(file)
}

/// Waits until one of the files can be read, or so long; true for each that can (or has failed).
pub(crate) fn wait<const N: usize>(files: [BorrowedFd<'_>; N], timeout: Duration) -> io::Result<[bool; N]> {
    let mut polled = files.map(|file| libc::pollfd { fd: file.as_raw_fd(), events: libc::POLLIN, revents: 0 });
    let timeout = libc::timespec { tv_sec: timeout.as_secs() as _, tv_nsec: timeout.subsec_nanos() as _ };
    // SAFETY: `polled` and `timeout` outlive the call, and its length is told.
    let result = unsafe { libc::ppoll(polled.as_mut_ptr(), N as libc::nfds_t, &raw const timeout, std::ptr::null()) };
    match check(result) {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
        _ => Ok(polled.map(|polled| polled.revents != 0)),
    }
}

/// Asks that the calling thread be woken on time: no slack in its timers, and real-time priority. False: it has none.
pub(crate) fn be_punctual() -> bool {
    // SAFETY: the calls change the calling thread alone; `priority` outlives the second.
    unsafe {
        libc::prctl(libc::PR_SET_TIMERSLACK, 1);
        let priority = libc::sched_param { sched_priority: PRIORITY };
        libc::sched_setscheduler(0, libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK, &raw const priority) == 0
    }
}

fn enter(namespace: &File) -> io::Result<()> {
    // SAFETY: the descriptor is open; the call changes the calling thread alone.
    check(unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) })
}

fn on_a_thread<T: Send>(work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().spawn_scoped(scope, work)?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
