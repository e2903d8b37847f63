//! The pickers for camera, microphone and speaker, before and in a call.
//! They show what is there and what is in use, and give back what the person chose; nothing is opened here.

use call_engine::devices::{AudioDeviceInfo, DeviceList};
use call_engine::{AudioSink, AudioSource, FrameRate, MediaInUse, Size, VideoFormat, VideoSource};
use eframe::egui;
use egui::Ui;

use crate::face::words;

/// Formats that one camera's picker offers at most; some cameras name hundreds.
const MAX_FORMATS: usize = 24;

/// What the person chose.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    Video(VideoSource),
    Format(VideoFormat),
    Audio(AudioSource),
    Speaker(AudioSink),
    /// Let the speaker be heard.
    TestSound,
}

/// Draws the pickers. `format` is the wanted size and rate of the pictures where that can still be chosen.
pub(crate) fn pickers(
    ui: &mut Ui,
    list: &DeviceList,
    media: &MediaInUse,
    format: Option<VideoFormat>,
) -> Option<Change> {
    let mut change = None;
    let mut set = |new: Option<Change>| change = new.or(change.take());
    set(pick(ui, words::CAMERA, &cameras(list, media), &media.video_in).map(Change::Video));
    if let Some(problem) = problem(list, &media.video_in) {
        ui.label(problem);
    }
    if let Some(format) = format {
        let formats = formats(list, &media.video_in, format);
        set(pick(ui, words::CAMERA_FORMAT, &formats, &format).map(Change::Format));
    }
    set(pick(ui, words::MICROPHONE, &microphones(list, media), &media.audio_in).map(Change::Audio));
    set(pick(ui, words::SPEAKER, &speakers(list, media), &media.audio_out).map(Change::Speaker));
    set(ui.button(words::TEST_SOUND).clicked().then_some(Change::TestSound));
    change
}

/// One choice with its name above.
fn pick<T: Clone + PartialEq>(ui: &mut Ui, name: &str, entries: &[(T, String)], chosen: &T) -> Option<T> {
    let label = ui.label(name);
    let shown = entries.iter().find(|(value, _)| value == chosen).map_or("", |(_, text)| text.as_str());
    let mut picked = None;
    let response = egui::ComboBox::from_id_salt(name)
        .width(ui.available_width().min(360.0))
        .truncate()
        .selected_text(shown)
        .show_ui(ui, |ui| {
            for (value, text) in entries {
                if ui.selectable_label(value == chosen, text).clicked() {
                    picked = Some(value.clone());
                }
            }
        })
        .response;
    response.labelled_by(label.id);
    picked.filter(|value| value != chosen)
}

/// The entries for all devices, and one for what was chosen and is not among them: a file, or a device that is gone.
fn with_chosen<T: Clone + PartialEq + ToString>(mut entries: Vec<(T, String)>, chosen: &T) -> Vec<(T, String)> {
    if entries.iter().all(|(value, _)| value != chosen) {
        entries.push((chosen.clone(), chosen.to_string()));
    }
    entries
}

fn cameras(list: &DeviceList, media: &MediaInUse) -> Vec<(VideoSource, String)> {
    let found = media.camera.as_deref().filter(|_| media.video_in == VideoSource::Auto);
    let mut entries = vec![(VideoSource::Auto, words::automatic(found))];
    entries.extend(list.cameras.iter().map(|info| (VideoSource::Camera(info.id.clone()), info.name.clone())));
    entries.push((VideoSource::TestCard, words::TEST_PICTURE.to_owned()));
    entries.push((VideoSource::None, words::NO_CAMERA.to_owned()));
    with_chosen(entries, &media.video_in)
}

/// Why the chosen camera cannot be used, where that is known.
fn problem(list: &DeviceList, source: &VideoSource) -> Option<String> {
    let chosen = match source {
        VideoSource::Camera(id) => list.cameras.iter().find(|info| info.id == *id),
        VideoSource::Auto => list.cameras.first(),
        _ => None,
    };
    chosen?.problem.as_ref().map(ToString::to_string)
}

/// What the camera offers, as sizes and rates that a call can send; the wanted one is among them.
fn formats(list: &DeviceList, source: &VideoSource, wanted: VideoFormat) -> Vec<(VideoFormat, String)> {
    let camera = match source {
        VideoSource::Camera(id) => list.cameras.iter().find(|info| info.id == *id),
        _ => list.cameras.first(),
    };
    let mut formats = vec![wanted];
    for offered in camera.map(|info| info.formats.as_slice()).unwrap_or_default() {
        let (size, rate) = (format!("{}x{}", offered.width, offered.height), offered.frame_rate.to_string());
        if let (Ok(size), Ok(frame_rate)) = (size.parse::<Size>(), rate.parse::<FrameRate>())
            && formats.iter().all(|known| known.size != size || known.frame_rate != frame_rate)
        {
            formats.push(VideoFormat { size, frame_rate });
        }
    }
    formats.sort_by_key(|format| std::cmp::Reverse((format.size.pixels(), format.frame_rate.to_string())));
    if let Some(place) = formats.iter().position(|format| *format == wanted).filter(|place| *place >= MAX_FORMATS) {
        formats.swap(place, MAX_FORMATS - 1);
    }
    formats.truncate(MAX_FORMATS);
    formats.into_iter().map(|format| (format, format!("{}, {} pictures/s", format.size, format.frame_rate))).collect()
}

fn audio_name(info: &AudioDeviceInfo) -> String {
    info.name.clone()
}

fn microphones(list: &DeviceList, media: &MediaInUse) -> Vec<(AudioSource, String)> {
    let found = media.microphone.as_deref().filter(|_| media.audio_in == AudioSource::Auto);
    let mut entries = vec![(AudioSource::Auto, words::automatic(found))];
    entries.extend(list.microphones.iter().map(|info| (AudioSource::Microphone(info.id.clone()), audio_name(info))));
    entries.push((AudioSource::None, words::NO_MICROPHONE.to_owned()));
    with_chosen(entries, &media.audio_in)
}

fn speakers(list: &DeviceList, media: &MediaInUse) -> Vec<(AudioSink, String)> {
    let found = media.speaker.as_deref().filter(|_| media.audio_out == AudioSink::Auto);
    let mut entries = vec![(AudioSink::Auto, words::automatic(found))];
    entries.extend(list.speakers.iter().map(|info| (AudioSink::Speaker(info.id.clone()), audio_name(info))));
    entries.push((AudioSink::None, words::NO_SPEAKER.to_owned()));
    with_chosen(entries, &media.audio_out)
}
