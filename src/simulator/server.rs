//! The HTTP server around a [`Service`]: connections, and faults at the level of the connection.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::backend::Backend;
use super::message::{Request, Response};
use super::moment::Moment;
use super::payload::Payload;
use super::service::{CONTROL, Delivery, Reaction, Served, Service, Ticket};

/// Reads both clocks.
pub type Clock = Arc<dyn Fn() -> Moment + Send + Sync>;

/// Receives each request that was served, before its answer is sent.
pub(super) type Observer = Box<dyn Fn(&Served) + Send + Sync>;

/// The maximum size of a body: 16 MiB.
const LONGEST_BODY: usize = 16 << 20;

/// The interval of checks for a request that should be due: clocks differ.
const TICK: Duration = Duration::from_millis(5);

/// The number of clients that may connect at the same moment without having to retry.
const BACKLOG: i32 = 1_024;

/// The service behind a listener's connections.
pub(super) trait Endpoint: 'static {
    /// Returns true if a new connection is closed before anything is read from it.
    fn refuses_connection(&self) -> bool;

    fn serve(&self, request: &Request) -> Reaction;

    /// The answer to a request that is accepted late; `None` while it is waiting.
    fn late_answer(&self, _ticket: Ticket) -> Option<Response> {
        None
    }
}

/// One pg-backup-api with its faults.
pub(super) struct Shared<B> {
    service: Mutex<Service<B>>,
    clock: Clock,
    observer: Observer,
}

impl<B: Backend> Shared<B> {
    pub(super) fn new(service: Service<B>, clock: Clock, observer: Observer) -> Self {
        Self {
            service: Mutex::new(service),
            clock,
            observer,
        }
    }

    /// The service, after everything that is due.
    pub(super) fn service(&self) -> MutexGuard<'_, Service<B>> {
        let mut service = lock(&self.service);
        service.advance(self.now());
        service
    }

    pub(super) fn now(&self) -> Moment {
        (self.clock)()
    }
}

impl<B: Backend + 'static> Endpoint for Shared<B> {
    fn serve(&self, request: &Request) -> Reaction {
        if request.path == CONTROL {
            return self.service().control(self.now(), request).into();
        }
        let (served, reaction) = self.service().react(self.now(), request);
        (self.observer)(&served);
        reaction
    }

    fn refuses_connection(&self) -> bool {
        let refused = self.service().refuse_connection();
        if let Some(served) = &refused {
            (self.observer)(served);
        }
        refused.is_some()
    }

    fn late_answer(&self, ticket: Ticket) -> Option<Response> {
        self.service().late_answer(self.now(), ticket)
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Binds a port without listening on it: connections are refused.
pub(super) fn reserve(address: SocketAddr) -> io::Result<Socket> {
    let socket = socket(address)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn socket(address: SocketAddr) -> io::Result<Socket> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Listens on a bound port. Must be called inside a runtime.
pub(super) fn listen(socket: Socket) -> io::Result<TcpListener> {
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Serves every connection until `stop` is ready, then closes the remaining ones; returns the port, which is no longer listened
/// on. Must run in a `LocalSet`.
pub(super) async fn serve<E: Endpoint>(
    listener: TcpListener,
    shared: Arc<E>,
    mut stop: impl Future<Output = ()> + Unpin,
) -> io::Result<Socket> {
    let mut connections = JoinSet::new();
    loop {
        let next = poll_fn(|context| match Pin::new(&mut stop).poll(context) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => listener.poll_accept(context).map(Some),
        });
        match next.await {
            None => break,
            Some(Ok((stream, _))) => {
                connections.spawn_local(connection(stream, Arc::clone(&shared)));
            }
            // Probably out of file descriptors: some connection will end.
            Some(Err(_)) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
        while connections.try_join_next().is_some() {}
    }
    let port = keep(listener);
    connections.shutdown().await;
    port
}

/// Stops listening without releasing the port: another socket binds it before the first one is closed.
fn keep(listener: TcpListener) -> io::Result<Socket> {
    let address = listener.local_addr()?;
    SockRef::from(&listener).set_reuse_port(true)?;
    let socket = socket(address)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    drop(listener);
    socket.set_reuse_port(false)?;
    Ok(socket)
}

/// The end of a connection that is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Close,
    Reset,
}

/// The reason why a request has no answer; hyper then drops the connection without writing anything.
#[derive(Debug, thiserror::Error)]
#[error("no answer")]
struct NoAnswer;

async fn connection<E: Endpoint>(stream: TcpStream, shared: Arc<E>) {
    if shared.refuses_connection() {
        return;
    }
    // An answer that waits for the acknowledgement of the previous one costs 40 ms.
    let _ = stream.set_nodelay(true);
    let end = Rc::new(Cell::new(End::Close));
    let service =
        service_fn(|request| Box::pin(exchange(Arc::clone(&shared), Rc::clone(&end), request)));
    let mut connection = http1::Builder::new()
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), service);
    // A broken connection is the client's problem.
    let _ = (&mut connection).await;
    if end.get() == End::Reset {
        let stream = connection.into_parts().io.into_inner();
        let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    }
}

async fn exchange<E: Endpoint>(
    shared: Arc<E>,
    end: Rc<Cell<End>>,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Payload>, NoAnswer> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, LONGEST_BODY).collect().await;
    let body = body.map_err(|_| NoAnswer)?.to_bytes();
    let path = head.uri.path_and_query();
    let content_type = head.headers.get(CONTENT_TYPE);
    let request = Request {
        method: head.method.as_str().to_owned(),
        path: path.map_or_else(|| "/".to_owned(), ToString::to_string),
        content_type: content_type
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
        body: body.to_vec(),
    };
    match shared.serve(&request) {
        Reaction::Deliver(delivery) => deliver(&end, delivery).await,
        Reaction::Stream(pieces) => hyper::Response::builder()
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(Payload::pieces(pieces))
            .map_err(|_| NoAnswer),
        Reaction::Late(time, ticket) => {
            // The client may be gone by then, and this future with it: whatever is due happens anyway.
            let waiting = Arc::clone(&shared);
            let (answer, answered) = oneshot::channel();
            tokio::task::spawn_local(async move {
                tokio::time::sleep(time).await;
                loop {
                    if let Some(response) = waiting.late_answer(ticket) {
                        let _ = answer.send(response);
                        return;
                    }
                    tokio::time::sleep(TICK).await;
                }
            });
            let response = answered.await.map_err(|_| NoAnswer)?;
            message(response, Payload::whole)
        }
    }
}

async fn deliver(
    end: &Cell<End>,
    delivery: Delivery,
) -> Result<hyper::Response<Payload>, NoAnswer> {
    match delivery {
        Delivery::Send(response) => message(response, Payload::whole),
        Delivery::SendAfter(time, response) => {
            tokio::time::sleep(time).await;
            message(response, Payload::whole)
        }
        Delivery::Truncate(response) => message(response, Payload::truncated),
        Delivery::Never => std::future::pending().await,
        Delivery::Close => Err(NoAnswer),
        Delivery::Reset => {
            end.set(End::Reset);
            Err(NoAnswer)
        }
        Delivery::ResetAfter(time) => {
            tokio::time::sleep(time).await;
            end.set(End::Reset);
            Err(NoAnswer)
        }
    }
}

fn message(
    response: Response,
    payload: fn(String) -> Payload,
) -> Result<hyper::Response<Payload>, NoAnswer> {
    let mut builder = hyper::Response::builder().status(response.status).header(
        CONTENT_TYPE,
        HeaderValue::from_static(response.content_type),
    );
    for (name, value) in response.headers {
        builder = builder.header(name, value);
    }
    builder.body(payload(response.body)).map_err(|_| NoAnswer)
}
