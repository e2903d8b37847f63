//! A whole call: plain-data commands in, events and snapshots out.
