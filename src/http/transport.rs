//! The connection under an exchange: TLS, and a record of the exchange's progress.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport,
    TransportAdapter,
};

use super::watch::Watch;

/// The server answered an `http://` request with a TLS record.
#[derive(Debug, thiserror::Error)]
#[error("it speaks TLS")]
pub(super) struct SpeaksTls;

/// Wraps connections to `https` addresses in TLS.
///
/// ureq has its own. This one exists because that one aborts the process if a key does not
/// match its certificate, and because the server's last alert must be read to learn why it closed the connection.
pub(super) struct TlsConnector(pub(super) Option<Arc<ClientConfig>>);

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsConnector")
    }
}

impl<In: Transport> Connector<In> for TlsConnector {
    type Out = Either<In, TlsTransport>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        let Some(transport) = chained else {
            return Ok(None);
        };
        if !details.needs_tls() || transport.is_tls() {
            return Ok(Some(Either::A(transport)));
        }
        let Some(config) = &self.0 else {
            return Err(Error::TlsRequired);
        };
        let host = details.uri.host().unwrap_or_default();
        let name = ServerName::try_from(host.trim_matches(['[', ']']))
            .map_err(|_| Error::Tls("its host can't be the name in a certificate"))?
            .to_owned();
        let conn = ClientConnection::new(config.clone(), name).map_err(io::Error::other)?;
        let mut tls = TlsTransport {
            conn,
            sock: TransportAdapter::new(transport.boxed(), details.current_time.clone()),
            buffers: LazyBuffers::new(
                details.config.input_buffer_size(),
                details.config.output_buffer_size(),
            ),
        };
        tls.sock.set_timeout(details.timeout);
        while tls.conn.is_handshaking() {
            match tls.conn.complete_io(&mut tls.sock) {
                Ok((0, 0)) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                Ok(_) => {}
                Err(error) => return Err(tls.last_words(error).into()),
            }
        }
        Ok(Some(Either::B(tls)))
    }
}

/// A connection with TLS.
pub(super) struct TlsTransport {
    conn: ClientConnection,
    sock: TransportAdapter,
    buffers: LazyBuffers,
}

impl TlsTransport {
    /// Writes pending TLS data to the socket.
    fn flush(&mut self) -> io::Result<()> {
        while self.conn.wants_write() {
            if self.conn.write_tls(&mut self.sock)? == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Reads available data; returns false at the end.
    fn fill(&mut self) -> io::Result<bool> {
        let count = self.conn.read_tls(&mut self.sock)?;
        self.conn
            .process_new_packets()
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Ok(count > 0)
    }

    /// A server that rejects the client's certificate says so after the handshake and closes the
    /// connection. Writing then fails, while the reason is waiting to be read.
    fn last_words(&mut self, broken: io::Error) -> io::Error {
        let hung_up = matches!(
            broken.kind(),
            io::ErrorKind::BrokenPipe
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
        );
        if !hung_up {
            return broken;
        }
        loop {
            match self.fill() {
                Ok(true) => {}
                Err(error) if error.kind() == io::ErrorKind::InvalidData => return error,
                Ok(false) | Err(_) => return broken,
            }
        }
    }
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.sock.set_timeout(timeout);
        let mut done = 0;
        while done < amount {
            let rest = self.buffers.output().get(done..amount).unwrap_or_default();
            done += self.conn.writer().write(rest)?;
            if let Err(error) = self.flush() {
                return Err(self.last_words(error).into());
            }
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.sock.set_timeout(timeout);
        loop {
            match self.conn.reader().read(self.buffers.input_append_buf()) {
                Ok(count) => {
                    self.buffers.input_appended(count);
                    return Ok(count > 0);
                }
                // Many servers close without TLS's `close_notify`; HTTP knows whether the answer is complete.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // Keys may have to be updated; a broken connection becomes apparent when reading.
                    let _ = self.flush();
                    self.fill()?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn is_open(&mut self) -> bool {
        self.sock.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl fmt::Debug for TlsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsTransport")
    }
}

/// The last connector: records the connection's traffic for the [`Watch`].
#[derive(Debug)]
pub(super) struct WatchConnector {
    /// The record.
    pub(super) watch: Watch,
    /// Connections lead through a proxy. Bytes for the proxy itself are not part of the request.
    pub(super) through_proxy: bool,
}

impl<In: Transport> Connector<In> for WatchConnector {
    type Out = Watched<In>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        let is_to_server = details.config.proxy().is_some() == self.through_proxy;
        if is_to_server {
            self.watch.connected();
        }
        Ok(chained.map(|inner| Watched {
            inner,
            watch: is_to_server.then(|| self.watch.clone()),
        }))
    }
}

/// A connection whose progress is recorded.
#[derive(Debug)]
pub(super) struct Watched<T> {
    inner: T,
    watch: Option<Watch>,
}

impl<T: Transport> Watched<T> {
    /// Looks at the first bytes of an answer.
    fn inspect(&mut self) -> Result<(), Error> {
        let Some(watch) = &self.watch else {
            return Ok(());
        };
        // A TLS record begins with its type, 21 (alert) or 22 (handshake), and its version, 3.x.
        let is_tls = matches!(self.inner.buffers().input(), [0x15 | 0x16, 0x03, ..]);
        if is_tls && !self.inner.is_tls() && !watch.answered() {
            return Err(Error::Other(Box::new(SpeaksTls)));
        }
        watch.receiving();
        Ok(())
    }
}

impl<T: Transport> Transport for Watched<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if let Some(watch) = &self.watch {
            watch.sending();
        }
        let result = self.inner.transmit_output(amount, timeout);
        if matches!(result, Err(Error::Io(_)))
            && matches!(self.inner.await_input(timeout), Ok(true))
        {
            self.inspect()?;
        }
        result
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let more = self.inner.await_input(timeout)?;
        if more {
            self.inspect()?;
        }
        Ok(more)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}
