//! The port and its connections. In: a listener and the routes. Out: connections that are served, within what one of them and all of them
//! may cost, until the server is told to end. It knows nothing of what is asked.

mod held;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum_server::accept::Accept;
use axum_server::tls_rustls::RustlsAcceptor;
use axum_server::{Handle, Server};
use futures::future::BoxFuture;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::proxies::Proxies;
use super::tls::Tls;
use crate::config::Limits;
use held::{Held, Place};

/// The largest head of a request, in bytes.
const LARGEST_HEAD: usize = 32 * 1024;
/// The most headers of a request.
const MOST_HEADERS: usize = 64;
/// Requests at the same time on one connection of HTTP/2.
const MOST_STREAMS: u32 = 64;
/// How often a silent connection of HTTP/2 is asked whether it still lives, and how long it may take to say so.
const PING: Duration = Duration::from_secs(30);
/// More files than this are not of use.
const MOST_FILES: u64 = 65_536;

/// Serves until the handle says that it is over.
pub(super) async fn serve(
    listener: TcpListener,
    routes: Router,
    limits: &Limits,
    proxies: &Proxies,
    tls: Option<&Tls>,
    handle: Handle<SocketAddr>,
) -> io::Result<()> {
    raise_file_limit();
    let head = seconds(limits.header_timeout_s);
    let door = Door::new(limits, proxies.clone());
    let mut server = axum_server::from_tcp(listener)?.handle(handle).first_request_timeout(head);
    let mut http1 = server.http_builder().http1();
    // An idle connection waits for the next head.
    http1.header_read_timeout(head).max_headers(MOST_HEADERS).max_buf_size(LARGEST_HEAD);
    let mut http2 = server.http_builder().http2();
    http2
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(u32::try_from(LARGEST_HEAD).unwrap_or(u32::MAX))
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    let routes = routes.into_make_service_with_connect_info::<SocketAddr>();
    let server: Server<SocketAddr, _> = server.acceptor(door.clone());
    match tls {
        None => server.serve(routes).await,
        Some(tls) => {
            let mut acceptor = RustlsAcceptor::new(tls.config());
            if let Some(head) = head {
                acceptor = acceptor.handshake_timeout(head);
            }
            server.acceptor(acceptor.acceptor(door)).serve(routes).await
        }
    }
}

fn seconds(seconds: u32) -> Option<Duration> {
    (seconds > 0).then(|| Duration::from_secs(seconds.into()))
}

/// Takes connections while there is room.
#[derive(Clone)]
struct Door {
    room: Arc<Semaphore>,
    of_address: Option<u32>,
    open: Arc<Mutex<HashMap<IpAddr, u32>>>,
    proxies: Proxies,
}

impl Door {
    fn new(limits: &Limits, proxies: Proxies) -> Self {
        let most = |limit: u32| (limit > 0).then_some(limit);
        let room = most(limits.connections)
            .and_then(|limit| usize::try_from(limit).ok())
            .map_or(Semaphore::MAX_PERMITS, |limit| limit.min(Semaphore::MAX_PERMITS));
        Self {
            room: Arc::new(Semaphore::new(room)),
            of_address: most(limits.address_connections),
            open: Arc::default(),
            proxies,
        }
    }

    fn admit(&self, stream: TcpStream) -> io::Result<Held> {
        let full = || io::Error::new(io::ErrorKind::ConnectionRefused, "too many connections");
        let permit = self.room.clone().try_acquire_owned().map_err(|_| full())?;
        let peer = stream.peer_addr()?.ip().to_canonical();
        // A proxy has the connections of many people, and this machine is our own.
        let counted = self.of_address.filter(|_| !peer.is_loopback() && !self.proxies.believes(peer));
        let place = match counted {
            None => None,
            Some(most) => {
                let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
                let now = open.entry(peer).or_default();
                if *now >= most {
                    return Err(full());
                }
                *now += 1;
                Some(Place { open: self.open.clone(), peer })
            }
        };
        // A sentence is shown when it is there, not when a packet is full.
        stream.set_nodelay(true)?;
        Ok(Held { stream, _permit: permit, _place: place })
    }
}

impl<S: Send + 'static> Accept<TcpStream, S> for Door {
    type Stream = Held;
    type Service = S;
    type Future = BoxFuture<'static, io::Result<(Held, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let admitted = self.admit(stream);
        Box::pin(async move { admitted.map(|held| (held, service)) })
    }
}

/// Each connection is a file, and systems give a process few of them until it asks for more.
#[cfg(unix)]
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let most = now.maximum.unwrap_or(MOST_FILES).min(MOST_FILES);
    if now.current.is_some_and(|current| current < most) {
        let raised = Rlimit { current: Some(most), maximum: now.maximum };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::debug!(%error, "the limit of open files stays as it is");
        }
    }
}

#[cfg(not(unix))]
fn raise_file_limit() {}
