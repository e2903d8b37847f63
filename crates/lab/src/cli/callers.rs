//! What `lab run` and `lab bench` have in common: where callers are, who is asked for, and what is filmed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lab::media::scene::Scene;
use lab::media::sound;
use lab::run::caller::{Caller, Places, Ready};
use lab::run::stage::Stage;
use media_core::Size;

/// A caller, and whether it could be installed.
pub(crate) type Installed = (Caller, Result<Ready, String>);

/// The folder cargo builds into: this program lies in one below it.
pub(crate) fn target() -> PathBuf {
    let program = std::env::current_exe().ok();
    program.as_deref().and_then(|program| program.ancestors().nth(2)).unwrap_or(Path::new("target")).to_path_buf()
}

/// The folder of the lab's own sources that is called so.
pub(crate) fn sources(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Makes the folder for reports and records, and finds what is in it and beside it.
pub(crate) fn places(folder: &Path) -> Result<(PathBuf, Places), String> {
    let folder = std::path::absolute(folder).map_err(|error| error.to_string())?;
    fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    let ringback = std::env::var_os("RINGBACK_BIN").map_or_else(|| target().join("release/ringback"), PathBuf::from);
    if !ringback.is_file() {
        return Err(format!("{} is not there: `cargo xtask lab` builds it", ringback.display()));
    }
    let places = Places { ringback, sources: sources("callers"), packages: folder.join("callers") };
    Ok((folder, places))
}

/// Names with commas between them as callers; `none` is nobody.
pub(crate) fn named(names: &str) -> Result<Vec<Caller>, String> {
    let names = names.split(',').filter(|name| *name != "none");
    names.map(|name| name.parse().map_err(|error| format!("--vs: {error}"))).collect()
}

/// Ourselves and these, installed where that can be done.
pub(crate) fn install(callers: &[Caller], places: &Places) -> Vec<Installed> {
    let all = std::iter::once(Caller::RINGBACK).chain(callers.iter().copied());
    all.map(|caller| (caller, caller.ready(places))).collect()
}

/// `WIDTHxHEIGHT`.
pub(crate) fn size(text: &str) -> Result<Size, String> {
    let read = || {
        let (width, height) = text.split_once('x')?;
        Size::new(width.parse().ok()?, height.parse().ok()?).ok()
    };
    read().ok_or_else(|| format!("--size {text}: write WIDTHxHEIGHT, both even"))
}

/// What all runs have in common besides what is filmed and heard, which is written into `folder`.
pub(crate) fn stage(
    folder: &Path,
    places: &Places,
    size: Size,
    frame_rate: u32,
    max_bitrate: u64,
    seed: u64,
) -> Result<Stage, String> {
    let (scene_file, sound_file) = (folder.join("scene.i420"), folder.join("sound.wav"));
    let scene = Arc::new(Scene::draw(size));
    let written = scene.save(&scene_file).and_then(|()| sound::save(&sound_file, &sound::round()));
    written.map_err(|error| format!("cannot write to {}: {error}", folder.display()))?;
    let (ringback, folder) = (places.ringback.clone(), folder.join("runs"));
    Ok(Stage { ringback, scene, scene_file, sound_file, size, frame_rate, max_bitrate, seed, folder })
}
