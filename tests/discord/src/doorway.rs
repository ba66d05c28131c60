//! How connections come in, and how they go bad: each can be broken off, or stay open with nothing getting through.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use futures::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

const FINE: u8 = 0;
const HALF_OPEN: u8 = 1;
const BROKEN: u8 = 2;

/// One connection, to do something to it.
#[derive(Clone)]
pub(crate) struct Line(Arc<LineState>);

struct LineState {
    state: AtomicU8,
    reader: AtomicWaker,
    broken: Arc<AtomicUsize>,
}

impl Line {
    /// Ends it, without a word.
    pub(crate) fn break_off(&self) {
        if self.0.state.swap(BROKEN, Ordering::SeqCst) != BROKEN {
            self.0.broken.fetch_add(1, Ordering::SeqCst);
        }
        self.0.reader.wake();
    }

    /// From now on it looks alive, and nothing gets through.
    pub(crate) fn half_open(&self) {
        let _ = self.0.state.compare_exchange(FINE, HALF_OPEN, Ordering::SeqCst, Ordering::SeqCst);
        self.0.reader.wake();
    }

    pub(crate) fn is_fine(&self) -> bool {
        self.0.state.load(Ordering::SeqCst) == FINE
    }
}

/// All connections.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<LinesState>);

#[derive(Default)]
struct LinesState {
    open: Mutex<Vec<Weak<LineState>>>,
    is_half_open: AtomicBool,
    broken: Arc<AtomicUsize>,
}

impl Lines {
    fn open(&self) -> Line {
        let state = if self.0.is_half_open.load(Ordering::SeqCst) { HALF_OPEN } else { FINE };
        let line = Arc::new(LineState {
            state: AtomicU8::new(state),
            reader: AtomicWaker::new(),
            broken: self.0.broken.clone(),
        });
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|line| line.strong_count() > 0);
        open.push(Arc::downgrade(&line));
        Line(line)
    }

    fn each(&self, act: impl Fn(&Line)) {
        for line in self.0.open.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if let Some(line) = line.upgrade() {
                act(&Line(line));
            }
        }
    }

    /// Breaks off every connection.
    pub(crate) fn break_all(&self) {
        self.each(Line::break_off);
    }

    /// Every connection, and each new one, is half-open from now on, until it is calm again.
    pub(crate) fn half_open_all(&self) {
        self.0.is_half_open.store(true, Ordering::SeqCst);
        self.each(Line::half_open);
    }

    /// New connections are fine again. Those that are half-open stay so, as they would.
    pub(crate) fn calm(&self) {
        self.0.is_half_open.store(false, Ordering::SeqCst);
    }

    /// How many the server has broken off.
    pub(crate) fn broken(&self) -> usize {
        self.0.broken.load(Ordering::SeqCst)
    }
}

/// Takes connections in.
pub(crate) struct Doorway {
    listener: TcpListener,
    lines: Lines,
}

impl Doorway {
    pub(crate) fn new(listener: TcpListener, lines: Lines) -> Self {
        Self { listener, lines }
    }
}

impl Listener for Doorway {
    type Io = Stream;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (tcp, address) = Listener::accept(&mut self.listener).await;
        // Small frames one after the other would otherwise wait for each other's acknowledgements.
        let _ = tcp.set_nodelay(true);
        (Stream { tcp, line: self.lines.open() }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

impl Connected<IncomingStream<'_, Doorway>> for Line {
    fn connect_info(stream: IncomingStream<'_, Doorway>) -> Self {
        stream.io().line.clone()
    }
}

/// A connection's bytes, as far as its line lets them through.
pub(crate) struct Stream {
    tcp: TcpStream,
    line: Line,
}

impl Stream {
    fn state(&self) -> u8 {
        self.line.0.state.load(Ordering::SeqCst)
    }
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "broken off by the fake of Discord")
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.line.0.reader.register(cx.waker());
        match self.state() {
            FINE => Pin::new(&mut self.tcp).poll_read(cx, buffer),
            HALF_OPEN => Poll::Pending,
            _ => Poll::Ready(Err(broken())),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.state() {
            FINE => Pin::new(&mut self.tcp).poll_write(cx, bytes),
            HALF_OPEN => Poll::Ready(Ok(bytes.len())),
            _ => Poll::Ready(Err(broken())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.state() {
            FINE => Pin::new(&mut self.tcp).poll_flush(cx),
            HALF_OPEN => Poll::Ready(Ok(())),
            _ => Poll::Ready(Err(broken())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.state() {
            FINE => Pin::new(&mut self.tcp).poll_shutdown(cx),
            _ => Poll::Pending,
        }
    }
}
