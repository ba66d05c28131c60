//! The journal in a folder. In: accepted messages and what became of them. Out: those still owed an answer after a stop.
//! Knows no platform and answers nothing.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use loquat_contract::{
    Accepted, Address, BoxFuture, Inbound, Journal, JournalError, Pending, Sequence, Stage,
};
use loquat_store::{Batch, Database};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The journal's format; one that is not this is refused.
const FORMAT: &[u8] = b"loquat-journal 1";
const FORMAT_KEY: &[u8] = b"format";
/// The database's one tree.
const TREE: usize = 0;

/// The kinds of keys. A message's keys are a letter and its number, big-endian, so that they sort by age.
#[derive(Clone, Copy)]
enum Key {
    /// The message itself.
    Message = b'm' as isize,
    /// The reply that was made for it.
    Reply = b'r' as isize,
    /// Why it failed.
    Failure = b'f' as isize,
    /// It is still owed something.
    Owed = b'o' as isize,
}

impl Key {
    fn of(self, sequence: Sequence) -> Vec<u8> {
        let mut key = vec![self as u8];
        key.extend(sequence.0.to_be_bytes());
        key
    }
}

fn address_key(address: &Address) -> Result<Vec<u8>, JournalError> {
    let mut key = vec![b'a'];
    key.extend(encode(address)?);
    Ok(key)
}

/// A [`Journal`] embedded in the process: one folder, no other service. Every call returns after the disk has it.
#[derive(Clone)]
pub struct EmbeddedJournal {
    store: Arc<Mutex<Store>>,
}

struct Store {
    database: Database,
    /// The number of the next message.
    next: u64,
}

impl std::fmt::Debug for EmbeddedJournal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedJournal").finish_non_exhaustive()
    }
}

impl EmbeddedJournal {
    /// Opens or creates the journal in `folder`.
    ///
    /// # Errors
    /// When the folder cannot be written, another process has it open, or its format is not this version's.
    pub fn open(folder: &Path) -> Result<Self, JournalError> {
        let database = Database::open(folder, &["journal"]).map_err(|source| opening(folder, source))?;
        match database.get(TREE, FORMAT_KEY).map_err(store_error)? {
            Some(format) if &*format == FORMAT => {}
            Some(_) => {
                return Err(JournalError::Unusable(format!(
                    "{} was written by another version of Loquat",
                    folder.display()
                )));
            }
            None => {
                database.insert(TREE, FORMAT_KEY, FORMAT.to_vec()).map_err(store_error)?;
                database.flush().map_err(store_error)?;
            }
        }
        let last = database.scan(TREE, &[Key::Message as u8]).next_back();
        let next = match last.transpose().map_err(store_error)? {
            Some((key, _)) => number(&key)? + 1,
            None => 1,
        };
        Ok(Self { store: Arc::new(Mutex::new(Store { database, next })) })
    }

    /// Runs blocking work beside the runtime's threads.
    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, JournalError> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, JournalError>> {
        let store = self.store.clone();
        Box::pin(async move {
            let work = move || work(&mut store.lock().unwrap_or_else(PoisonError::into_inner));
            let done = tokio::task::spawn_blocking(work).await;
            done.map_err(|source| JournalError::Store(Box::new(source)))?
        })
    }
}

impl Store {
    fn accept(&mut self, inbound: &Inbound) -> Result<Accepted, JournalError> {
        let address = address_key(&inbound.address())?;
        if let Some(known) = self.database.get(TREE, &address).map_err(store_error)? {
            return Ok(Accepted::Duplicate(Sequence(number(&known)?)));
        }
        let sequence = Sequence(self.next);
        let mut batch = Batch::default();
        batch.insert(Key::Message.of(sequence), encode(inbound)?);
        batch.insert(Key::Owed.of(sequence), Vec::new());
        batch.insert(address, Key::Message.of(sequence));
        self.database.apply(TREE, batch).map_err(store_error)?;
        self.database.flush().map_err(store_error)?;
        self.next += 1;
        Ok(Accepted::New(sequence))
    }

    fn record(&self, sequence: Sequence, stage: &Stage) -> Result<(), JournalError> {
        let mut batch = Batch::default();
        match stage {
            Stage::Replied(reply) => batch.insert(Key::Reply.of(sequence), encode(reply)?),
            Stage::Delivered => batch.remove(Key::Owed.of(sequence)),
            Stage::Failed(reason) => {
                batch.insert(Key::Failure.of(sequence), encode(reason)?);
                batch.remove(Key::Owed.of(sequence));
            }
        }
        self.database.apply(TREE, batch).map_err(store_error)?;
        self.database.flush().map_err(store_error)
    }

    fn pending(&self) -> Result<Vec<Pending>, JournalError> {
        let owed = self.database.scan(TREE, &[Key::Owed as u8]);
        owed.map(|item| {
            let (key, _) = item.map_err(store_error)?;
            let sequence = Sequence(number(&key)?);
            let message = self.database.get(TREE, &Key::Message.of(sequence)).map_err(store_error)?;
            let message = message.ok_or_else(|| {
                store_error(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("message {} is missing", sequence.0),
                ))
            })?;
            let reply = self.database.get(TREE, &Key::Reply.of(sequence)).map_err(store_error)?;
            let reply = reply.map(|bytes| decode(&bytes)).transpose()?;
            Ok(Pending { sequence, inbound: decode(&message)?, reply })
        })
        .collect()
    }
}

impl Journal for EmbeddedJournal {
    fn accept<'a>(&'a self, inbound: &'a Inbound) -> BoxFuture<'a, Result<Accepted, JournalError>> {
        let inbound = inbound.clone();
        self.run(move |store| store.accept(&inbound))
    }

    fn record(&self, sequence: Sequence, stage: Stage) -> BoxFuture<'_, Result<(), JournalError>> {
        self.run(move |store| store.record(sequence, &stage))
    }

    fn pending(&self) -> BoxFuture<'_, Result<Vec<Pending>, JournalError>> {
        self.run(|store| store.pending())
    }
}

/// Opening fails most often because the bot runs already.
fn opening(folder: &Path, source: io::Error) -> JournalError {
    if source.kind() != io::ErrorKind::WouldBlock {
        return store_error(source);
    }
    JournalError::Unusable(format!("another process has {}", folder.display()))
}

fn store_error(source: io::Error) -> JournalError {
    JournalError::Store(Box::new(source))
}

fn encode(value: &impl Serialize) -> Result<Vec<u8>, JournalError> {
    serde_json::to_vec(value).map_err(|source| JournalError::Store(Box::new(source)))
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JournalError> {
    serde_json::from_slice(bytes).map_err(|source| JournalError::Store(Box::new(source)))
}

/// The number in a message's key.
fn number(key: &[u8]) -> Result<u64, JournalError> {
    let digits = key.get(1..).and_then(|digits| digits.try_into().ok());
    let invalid =
        || store_error(io::Error::new(io::ErrorKind::InvalidData, "a key of the journal has no number"));
    digits.map(u64::from_be_bytes).ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use loquat_contract::{ConversationId, MessageId, Sender};

    use super::*;

    fn message(channel: &str, id: &str) -> Inbound {
        Inbound {
            id: MessageId(id.into()),
            conversation: ConversationId {
                bot: "b".into(),
                platform: "p".into(),
                channel: channel.into(),
                thread: None,
            },
            sender: Sender { id: "s".into(), name: None },
            text: format!("text {id}"),
        }
    }

    #[tokio::test]
    async fn what_was_accepted_is_owed_until_it_is_delivered_or_failed() {
        let folder = tempfile::tempdir().unwrap();
        let journal = EmbeddedJournal::open(folder.path()).unwrap();
        for id in ["1", "2", "3"] {
            journal.accept(&message("a", id)).await.unwrap();
        }
        journal.record(Sequence(1), Stage::Delivered).await.unwrap();
        journal.record(Sequence(2), Stage::Failed("no model".into())).await.unwrap();
        drop(journal);
        let reopened = EmbeddedJournal::open(folder.path()).unwrap();
        let pending = reopened.pending().await.unwrap();
        assert_eq!(pending, [Pending { sequence: Sequence(3), inbound: message("a", "3"), reply: None }]);
        assert_eq!(reopened.accept(&message("a", "4")).await.unwrap(), Accepted::New(Sequence(4)));
    }

    #[tokio::test]
    async fn a_message_is_accepted_once_in_its_conversation() {
        let folder = tempfile::tempdir().unwrap();
        let journal = EmbeddedJournal::open(folder.path()).unwrap();
        assert_eq!(journal.accept(&message("a", "1")).await.unwrap(), Accepted::New(Sequence(1)));
        assert_eq!(journal.accept(&message("a", "1")).await.unwrap(), Accepted::Duplicate(Sequence(1)));
        assert_eq!(journal.accept(&message("b", "1")).await.unwrap(), Accepted::New(Sequence(2)));
    }

    #[tokio::test]
    async fn a_second_process_and_a_strange_format_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let journal = EmbeddedJournal::open(folder.path()).unwrap();
        assert!(EmbeddedJournal::open(folder.path()).is_err());
        let store = journal.store.lock().unwrap();
        store.database.insert(TREE, FORMAT_KEY, b"loquat-journal 99".to_vec()).unwrap();
        store.database.flush().unwrap();
        drop(store);
        drop(journal);
        let error = EmbeddedJournal::open(folder.path()).unwrap_err();
        assert!(error.to_string().contains("another version"), "{error}");
    }
}
