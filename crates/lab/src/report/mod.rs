//! What comes out of the lab for people and programs: the comparison with a peer, and everything it was computed from.
//! Plain data becomes JSON with a schema, a table for the terminal, Markdown, and one page without outside assets.
//!
//! - [`measure`]: which figures are compared, in which unit, and which way is better.
//! - [`table`]: the comparison of us and a peer as plain data.
//! - [`text`]: the same for the terminal and for a README.
//! - [`json`]: the whole report and its schema.
//! - [`html`]: the page with the curves over time.

mod chart;
mod curves;
pub mod html;
pub mod json;
pub mod measure;
#[cfg(test)]
mod sample;
pub mod table;
pub mod text;

pub use json::Report;
pub use table::{Comparison, Pair};
