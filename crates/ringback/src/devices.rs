//! `ringback devices`: what this machine can see, hear and play.
//! Ids are printed as `--video-in`, `--audio-in` and `--audio-out` take them.

use std::fmt::Display;
use std::process::ExitCode;

use call_engine::devices::{AudioDeviceInfo, CameraInfo, DeviceList, list_cameras, list_microphones, list_speakers};
use serde_json::{Value, json};

use crate::cli::DevicesArgs;
use crate::terminal;

/// Lists the devices; none is no failure.
pub(crate) fn run(args: &DevicesArgs) -> anyhow::Result<ExitCode> {
    let cameras = list_cameras();
    let (microphones, speakers) = (known(list_microphones()), known(list_speakers()));
    if args.json {
        println!("{:#}", as_json(&DeviceList { cameras, microphones, speakers }));
        return Ok(ExitCode::SUCCESS);
    }
    section(
        "Cameras",
        "no camera was found",
        cameras.iter().map(|info| ("camera", &info.id, &info.name, false, formats(&info.formats))),
    );
    section(
        "Microphones",
        "no microphone was found",
        microphones.iter().map(|info| ("mic", &info.id, &info.name, info.default, formats(&info.formats))),
    );
    section(
        "Speakers",
        "no speaker was found",
        speakers.iter().map(|info| ("speaker", &info.id, &info.name, info.default, formats(&info.formats))),
    );
    Ok(ExitCode::SUCCESS)
}

/// The devices as `--json` and the control socket list them.
pub(crate) fn as_json(devices: &DeviceList) -> Value {
    json!({
        "schema": 1,
        "cameras": devices.cameras.iter().map(camera).collect::<Vec<_>>(),
        "microphones": devices.microphones.iter().map(audio).collect::<Vec<_>>(),
        "speakers": devices.speakers.iter().map(audio).collect::<Vec<_>>(),
    })
}

/// A sound system that does not answer is told of, and has no devices.
fn known<E: Display>(listed: Result<Vec<AudioDeviceInfo>, E>) -> Vec<AudioDeviceInfo> {
    listed.unwrap_or_else(|error| {
        terminal::warn(&error.to_string());
        Vec::new()
    })
}

fn section<'a>(
    title: &str,
    none: &str,
    devices: impl Iterator<Item = (&'a str, &'a String, &'a String, bool, Vec<String>)>,
) {
    println!("{title}");
    let mut found = false;
    for (kind, id, name, default, formats) in devices {
        found = true;
        println!("  {kind}:{id}  {name}{}", if default { "  (default)" } else { "" });
        for format in formats {
            println!("      {format}");
        }
    }
    if !found {
        println!("  {none}");
    }
}

fn formats(formats: &[impl ToString]) -> Vec<String> {
    formats.iter().map(ToString::to_string).collect()
}

fn camera(info: &CameraInfo) -> Value {
    json!({ "id": info.id, "name": info.name, "formats": formats(&info.formats) })
}

fn audio(info: &AudioDeviceInfo) -> Value {
    json!({ "id": info.id, "name": info.name, "default": info.default, "formats": formats(&info.formats) })
}
