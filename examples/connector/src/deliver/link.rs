//! The one connection, as both halves see it. In: lines to write, and what the server answers. Out: for each message, what became
//! of it. Knows nothing of events or replies.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use loquat_contract::{Address, ConversationId, Delivery, MessageId};
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::{oneshot, watch};

use crate::wire::{BotLine, line};

/// Why a line is not known to be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unwritten {
    /// Not a byte of it was.
    #[error("not connected")]
    NotConnected,
    /// Nobody can tell how much of it was.
    #[error("the connection broke ({0})")]
    Broken(#[from] std::io::Error),
}

/// One connection, from its first line to its last.
pub(crate) struct Connection {
    /// Taken for the time of a write, and not put back when that fails or is given up in the middle: half a line is never
    /// followed by another, and the server sees the end.
    writing: tokio::sync::Mutex<Option<OwnedWriteHalf>>,
    /// Who waits for the answer to which key; `None` once no answer can come any more.
    waiting: Mutex<Option<HashMap<String, oneshot::Sender<Delivery>>>>,
}

impl Connection {
    /// Writes a line, whole.
    pub(crate) async fn write(&self, said: &BotLine) -> Result<(), Unwritten> {
        let bytes = line(said).map_err(std::io::Error::from)?;
        let mut slot = self.writing.lock().await;
        let mut socket = slot.take().ok_or(Unwritten::NotConnected)?;
        socket.write_all(&bytes).await?;
        *slot = Some(socket);
        Ok(())
    }

    /// What the server will answer to this key.
    pub(super) fn answer_to(&self, key: &str) -> Result<oneshot::Receiver<Delivery>, Unwritten> {
        let (answered, answer) = oneshot::channel();
        let mut waiting = locked(&self.waiting);
        waiting.as_mut().ok_or(Unwritten::NotConnected)?.insert(key.to_owned(), answered);
        Ok(answer)
    }

    /// The server has answered.
    pub(crate) fn answered(&self, key: &str, delivery: Delivery) {
        if let Some(answered) = locked(&self.waiting).as_mut().and_then(|waiting| waiting.remove(key)) {
            // Whoever asked may have stopped waiting.
            let _ = answered.send(delivery);
        }
    }
}

/// What the two halves share.
pub(crate) struct Link {
    /// The connection, while there is one.
    connection: Mutex<Option<Arc<Connection>>>,
    /// The newest question of each conversation that waits for its reply. The host answers a conversation in order, so what is
    /// older than an answered question waits no more.
    owed: watch::Sender<HashMap<ConversationId, MessageId>>,
    pub(crate) silence: Duration,
}

impl Link {
    pub(crate) fn new(silence: Duration) -> Self {
        Self { connection: Mutex::default(), owed: watch::Sender::default(), silence }
    }

    /// Lets replies leave over this socket, until the result is dropped.
    pub(crate) fn open(&self, socket: OwnedWriteHalf) -> Open<'_> {
        let (writing, waiting) = (Some(socket).into(), Mutex::new(Some(HashMap::new())));
        let connection = Arc::new(Connection { writing, waiting });
        *locked(&self.connection) = Some(connection.clone());
        Open { link: self, connection }
    }

    pub(super) fn connection(&self) -> Option<Arc<Connection>> {
        locked(&self.connection).clone()
    }

    /// A question goes to the sink.
    pub(crate) fn owes(&self, to: &Address) {
        self.owed.send_modify(|owed| {
            owed.insert(to.conversation.clone(), to.in_reply_to.clone());
        });
    }

    /// It has its reply, or gets none.
    pub(crate) fn settled(&self, to: &Address) {
        self.owed.send_modify(|owed| {
            if owed.get(&to.conversation) == Some(&to.in_reply_to) {
                owed.remove(&to.conversation);
            }
        });
    }

    /// Returns once nothing is owed.
    pub(crate) async fn all_settled(&self) {
        // It fails only where the sending side is gone, and that is in `self`.
        let _ = self.owed.subscribe().wait_for(HashMap::is_empty).await;
    }
}

/// A connection that is in use. The ingress may be dropped at any moment; this then tells the other half.
pub(crate) struct Open<'a> {
    link: &'a Link,
    pub(crate) connection: Arc<Connection>,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        *locked(&self.link.connection) = None;
        // Whoever waits for an answer learns at once that none will come.
        *locked(&self.connection.waiting) = None;
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
