//! The embedded signaling server: rooms of two peers over the Ayame protocol, the browser page, and discovery on the LAN.
//! It introduces two peers to each other and then is not needed: a call goes on when this server dies.
//!
//! Every rule of the rooms lives in [`rooms`], a state machine that is told the time; [`Server`] gives it sockets.
//!
//! ```no_run
//! # async fn serve() -> Result<(), signaling_server::ServerError> {
//! use signaling_server::{Server, ServerConfig};
//!
//! let server = Server::start(ServerConfig::default()).await?;
//! println!("peers join at {}", server.signaling_url());
//! server.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod accept;
mod address;
mod admission;
mod config;
mod connection;
pub mod discovery;
mod http;
mod hub;
mod message;
mod page;
mod rate;
pub mod rooms;
mod server;
mod tls;
mod turn;
mod ulid;

pub use address::reachable;
pub use config::{Limits, ServerConfig, Tls};
pub use server::{Server, ServerError, page_url};
pub use tls::TlsError;
pub use turn::Turn;
