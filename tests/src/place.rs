//! Where things are: the repository, the target folder, a fresh folder for each test.
//! One scenario runs at a time: they measure milliseconds, and the machine has two processors.

use std::fs::File;
use std::path::{Path, PathBuf};

/// The repository's root folder.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie one folder below the root")
}

/// The folder cargo builds into, found from where the running program lies: `target/PROFILE/deps/test` or `target/PROFILE/look`.
pub fn target() -> PathBuf {
    let program = std::env::current_exe().expect("a running program has a path");
    let is_test = program.parent().is_some_and(|folder| folder.ends_with("deps"));
    let folders = if is_test { 3 } else { 2 };
    program.ancestors().nth(folders).expect("cargo puts programs that deep").to_path_buf()
}

/// A folder below the target folder, made when it is not there.
pub fn folder(name: &str) -> PathBuf {
    let folder = target().join(name);
    std::fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("cannot make {}: {error}", folder.display()));
    folder
}

/// A fresh folder that is removed with its value.
pub fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in(folder("scratch")).expect("the target folder is writable")
}

/// Holds the machine for one scenario. A file lock, so that it holds between processes as well as between threads.
pub fn alone() -> impl Sized {
    let file = File::create(folder("scratch").join("alone.lock")).expect("the target folder is writable");
    file.lock().expect("the file system has locks");
    file
}

/// The path of a program, looked for in `PATH` and where system programs lie.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(system).map(|folder| folder.join(name)).find(|file| file.is_file())
}
