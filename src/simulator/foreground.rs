//! A simulator in the foreground, for the command.

use std::future::poll_fn;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use serde_json::json;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

use super::backend::Backend;
use super::clusters::{Clusters, Host, Watcher};
use super::config::Front;
use super::handle::{StartError, open, real_clock, share};
use super::patroni::Cluster;
use super::server::{self, Clock, Observer, lock};
use super::service::Served;
use super::world;

/// The members of a cluster, and the addresses of their REST APIs.
#[derive(Debug)]
pub struct Members {
    pub cluster: Cluster,
    pub addresses: Vec<SocketAddr>,
}

/// Serves in the foreground until SIGTERM or SIGINT. Writes `listening on URL` to `output` when it is ready, one line for each
/// member, then one JSON line for each request.
pub fn serve_until_told(
    backend: impl Backend + 'static,
    front: Front,
    listen: SocketAddr,
    members: Option<Members>,
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
    let clock = real_clock();
    let shared = Arc::new(share(backend, front, Arc::clone(&clock), observer)?);
    let runtime = Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async move {
        let mut signals = [
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
        ];
        let told = poll_fn(move |context| {
            let mut signals = signals.iter_mut();
            let any = signals.any(|signal| signal.poll_recv(context).is_ready());
            if any { Poll::Ready(()) } else { Poll::Pending }
        });
        let (listener, address) = open(listen)?;
        let mut ready = vec![format!("listening on http://{address}{prefix}")];
        if let Some(members) = members {
            let hosts: Vec<Arc<dyn Host>> = vec![Arc::clone(&shared) as Arc<dyn Host>];
            ready.extend(serve_members(members, hosts, clock, &output)?);
        }
        for line in ready {
            write_line(&output, &line);
        }
        // The port is released when the process ends.
        let _ = server::serve(listener, shared, told).await;
        Ok(())
    })
}

/// Serves the REST APIs, and writes their addresses.
fn serve_members<W: Write + Send + 'static>(
    members: Members,
    hosts: Vec<Arc<dyn Host>>,
    clock: Clock,
    output: &Arc<Mutex<W>>,
) -> Result<Vec<String>, StartError> {
    let mut cluster = members.cluster;
    let listening = world::listen(&mut cluster, &members.addresses)?;
    let log = Arc::clone(output);
    let watcher: Watcher = Box::new(move |member, request, status| {
        let line = json!({
            "patroni": member, "method": request.method, "path": request.path, "status": status,
        });
        write_line(&log, &line.to_string());
    });
    let clusters = Clusters::new(vec![cluster], hosts, clock, watcher);
    let mut lines = Vec::new();
    for (member, listener, url) in listening {
        lines.push(format!("patroni {member} on {url}"));
        world::serve_member(&clusters, 0, member, listener);
    }
    Ok(lines)
}

fn write_line(output: &Mutex<impl Write>, line: &str) {
    let mut output = lock(output);
    // A closed output is no reason to stop serving.
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}
