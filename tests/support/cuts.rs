//! A proxy between a client and the program that a test cuts, delays and points to another process.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// The proxy. It runs until the test ends.
pub struct Cuts {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    target: u16,
    /// Cancelled when all connections are to be cut.
    cut: CancellationToken,
    /// The bytes that the next connection carries before it is cut, which is in the middle of a frame more often than
    /// not.
    left: Option<usize>,
    delay: Duration,
}

impl Cuts {
    /// A proxy to this port.
    pub async fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Mutex::new(Shared {
            target,
            cut: CancellationToken::new(),
            left: None,
            delay: Duration::ZERO,
        }));
        let taken = shared.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, taken.clone()));
            }
        });
        Self { address, shared }
    }

    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// New connections go to this port.
    pub fn point_to(&self, target: u16) {
        self.shared.lock().unwrap().target = target;
    }

    /// Ends all connections. The next one carries `left` bytes to the client before it ends as well, or any number; the
    /// later ones carry any number. Each piece of a new connection waits for `delay`.
    pub fn cut(&self, left: Option<usize>, delay: Duration) {
        let mut shared = self.shared.lock().unwrap();
        shared.left = left;
        shared.delay = delay;
        std::mem::take(&mut shared.cut).cancel();
    }
}

async fn carry(client: TcpStream, shared: Arc<Mutex<Shared>>) {
    let (target, cut, left, delay) = {
        let mut shared = shared.lock().unwrap();
        (shared.target, shared.cut.clone(), shared.left.take(), shared.delay)
    };
    let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::select! {
        () = cut.cancelled() => {}
        () = pass(from_client, to_server, usize::MAX, Duration::ZERO) => {}
        () = pass(from_server, to_client, left.unwrap_or(usize::MAX), delay) => {}
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut left: usize, delay: Duration) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let carried = read.min(left);
        left -= carried;
        if to.write_all(&buffer[..carried]).await.is_err() || left == 0 {
            return;
        }
    }
}
