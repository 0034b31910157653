//! Messages to systemd: `sd_notify(3)`.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::time::Duration;

use super::env::Environment;

/// The service manager, if one is listening.
pub struct Manager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    /// The interval of watchdog messages.
    pub watchdog: Option<Duration>,
}

impl Manager {
    /// The manager that started this process.
    pub fn of(environment: &Environment) -> Self {
        let address =
            environment
                .get("NOTIFY_SOCKET")
                .and_then(|path| match path.strip_prefix('@') {
                    Some(name) => SocketAddr::from_abstract_name(name.as_bytes()).ok(),
                    None => SocketAddr::from_pathname(Path::new(path)).ok(),
                });
        let socket = address.and_then(|address| {
            let socket = UnixDatagram::unbound().ok()?;
            socket.set_nonblocking(true).ok()?;
            Some((socket, address))
        });
        let micros = environment.get("WATCHDOG_USEC");
        let micros: Option<u64> = micros.and_then(|micros| micros.parse().ok());
        Self {
            watchdog: micros
                .map(|micros| Duration::from_micros(micros) / 2)
                .filter(|_| socket.is_some()),
            socket,
        }
    }

    /// Sends it a message; errors are ignored.
    pub fn tell(&self, state: &str) {
        if let Some((socket, address)) = &self.socket {
            let _ = socket.send_to_addr(std::ffi::OsStr::new(state).as_bytes(), address);
        }
    }
}
