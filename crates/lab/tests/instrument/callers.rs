//! Two made-up callers: what one sends arrives at the other as late as told, or not at all.
//! Time is computed, none passes.

use lab::figures::{SecondFigures, Totals};
use lab::judge::{Direction, Facts, LinkRow, judge};
use lab::media::scene::Scene;
use lab::media::{sound, stamp};
use lab::record::{PeerRecord, Record, Recorder, Second};
use media_core::{Picture, Size};

/// When the made-up runs begin, Unix time in microseconds.
pub(crate) const ZERO_US: u64 = 1_700_000_000_000_000;

/// Between two pictures, microseconds: 30 a second.
pub(crate) const INTERVAL_US: u64 = 33_333;

/// Microseconds from capture to render of the picture with this number; `None`: it is lost.
type Lateness = dyn Fn(u32) -> Option<u64>;

/// Changes a picture on its way; `false`: it is lost.
type Show = dyn FnMut(u32, &mut Picture) -> bool;

/// Changes what is played.
type Play = dyn Fn(&mut Vec<f32>);

/// How pictures and sound travel.
pub(crate) struct Path {
    pub(crate) size: Size,
    pub(crate) seconds: u64,
    pub(crate) picture: Box<Lateness>,
    pub(crate) show: Box<Show>,
    /// Microseconds from capture to play; `None`: nothing is heard.
    pub(crate) sound_us: Option<u64>,
    pub(crate) play: Box<Play>,
    pub(crate) link: Vec<LinkRow>,
    pub(crate) facts: Facts,
}

impl Path {
    /// Both as late as told.
    pub(crate) fn delayed(picture_ms: u64, sound_ms: u64) -> Self {
        Self {
            size: Size::new(320, 180).expect("possible"),
            seconds: 12,
            picture: Box::new(move |_| Some(picture_ms * 1_000)),
            show: Box::new(|_, _| true),
            sound_us: Some(sound_ms * 1_000),
            play: Box::new(|_| {}),
            link: Vec::new(),
            facts: Facts { zero_us: Some(ZERO_US), ..Facts::default() },
        }
    }

    /// The figures of a run over this path.
    pub(crate) fn judged(&mut self) -> (Totals, Vec<SecondFigures>) {
        let scene = Scene::draw(self.size);
        let folders = [(); 2].map(|()| tempfile::tempdir().expect("a temporary folder"));
        let [sender, receiver] = self.run(&scene, [folders[0].path(), folders[1].path()]);
        let direction = Direction {
            sender: &sender,
            receiver: &receiver,
            link: &self.link,
            facts: &self.facts,
            scene: Some(&scene),
        };
        judge(&direction).expect("the records are whole")
    }

    fn run(&mut self, scene: &Scene, folders: [&std::path::Path; 2]) -> [Record; 2] {
        let [mut sender, mut receiver] =
            folders.map(|folder| Recorder::create(folder).expect("the folder is writable"));
        let end_us = ZERO_US + self.seconds * 1_000_000;
        let captured = (0..).map(|index| (index, ZERO_US + u64::from(index) * INTERVAL_US));
        let mut arriving = Vec::new();
        for (index, captured_us) in captured.take_while(|(_, captured_us)| *captured_us < end_us) {
            sender.sent(index, captured_us);
            arriving.extend((self.picture)(index).map(|late_us| (captured_us + late_us, index, captured_us)));
        }
        arriving.sort_unstable();
        for (rendered_us, index, captured_us) in arriving {
            let mut picture = scene.picture(index).clone();
            stamp::draw(&mut picture, index, captured_us);
            if (self.show)(index, &mut picture) {
                receiver.rendered(rendered_us, &picture);
            }
        }
        for second in 0..self.seconds {
            let encoded = second * 30;
            sender.second(&Second {
                at_us: ZERO_US + second * 1_000_000,
                target_bps: Some(1e6),
                frames_encoded: Some(encoded),
                qp_sum: Some(encoded * 27),
                ..Second::default()
            });
        }
        if self.sound_us.is_some() {
            let samples = (self.seconds * u64::from(sound::RATE)) as usize;
            let mut played = sound::round().into_iter().cycle().take(samples).collect();
            (self.play)(&mut played);
            sound::save(&folders[1].join("sound.wav"), &played).expect("the folder is writable");
        }
        let peer = PeerRecord {
            name: "made up".into(),
            offer_us: Some(ZERO_US - 400_000),
            connected_us: Some(ZERO_US - 100_000),
            ended_us: Some(end_us),
            sound_sent_origin_us: Some(ZERO_US),
            sound_origin_us: self.sound_us.map(|late_us| ZERO_US + late_us),
            sound_samples: self.sound_us.map(|_| 1_000),
            sound_concealed_samples: self.sound_us.map(|_| 20),
            ..PeerRecord::default()
        };
        sender.finish(&peer).expect("the folder is writable");
        receiver.finish(&peer).expect("the folder is writable");
        folders.map(|folder| Record::read(folder).expect("as written"))
    }
}
