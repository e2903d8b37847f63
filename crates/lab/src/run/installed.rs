//! How much disk a caller takes, with the runtime that it needs and without what only drives it here.

use std::fs;
use std::path::{Path, PathBuf};

/// Bytes of a file, or of all that is in a folder; links are not followed. `None` when it is not there.
#[must_use]
pub fn bytes(path: &Path) -> Option<u64> {
    let metadata = fs::symlink_metadata(path).ok()?;
    if !metadata.is_dir() {
        return Some(if metadata.is_symlink() { 0 } else { metadata.len() });
    }
    Some(fs::read_dir(path).ok()?.flatten().filter_map(|entry| bytes(&entry.path())).sum())
}

/// Where a browser's own files are: the folder of its program, or the one that its start script is for.
#[must_use]
pub fn browser() -> Option<PathBuf> {
    let folders = ["/usr/lib/chromium", "/usr/lib/chromium-browser", "/opt/google/chrome"];
    let given = std::env::var_os("LAB_CHROMIUM").map(PathBuf::from);
    let given = given.and_then(|program| Some(fs::canonicalize(program).ok()?.parent()?.to_owned()));
    given.into_iter().chain(folders.map(PathBuf::from)).find(|folder| folder.is_dir())
}

/// A program on the path, with its links followed.
#[must_use]
pub fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())?;
    fs::canonicalize(found).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_as_large_as_its_files_and_a_link_is_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("inner")).expect("writable");
        fs::write(folder.path().join("a"), [0; 10]).expect("writable");
        fs::write(folder.path().join("inner/b"), [0; 5]).expect("writable");
        #[cfg(unix)]
        std::os::unix::fs::symlink("a", folder.path().join("c")).expect("writable");
        assert_eq!(bytes(folder.path()), Some(15));
        assert_eq!(bytes(&folder.path().join("nothing")), None);
    }
}
