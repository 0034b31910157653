//! Serving with outages: down and up as ordered, on the same port.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use socket2::Socket;
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;

use super::server::{self, Endpoint};

/// An order to the server, which confirms when it is done.
pub(super) enum Order {
    /// Refuse connections and close the existing ones.
    TakeDown(Sender<()>),
    /// Accept connections again.
    BringUp(Sender<io::Result<()>>),
}

/// Serves, and goes down and up as ordered, until the sender of orders is gone.
pub(super) async fn obey<E: Endpoint>(
    mut listener: TcpListener,
    address: SocketAddr,
    shared: Arc<E>,
    mut orders: UnboundedReceiver<Order>,
) {
    loop {
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = Box::pin(async { drop(stopped.await) });
        let serving =
            tokio::task::spawn_local(server::serve(listener, Arc::clone(&shared), stopped));
        let told = stay_up(&mut orders).await;
        drop(stop);
        let port = serving.await.ok().and_then(Result::ok);
        let Some(told) = told else { return };
        let Some(next) = stay_down(address, port, told, &mut orders).await else {
            return;
        };
        listener = next;
    }
}

/// Waits for the order to go down.
async fn stay_up(orders: &mut UnboundedReceiver<Order>) -> Option<Sender<()>> {
    loop {
        match orders.recv().await? {
            Order::TakeDown(done) => return Some(done),
            Order::BringUp(done) => {
                let _ = done.send(Ok(()));
            }
        }
    }
}

/// Holds the port, so that no other process gets it, until the order to listen again.
async fn stay_down(
    address: SocketAddr,
    mut port: Option<Socket>,
    told: Sender<()>,
    orders: &mut UnboundedReceiver<Order>,
) -> Option<TcpListener> {
    let _ = told.send(());
    loop {
        match orders.recv().await? {
            Order::TakeDown(done) => {
                let _ = done.send(());
            }
            Order::BringUp(done) => {
                match port
                    .take()
                    .map_or_else(|| server::reserve(address), Ok)
                    .and_then(server::listen)
                {
                    Ok(listener) => {
                        let _ = done.send(Ok(()));
                        return Some(listener);
                    }
                    Err(error) => {
                        let _ = done.send(Err(error));
                    }
                }
            }
        }
    }
}
