//! What a program may ask over the control socket, as plain data.
//! Words for devices, servers and sizes are as they were given; whoever grants a wish knows which there are.

/// What is asked for. Words for devices, servers and sizes are as they were given, and not checked yet.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// Take the call that rings.
    Accept,
    /// The same, with the camera off.
    AcceptWithoutCamera,
    /// Do not take it.
    Decline,
    /// End the call, or give up one that is being placed.
    HangUp,
    /// Unmute or mute.
    Microphone(bool),
    /// Camera on or off.
    Camera(bool),
    /// Pictures come from there.
    VideoSource(String),
    /// Sound comes from there.
    AudioSource(String),
    /// Sound goes there.
    AudioSink(String),
    /// This is said to the peer.
    Chat(String),
    /// The line that is to be given to the other, in a call by hand.
    Line,
    /// The line that the other gave, in a call by hand.
    Paste(String),
    /// The state of the call.
    Snapshot,
    /// How loud it is.
    Levels,
    /// How others come into the room.
    Invitation,
    /// Which page there is.
    Page,
    /// The rooms that were called.
    Rooms,
    /// The devices of this machine.
    Devices,
    /// Place this call.
    Call(Box<CallWish>),
    /// Place the last call once more.
    CallAgain,
    /// Leave the page of a call that is over.
    StartPage,
    /// Open camera and microphone before a call, or let them go.
    Preview(Option<MediaWish>),
    /// Play the test sound, there or where sound goes now.
    TestSound(Option<String>),
    /// The window fills the screen, or does not any more.
    FullScreen(bool),
    /// Something beside the pictures is shown or closed.
    Panel {
        /// What.
        panel: Panel,
        /// Whether it is to be seen.
        on: bool,
    },
    /// Large and small picture change places.
    Swap,
    /// The window is light or dark.
    Theme(Theme),
    /// The window comes to the front.
    Raise,
    /// The program ends.
    Quit,
    /// To be told of what happens, from now on; the answer holds the state.
    Subscribe(Subscription),
    /// Not to be told any more.
    Unsubscribe,
}

/// A call, as far as it is named; the rest is as it was chosen last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallWish {
    /// The room.
    pub room: Option<String>,
    /// The signaling server; without one the room is found on this machine or network, or hosted.
    pub server: Option<String>,
    /// Devices, files and other sources.
    pub media: MediaWish,
    /// The size of the pictures that are sent.
    pub size: Option<String>,
    /// Pictures a second that are sent.
    pub fps: Option<u64>,
    /// Whether a call is taken without asking.
    pub auto_accept: Option<bool>,
}

/// Sources and sink, as far as they are named.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MediaWish {
    /// As `--video-in` has it.
    pub video_source: Option<String>,
    /// As `--audio-in` has it.
    pub audio_source: Option<String>,
    /// As `--audio-out` has it.
    pub audio_sink: Option<String>,
}

/// What can be opened in the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Panel {
    /// The chat.
    Chat,
    /// The pickers of devices.
    Devices,
    /// Figures and curves.
    Statistics,
    /// The keys.
    Help,
}

/// Light or dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// As the desktop wishes.
    System,
    /// Light in any case.
    Light,
    /// Dark in any case.
    Dark,
}

/// What a program wants to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Each event.
    pub events: bool,
    /// The page whenever it changed.
    pub pages: bool,
    /// The state whenever it changed.
    pub snapshots: bool,
    /// How loud it is, all the time.
    pub levels: bool,
    /// The devices whenever one comes or goes.
    pub devices: bool,
    /// How often at most states and levels are told, a second.
    pub a_second: u64,
}
