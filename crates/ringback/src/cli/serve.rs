//! `ringback serve`: its options, their defaults and their help.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use call_engine::{RoomId, Secret};
use clap::Args;

use super::values::{IceServers, duration, ice_servers, room, secret, turn_url};

/// `ringback serve`.
#[derive(Args, Debug)]
pub(crate) struct ServeArgs {
    /// Where to listen. Other addresses than loopback are served over https with a self-signed certificate,
    /// unless --tls-cert and --tls-key are given.
    #[arg(long, default_value = "127.0.0.1:7550", value_name = "ADDR:PORT")]
    pub(crate) listen: SocketAddr,
    /// Ask every client for this key.
    #[arg(long, env = "RINGBACK_KEY", hide_env_values = true, value_parser = secret)]
    pub(crate) key: Option<Secret>,
    /// Read that key from this file; it goes before --key and RINGBACK_KEY.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Certificate chain (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Private key (PEM) of --tls-cert.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Serve plain http and ws on addresses other than loopback too (behind a proxy that does TLS).
    #[arg(long)]
    pub(crate) insecure_plain: bool,
    /// Let pages of this origin join (https://host); may be repeated. The server's own page always may.
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) allow_origin: Vec<String>,
    /// STUN or TURN server that clients are told of, or @FILE with such lines; may be repeated.
    #[arg(long, value_name = "URL[,USER,PASSWORD]|@FILE", env = "RINGBACK_ICE_SERVER", hide_env_values = true, value_parser = ice_servers)]
    pub(crate) ice_server: Vec<IceServers>,
    /// TURN server that clients get credentials of their own for (turn:HOST:PORT or turns:HOST:PORT; may be repeated). It
    /// shares a secret with this server, as coturn does with use-auth-secret.
    #[arg(long, value_name = "URL", value_parser = turn_url)]
    pub(crate) turn: Vec<String>,
    /// File with the secret that is shared with the servers of --turn (or RINGBACK_TURN_SECRET holds it).
    #[arg(long, value_name = "FILE", requires = "turn")]
    pub(crate) turn_secret_file: Option<PathBuf>,
    /// How long the credentials for --turn let a client in; those who stay get others at half of that time.
    #[arg(long, default_value = "24h", value_name = "TIME", value_parser = duration)]
    pub(crate) turn_ttl: Duration,
    /// Room in the printed link.
    #[arg(long, default_value = "kitchen", value_parser = room)]
    pub(crate) room: RoomId,
}
