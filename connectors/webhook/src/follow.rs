//! Hooks follow the journal. In: entries as they are settled, people as they are erased. Out: events, posted in order, each until it is
//! confirmed or was tried for too long. No hook waits for another.

mod pace;
mod round;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use loquat_contract::{CancellationToken, Journal, JournalError, Person, Query, Timestamp};
use reqwest::Client;
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use crate::WebhookError;
use crate::config::{Config, EventType, Hook};
use crate::cursor::{Cursor, File, Gone};
use crate::happening::{Signals, named};
use round::Round;

/// The pause after the journal could not be read.
const AGAIN: Duration = Duration::from_secs(5);

/// The hooks of a bot.
pub struct Webhooks {
    hooks: Vec<Following>,
}

impl std::fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.hooks.iter().map(|following| &following.hook.name);
        f.debug_list().entries(names).finish()
    }
}

/// A hook on its way.
pub(crate) struct Following {
    pub(crate) hook: Hook,
    pub(crate) client: Client,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) signals: Arc<dyn Signals>,
    cursor: Mutex<Cursor>,
    file: File,
    /// Told when somebody was erased.
    pub(crate) told: Notify,
}

impl Webhooks {
    /// The hooks of a config, each where it was when the bot stopped; a new one begins with what happens from now on. How far they are is
    /// kept in `folder`.
    ///
    /// # Errors
    /// When a hook is not one, or how far it is cannot be read.
    pub async fn open(
        hooks: &[Config],
        folder: &Path,
        journal: Arc<dyn Journal>,
        signals: Arc<dyn Signals>,
    ) -> Result<Self, WebhookError> {
        let mut opened: Vec<Following> = Vec::new();
        if hooks.is_empty() {
            return Ok(Self { hooks: opened });
        }
        let client = crate::send::client()?;
        for config in hooks {
            let hook = config.check()?;
            if opened.iter().any(|other| other.hook.name == hook.name) {
                let problem = "another one has the same name; give each its own `name`".to_owned();
                return Err(WebhookError::Config { hook: hook.name, problem });
            }
            let file = File::new(folder, &hook.name);
            let failed = |source| WebhookError::Cursor {
                hook: hook.name.clone(),
                path: file.path().to_owned(),
                source,
            };
            let cursor = match file.read().map_err(failed)? {
                Some(cursor) => cursor,
                None => {
                    let newest = journal.entries(Query { limit: Some(1), ..Query::default() }).await?;
                    let cursor = Cursor::behind(newest.last().map(|entry| entry.sequence));
                    file.write(&cursor).map_err(failed)?;
                    cursor
                }
            };
            let (client, journal, signals) = (client.clone(), journal.clone(), signals.clone());
            let (cursor, told) = (Mutex::new(cursor), Notify::new());
            opened.push(Following { hook, client, journal, signals, cursor, file, told });
        }
        Ok(Self { hooks: opened })
    }

    /// Posts events until `stop` is cancelled. What is not confirmed by then is posted by the next run.
    pub async fn run(&self, stop: CancellationToken) {
        let all = futures::future::join_all(self.hooks.iter().map(Following::run));
        tokio::select! {
            _ended = all => {}
            () = stop.cancelled() => {}
        }
    }

    /// Has the hooks that asked for it told that somebody was erased, also after a crash.
    ///
    /// # Errors
    /// When that cannot be kept; then it has to be told to them otherwise.
    pub fn erased(&self, person: &Person, messages: usize) -> Result<(), WebhookError> {
        let mut kept = Ok(());
        for following in self.hooks.iter().filter(|one| one.hook.events.contains(&EventType::Erased)) {
            // Whoever wants no more events is told of no more people: their names would stay here for good.
            if following.is_disabled() {
                continue;
            }
            let at = Timestamp::now();
            let id = named(&Sha256::digest(format!("{person} {} {messages}", at.0))[..16]);
            let changed = following.change(|cursor| {
                cursor.erased.push(Gone { id, person: person.clone(), messages, at });
            });
            following.told.notify_one();
            // One that could not be kept is no reason not to tell the others.
            kept = kept.and(changed);
        }
        kept
    }
}

impl Following {
    async fn run(&self) {
        let hook = &self.hook.name;
        if self.is_disabled() {
            tracing::warn!(hook, "its server said that it wants no more events (410); a new url begins anew");
            return;
        }
        loop {
            match Round::new(self).go().await {
                Ok(()) => return,
                Err(error @ JournalError::Fenced) => {
                    tracing::error!(hook, %error, "webhooks end");
                    return;
                }
                Err(error) => tracing::error!(hook, %error, "webhooks wait for the journal"),
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// The address, without telling it.
    pub(crate) fn address(&self) -> String {
        named(&Sha256::digest(self.hook.url.as_str())[..16])
    }

    /// Whether this address said that it wants no more events.
    fn is_disabled(&self) -> bool {
        self.cursor().disabled.as_ref() == Some(&self.address())
    }

    pub(crate) fn cursor(&self) -> MutexGuard<'_, Cursor> {
        self.cursor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the cursor, and keeps it.
    ///
    /// # Errors
    /// When it cannot be written; in memory it is changed all the same.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Cursor)) -> Result<(), WebhookError> {
        let mut cursor = self.cursor();
        change(&mut cursor);
        // Within the lock: an older one must not replace a newer one.
        self.file.write(&cursor).map_err(|source| WebhookError::Cursor {
            hook: self.hook.name.clone(),
            path: self.file.path().to_owned(),
            source,
        })
    }

    /// Keeps the cursor as it is; where it cannot be written, events may come twice after a crash.
    pub(crate) fn keep(&self) {
        if let Err(error) = self.change(|_| {}) {
            tracing::error!(%error, "after a crash, events may come twice");
        }
    }
}
