//! A small server that implements the streams part of the vendor's public protocol.
//!
//! The tests of the KurrentDB engine connect to it with the vendor's own client. It decides appends as the real
//! server does ([`log`]), assigns positions that are byte offsets with gaps between them, writes events of its own
//! into the log, answers reads and filtered subscriptions with their checkpoints ([`reading`]), and can be made to
//! fail ([`faults`]).
//!
//! The log is kept in memory and outlives the listener, so that stopping and starting the server is a restart to
//! its clients. It lacks what the tests do not need: deleting, several nodes, users, projections.

// The answer to a failed request is tonic's own type.
#![allow(clippy::result_large_err)]

pub mod faults;
pub mod log;
pub mod reading;
mod service;
pub mod wire;

use faults::Faults;
use log::Log;
use service::{Gossip, Protocol, ServerFeatures, Streams};
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Identity, ServerTlsConfig};

/// A server, running or stopped. A stopped server keeps its log.
pub struct Server {
    log: Arc<Mutex<Log>>,
    pub faults: Arc<Faults>,
    port: u16,
    tls: Option<Identity>,
    running: Mutex<Option<Running>>,
}

struct Running {
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Server {
    /// Starts a server with an empty log on a free port.
    pub async fn start() -> io::Result<Self> {
        Self::begin(None).await
    }

    /// Starts a server with TLS, with a certificate and its key as PEM.
    pub async fn start_with_tls(certificate: &str, key: &str) -> io::Result<Self> {
        Self::begin(Some(Identity::from_pem(certificate, key))).await
    }

    async fn begin(tls: Option<Identity>) -> io::Result<Self> {
        let front = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = front.local_addr()?.port();
        let server = Self {
            log: Arc::default(),
            faults: Arc::new(Faults::new(port)),
            port,
            tls,
            running: Mutex::default(),
        };
        server.serve(front).await?;
        Ok(server)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        let tls = self.tls.is_some();
        format!("esdb://127.0.0.1:{}?tls={tls}", self.port)
    }

    /// The log, with the server's own events.
    pub fn log(&self) -> std::sync::MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Stops listening and cuts every connection.
    pub async fn stop(&self) {
        let running = self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(Running { stop, tasks }) = running {
            stop.cancel();
            self.faults.cut();
            for task in tasks {
                task.abort();
                let _aborted = task.await;
            }
        }
        self.log().restarted();
    }

    /// Listens again on the same port.
    pub async fn start_again(&self) -> io::Result<()> {
        let front = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await?;
        self.serve(front).await
    }

    async fn serve(&self, front: TcpListener) -> io::Result<()> {
        let stop = CancellationToken::new();
        let back = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let behind = back.local_addr()?.port();
        let protocol = Protocol { log: Arc::clone(&self.log), faults: Arc::clone(&self.faults) };
        let mut server = tonic::transport::Server::builder();
        if let Some(identity) = &self.tls {
            let tls = ServerTlsConfig::new().identity(identity.clone());
            server = server.tls_config(tls).map_err(io::Error::other)?;
        }
        let serving = server
            .add_service(Streams(protocol.clone()))
            .add_service(ServerFeatures(protocol.clone()))
            .add_service(Gossip(protocol))
            .serve_with_incoming(TcpIncoming::from(back).with_nodelay(Some(true)));
        let tasks = vec![
            tokio::spawn(async move {
                let _ended = serving.await;
            }),
            tokio::spawn(forward(front, behind, Arc::clone(&self.faults), stop.clone())),
        ];
        *self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner) =
            Some(Running { stop, tasks });
        Ok(())
    }
}

/// Forwards the client's data and acknowledges it at once. This version of the vendor's client leaves Nagle's
/// algorithm on, and would wait 40 ms in the middle of each request for the acknowledgement.
async fn acknowledging(from: &mut ReadHalf<'_>, to: &mut WriteHalf<'_>) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        #[cfg(target_os = "linux")]
        AsRef::<TcpStream>::as_ref(from).set_quickack(true)?;
        match from.read(&mut buffer).await? {
            0 => return Ok(()),
            count => to.write_all(&buffer[..count]).await?,
        }
    }
}

/// Relays connections to the server, so that they can be cut.
async fn forward(front: TcpListener, behind: u16, faults: Arc<Faults>, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            accepted = front.accept() => accepted,
            () = stop.cancelled() => return,
        };
        let Ok((mut client, _)) = accepted else { return };
        let cut = faults.connections();
        tokio::spawn(async move {
            let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, behind)).await else { return };
            let _no_delay = (client.set_nodelay(true), server.set_nodelay(true));
            let (mut from_client, mut to_client) = client.split();
            let (mut from_server, mut to_server) = server.split();
            tokio::select! {
                _ = acknowledging(&mut from_client, &mut to_server) => {}
                _ = tokio::io::copy(&mut from_server, &mut to_client) => {}
                () = cut.cancelled() => {}
            }
        });
    }
}
