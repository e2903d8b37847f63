//! One call between two peers as pure state machines: the session, perfect negotiation and the reasons a call ends.
//! Nothing here reads a clock, rolls dice or touches the network: the shell hands in events and the time, and carries out the outputs.
//!
//! [`Session`] is the one to start with. Its shell is a loop: feed [`Input::Start`], carry out everything that
//! [`Session::poll`] yields, then wait for the next event or for [`Session::deadline`], whichever comes first.
//!
//! ```
//! use call_core::{Input, Output, Phase, Session, SessionConfig, SignalCommand};
//! use std::time::Instant;
//!
//! fn begin(now: Instant) -> Session {
//!     let mut session = Session::new(SessionConfig::default(), now);
//!     session.handle(now, Input::Start);
//!     assert_eq!(session.poll(), Some(Output::Phase(Phase::Joining)));
//!     assert_eq!(session.poll(), Some(Output::Signal(SignalCommand::Connect)));
//!     session
//! }
//! ```

mod backoff;
mod capabilities;
mod description;
mod end;
mod ice_servers;
mod names;
mod negotiator;
mod role;
mod secret;
mod session;

pub use backoff::Backoff;
pub use capabilities::PeerCapabilities;
pub use description::{Candidate, Description, DescriptionKind, IceServer};
pub use end::EndReason;
pub use names::{RoomId, RoomIdError};
pub use negotiator::{Negotiator, NegotiatorInput, NegotiatorOutput};
pub use role::Role;
pub use secret::Secret;
pub use session::{
    Input, Output, PeerAction, PeerEvent, Phase, Reject, Session, SessionConfig, SignalCommand, SignalingEvent,
    Timeouts, Timer,
};
