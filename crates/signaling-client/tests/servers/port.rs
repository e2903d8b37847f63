//! A port of loopback for a server of a test, which nobody else is given while the value lives.
//! It is held by a socket that is bound and does not listen, so that who connects too early is refused.

use socket2::{Domain, Socket, Type};
use std::net::{Ipv4Addr, SocketAddr};

/// A TCP port of `127.0.0.1`.
///
/// Asking a listener for a port and dropping it is not enough: a process that is being started at that moment by another
/// thread keeps the listener open until it has become another program, and takes connections that the server never sees.
pub struct Port {
    number: u16,
    /// Linux lets a server with `SO_REUSEADDR` bind and listen beside it (socket(7)), and gives the port to nobody who asks
    /// for any. Elsewhere the server could not bind, and the port is only known to be free now.
    #[cfg(target_os = "linux")]
    _held: Socket,
}

impl Port {
    /// One that nobody uses.
    pub fn free() -> Self {
        Self::bind().expect("loopback has free ports")
    }

    fn bind() -> std::io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_reuse_address(cfg!(target_os = "linux"))?;
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        let number = socket.local_addr()?.as_socket().map_or(0, |address| address.port());
        Ok(Self {
            number,
            #[cfg(target_os = "linux")]
            _held: socket,
        })
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// `127.0.0.1` and its number.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.number).into()
    }
}

impl std::fmt::Display for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.number.fmt(f)
    }
}
