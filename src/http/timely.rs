//! Connections whose waits are limited to the time of the exchange.
//!
//! ureq applies the whole timeout to each read of a proxy's answer to `CONNECT`, and to
//! each stage of connecting. A proxy whose answer arrives in drops would be read for ever.

use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, NextTimeout, TcpConnector, Transport,
};

use super::watch::Watch;

/// The first connector: notes when connecting begins. A proxy's own connection is part of it.
#[derive(Debug)]
pub(super) struct StartConnector {
    /// The record to note it in.
    pub(super) watch: Watch,
}

impl Connector for StartConnector {
    type Out = ();

    fn connect(&self, details: &ConnectionDetails, _: Option<()>) -> Result<Option<()>, Error> {
        self.watch.connecting(*details.timeout.after);
        Ok(None)
    }
}

/// Opens a connection, unless there is one already, in the remaining time.
#[derive(Debug)]
pub(super) struct TimelyConnector {
    /// The source of the remaining time.
    pub(super) watch: Watch,
    /// The connector to open it with.
    pub(super) tcp: TcpConnector,
}

impl<In: Transport> Connector<In> for TimelyConnector {
    type Out = Either<In, Timely>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        if let Some(tunnel) = chained {
            return Ok(Some(Either::A(tunnel)));
        }
        let details = ConnectionDetails {
            uri: details.uri,
            addrs: details.addrs.clone(),
            config: details.config,
            request_level: details.request_level,
            resolver: details.resolver,
            now: (details.current_time)(),
            timeout: self.watch.within(details.timeout)?,
            current_time: details.current_time.clone(),
            run_connector: details.run_connector.clone(),
            register_shutdown: details.register_shutdown.clone(),
        };
        let opened = Connector::<()>::connect(&self.tcp, &details, None)?;
        Ok(opened.map(|tcp| {
            Either::B(Timely {
                tcp,
                watch: self.watch.clone(),
            })
        }))
    }
}

/// A connection on which no wait is longer than the rest of the exchange.
#[derive(Debug)]
pub(super) struct Timely {
    tcp: <TcpConnector as Connector>::Out,
    watch: Watch,
}

impl Transport for Timely {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.tcp.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let timeout = self.watch.within(timeout)?;
        self.tcp.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let timeout = self.watch.within(timeout)?;
        self.tcp.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.tcp.is_open()
    }
}
