//! The control socket's place in the file system: for this person only, never in the way of a program that still listens.
//! A socket that a dead program left is replaced; ours is removed at the end, unless another has taken its place.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixSocket};

/// Programs that wait to be let in.
const BACKLOG: u32 = 16;

/// Anybody may write to the folder.
const OTHERS_WRITE: u32 = 0o002;

/// Only the owner of a file may move or remove it, as in `/tmp`.
const STICKY: u32 = 0o1000;

/// A place that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceError {
    /// No folder.
    #[error("--control: {} is no folder: make it, or name another place", .0.display())]
    NoFolder(PathBuf),
    /// Others could put a socket of theirs in its place.
    #[error("--control: anybody can write to {}: choose a folder of your own", .0.display())]
    OpenFolder(PathBuf),
    /// Something else is there.
    #[error("--control: {} is there and is no socket: name another place", .0.display())]
    NoSocket(PathBuf),
    /// A living program is there.
    #[error("--control: another program listens on {}: name another place", .0.display())]
    Taken(PathBuf),
    /// The system says no.
    #[error("--control: no socket at {}: {error}", .path.display())]
    System {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// A socket that is removed when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    /// Device and number of the file, to tell ours from another's.
    file: (u64, u64),
    owner: u32,
}

impl Place {
    /// Listens at `path`. Needs a tokio runtime.
    ///
    /// # Errors
    /// See [`PlaceError`].
    pub(crate) fn take(path: &Path) -> Result<(Self, UnixListener), PlaceError> {
        check_folder(path)?;
        let system = |error| PlaceError::System { path: path.to_owned(), error };
        clear(path)?;
        let socket = UnixSocket::new_stream().map_err(system)?;
        socket.bind(path).map_err(system)?;
        // Nobody can connect before `listen`, so that nobody comes in before this.
        let made = fs::set_permissions(path, Permissions::from_mode(0o600))
            .and_then(|()| socket.listen(BACKLOG))
            .and_then(|listener| Ok((listener, fs::symlink_metadata(path)?)));
        match made {
            Ok((listener, file)) => {
                let place = Self { path: path.to_owned(), file: (file.dev(), file.ino()), owner: file.uid() };
                Ok((place, listener))
            }
            Err(error) => {
                let _ = fs::remove_file(path);
                Err(system(error))
            }
        }
    }

    /// The person whom this process belongs to.
    pub(crate) fn owner(&self) -> u32 {
        self.owner
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let ours = |file: fs::Metadata| (file.dev(), file.ino()) == self.file;
        if fs::symlink_metadata(&self.path).is_ok_and(ours) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn check_folder(path: &Path) -> Result<(), PlaceError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let found = fs::metadata(folder).ok().filter(fs::Metadata::is_dir);
    let mode = found.ok_or_else(|| PlaceError::NoFolder(folder.to_owned()))?.mode();
    if mode & OTHERS_WRITE != 0 && mode & STICKY == 0 {
        return Err(PlaceError::OpenFolder(folder.to_owned()));
    }
    Ok(())
}

/// Removes what a dead program left.
fn clear(path: &Path) -> Result<(), PlaceError> {
    let system = |error| PlaceError::System { path: path.to_owned(), error };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(system(error)),
        Ok(file) if !file.file_type().is_socket() => return Err(PlaceError::NoSocket(path.to_owned())),
        Ok(_) => {}
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(PlaceError::Taken(path.to_owned())),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path).map_err(system),
        Err(error) => Err(system(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_dead_programs_socket_is_replaced_and_a_living_ones_is_left_alone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("control");
        drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket"));
        assert!(path.exists(), "left behind");
        let (place, listener) = Place::take(&path).expect("replaced");
        assert_eq!(fs::metadata(&path).expect("there").mode() & 0o777, 0o600);
        assert!(matches!(Place::take(&path), Err(PlaceError::Taken(_))));
        drop((place, listener));
        assert!(!path.exists(), "removed at the end");
    }

    #[tokio::test]
    async fn what_has_taken_our_place_is_not_removed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("control");
        let (place, _listener) = Place::take(&path).expect("free");
        fs::rename(&path, folder.path().join("moved")).expect("moved");
        fs::write(&path, "another's").expect("writable");
        drop(place);
        assert!(path.exists());
    }

    #[tokio::test]
    async fn places_that_others_could_touch_or_that_are_no_place_are_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("file");
        fs::write(&file, "kept").expect("writable");
        assert!(matches!(Place::take(&file), Err(PlaceError::NoSocket(_))));
        assert_eq!(fs::read_to_string(&file).expect("still there"), "kept");
        assert!(matches!(Place::take(&folder.path().join("none/control")), Err(PlaceError::NoFolder(_))));
        assert!(matches!(Place::take(&file.join("control")), Err(PlaceError::NoFolder(_))));
        let open = folder.path().join("open");
        fs::create_dir(&open).expect("made");
        fs::set_permissions(&open, Permissions::from_mode(0o777)).expect("opened");
        assert!(matches!(Place::take(&open.join("control")), Err(PlaceError::OpenFolder(_))));
        fs::set_permissions(&open, Permissions::from_mode(0o1777)).expect("made sticky");
        assert!(Place::take(&open.join("control")).is_ok());
        let long = folder.path().join("x".repeat(150));
        assert!(matches!(Place::take(&long), Err(PlaceError::System { .. })), "longer than a socket's path can be");
    }
}
