//! Whether the desktop is light or dark, where windows are not told by themselves: on Linux its settings portal says so.
//! A desktop without that portal leaves the choice to the window.

use eframe::egui::ThemePreference;
use tokio::sync::watch;

/// The desktop's wish, now and whenever it changes. Inside the runtime.
pub(crate) fn watch() -> watch::Receiver<ThemePreference> {
    let (told, wish) = watch::channel(ThemePreference::System);
    #[cfg(target_os = "linux")]
    tokio::spawn(async move {
        if let Err(error) = portal::listen(&told).await {
            tracing::debug!(%error, "the desktop does not say whether it is dark");
        }
    });
    #[cfg(not(target_os = "linux"))]
    drop(told);
    wish
}

#[cfg(target_os = "linux")]
mod portal {
    use eframe::egui::ThemePreference;
    use futures_util::StreamExt as _;
    use tokio::sync::watch;
    use zbus::zvariant::{OwnedValue, Value};

    const SERVICE: &str = "org.freedesktop.portal.Desktop";
    const PATH: &str = "/org/freedesktop/portal/desktop";
    const SETTINGS: &str = "org.freedesktop.portal.Settings";
    const APPEARANCE: &str = "org.freedesktop.appearance";
    const SCHEME: &str = "color-scheme";

    /// Tells until the bus or the window is gone.
    pub(super) async fn listen(told: &watch::Sender<ThemePreference>) -> zbus::Result<()> {
        let bus = zbus::Connection::session().await?;
        let settings = zbus::Proxy::new(&bus, SERVICE, PATH, SETTINGS).await?;
        let mut changes = settings.receive_signal("SettingChanged").await?;
        let now: OwnedValue = settings.call("Read", &(APPEARANCE, SCHEME)).await?;
        told.send_replace(wish(&now));
        loop {
            let change = tokio::select! {
                change = changes.next() => change,
                () = told.closed() => None,
            };
            let Some(change) = change else { return Ok(()) };
            let body = change.body();
            let (group, key, value): (&str, &str, Value<'_>) = body.deserialize()?;
            if (group, key) == (APPEARANCE, SCHEME) {
                told.send_replace(wish(&value));
            }
        }
    }

    /// What the portal's number means (org.freedesktop.portal.Settings, color-scheme); it comes in a box or two.
    fn wish(value: &Value<'_>) -> ThemePreference {
        match value {
            Value::Value(inner) => wish(inner),
            Value::U32(1) => ThemePreference::Dark,
            Value::U32(2) => ThemePreference::Light,
            _ => ThemePreference::System,
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_portals_numbers_are_understood_in_and_out_of_their_box() {
            for (number, expected) in
                [(0_u32, ThemePreference::System), (1, ThemePreference::Dark), (2, ThemePreference::Light)]
            {
                assert_eq!(wish(&Value::U32(number)), expected);
                assert_eq!(wish(&Value::Value(Box::new(Value::U32(number)))), expected);
            }
            assert_eq!(wish(&Value::from("dark")), ThemePreference::System);
        }
    }
}
