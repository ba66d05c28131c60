//! The connections of a bot: they can be counted, broken off, and made deaf and dumb. In go the sockets of a listener; out come
//! streams that obey a [`Wires`].

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use futures::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What is known of all connections.
pub(crate) struct Wires {
    frozen: AtomicBool,
    opened: AtomicUsize,
    ended: AtomicUsize,
    last_end: Mutex<Instant>,
    lines: Mutex<Vec<Arc<Line>>>,
    changed: watch::Sender<u64>,
}

/// The control of one connection.
#[derive(Debug, Default)]
pub(crate) struct Line {
    broken: AtomicBool,
    frozen: AtomicBool,
    reading: AtomicWaker,
    writing: AtomicWaker,
}

impl Line {
    /// Ends the connection with a reset, at once and without an answer.
    pub(crate) fn break_off(&self) {
        self.broken.store(true, SeqCst);
        self.reading.wake();
        self.writing.wake();
    }
}

impl Wires {
    pub(crate) fn new(changed: watch::Sender<u64>) -> Arc<Self> {
        Arc::new(Self {
            frozen: AtomicBool::new(false),
            opened: AtomicUsize::new(0),
            ended: AtomicUsize::new(0),
            last_end: Mutex::new(Instant::now()),
            lines: Mutex::default(),
            changed,
        })
    }

    /// Nothing gets through any more, in either direction, on any connection, new ones included.
    pub(crate) fn freeze(&self) {
        self.frozen.store(true, SeqCst);
        for line in self.lines().iter() {
            line.frozen.store(true, SeqCst);
        }
    }

    /// Ends what is frozen; new connections work again.
    pub(crate) fn calm(&self) {
        self.frozen.store(false, SeqCst);
        for line in self.lines().iter().filter(|line| line.frozen.load(SeqCst)) {
            line.break_off();
        }
    }

    /// Ends all connections that are there now.
    pub(crate) fn break_all(&self) {
        self.lines().iter().for_each(|line| line.break_off());
    }

    pub(crate) fn is_frozen(&self) -> bool {
        self.frozen.load(SeqCst)
    }

    pub(crate) fn opened(&self) -> usize {
        self.opened.load(SeqCst)
    }

    pub(crate) fn ended(&self) -> usize {
        self.ended.load(SeqCst)
    }

    /// For how long there has been no connection at all; `None` while there is one.
    pub(crate) fn silent_for(&self) -> Option<Duration> {
        if !self.lines().is_empty() {
            return None;
        }
        Some(self.last_end.lock().unwrap_or_else(PoisonError::into_inner).elapsed())
    }

    fn lines(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Line>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A listener whose connections obey a [`Wires`].
pub(crate) struct Wired {
    pub(crate) listener: TcpListener,
    pub(crate) wires: Arc<Wires>,
}

impl Listener for Wired {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Stream, SocketAddr) {
        let (socket, address) = Listener::accept(&mut self.listener).await;
        let line = Arc::new(Line::default());
        line.frozen.store(self.wires.is_frozen(), SeqCst);
        self.wires.lines().push(Arc::clone(&line));
        self.wires.opened.fetch_add(1, SeqCst);
        (Stream { socket, line, wires: Arc::clone(&self.wires) }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// The control of the connection that a request came by.
#[derive(Clone, Debug)]
pub(crate) struct ThisLine(pub(crate) Arc<Line>);

impl Connected<IncomingStream<'_, Wired>> for ThisLine {
    fn connect_info(stream: IncomingStream<'_, Wired>) -> Self {
        Self(Arc::clone(&stream.io().line))
    }
}

/// One connection.
pub(crate) struct Stream {
    socket: TcpStream,
    line: Arc<Line>,
    wires: Arc<Wires>,
}

impl Stream {
    /// Whether bytes may pass now.
    fn passes(&self, waker: &AtomicWaker, context: &Context<'_>) -> Poll<io::Result<()>> {
        waker.register(context.waker());
        if self.line.broken.load(SeqCst) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if self.line.frozen.load(SeqCst) { Poll::Pending } else { Poll::Ready(Ok(())) }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match this.passes(&this.line.reading, context) {
            Poll::Ready(Ok(())) => Pin::new(&mut this.socket).poll_read(context, buffer),
            other => other,
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match this.passes(&this.line.writing, context) {
            Poll::Ready(Ok(())) => Pin::new(&mut this.socket).poll_write(context, bytes),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(context)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.line.broken.load(SeqCst) {
            // The other side is to see a reset, not a tidy end.
            let _ = self.socket.set_zero_linger();
        }
        self.wires.ended.fetch_add(1, SeqCst);
        self.wires.lines().retain(|line| !Arc::ptr_eq(line, &self.line));
        *self.wires.last_end.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.wires.changed.send_modify(|version| *version += 1);
    }
}
