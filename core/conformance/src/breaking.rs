//! What breaks in the bot's process. In: a step to end the process at, as `kill -9` does; a file that says that the disk is full.
//! Out: a journal and a sending half that do so.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use loquat_contract::{
    Accepted, Administration, Backfill, BoxFuture, BoxStream, Capabilities, Change, ConversationId, Delivery,
    Drafts, Egress, Entry, Envelope, Erased, Inbound, Interactions, Journal, JournalError, Memory, MessageId,
    PartState, Person, Query, Sequence, Step, Timestamp,
};
use serde::{Deserialize, Serialize};

/// A step on the way of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum Point {
    Accept,
    Draft,
    Prepare,
    Sending,
    Deliver,
    Sent,
    Settle,
}

/// Every step that each message takes, in the order of the way.
pub(crate) const POINTS: [Point; 6] =
    [Point::Accept, Point::Prepare, Point::Sending, Point::Deliver, Point::Sent, Point::Settle];

/// When to end the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Crash {
    pub(crate) point: Point,
    /// Before the step, or after it and before anything else.
    pub(crate) before: bool,
    /// How often the step goes well first.
    pub(crate) spared: usize,
}

impl Crash {
    /// Ends the process where this is the step and its time has come.
    fn consider(crash: Option<Self>, seen: &AtomicUsize, point: Point, before: bool) {
        let Some(crash) = crash.filter(|crash| crash.point == point && crash.before == before) else {
            return;
        };
        if seen.fetch_add(1, Ordering::SeqCst) == crash.spared {
            die();
        }
    }
}

/// Ends this process at once: nothing is flushed, nothing is dropped.
fn die() -> ! {
    #[cfg(unix)]
    {
        let _sent = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        loop {
            std::thread::park();
        }
    }
    #[cfg(not(unix))]
    std::process::abort()
}

/// While this file is in the bot's folder, no event is kept.
pub(crate) fn is_full(folder: &Path) -> PathBuf {
    folder.join("disk-is-full")
}

/// This file comes into the bot's folder once an event was not kept.
pub(crate) fn was_refused(folder: &Path) -> PathBuf {
    folder.join("event-was-refused")
}

/// A journal or a sending half that breaks when it is told to.
pub(crate) struct Breaking<T: ?Sized> {
    crash: Option<Crash>,
    seen: AtomicUsize,
    folder: PathBuf,
    inner: Arc<T>,
}

impl<T: ?Sized> Breaking<T> {
    pub(crate) fn new(crash: Option<Crash>, folder: &Path, inner: Arc<T>) -> Self {
        Self { crash, seen: AtomicUsize::new(0), folder: folder.to_owned(), inner }
    }

    fn consider(&self, point: Point, before: bool) {
        Crash::consider(self.crash, &self.seen, point, before);
    }
}

fn point(steps: &[Step]) -> Option<Point> {
    Some(match steps.last()? {
        Step::Drafted { .. } => Point::Draft,
        Step::Prepared(_) => Point::Prepare,
        Step::Part { state: PartState::Sending { .. }, .. } => Point::Sending,
        Step::Part { state: PartState::Sent { .. }, .. } => Point::Sent,
        Step::Settled(_) => Point::Settle,
        _ => return None,
    })
}

impl Journal for Breaking<dyn Journal> {
    fn accept<'a>(&'a self, inbound: &'a Inbound) -> BoxFuture<'a, Result<Accepted, JournalError>> {
        Box::pin(async move {
            self.consider(Point::Accept, true);
            if is_full(&self.folder).exists() {
                let refused = std::fs::write(was_refused(&self.folder), "");
                return Err(JournalError::Store(refused.err().map_or("no space left".into(), Into::into)));
            }
            let accepted = self.inner.accept(inbound).await;
            self.consider(Point::Accept, false);
            accepted
        })
    }

    fn record(&self, sequence: Sequence, steps: Vec<Step>) -> BoxFuture<'_, Result<(), JournalError>> {
        Box::pin(async move {
            let point = point(&steps);
            point.inspect(|point| self.consider(*point, true));
            let recorded = self.inner.record(sequence, steps).await;
            point.inspect(|point| self.consider(*point, false));
            recorded
        })
    }

    fn owed(&self) -> BoxFuture<'_, Result<Vec<Entry>, JournalError>> {
        self.inner.owed()
    }

    fn entries(&self, query: Query) -> BoxFuture<'_, Result<Vec<Entry>, JournalError>> {
        self.inner.entries(query)
    }

    fn knows<'a>(&'a self, inbound: &'a Inbound) -> BoxFuture<'a, Result<Option<Sequence>, JournalError>> {
        self.inner.knows(inbound)
    }

    fn entry(&self, sequence: Sequence) -> BoxFuture<'_, Result<Entry, JournalError>> {
        self.inner.entry(sequence)
    }

    fn memory<'a>(
        &'a self,
        conversation: &'a ConversationId,
    ) -> BoxFuture<'a, Result<Option<Memory>, JournalError>> {
        self.inner.memory(conversation)
    }

    fn conversations<'a>(
        &'a self,
        platform: &'a str,
        since: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<(ConversationId, MessageId)>, JournalError>> {
        self.inner.conversations(platform, since)
    }

    fn changes(&self) -> BoxStream<'static, Change> {
        self.inner.changes()
    }

    fn erase<'a>(&'a self, person: &'a Person) -> BoxFuture<'a, Result<Erased, JournalError>> {
        self.inner.erase(person)
    }
}

impl Egress for Breaking<dyn Egress> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn deliver<'a>(&'a self, envelope: &'a Envelope) -> BoxFuture<'a, Delivery> {
        Box::pin(async move {
            self.consider(Point::Deliver, true);
            let delivery = self.inner.deliver(envelope).await;
            self.consider(Point::Deliver, false);
            delivery
        })
    }

    fn pause(&self, conversation: &ConversationId) -> Duration {
        self.inner.pause(conversation)
    }

    fn signal_typing<'a>(&'a self, conversation: &'a ConversationId) -> BoxFuture<'a, ()> {
        self.inner.signal_typing(conversation)
    }

    fn forget<'a>(&'a self, conversation: &'a ConversationId) -> BoxFuture<'a, ()> {
        self.inner.forget(conversation)
    }

    fn drafts(&self) -> Option<&dyn Drafts> {
        self.inner.drafts()
    }

    fn interactions(&self) -> Option<&dyn Interactions> {
        self.inner.interactions()
    }

    fn backfill(&self) -> Option<&dyn Backfill> {
        self.inner.backfill()
    }

    fn administration(&self) -> Option<&dyn Administration> {
        self.inner.administration()
    }
}
