//! What a screen reader is told of the program's window: each control by role and name, and where it is.
//! The desktop is the test's own, and nothing but its accessibility bus (AT-SPI) can be started on it.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

pub use atspi::Role;
use atspi::proxy::accessible::AccessibleProxy;
use atspi::proxy::bus::{BusProxy, StatusProxy};
use atspi::proxy::cache::CacheProxy;
use atspi::proxy::component::ComponentProxy;
use atspi::proxy::text::TextProxy;
use atspi::{CacheItem, CoordType, State};
use tokio::runtime::{Builder, Runtime};
use zbus::Connection;

use crate::process::Process;
use crate::program::ringback;

/// Says to D-Bus which program is the accessibility bus.
const SERVICE: &str = "/usr/share/dbus-1/services/org.a11y.Bus.service";

/// Starting, joining and connecting take a moment on a busy machine.
const SOON: Duration = Duration::from_secs(30);

/// How often is looked.
const LOOK: Duration = Duration::from_millis(50);

/// A desktop with a screen reader.
pub struct Desktop {
    runtime: Runtime,
    reader: Connection,
    address: String,
    _bus: Process,
    _folder: tempfile::TempDir,
}

/// A control as the screen reader knows it.
#[derive(Clone, Debug)]
pub struct Control {
    /// What it is.
    pub role: Role,
    /// What it is called, or says.
    pub name: String,
    /// Whether it can have the keyboard's attention, as everything that can be used.
    pub is_focusable: bool,
    /// Whether it has it now.
    pub is_focused: bool,
    item: CacheItem,
}

impl Desktop {
    /// Starts it; where the accessibility bus is not installed, the test is skipped with a word about it.
    pub fn start() -> Option<Self> {
        if !Path::new(SERVICE).exists() {
            crate::skip::skip("the accessibility bus is not installed (at-spi2-core)");
            return None;
        }
        // Not in the target folder: a socket's path may not be longer than 107 bytes.
        let folder = tempfile::tempdir().expect("there is room for temporary files");
        let services = folder.path().join("services");
        std::fs::create_dir(&services).expect("a new folder is writable");
        std::fs::copy(SERVICE, services.join("org.a11y.Bus.service")).expect("everybody may read it");
        let configuration = folder.path().join("bus.conf");
        std::fs::write(&configuration, configured(folder.path())).expect("a new folder is writable");
        let mut command = Command::new("dbus-daemon");
        command.args(["--nofork", "--nopidfile", "--print-address"]).arg("--config-file").arg(&configuration);
        for name in ["HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"] {
            command.env(name, folder.path());
        }
        // No settings of the person are read or written, and no display is told of the bus.
        command.env("GSETTINGS_BACKEND", "memory").env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        let bus = Process::start("dbus-daemon", &mut command);
        let address = bus.line_out("unix:", SOON);

        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime of one thread");
        let reader =
            runtime.block_on(reader(&address)).unwrap_or_else(|error| bus.fail(&format!("has no AT-SPI: {error}")));
        Some(Self { runtime, reader, address, _bus: bus, _folder: folder })
    }

    /// What `DBUS_SESSION_BUS_ADDRESS` must be.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Everything in the program's window; nothing as long as there is no window.
    pub fn controls(&self) -> Vec<Control> {
        let items = self.runtime.block_on(items(&self.reader)).unwrap_or_default();
        let known = |item: CacheItem| Control {
            role: item.role,
            name: item.short_name.clone(),
            is_focusable: item.states.contains(State::Focusable),
            is_focused: item.states.contains(State::Focused),
            item,
        };
        items.into_iter().map(known).collect()
    }

    /// Looks until there is what `find` looks for, and gives it back.
    pub fn until<T>(&self, what: &str, find: impl Fn(&[Control]) -> Option<T>) -> T {
        let deadline = Instant::now() + SOON;
        loop {
            let controls = self.controls();
            if let Some(found) = find(&controls) {
                return found;
            }
            if Instant::now() > deadline {
                let all: String = controls.iter().map(|control| format!("\n  {control}")).collect();
                panic!("a screen reader finds no {what}, but{all}");
            }
            std::thread::sleep(LOOK);
        }
    }

    /// The control of this role and name, waited for.
    pub fn control(&self, role: Role, name: &str) -> Control {
        self.until(&format!("{role:?} {name:?}"), |controls| {
            controls.iter().find(|control| control.fits(role, name)).cloned()
        })
    }

    /// Where the middle of a control is, in pixels from the window's corner; waits until it has come to rest.
    pub fn middle(&self, role: Role, name: &str) -> [i32; 2] {
        let mut before = None;
        let deadline = Instant::now() + SOON;
        loop {
            let control = self.control(role, name);
            let place = self.runtime.block_on(place(&self.reader, &control.item)).ok();
            match place {
                Some((left, top, width, height)) if place == before && width > 0 && height > 0 => {
                    return [left + width / 2, top + height / 2];
                }
                _ => before = place,
            }
            assert!(Instant::now() < deadline, "{control} is at {place:?} and does not come to rest");
            std::thread::sleep(LOOK);
        }
    }

    /// What is written in a control.
    pub fn text(&self, control: &Control) -> String {
        self.runtime.block_on(text(&self.reader, &control.item)).unwrap_or_default()
    }
}

impl Control {
    /// Whether it is of this role and name.
    pub fn fits(&self, role: Role, name: &str) -> bool {
        self.role == role && self.name == name
    }

    /// Whether both are the same one, whatever it is called now.
    pub fn is(&self, other: &Self) -> bool {
        self.item.object == other.item.object
    }
}

impl std::fmt::Display for Control {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let focus = if self.is_focused { ", focused" } else { "" };
        write!(formatter, "{:?} {:?}{focus}", self.role, self.name)
    }
}

/// A bus for one person's programs, on which one service can be started.
fn configured(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "<busconfig>
           <type>session</type>
           <listen>unix:path={folder}/bus</listen>
           <servicedir>{folder}/services</servicedir>
           <policy context=\"default\">
             <allow send_destination=\"*\" eavesdrop=\"true\"/>
             <allow eavesdrop=\"true\"/>
             <allow own=\"*\"/>
           </policy>
         </busconfig>"
    )
}

/// Starts the accessibility bus, says that somebody uses it, and goes there.
async fn reader(session: &str) -> zbus::Result<Connection> {
    let session = zbus::connection::Builder::address(session)?.build().await?;
    let address = BusProxy::new(&session).await?.get_address().await?;
    StatusProxy::new(&session).await?.set_is_enabled(true).await?;
    zbus::connection::Builder::address(address.as_str())?.build().await
}

/// All that the program tells of its window.
async fn items(reader: &Connection) -> zbus::Result<Vec<CacheItem>> {
    let registry = AccessibleProxy::builder(reader)
        .destination("org.a11y.atspi.Registry")?
        .path("/org/a11y/atspi/accessible/root")?
        .build()
        .await?;
    let name = ringback().file_name().unwrap_or_default().to_string_lossy();
    for program in registry.get_children().await? {
        let Some(bus_name) = program.name_as_str() else { continue };
        let root = AccessibleProxy::builder(reader).destination(bus_name)?.path(program.path_as_str())?.build().await?;
        if root.name().await.is_ok_and(|known| known == name) {
            return CacheProxy::builder(reader).destination(bus_name)?.build().await?.get_items().await;
        }
    }
    Ok(Vec::new())
}

async fn place(reader: &Connection, item: &CacheItem) -> zbus::Result<(i32, i32, i32, i32)> {
    let (bus_name, path) = (item.object.name_as_str().unwrap_or_default(), item.object.path_as_str());
    let component = ComponentProxy::builder(reader).destination(bus_name)?.path(path)?.build().await?;
    component.get_extents(CoordType::Window).await
}

async fn text(reader: &Connection, item: &CacheItem) -> zbus::Result<String> {
    let (bus_name, path) = (item.object.name_as_str().unwrap_or_default(), item.object.path_as_str());
    let text = TextProxy::builder(reader).destination(bus_name)?.path(path)?.build().await?;
    text.get_text(0, -1).await
}
