//! The bench: speed and cost of callers side by side, as one table with a ratio for each pair.
//! Rounds are compared one by one, so that a slow hour of the machine is in both values of a ratio.
//!
//! - [`fidelity`]: the measures of picture and speech that come from elsewhere.
//! - [`rows`]: what is measured, in which unit, and which way is better.
//! - [`results`]: the values that came, their medians and ratios; written as JSON.
//! - [`text`]: the table for people.

pub mod fidelity;
pub mod results;
pub mod rows;
pub mod text;

pub use results::Results;
pub use rows::{ROWS, Row};
