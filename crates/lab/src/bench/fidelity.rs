//! How much of picture and speech is left, by the measures that others trust: VMAF, PESQ and STOI.
//! They come from PyPI and run in an environment of their own; a measure that cannot be had is a line that says why.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use media_core::Size;
use serde::Deserialize;

use crate::run::caller::install_pip;

/// The installed measures.
#[derive(Clone, Debug)]
pub struct Fidelity {
    python: PathBuf,
    program: PathBuf,
}

/// Of pictures.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Pictures {
    /// Mean VMAF, 0 to 100.
    pub vmaf_mean: Option<f64>,
    /// Why it was not measured.
    pub reason: Option<String>,
}

/// Of speech.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Speech {
    /// Wide-band PESQ (ITU-T P.862.2), mean opinion score.
    pub pesq: Option<f64>,
    /// STOI, 0 to 1.
    pub stoi: Option<f64>,
    /// Why they were not measured.
    pub reason: Option<String>,
}

impl Fidelity {
    /// Installs them, if they are not there yet; `source` holds the program, `folder` takes the packages.
    ///
    /// # Errors
    /// One line that says what could not be installed.
    pub fn ready(source: &Path, folder: &Path) -> Result<Self, String> {
        Ok(Self { python: install_pip(source, folder)?, program: source.join("fidelity.py") })
    }

    /// Compares the pictures that a caller kept with what was filmed.
    ///
    /// # Errors
    /// One line that says what failed.
    pub fn pictures(&self, scene: &Path, size: Size, caller: &Path) -> Result<Pictures, String> {
        let size = format!("{}x{}", size.width, size.height);
        self.ask(&["pictures".as_ref(), scene, size.as_ref(), caller])
    }

    /// Compares what a caller played with the speech that was sent over and over.
    ///
    /// # Errors
    /// One line that says what failed.
    pub fn speech(&self, sent: &Path, played: &Path) -> Result<Speech, String> {
        self.ask(&["speech".as_ref(), sent, played])
    }

    /// Makes a file of spoken sentences.
    ///
    /// # Errors
    /// One line that says what is missing.
    pub fn make_speech(&self, file: &Path) -> Result<(), String> {
        self.run(&["make-speech".as_ref(), file]).map(drop)
    }

    fn ask<T: for<'a> Deserialize<'a>>(&self, arguments: &[&Path]) -> Result<T, String> {
        serde_json::from_slice(&self.run(arguments)?).map_err(|error| format!("fidelity.py: {error}"))
    }

    fn run(&self, arguments: &[&Path]) -> Result<Vec<u8>, String> {
        let mut command = Command::new(&self.python);
        command.arg(&self.program).args(arguments).stdin(Stdio::null());
        let output = command.output().map_err(|error| format!("python did not start: {error}"))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("fidelity.py failed").to_owned())
    }
}
