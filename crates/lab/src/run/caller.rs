//! The callers that can be measured: how each is installed, how it is started, and what it can do.
//! All obey the orders and leave the records of [`crate::record`].

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;

use super::installed;

/// The programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Program {
    Ringback,
    Chromium,
    Aiortc,
    LibwebrtcNode,
    Datachannel,
}

/// A program, and the codec of its pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    program: Program,
    codec: &'static str,
}

/// What a caller is started for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// A call with sound and pictures.
    Call,
    /// A measurement of data channels.
    Data,
}

/// No such caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no caller {0:?}: there are ringback, chromium, chromium/vp8, aiortc, aiortc/vp8, libwebrtc and datachannel"
)]
pub struct UnknownCaller(String);

/// Where the parts of a caller are.
#[derive(Clone, Debug)]
pub struct Places {
    /// The `ringback` program.
    pub ringback: PathBuf,
    /// The folder with the sources of the other callers.
    pub sources: PathBuf,
    /// A folder to install their packages in.
    pub packages: PathBuf,
}

/// An installed caller, ready to be started.
#[derive(Clone, Debug)]
pub struct Ready {
    program: PathBuf,
    /// For a call, and for a measurement of data channels.
    arguments: [PathBuf; 2],
    environment: Vec<(&'static str, PathBuf)>,
}

impl Caller {
    /// Ourselves.
    pub const RINGBACK: Self = Self { program: Program::Ringback, codec: "h264" };

    /// Its name in tables: `chromium/vp8`.
    #[must_use]
    pub fn name(self) -> String {
        let program = match self.program {
            Program::Ringback => return "ringback".to_owned(),
            Program::Chromium => "chromium",
            Program::Aiortc => "aiortc",
            Program::LibwebrtcNode => "libwebrtc",
            Program::Datachannel => return "datachannel".to_owned(),
        };
        if self.codec == "h264" { program.to_owned() } else { format!("{program}/{}", self.codec) }
    }

    /// What its pictures are encoded with: `h264` or `vp8`.
    #[must_use]
    pub fn codec(self) -> &'static str {
        self.codec
    }

    /// Whether it makes calls with sound and pictures.
    #[must_use]
    pub fn has_media(self) -> bool {
        self.program != Program::Datachannel
    }

    /// Whether it measures data channels; under the name of another codec it would be the same again.
    #[must_use]
    pub fn has_data(self) -> bool {
        matches!(self.program, Program::Ringback | Program::Chromium | Program::Datachannel) && self.codec == "h264"
    }

    /// Bytes on disk that a person installs to have it, its runtime included; Python is on most machines and does not count.
    #[must_use]
    pub fn installed_bytes(self, places: &Places) -> Option<u64> {
        let with_node = |folder: &str| {
            Some(installed::bytes(&places.packages.join(folder))? + installed::bytes(&installed::on_path("node")?)?)
        };
        match self.program {
            Program::Ringback => installed::bytes(&places.ringback),
            Program::Chromium => installed::bytes(&installed::browser()?),
            Program::Aiortc => installed::bytes(&places.packages.join("aiortc")),
            Program::LibwebrtcNode => with_node("libwebrtc-node"),
            Program::Datachannel => with_node("datachannel"),
        }
    }

    /// Installs what it needs, if it is not there yet.
    ///
    /// # Errors
    /// One line that says what could not be installed.
    pub fn ready(self, places: &Places) -> Result<Ready, String> {
        let both = |argument: PathBuf| [argument.clone(), argument];
        let source = |path: &str| places.sources.join(path);
        let node = |folder: &str| -> Result<Ready, String> {
            let modules = install_npm(&source(folder), &places.packages.join(folder))?;
            Ok(Ready {
                program: "node".into(),
                arguments: both(source(folder).join("caller.mjs")),
                environment: vec![("LAB_MODULES", modules)],
            })
        };
        match self.program {
            Program::Ringback => {
                let arguments = ["lab-caller", "lab-data"].map(PathBuf::from);
                Ok(Ready { program: places.ringback.clone(), arguments, environment: Vec::new() })
            }
            Program::Chromium => node("chromium"),
            Program::LibwebrtcNode => node("libwebrtc-node"),
            Program::Datachannel => node("datachannel"),
            Program::Aiortc => {
                let program = install_pip(&source("aiortc"), &places.packages.join("aiortc"))?;
                let arguments = both(source("aiortc").join("caller.py"));
                Ok(Ready { program, arguments, environment: Vec::new() })
            }
        }
    }
}

impl FromStr for Caller {
    type Err = UnknownCaller;

    fn from_str(text: &str) -> Result<Self, UnknownCaller> {
        let (program, codec) = match text.split_once('/') {
            Some((program, codec)) => (program, Some(codec)),
            None => (text, None),
        };
        let (program, codecs): (_, &[&str]) = match program {
            "ringback" => (Program::Ringback, &["h264"]),
            "chromium" => (Program::Chromium, &["h264", "vp8"]),
            "aiortc" => (Program::Aiortc, &["h264", "vp8"]),
            // Its packages are built without H.264.
            "libwebrtc" => (Program::LibwebrtcNode, &["vp8"]),
            "datachannel" => (Program::Datachannel, &["h264"]),
            _ => return Err(UnknownCaller(text.to_owned())),
        };
        let codec = codecs.iter().find(|known| codec.is_none_or(|codec| codec == **known));
        Ok(Self { program, codec: codec.ok_or_else(|| UnknownCaller(text.to_owned()))? })
    }
}

impl Ready {
    /// The program to start, found on the path where it has none.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Adds its arguments and its part of the environment.
    pub fn complete<'a>(&self, work: Work, command: &'a mut Command) -> &'a mut Command {
        let [call, data] = &self.arguments;
        let argument = match work {
            Work::Call => call,
            Work::Data => data,
        };
        command.arg(argument).envs(self.environment.iter().map(|(name, value)| (name, value)))
    }
}

/// Installs what a `package.json` names and gives the folder that holds it.
fn install_npm(source: &Path, folder: &Path) -> Result<PathBuf, String> {
    let wanted = source.join("package.json");
    let installed = folder.join("package.json");
    let same = fs::read(&installed).is_ok_and(|there| fs::read(&wanted).is_ok_and(|wanted| wanted == there));
    if !same || !folder.join("node_modules").is_dir() {
        fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        let _ = fs::remove_file(&installed);
        let stage = folder.join("new");
        fs::create_dir_all(&stage).map_err(|error| format!("cannot make {}: {error}", stage.display()))?;
        fs::copy(&wanted, stage.join("package.json"))
            .map_err(|error| format!("cannot copy {}: {error}", wanted.display()))?;
        quietly(
            Command::new("npm").args(["install", "--no-package-lock", "--no-audit", "--no-fund"]).current_dir(&stage),
        )?;
        let _ = fs::remove_dir_all(folder.join("node_modules"));
        for name in ["node_modules", "package.json"] {
            fs::rename(stage.join(name), folder.join(name))
                .map_err(|error| format!("cannot install {name}: {error}"))?;
        }
    }
    Ok(folder.to_owned())
}

/// Installs what a `requirements.txt` names into an environment of its own and gives its interpreter.
pub(crate) fn install_pip(source: &Path, folder: &Path) -> Result<PathBuf, String> {
    let wanted = source.join("requirements.txt");
    let installed = folder.join("requirements.txt");
    let python = folder.join("bin/python");
    if fs::read(&installed).ok() != fs::read(&wanted).ok() || !python.is_file() {
        quietly(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        quietly(Command::new(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(&wanted))?;
        fs::copy(&wanted, &installed).map_err(|error| format!("cannot copy {}: {error}", wanted.display()))?;
    }
    Ok(python)
}

/// Runs a command; on failure its last line tells why.
fn quietly(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{name} did not start: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no reason given").to_owned();
    Err(format!("{name} failed: {last}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for name in ["ringback", "chromium", "chromium/vp8", "aiortc", "aiortc/vp8", "libwebrtc/vp8", "datachannel"] {
            assert_eq!(name.parse::<Caller>().map(Caller::name).as_deref(), Ok(name));
        }
        assert_eq!("libwebrtc".parse::<Caller>().map(Caller::name).as_deref(), Ok("libwebrtc/vp8"));
        for name in ["", "firefox", "ringback/vp8", "chromium/", "chromium/av1", "libwebrtc/h264"] {
            assert!(name.parse::<Caller>().is_err(), "{name}");
        }
    }

    #[test]
    fn ringback_needs_nothing_to_be_ready() {
        let places = Places { ringback: "ringback".into(), sources: "callers".into(), packages: "packages".into() };
        let ready = Caller::RINGBACK.ready(&places).expect("it is built");
        let mut command = Command::new(ready.program());
        assert_eq!(ready.complete(Work::Data, &mut command).get_args().collect::<Vec<_>>(), ["lab-data"]);
    }
}
