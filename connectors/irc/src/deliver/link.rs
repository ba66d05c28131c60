//! A live connection as both halves see it. In: lines to write, and what the server says of them. Out: for each delivery, what
//! became of it. Knows no socket.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use loquat_contract::{Delivery, MessageId};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;

use super::Shared;
use crate::encode::{Encoded, line};

/// How long a message may wait for its reply before a stop no longer waits for it.
const STALE: Duration = Duration::from_secs(120);

const WAITING: u8 = 0;
const BEGUN: u8 = 1;
const WITHDRAWN: u8 = 2;

/// Lines on their way to the socket, written together or not at all.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub(crate) lines: String,
    progress: Arc<AtomicU8>,
}

impl Outgoing {
    fn new(lines: String) -> Self {
        Self { lines, progress: Arc::new(AtomicU8::new(WAITING)) }
    }

    /// Whether they may be written now; from then on they cannot be withdrawn.
    pub(crate) fn begin(&self) -> bool {
        self.progress.compare_exchange(WAITING, BEGUN, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Whether none of it was written, and none will be.
    pub(crate) fn withdraw(&self) -> bool {
        let taken_back =
            self.progress.compare_exchange(WAITING, WITHDRAWN, Ordering::SeqCst, Ordering::SeqCst);
        taken_back.is_ok() || taken_back == Err(WITHDRAWN)
    }
}

/// A delivery that waits for its proof.
struct Pending {
    /// What the `PING` behind the line says.
    token: String,
    target: String,
    outgoing: Outgoing,
    answer: Option<oneshot::Sender<Delivery>>,
    /// Whether a refusal came that may be of this line or of one before it.
    is_doubtful: bool,
}

impl Pending {
    /// Whether nobody waits for it any more.
    fn is_over(&self) -> bool {
        self.answer.as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    fn settle(&mut self, delivery: Delivery) {
        if let Some(answer) = self.answer.take() {
            // Whoever asked may have stopped waiting.
            let _ = answer.send(delivery);
        }
    }
}

/// A delivery as its sender sees it.
pub(crate) struct Sending {
    pub(crate) outgoing: Outgoing,
    pub(crate) answer: oneshot::Receiver<Delivery>,
}

/// One connection.
pub(crate) struct Link {
    lines: mpsc::UnboundedSender<Outgoing>,
    /// In the order in which they were written, which is the order in which the server works through them.
    pending: Mutex<VecDeque<Pending>>,
    owed: Mutex<HashMap<MessageId, Instant>>,
    heard: Mutex<Instant>,
    sent: AtomicU64,
    dead: Notify,
    changed: Notify,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Link {
    /// A connection, and the lines to write to it.
    pub(crate) fn new() -> (Arc<Self>, mpsc::UnboundedReceiver<Outgoing>) {
        let (lines, written) = mpsc::unbounded_channel();
        let link = Self {
            lines,
            pending: Mutex::default(),
            owed: Mutex::default(),
            heard: Mutex::new(Instant::now()),
            sent: AtomicU64::new(0),
            dead: Notify::new(),
            changed: Notify::new(),
        };
        (Arc::new(link), written)
    }

    /// Writes lines that nobody waits for.
    pub(crate) fn write(&self, lines: impl Into<String>) {
        // Where the connection has ended, so has what these lines are for.
        let _ = self.lines.send(Outgoing::new(lines.into()));
    }

    /// Writes a part of a reply and, behind it, the `PING` whose answer proves that it was taken.
    pub(super) fn send(&self, key: &str, encoded: Encoded) -> Sending {
        // The count tells the tries of one part apart: an answer that comes late is not taken for the next try's.
        let token = format!("{}.{}", line(key), self.sent.fetch_add(1, Ordering::Relaxed));
        let outgoing = Outgoing::new(format!("{}PING :{token}\r\n", encoded.line));
        let (settled, answer) = oneshot::channel();
        let pending = Pending {
            token,
            target: encoded.target,
            outgoing: outgoing.clone(),
            answer: Some(settled),
            is_doubtful: false,
        };
        // Under the lock, so that the order here is that on the wire.
        let mut waiting = locked(&self.pending);
        waiting.push_back(pending);
        if self.lines.send(outgoing.clone()).is_err() {
            waiting.pop_back();
            outgoing.withdraw();
        }
        Sending { outgoing, answer }
    }

    /// The server has worked through everything up to the `PING` with this token.
    pub(crate) fn confirmed(&self, token: &str) {
        let mut waiting = locked(&self.pending);
        if let Some(at) = waiting.iter().position(|pending| pending.token == token) {
            if let Some(mut pending) = waiting.remove(at) {
                pending.settle(match pending.is_doubtful {
                    false => Delivery::Sent { id: None },
                    true => Delivery::Ambiguous {
                        reason: "the server refused this line or one before it that it never confirmed"
                            .to_owned(),
                    },
                });
            }
            // Those before it whose own answer never came and never will.
            waiting.retain(|pending| !pending.is_over());
        }
    }

    /// The server did not take the line that it is working on, which is the first that waits and for which `is_target` holds.
    /// Whether there is one.
    pub(crate) fn refused(&self, is_target: impl Fn(&str) -> bool, delivery: Delivery) -> bool {
        let mut waiting = locked(&self.pending);
        let mut found =
            waiting.iter_mut().filter(|pending| pending.answer.is_some() && is_target(&pending.target));
        let Some(first) = found.next() else { return false };
        // One whose sender gave up may have been refused late, or the answer to it was lost and this is for the next.
        if first.is_over()
            && let Some(next) = found.find(|pending| !pending.is_over())
        {
            next.is_doubtful = true;
        }
        first.settle(delivery);
        true
    }

    /// Something came from the server.
    pub(crate) fn hear(&self) {
        *locked(&self.heard) = Instant::now();
    }

    pub(super) fn heard(&self) -> Instant {
        *locked(&self.heard)
    }

    /// Says that the connection is dead.
    pub(super) fn give_up(&self) {
        self.dead.notify_one();
    }

    /// Returns once the connection was said to be dead.
    pub(crate) async fn given_up(&self) {
        self.dead.notified().await;
    }

    /// A message is on its way to the sink, and calls for a reply.
    pub(crate) fn owes(&self, id: MessageId) {
        let mut owed = locked(&self.owed);
        owed.retain(|_, since| since.elapsed() < STALE);
        owed.insert(id, Instant::now());
    }

    /// No reply will come, or the last part of it is there.
    pub(crate) fn answered(&self, id: &MessageId) {
        locked(&self.owed).remove(id);
        self.changed.notify_one();
    }

    /// Returns once nothing is owed.
    pub(crate) async fn all_answered(&self) {
        while locked(&self.owed).values().any(|since| since.elapsed() < STALE) {
            self.changed.notified().await;
        }
    }

    /// Tells everybody who waits that the connection has ended.
    fn end(&self) {
        for pending in locked(&self.pending).drain(..) {
            // A line that still waits is never written now.
            pending.outgoing.withdraw();
        }
    }
}

/// Takes the connection away from the sending half when it ends, however it ends.
pub(crate) struct Live {
    shared: Arc<Shared>,
    link: Arc<Link>,
}

impl Live {
    pub(crate) fn new(shared: Arc<Shared>, link: Arc<Link>) -> Self {
        Self { shared, link }
    }

    /// From now on, replies can be sent.
    pub(crate) fn open(&self) {
        self.shared.set_link(Some(self.link.clone()));
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.shared.set_link(None);
        self.link.end();
    }
}
