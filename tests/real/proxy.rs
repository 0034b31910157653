//! A connection to a server that a test can cut or slow down.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::folder;

/// Forwards connections on loopback until it is dropped.
pub struct Proxy {
    pub port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    cut: AtomicBool,
    closed: AtomicBool,
    /// Bytes per second from the server to the client; 0 is unlimited.
    speed: AtomicU64,
    open: Mutex<Vec<TcpStream>>,
}

/// The size of a forwarded block.
const BLOCK: usize = 64 * 1024;

impl Proxy {
    /// Starts to forward to the server at `target`.
    pub fn start(target: u16) -> Self {
        let port = folder::port();
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("a port that is free");
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if shared.closed.load(Ordering::Relaxed) {
                    return;
                }
                if !shared.cut.load(Ordering::Relaxed) {
                    let _ = forward(client, target, &shared);
                }
            }
        });
        Self { port, state }
    }

    /// Closes all connections, and accepts none.
    pub fn cut(&self) {
        self.state.cut.store(true, Ordering::Relaxed);
        self.end_all();
    }

    pub fn mend(&self) {
        self.state.cut.store(false, Ordering::Relaxed);
    }

    /// Limits the bytes per second; 0 is unlimited.
    pub fn limit(&self, bytes: u64) {
        self.state.speed.store(bytes, Ordering::Relaxed);
    }

    fn end_all(&self) {
        let mut open = self
            .state
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for stream in open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.closed.store(true, Ordering::Relaxed);
        self.end_all();
        // wakes the listener
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn forward(client: TcpStream, target: u16, state: &Arc<State>) -> std::io::Result<()> {
    let server = TcpStream::connect(("127.0.0.1", target))?;
    let mut open = state.open.lock().unwrap_or_else(PoisonError::into_inner);
    open.extend([client.try_clone()?, server.try_clone()?]);
    let (to_client, to_server) = (client.try_clone()?, server.try_clone()?);
    let slow = Arc::clone(state);
    std::thread::spawn(move || copy(server, to_client, |count| pause(&slow, count)));
    std::thread::spawn(move || copy(client, to_server, |_| ()));
    Ok(())
}

fn copy(mut from: TcpStream, mut to: TcpStream, after: impl Fn(usize)) {
    let mut block = vec![0; BLOCK];
    while let Ok(count @ 1..) = from.read(&mut block) {
        if to.write_all(&block[..count]).is_err() {
            break;
        }
        after(count);
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

fn pause(state: &State, count: usize) {
    let speed = state.speed.load(Ordering::Relaxed);
    let bytes = u64::try_from(count).unwrap_or(u64::MAX);
    if let Some(micros) = (bytes * 1_000_000).checked_div(speed) {
        std::thread::sleep(Duration::from_micros(micros));
    }
}
