//! Accepts connections, with limits for what strangers can hold open: connections in all and of one address, and the
//! time that the headers of a request take.

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use std::collections::HashMap;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// The limits of connections.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    pub total: usize,
    /// 0 when only the total is limited.
    pub per_address: usize,
    /// How long the headers of a request may take, and how long a connection may be idle between requests.
    pub header_timeout: Duration,
}

/// The bytes that a connection buffers of a request's headers.
const LARGEST_HEADERS: usize = 64 * 1024;
/// The requests that one HTTP/2 connection may make at the same time.
const STREAMS: u32 = 200;
/// HTTP/2 connections are asked this often whether the client is still there.
const PING: Duration = Duration::from_secs(30);
/// The first bytes of an HTTP/2 connection.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The pause after a failed accept, for example because the process has no file descriptors left.
const PAUSE: Duration = Duration::from_millis(200);
/// The pause before an incomplete beginning of a connection is looked at again.
const NEXT_LOOK: Duration = Duration::from_millis(50);

/// Serves until `stop`, and then until the requests in progress have been answered.
pub async fn serve(listener: TcpListener, router: Router, limits: ConnectionLimits, stop: CancellationToken) {
    let places = Arc::new(Places { limits, open: Mutex::default() });
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => match Place::take(&places, peer.ip()) {
                Some(place) => {
                    let connection = one(stream, peer, router.clone(), limits, stop.clone());
                    connections.spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
                None => metrics::counter!("verbatim_connections_refused_total").increment(1),
            },
            // The client was gone already.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::ConnectionAborted | ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset
                ) => {}
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn one(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    limits: ConnectionLimits,
    stop: CancellationToken,
) {
    // Without it the last packet of a response may wait for the client's acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps Nagle's algorithm");
    }
    tokio::select! {
        began = tokio::time::timeout(limits.header_timeout, until_begun(&stream)) => {
            if began.is_err() {
                return;
            }
        }
        () = stop.cancelled() => return,
    }
    let service = tower::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(LARGEST_HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(LARGEST_HEADERS as u32)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    let connection =
        builder.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(service));
    tokio::pin!(connection);
    // An error means that the client went away or did not speak HTTP. Neither is worth a line in the log.
    let _ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
}

/// Waits for the bytes that tell HTTP/1 from HTTP/2. Without a time limit for them, a client that sends nothing could
/// hold the connection for ever.
async fn until_begun(stream: &TcpStream) {
    let mut first = [0; PREFACE.len()];
    loop {
        match stream.peek(&mut first).await {
            Ok(length) if length > 0 && length < PREFACE.len() && first[..length] == PREFACE[..length] => {
                tokio::time::sleep(NEXT_LOOK).await;
            }
            // The end of the connection and errors are met again when it is read.
            Ok(_) | Err(_) => return,
        }
    }
}

/// Counts the open connections.
struct Places {
    limits: ConnectionLimits,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// An open connection's place, which it leaves when this is dropped.
struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

impl Place {
    fn take(places: &Arc<Places>, address: IpAddr) -> Option<Self> {
        let ConnectionLimits { total, per_address, .. } = places.limits;
        let mut open = places.open.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address = open.by_address.get(&address).copied().unwrap_or_default();
        if open.total >= total || (per_address > 0 && of_address >= per_address) {
            return None;
        }
        open.total += 1;
        open.by_address.insert(address, of_address + 1);
        metrics::gauge!("verbatim_connections").set(open.total as f64);
        Some(Self { places: places.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.places.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.total -= 1;
        metrics::gauge!("verbatim_connections").set(open.total as f64);
        if let Some(of_address) = open.by_address.get_mut(&self.address) {
            *of_address -= 1;
            if *of_address == 0 {
                open.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn server(limits: ConnectionLimits) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", axum::routing::get(|| async { "ok" }));
        tokio::spawn(serve(listener, router, limits, CancellationToken::new()));
        address
    }

    /// All that the server sends until it closes the connection.
    async fn sent_after(address: SocketAddr, text: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(text).await.unwrap();
        let mut sent = Vec::new();
        // A reset is an end too.
        let _ended = stream.read_to_end(&mut sent).await;
        sent
    }

    #[tokio::test]
    async fn a_connection_whose_headers_do_not_end_is_closed() {
        let header_timeout = Duration::from_millis(100);
        let address = server(ConnectionLimits { total: 100, per_address: 0, header_timeout }).await;
        for beginning in [&b""[..], b"P", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", &PREFACE[..20]] {
            sent_after(address, beginning).await;
        }
        let idle = sent_after(address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(idle.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&idle));
    }

    #[tokio::test]
    async fn one_address_has_a_share_of_the_connections() {
        let header_timeout = Duration::from_secs(60);
        let address = server(ConnectionLimits { total: 100, per_address: 2, header_timeout }).await;
        let _first = TcpStream::connect(address).await.unwrap();
        let _second = TcpStream::connect(address).await.unwrap();
        assert!(sent_after(address, b"").await.is_empty());
    }
}
