//! The screen stays on and the machine awake while a call runs, as long as the value of it lives.
//! Asked are the desktop's screen saver, or else logind; where neither answers, the machine sleeps when it always does.

#[cfg(target_os = "linux")]
pub(crate) use linux::Awake;

/// Elsewhere the system is not asked.
#[cfg(not(target_os = "linux"))]
pub(crate) struct Awake;

#[cfg(not(target_os = "linux"))]
impl Awake {
    pub(crate) fn keep() -> Self {
        Self
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::time::Duration;

    use tokio::time::timeout;
    use tokio_util::sync::{CancellationToken, DropGuard};
    use zbus::Connection;
    use zbus::zvariant::OwnedFd;

    use crate::face::words;

    const SCREEN_SAVER: &str = "org.freedesktop.ScreenSaver";
    const SCREEN_SAVER_PATH: &str = "/org/freedesktop/ScreenSaver";
    const LOGIND: &str = "org.freedesktop.login1";
    const LOGIND_PATH: &str = "/org/freedesktop/login1";
    const LOGIND_MANAGER: &str = "org.freedesktop.login1.Manager";

    /// A desktop that does not answer is left alone.
    const PATIENCE: Duration = Duration::from_secs(5);

    /// Keeps the machine awake. Dropping it lets it sleep again.
    #[derive(Debug)]
    pub(crate) struct Awake {
        _kept: DropGuard,
    }

    impl Awake {
        /// From now on. Inside the runtime.
        pub(crate) fn keep() -> Self {
            let over = CancellationToken::new();
            let kept = Self { _kept: over.clone().drop_guard() };
            tokio::spawn(async move {
                let of_desktop = async { keep_screen(&Connection::session().await?, &over).await };
                let Err(error) = of_desktop.await else { return };
                tracing::debug!(%error, "no screen saver can be kept off");
                let of_system = async { keep_system(&Connection::system().await?, &over).await };
                if let Err(error) = of_system.await {
                    tracing::debug!(%error, "the machine cannot be kept awake");
                }
            });
            kept
        }
    }

    /// Until the call is over.
    pub(super) async fn keep_screen(bus: &Connection, over: &CancellationToken) -> zbus::Result<()> {
        let wish = ("Ringback", words::DESKTOP_IN_A_CALL);
        let asked = bus.call_method(Some(SCREEN_SAVER), SCREEN_SAVER_PATH, Some(SCREEN_SAVER), "Inhibit", &wish);
        let reply = within(asked).await?;
        let cookie: u32 = reply.body().deserialize()?;
        over.cancelled().await;
        // Without this it would last until the whole program ends.
        bus.call_method(Some(SCREEN_SAVER), SCREEN_SAVER_PATH, Some(SCREEN_SAVER), "UnInhibit", &cookie).await?;
        Ok(())
    }

    /// Until the call is over: logind looks at an open file.
    pub(super) async fn keep_system(bus: &Connection, over: &CancellationToken) -> zbus::Result<()> {
        let wish = ("idle:sleep", "Ringback", words::DESKTOP_IN_A_CALL, "block");
        let asked = bus.call_method(Some(LOGIND), LOGIND_PATH, Some(LOGIND_MANAGER), "Inhibit", &wish);
        let reply = within(asked).await?;
        let _open: OwnedFd = reply.body().deserialize()?;
        over.cancelled().await;
        Ok(())
    }

    async fn within<T>(answer: impl Future<Output = zbus::Result<T>>) -> zbus::Result<T> {
        timeout(PATIENCE, answer).await.unwrap_or_else(|_| Err(zbus::Error::Failure("it does not answer".to_owned())))
    }

    #[cfg(test)]
    mod tests {
        use std::io::Read as _;
        use std::os::unix::net::UnixStream;

        use tokio::sync::mpsc;

        use super::*;
        use crate::desktop::bus::Bus;

        struct ScreenSaver {
            asked: mpsc::UnboundedSender<String>,
        }

        #[zbus::interface(name = "org.freedesktop.ScreenSaver")]
        impl ScreenSaver {
            fn inhibit(&self, program: &str, reason: &str) -> u32 {
                let _ = self.asked.send(format!("{program}: {reason}"));
                42
            }

            fn un_inhibit(&self, cookie: u32) {
                let _ = self.asked.send(cookie.to_string());
            }
        }

        struct Logind {
            open: std::sync::Mutex<Option<UnixStream>>,
        }

        #[zbus::interface(name = "org.freedesktop.login1.Manager")]
        impl Logind {
            fn inhibit(&self, what: &str, _who: &str, _why: &str, mode: &str) -> zbus::fdo::Result<OwnedFd> {
                assert_eq!((what, mode), ("idle:sleep", "block"));
                let (ours, theirs) = UnixStream::pair().map_err(|error| zbus::fdo::Error::Failed(error.to_string()))?;
                *self.open.lock().expect("one call at a time") = Some(ours);
                Ok(std::os::fd::OwnedFd::from(theirs).into())
            }
        }

        #[tokio::test]
        async fn the_screen_saver_is_kept_off_until_the_call_is_over() {
            let Some(bus) = Bus::start() else { return };
            let (asked, mut asks) = mpsc::unbounded_channel();
            let _desktop = bus.serve(SCREEN_SAVER, SCREEN_SAVER_PATH, ScreenSaver { asked }).await;
            let (ours, over) = (bus.connect().await, CancellationToken::new());
            let kept = tokio::spawn({
                let over = over.clone();
                async move { keep_screen(&ours, &over).await }
            });
            assert_eq!(asks.recv().await, Some(format!("Ringback: {}", words::DESKTOP_IN_A_CALL)));
            assert!(asks.try_recv().is_err(), "it lasts");
            over.cancel();
            assert_eq!(asks.recv().await.as_deref(), Some("42"));
            kept.await.expect("no panic").expect("released");
        }

        #[tokio::test]
        async fn logind_is_let_go_by_closing_its_file() {
            let Some(bus) = Bus::start() else { return };
            let desktop = bus.serve(LOGIND, LOGIND_PATH, Logind { open: None.into() }).await;
            let (ours, over) = (bus.connect().await, CancellationToken::new());
            over.cancel();
            keep_system(&ours, &over).await.expect("kept and released");
            let logind = desktop.object_server().interface::<_, Logind>(LOGIND_PATH).await.expect("served above");
            let mut open = logind.get().await.open.lock().expect("one call at a time").take().expect("it was asked");
            assert_eq!(open.read(&mut [0]).expect("the other end is closed"), 0);
        }

        #[tokio::test]
        async fn without_a_desktop_the_call_goes_on() {
            let Some(bus) = Bus::start() else { return };
            let ours = bus.connect().await;
            assert!(keep_screen(&ours, &CancellationToken::new()).await.is_err());
            assert!(keep_system(&ours, &CancellationToken::new()).await.is_err());
        }
    }
}
