//! The instrument is tested before it is believed: what is injected is what is reported, and nothing else.
//! The callers here are made up; they write their records as real ones do, in no time at all.

mod callers;
mod codecs;
mod injected;
