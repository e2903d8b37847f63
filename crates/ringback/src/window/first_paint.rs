//! When the window could be seen first: the moment at which the first frame had been handed to the screen.
//! A frame is handed over after it is drawn, so that the next drawing is the first to know.

use eframe::egui;

use crate::process;

/// How many frames were drawn, as far as that matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FirstPaint {
    /// None.
    #[default]
    Awaited,
    /// One.
    Drawn,
    /// The first one was handed over.
    Seen,
}

impl FirstPaint {
    /// A frame is about to be drawn.
    pub(crate) fn drawing(&mut self, context: &egui::Context) {
        *self = match self {
            Self::Awaited => {
                context.request_repaint();
                Self::Drawn
            }
            Self::Drawn => {
                process::painted();
                Self::Seen
            }
            Self::Seen => return,
        };
    }
}
