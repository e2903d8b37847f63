//! One window for a room on one desktop: who starts a second one raises the first.
//! A lock says who is first, so that one that was killed leaves nothing behind that is in the way; a socket carries the wish.

/// Whether this program is the first in its room.
#[derive(Debug)]
pub(crate) enum Claim {
    /// The first; it stays so while it keeps this.
    First(Instance),
    /// Another one is there, and has raised its window.
    Raised,
}

#[cfg(unix)]
pub(crate) use unix::{Instance, claim};

/// Elsewhere every program is the first.
#[cfg(not(unix))]
mod elsewhere {
    use super::Claim;

    #[derive(Debug)]
    pub(crate) struct Instance;

    impl Instance {
        pub(crate) fn on_raise(&mut self, _raise: impl Fn() + Send + Sync + 'static) {}
    }

    pub(crate) async fn claim(_room: &str, _server: Option<&str>) -> Claim {
        Claim::First(Instance)
    }
}

#[cfg(not(unix))]
pub(crate) use elsewhere::{Instance, claim};

#[cfg(unix)]
mod unix {
    use std::fs::{DirBuilder, File, TryLockError};
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    use std::io;
    use std::os::unix::fs::DirBuilderExt as _;
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{UnixListener, UnixStream};
    use tokio::task::JoinHandle;
    use tokio::time::timeout;

    use super::Claim;

    /// What the second one says, and the first one answers.
    const RAISE: &[u8; 6] = b"raise\n";
    const RAISED: &[u8; 7] = b"raised\n";

    /// How long the first one may take to answer; one that hangs must not keep a person from calling.
    const PATIENCE: Duration = Duration::from_secs(2);

    /// How often the second one knocks while the first one is about to listen.
    const KNOCK: Duration = Duration::from_millis(50);

    /// The first program in its room. Dropping it lets another one be the first.
    #[derive(Debug, Default)]
    pub(crate) struct Instance {
        held: Option<Held>,
        answering: Option<JoinHandle<()>>,
    }

    #[derive(Debug)]
    struct Held {
        listener: Option<UnixListener>,
        socket: PathBuf,
        /// Unlocked by the system when the program ends, however it ends. The file stays: to remove it would race.
        _lock: File,
    }

    /// Asks to be the first in `room` at `server`, on this desktop. Where that cannot be found out, everyone is the first.
    pub(crate) async fn claim(room: &str, server: Option<&str>) -> Claim {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
        let Some(folder) = runtime.map(|runtime| runtime.join("ringback")) else {
            return Claim::First(Instance::default());
        };
        let desktop = ["WAYLAND_DISPLAY", "DISPLAY"].map(std::env::var_os);
        let mut hasher = DefaultHasher::new();
        (room, server, desktop).hash(&mut hasher);
        claim_in(&folder, &format!("{:016x}", hasher.finish())).await.unwrap_or_else(|error| {
            tracing::debug!(%error, "whether this room has a window already is not known");
            Claim::First(Instance::default())
        })
    }

    async fn claim_in(folder: &Path, name: &str) -> io::Result<Claim> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let lock = File::create(folder.join(name).with_extension("lock"))?;
        let socket = folder.join(name).with_extension("socket");
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => {
                return match timeout(PATIENCE, raise(&socket)).await {
                    Ok(Ok(())) => Ok(Claim::Raised),
                    Ok(Err(error)) => Err(error),
                    Err(_) => Err(io::ErrorKind::TimedOut.into()),
                };
            }
        }
        // Whoever left a socket there is gone: we have the lock.
        match std::fs::remove_file(&socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = Some(UnixListener::bind(&socket)?);
        Ok(Claim::First(Instance { held: Some(Held { listener, socket, _lock: lock }), answering: None }))
    }

    async fn raise(socket: &Path) -> io::Result<()> {
        let mut stream = loop {
            match UnixStream::connect(socket).await {
                Ok(stream) => break stream,
                // It has the lock, and is just about to listen.
                Err(_) => tokio::time::sleep(KNOCK).await,
            }
        };
        stream.write_all(RAISE).await?;
        let mut answer = [0; RAISED.len()];
        stream.read_exact(&mut answer).await?;
        if answer == *RAISED { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    impl Instance {
        /// Calls `raise` whenever somebody starts another one, also for those who came before this. Inside the runtime.
        pub(crate) fn on_raise(&mut self, raise: impl Fn() + Send + Sync + 'static) {
            let Some(listener) = self.held.as_mut().and_then(|held| held.listener.take()) else { return };
            self.answering = Some(tokio::spawn(async move {
                // Only this person's programs come as far as here; one at a time is enough, and none may take long.
                while let Ok((stream, _)) = listener.accept().await {
                    if let Ok(Ok(())) = timeout(PATIENCE, answer(stream, &raise)).await {
                        tracing::debug!("another one was started for this room: the window is raised");
                    }
                }
            }));
        }
    }

    async fn answer(mut stream: UnixStream, raise: &impl Fn()) -> io::Result<()> {
        let mut wish = [0; RAISE.len()];
        stream.read_exact(&mut wish).await?;
        if wish != *RAISE {
            return Err(io::ErrorKind::InvalidData.into());
        }
        raise();
        stream.write_all(RAISED).await
    }

    impl Drop for Instance {
        fn drop(&mut self) {
            if let Some(answering) = &self.answering {
                answering.abort();
            }
            if let Some(held) = &self.held {
                let _ = std::fs::remove_file(&held.socket);
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use std::sync::Arc;
        use std::sync::atomic::{AtomicU32, Ordering};

        use super::*;

        fn first(claim: io::Result<Claim>) -> Instance {
            match claim {
                Ok(Claim::First(instance)) => instance,
                other => panic!("not the first: {other:?}"),
            }
        }

        #[tokio::test]
        async fn the_second_raises_the_first_and_another_room_does_not() {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let mut kitchen = first(claim_in(folder.path(), "kitchen").await);
            let raised = Arc::new(AtomicU32::new(0));
            let counter = raised.clone();
            kitchen.on_raise(move || {
                counter.fetch_add(1, Ordering::Relaxed);
            });
            for times in 1..=2 {
                assert!(matches!(claim_in(folder.path(), "kitchen").await, Ok(Claim::Raised)));
                assert_eq!(raised.load(Ordering::Relaxed), times);
            }
            first(claim_in(folder.path(), "office").await);
            drop(kitchen);
            first(claim_in(folder.path(), "kitchen").await);
        }

        #[tokio::test]
        async fn the_second_waits_until_the_first_has_its_window() {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let mut kitchen = first(claim_in(folder.path(), "kitchen").await);
            let second = claim_in(folder.path(), "kitchen");
            let window = async {
                tokio::task::yield_now().await;
                kitchen.on_raise(|| {});
            };
            let (second, ()) = tokio::join!(second, window);
            assert!(matches!(second, Ok(Claim::Raised)));
        }

        #[tokio::test]
        async fn what_a_killed_one_left_is_not_in_the_way() {
            let folder = tempfile::tempdir().expect("a temporary folder");
            drop(UnixListener::bind(folder.path().join("kitchen.socket")).expect("a free name"));
            std::fs::write(folder.path().join("kitchen.lock"), "").expect("writable");
            first(claim_in(folder.path(), "kitchen").await);
        }

        #[tokio::test]
        async fn who_says_something_else_raises_nothing_and_stops_nobody() {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let mut kitchen = first(claim_in(folder.path(), "kitchen").await);
            kitchen.on_raise(|| {});
            let mut stranger = UnixStream::connect(folder.path().join("kitchen.socket")).await.expect("it listens");
            stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").await.expect("it reads");
            let mut answer = Vec::new();
            let _ = stranger.read_to_end(&mut answer).await;
            assert_eq!(answer, b"");
            assert!(matches!(claim_in(folder.path(), "kitchen").await, Ok(Claim::Raised)));
        }

        #[tokio::test(start_paused = true)]
        async fn one_that_hangs_keeps_nobody_from_calling() {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let hangs = first(claim_in(folder.path(), "kitchen").await);
            let error = claim_in(folder.path(), "kitchen").await.expect_err("nobody answers");
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            drop(hangs);
        }
    }
}
