//! A simulator in the foreground, for the command.

use std::future::poll_fn;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

use super::backend::Backend;
use super::config::Front;
use super::handle::{StartError, open, real_clock, share};
use super::server::{self, Observer};
use super::service::Served;

/// Serves in the foreground until SIGTERM or SIGINT. Writes `listening on URL` to `output` when it is ready, then one JSON
/// line for each request.
///
/// # Errors
/// When it can't start.
pub fn serve_until_told(
    backend: impl Backend + 'static,
    front: Front,
    listen: SocketAddr,
    output: impl Write + Send + 'static,
) -> Result<(), StartError> {
    let prefix = front.prefix.trim_end_matches('/').to_owned();
    let output = Arc::new(Mutex::new(output));
    let log = Arc::clone(&output);
    let observer: Observer = Box::new(move |request: &Served| {
        if let Ok(line) = serde_json::to_string(request) {
            write_line(&log, &line);
        }
    });
    let shared = Arc::new(share(backend, front, real_clock(), observer)?);
    let runtime = Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async move {
        let mut signals = [
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
        ];
        let told = poll_fn(move |context| {
            let any = signals
                .iter_mut()
                .any(|signal| signal.poll_recv(context).is_ready());
            if any { Poll::Ready(()) } else { Poll::Pending }
        });
        let (listener, address) = open(listen)?;
        write_line(&output, &format!("listening on http://{address}{prefix}"));
        // The port is given up with the process.
        let _ = server::serve(listener, shared, told).await;
        Ok(())
    })
}

fn write_line(output: &Mutex<impl Write>, line: &str) {
    let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
    // Nobody reads any more: that is no reason to stop serving.
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}
