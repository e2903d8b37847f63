//! When the window could be seen first: the moment at which the first frame had been handed to the screen.
//! A frame is handed over after it is drawn, maybe in several passes, so that the next frame is the first to know.

use eframe::egui;

use crate::process;

/// How many frames were drawn, as far as that matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FirstPaint {
    /// None.
    #[default]
    Awaited,
    /// This one.
    Drawn(u64),
    /// The first one was handed over.
    Seen,
}

impl FirstPaint {
    /// A frame is about to be drawn.
    pub(crate) fn drawing(&mut self, context: &egui::Context) {
        *self = match self {
            Self::Awaited => {
                context.request_repaint();
                Self::Drawn(context.cumulative_frame_nr())
            }
            Self::Drawn(first) if *first < context.cumulative_frame_nr() => {
                process::painted();
                Self::Seen
            }
            Self::Drawn(_) | Self::Seen => return,
        };
    }
}
