//! A disk that is full. In: events and steps for the journal. Out: the same, but for events while a file says that nothing fits any more.

use std::path::{Path, PathBuf};

use loquat_contract::{
    Accepted, BoxFuture, ConversationId, Entry, Erased, Inbound, Journal, JournalError, Memory, MessageId,
    Person, Query, Sequence, Step, Timestamp,
};
use loquat_journal::EmbeddedJournal;

/// While this file is in the bot's folder, no event is kept.
pub(crate) fn is_full(folder: &Path) -> PathBuf {
    folder.join("disk-is-full")
}

/// This file comes into the bot's folder once an event was not kept.
pub(crate) fn was_refused(folder: &Path) -> PathBuf {
    folder.join("event-was-refused")
}

/// A journal on a disk that may be full.
pub(crate) struct Full {
    pub(crate) folder: PathBuf,
    pub(crate) inner: EmbeddedJournal,
}

impl Journal for Full {
    fn accept<'a>(&'a self, inbound: &'a Inbound) -> BoxFuture<'a, Result<Accepted, JournalError>> {
        Box::pin(async move {
            if is_full(&self.folder).exists() {
                let refused = std::fs::write(was_refused(&self.folder), "");
                return Err(JournalError::Store(refused.err().map_or("no space left".into(), Into::into)));
            }
            self.inner.accept(inbound).await
        })
    }

    fn record(&self, sequence: Sequence, steps: Vec<Step>) -> BoxFuture<'_, Result<(), JournalError>> {
        self.inner.record(sequence, steps)
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

    fn erase<'a>(&'a self, person: &'a Person) -> BoxFuture<'a, Result<Erased, JournalError>> {
        self.inner.erase(person)
    }
}
