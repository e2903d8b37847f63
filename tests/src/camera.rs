//! A camera for machines without one: a library that makes `/dev/video0` appear in the process it is preloaded into.
//! Compiled from `fakecam/` the first time that a test asks for it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::place::{folder, repository};

/// The library, for `LD_PRELOAD`.
pub fn fake_camera() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let library = folder("fakecam").join("fakecam.so");
        let status = Command::new("cc")
            .args(["-shared", "-fPIC", "-O2", "-o"])
            .arg(&library)
            .arg(repository().join("tests/fakecam/fakecam.c"))
            .args(["-ldl", "-lpthread"])
            .status();
        assert!(status.is_ok_and(|status| status.success()), "the fake camera does not compile");
        library
    })
}
