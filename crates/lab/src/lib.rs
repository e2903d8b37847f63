//! Bad networks made to order, media that measures itself, and the comparison with other callers.
//! The instrument is tested before it is believed: known delay in is that delay out.
//!
//! - [`network`]: links that delay, lose, queue and stall, by a profile, in virtual or real time; in memory and between namespaces.
//! - [`media`]: pictures that carry their number and capture time, sound with marks at known times, and a scene to film.
//! - [`record`]: what a caller leaves of its run, the same files whoever the caller is.
//! - [`judge`]: what is computed from that, by the same rules for every caller.
//! - [`figures`]: the figures that come out.
//! - [`cost`], [`machine`]: what a caller costs, and the machine that it ran on.
//! - [`report`], [`baseline`]: what people and the guard against regressions see of it.
//! - [`mod@bench`]: speed and cost of callers side by side.
//! - [`run`]: the scenarios, and how callers are started in them.

pub mod baseline;
pub mod bench;
pub mod cost;
pub mod figures;
pub mod judge;
pub mod machine;
pub mod media;
pub mod network;
pub mod record;
pub mod report;
pub mod run;
