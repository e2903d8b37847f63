//! A call that comes is shown by the desktop, with its own buttons where it has them, also when the window is out of sight.
//! It speaks the Desktop Notifications Specification 1.2; where nobody listens to that, nothing is shown.

/// What the person chose in the notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Accept,
    Decline,
    /// The notification itself was clicked: to see the window.
    Open,
}

#[cfg(target_os = "linux")]
pub(crate) use linux::Ringing;

/// Elsewhere nothing is shown.
#[cfg(not(target_os = "linux"))]
pub(crate) struct Ringing;

#[cfg(not(target_os = "linux"))]
impl Ringing {
    pub(crate) fn show(_room: &str, _answer: impl Fn(Answer) + Send + 'static) -> Self {
        Self
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::HashMap;
    use std::time::Duration;

    use call_engine::Phase;
    use futures_util::StreamExt as _;
    use tokio_util::sync::{CancellationToken, DropGuard};
    use zbus::zvariant::Value;
    use zbus::{Connection, MatchRule, MessageStream, message::Type};

    use super::Answer;
    use crate::face::words;

    const SERVICE: &str = "org.freedesktop.Notifications";
    const PATH: &str = "/org/freedesktop/Notifications";

    /// Signals that wait to be looked at: those of other programs come too, and are passed over at once.
    const SIGNALS: usize = 16;

    /// A desktop that does not answer is left alone.
    const PATIENCE: Duration = Duration::from_secs(5);

    /// Urgent: it stays until it is answered.
    const CRITICAL: u8 = 2;

    /// A notification that is shown. Dropping it takes it away.
    #[derive(Debug)]
    pub(crate) struct Ringing {
        _shown: DropGuard,
    }

    impl Ringing {
        /// Shows that somebody calls in `room`, and tells `answer` what the person chose there. Inside the runtime.
        pub(crate) fn show(room: &str, answer: impl Fn(Answer) + Send + 'static) -> Self {
            let (text, taken_away) = (words::phase(Phase::Ringing, room), CancellationToken::new());
            let shown = Self { _shown: taken_away.clone().drop_guard() };
            tokio::spawn(async move {
                let shown = async {
                    let bus = Connection::session().await?;
                    show(&bus, &text, answer, &taken_away).await
                };
                if let Err(error) = shown.await {
                    tracing::debug!(%error, "the desktop shows no notification");
                }
            });
            shown
        }
    }

    /// Shows it until it is answered or taken away.
    pub(super) async fn show(
        bus: &Connection,
        text: &str,
        answer: impl Fn(Answer),
        taken_away: &CancellationToken,
    ) -> zbus::Result<()> {
        let rule = MatchRule::builder().msg_type(Type::Signal).interface(SERVICE)?.path(PATH)?.build();
        // Before it is shown, so that no answer is missed.
        let mut signals = MessageStream::for_match_rule(rule, bus, Some(SIGNALS)).await?;
        let id = tokio::select! {
            id = tokio::time::timeout(PATIENCE, notify(bus, text)) => {
                id.map_err(|_| zbus::Error::Failure("it does not answer".to_owned()))??
            }
            () = taken_away.cancelled() => return Ok(()),
        };
        loop {
            let signal = tokio::select! {
                signal = signals.next() => signal,
                () = taken_away.cancelled() => break,
            };
            let Some(signal) = signal.transpose()? else { return Ok(()) };
            let (body, header) = (signal.body(), signal.header());
            match header.member().map(|member| member.as_str()) {
                Some("ActionInvoked") => {
                    let Ok((of, key)) = body.deserialize::<(u32, &str)>() else { continue };
                    if let Some(chosen) = chosen(key).filter(|_| of == id) {
                        answer(chosen);
                    }
                }
                Some("NotificationClosed") if body.deserialize::<(u32, u32)>().is_ok_and(|(of, _)| of == id) => {
                    return Ok(());
                }
                _ => {}
            }
        }
        bus.call_method(Some(SERVICE), PATH, Some(SERVICE), "CloseNotification", &id).await?;
        Ok(())
    }

    fn chosen(key: &str) -> Option<Answer> {
        match key {
            "accept" => Some(Answer::Accept),
            "decline" => Some(Answer::Decline),
            "default" => Some(Answer::Open),
            _ => None,
        }
    }

    async fn notify(bus: &Connection, text: &str) -> zbus::Result<u32> {
        let reply = bus.call_method(Some(SERVICE), PATH, Some(SERVICE), "GetCapabilities", &()).await?;
        let capabilities: Vec<String> = reply.body().deserialize()?;
        // A server without buttons would show them as nothing, or not at all.
        let buttons = capabilities.iter().any(|capability| capability == "actions");
        let actions: &[&str] = if buttons {
            &["default", words::DESKTOP_OPEN, "accept", words::DESKTOP_ACCEPT, "decline", words::DESKTOP_DECLINE]
        } else {
            &[]
        };
        let hints = HashMap::from([
            ("urgency", Value::from(CRITICAL)),
            ("category", Value::from("call.incoming")),
            ("desktop-entry", Value::from("ringback")),
        ]);
        // The text is the summary, which knows no markup; the body stays empty, and it does not go away by itself.
        let notification = ("Ringback", 0_u32, "ringback", text, "", actions, hints, 0_i32);
        let reply = bus.call_method(Some(SERVICE), PATH, Some(SERVICE), "Notify", &notification).await?;
        reply.body().deserialize()
    }

    #[cfg(test)]
    mod tests {
        use tokio::sync::mpsc;
        use zbus::object_server::SignalEmitter;

        use super::*;
        use crate::desktop::bus::Bus;

        /// A desktop that writes down what it is asked for.
        struct Desktop {
            capabilities: Vec<&'static str>,
            asked: mpsc::UnboundedSender<Asked>,
        }

        #[derive(Debug, PartialEq)]
        enum Asked {
            Show { text: String, actions: Vec<String>, urgency: Option<u8> },
            Close(u32),
        }

        #[zbus::interface(name = "org.freedesktop.Notifications")]
        impl Desktop {
            fn get_capabilities(&self) -> Vec<String> {
                self.capabilities.iter().map(|&name| name.to_owned()).collect()
            }

            #[allow(clippy::too_many_arguments, reason = "the specification has that many")]
            fn notify(
                &self,
                _program: &str,
                _replaces: u32,
                _icon: &str,
                summary: String,
                _body: &str,
                actions: Vec<String>,
                hints: HashMap<String, Value<'_>>,
                _timeout: i32,
            ) -> u32 {
                let urgency = hints.get("urgency").and_then(|value| value.downcast_ref::<u8>().ok());
                let _ = self.asked.send(Asked::Show { text: summary, actions, urgency });
                7
            }

            fn close_notification(&self, id: u32) {
                let _ = self.asked.send(Asked::Close(id));
            }

            #[zbus(signal)]
            async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, key: &str) -> zbus::Result<()>;

            #[zbus(signal)]
            async fn notification_closed(emitter: &SignalEmitter<'_>, id: u32, reason: u32) -> zbus::Result<()>;
        }

        async fn desktop(bus: &Bus, capabilities: Vec<&'static str>) -> (Connection, mpsc::UnboundedReceiver<Asked>) {
            let (asked, asks) = mpsc::unbounded_channel();
            let desktop = bus.serve(SERVICE, PATH, Desktop { capabilities, asked }).await;
            (desktop, asks)
        }

        #[tokio::test]
        async fn a_call_is_shown_answered_with_its_button_and_taken_away() {
            let Some(bus) = Bus::start() else { return };
            let (desktop, mut asks) = desktop(&bus, vec!["body", "actions"]).await;
            let (answers, mut answered) = mpsc::unbounded_channel();
            let ours = bus.connect().await;
            let taken_away = CancellationToken::new();
            let shown = tokio::spawn({
                let taken_away = taken_away.clone();
                async move {
                    let answer = move |answer| {
                        let _ = answers.send(answer);
                    };
                    show(&ours, "somebody calls", answer, &taken_away).await
                }
            });
            let Some(Asked::Show { text, actions, urgency }) = asks.recv().await else { panic!("not shown") };
            assert_eq!((text.as_str(), urgency), ("somebody calls", Some(CRITICAL)));
            assert_eq!(actions.iter().step_by(2).collect::<Vec<_>>(), ["default", "accept", "decline"]);

            let emitter = SignalEmitter::new(&desktop, PATH).expect("a valid path");
            for (id, key) in [(6, "accept"), (7, "snooze"), (7, "default"), (7, "accept"), (7, "decline")] {
                Desktop::action_invoked(&emitter, id, key).await.expect("the bus is there");
            }
            for expected in [Answer::Open, Answer::Accept, Answer::Decline] {
                assert_eq!(answered.recv().await, Some(expected));
            }
            taken_away.cancel();
            assert_eq!(asks.recv().await, Some(Asked::Close(7)));
            shown.await.expect("no panic").expect("taken away");
        }

        #[tokio::test]
        async fn a_desktop_without_buttons_is_sent_none_and_may_close_it() {
            let Some(bus) = Bus::start() else { return };
            let (desktop, mut asks) = desktop(&bus, vec!["body"]).await;
            let ours = bus.connect().await;
            let shown =
                tokio::spawn(async move { show(&ours, "somebody calls", |_| {}, &CancellationToken::new()).await });
            let Some(Asked::Show { actions, .. }) = asks.recv().await else { panic!("not shown") };
            assert!(actions.is_empty());
            let emitter = SignalEmitter::new(&desktop, PATH).expect("a valid path");
            Desktop::notification_closed(&emitter, 7, 2).await.expect("the bus is there");
            shown.await.expect("no panic").expect("closed");
        }

        #[tokio::test]
        async fn without_a_desktop_nothing_happens() {
            let Some(bus) = Bus::start() else { return };
            let ours = bus.connect().await;
            assert!(show(&ours, "somebody calls", |_| {}, &CancellationToken::new()).await.is_err());
        }
    }
}
