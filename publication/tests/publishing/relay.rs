//! A TCP relay to NATS that can hold back a publisher's data and deliver it after the publisher has ended.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

pub struct Relay {
    pub port: u16,
    holding: watch::Sender<bool>,
    held: watch::Receiver<usize>,
    connections: mpsc::UnboundedReceiver<TcpStream>,
    pumps: JoinSet<()>,
    nats: u16,
    held_by_all: watch::Sender<usize>,
    _accepting: JoinHandle<()>,
}

impl Relay {
    pub async fn before(nats: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (arrived, connections) = mpsc::unbounded_channel();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if arrived.send(client).is_err() {
                    return;
                }
            }
        });
        let (held_by_all, held) = watch::channel(0);
        let holding = watch::Sender::new(false);
        let pumps = JoinSet::new();
        Self { port, holding, held, connections, pumps, nats, held_by_all, _accepting: accepting }
    }

    /// Accepts the next connection and relays it.
    pub async fn connect(&mut self) {
        let client = self.connections.recv().await.unwrap();
        let server = TcpStream::connect(("127.0.0.1", self.nats)).await.unwrap();
        let ((client_read, client_write), (server_read, server_write)) =
            (client.into_split(), server.into_split());
        let (holding, held) = (self.holding.subscribe(), self.held_by_all.clone());
        self.pumps.spawn(async move {
            tokio::join!(
                to_server(client_read, server_write, holding, held),
                to_client(server_read, client_write)
            );
        });
    }

    pub fn hold(&self) {
        self.holding.send_replace(true);
    }

    /// Waits until this many bytes are held back.
    pub async fn holds(&mut self, bytes: usize) {
        self.held.wait_for(|held| *held >= bytes).await.unwrap();
    }

    /// Delivers the data that was held back, and returns when NATS has read all of it and closed the connections.
    pub async fn release(mut self) {
        self.holding.send_replace(false);
        while let Some(ended) = self.pumps.join_next().await {
            ended.unwrap();
        }
    }
}

async fn to_server(
    mut client: OwnedReadHalf,
    mut server: OwnedWriteHalf,
    mut holding: watch::Receiver<bool>,
    held: watch::Sender<usize>,
) {
    let (mut kept, mut chunk) = (Vec::new(), vec![0; 65_536]);
    while let Ok(bytes @ 1..) = client.read(&mut chunk).await {
        if *holding.borrow() {
            kept.extend_from_slice(&chunk[..bytes]);
            held.send_modify(|held| *held += bytes);
        } else {
            server.write_all(&chunk[..bytes]).await.unwrap();
        }
    }
    holding.wait_for(|holding| !holding).await.unwrap();
    server.write_all(&kept).await.unwrap();
    server.shutdown().await.unwrap();
}

async fn to_client(mut server: OwnedReadHalf, mut client: OwnedWriteHalf) {
    let mut chunk = vec![0; 65_536];
    while let Ok(bytes @ 1..) = server.read(&mut chunk).await {
        // The client may have ended; the server's data is read to the end all the same.
        let _gone = client.write_all(&chunk[..bytes]).await;
    }
}
