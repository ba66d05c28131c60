//! One hook's way through the journal. In: its cursor, and what changes. Out: events in the order in which their entries were settled. It takes
//! in only so many entries before their events are confirmed: what is behind those waits in the journal, not in memory.

use std::collections::{BTreeSet, HashMap};

use futures::{FutureExt, StreamExt};
use loquat_contract::{BoxStream, Change, Entry, JournalError, Query, Sequence, Timestamp};
use metrics::{counter, gauge};
use serde_json::json;

use super::Following;
use super::pace::Pace;
use crate::config::EventType;
use crate::happening::{Happening, happenings};
use crate::send::{Posted, post};

/// Entries that are taken in before their events are confirmed.
const BATCH: u64 = 256;
/// How many entries are remembered as done, so that a late word of them is known as such.
const REMEMBERED: usize = 4096;

/// What became of posting something.
enum Ended {
    /// It is confirmed, or left out.
    Done,
    /// The server wants no more.
    Gone,
}

pub(super) struct Round<'a> {
    following: &'a Following,
    changes: BoxStream<'static, Change>,
    pace: Pace,
    /// When they were settled, and which.
    ready: BTreeSet<(Timestamp, u64)>,
    /// Whether there is more in the journal than was taken in.
    is_behind: bool,
    done: HashMap<u64, Timestamp>,
}

impl<'a> Round<'a> {
    pub(super) fn new(following: &'a Following) -> Self {
        // Before anything is read: what changes in between is then told.
        let changes = following.journal.changes();
        let (ready, done) = (BTreeSet::new(), HashMap::new());
        Self { following, changes, pace: Pace::new(), ready, is_behind: true, done }
    }

    /// Goes on until the journal ends or the server wants no more.
    pub(super) async fn go(mut self) -> Result<(), JournalError> {
        let following = self.following;
        for owed in following.journal.owed().await? {
            // Put back on its way after it was done: `seen` is past it.
            let mut cursor = following.cursor();
            if owed.sequence.0 <= cursor.seen {
                cursor.open.insert(owed.sequence.0);
            }
        }
        self.look().await?;
        loop {
            let waiting = self.ready.len() + following.cursor().erased.len();
            gauge!("loquat_webhooks_waiting", "hook" => following.hook.name.clone()).set(waiting as f64);
            if let Ended::Gone = self.tell_erased().await {
                return Ok(());
            }
            if let Some((_, sequence)) = self.ready.pop_first() {
                if let Ended::Gone = self.tell(sequence).await? {
                    return Ok(());
                }
                while let Some(change) = self.changes.next().now_or_never() {
                    let Some(change) = change else { return Ok(()) };
                    self.take(change).await?;
                }
            } else if self.is_behind {
                self.look().await?;
            } else {
                following.keep();
                tokio::select! {
                    change = self.changes.next() => {
                        let Some(change) = change else { return Ok(()) };
                        self.take(change).await?;
                    }
                    () = following.told.notified() => {}
                }
            }
        }
    }

    /// Looks at all that is open, and at the next of what was not looked at yet.
    async fn look(&mut self) -> Result<(), JournalError> {
        let following = self.following;
        self.ready.clear();
        let open: Vec<u64> = following.cursor().open.iter().copied().collect();
        for sequence in open {
            self.take_in(sequence).await?;
        }
        let newest = following.journal.entries(Query { limit: Some(1), ..Query::default() }).await?;
        let newest = newest.last().map_or(0, |entry| entry.sequence.0);
        loop {
            let seen = following.cursor().seen;
            self.is_behind = seen < newest;
            if !self.is_behind || self.ready.len() as u64 >= BATCH {
                return Ok(());
            }
            let end = seen.saturating_add(BATCH).min(newest);
            let next = Query {
                after: Some(Sequence(seen)),
                before: Some(Sequence(end.saturating_add(1))),
                ..Query::default()
            };
            for entry in following.journal.entries(next).await? {
                following.cursor().open.insert(entry.sequence.0);
                self.note(&entry);
            }
            following.cursor().seen = end;
        }
    }

    fn note(&mut self, entry: &Entry) {
        if let Some((_, at)) = entry.settled {
            self.ready.insert((at, entry.sequence.0));
        }
    }

    /// Reads an open entry, and has its turn come where it is settled.
    async fn take_in(&mut self, sequence: u64) -> Result<(), JournalError> {
        match self.following.journal.entry(Sequence(sequence)).await {
            Ok(entry) => self.note(&entry),
            Err(JournalError::NoEntry(_)) => drop(self.following.cursor().open.remove(&sequence)),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Takes account of what changed.
    async fn take(&mut self, change: Change) -> Result<(), JournalError> {
        let Change::Entry(Sequence(sequence)) = change else {
            return self.look().await;
        };
        let (is_new, is_open) = {
            let cursor = self.following.cursor();
            (sequence > cursor.seen, cursor.open.contains(&sequence))
        };
        if is_new {
            if self.is_behind || self.ready.len() as u64 >= BATCH {
                self.is_behind = true;
                return Ok(());
            }
            let mut cursor = self.following.cursor();
            let unseen = cursor.seen + 1..=sequence;
            cursor.open.extend(unseen);
            cursor.seen = sequence;
        } else if !is_open {
            // A late word of what is done, or it is put back on its way.
            let entry = match self.following.journal.entry(Sequence(sequence)).await {
                Ok(entry) => entry,
                Err(JournalError::NoEntry(_)) => return Ok(()),
                Err(error) => return Err(error),
            };
            let is_again = match &entry.settled {
                None => true,
                Some((_, at)) => entry.reopened_at.is_some() && self.done.get(&sequence) != Some(at),
            };
            if is_again {
                self.following.cursor().open.insert(sequence);
                self.following.keep();
            }
        }
        if self.following.cursor().open.contains(&sequence) {
            self.take_in(sequence).await?;
        }
        Ok(())
    }

    /// Posts the events of a settled entry, until each is confirmed or left out.
    async fn tell(&mut self, sequence: u64) -> Result<Ended, JournalError> {
        let following = self.following;
        let mut told: Vec<String> = Vec::new();
        let settled_at = loop {
            // Read anew before every try: what was erased meanwhile is told to nobody.
            let entry = match following.journal.entry(Sequence(sequence)).await {
                Ok(entry) => entry,
                Err(JournalError::NoEntry(_)) => break None,
                Err(error) => return Err(error),
            };
            // Put back on its way: its turn comes again.
            let Some((_, at)) = entry.settled else { return Ok(Ended::Done) };
            let all = happenings(&following.hook, &entry, following.signals.as_ref()).await?;
            let Some(next) = all.into_iter().find(|next| !told.contains(&next.id)) else { break Some(at) };
            match self.try_once(&next, at).await {
                Some(Ended::Done) => told.push(next.id),
                Some(Ended::Gone) => return Ok(Ended::Gone),
                None => {}
            }
        };
        following.cursor().open.remove(&sequence);
        if !told.is_empty() {
            following.keep();
        }
        if let Some(at) = settled_at {
            if self.done.len() >= REMEMBERED {
                self.done.clear();
            }
            self.done.insert(sequence, at);
        }
        Ok(Ended::Done)
    }

    /// Tells who was erased.
    async fn tell_erased(&mut self) -> Ended {
        loop {
            let Some(gone) = self.following.cursor().erased.first().cloned() else { return Ended::Done };
            let data = json!({ "person": gone.person.to_string(), "messages": gone.messages });
            let next = Happening::new(EventType::Erased, gone.id.clone(), gone.at, &data);
            match self.try_once(&next, gone.at).await {
                Some(Ended::Done) => {
                    let kept =
                        self.following.change(|cursor| cursor.erased.retain(|other| other.id != gone.id));
                    if let Err(error) = kept {
                        tracing::error!(%error, "after a crash, events may come twice");
                    }
                }
                Some(Ended::Gone) => return Ended::Gone,
                None => {}
            }
        }
    }

    /// Posts an event once; `None` where it is to be posted again, after the pause for that.
    async fn try_once(&mut self, next: &Happening, since: Timestamp) -> Option<Ended> {
        let following = self.following;
        let hook = following.hook.name.clone();
        let count = |outcome: &'static str| {
            counter!("loquat_webhooks_total", "hook" => hook.clone(), "outcome" => outcome).increment(1);
        };
        match post(&following.client, &following.hook, &next.id, &next.body).await {
            Posted::Confirmed => {
                count("confirmed");
                self.pace = Pace::new();
                Some(Ended::Done)
            }
            Posted::Gone => {
                count("gone");
                tracing::error!(
                    hook,
                    "its server said that it wants no more events (410); none is sent there any more"
                );
                let address = following.address();
                let disabled = following.change(|cursor| {
                    cursor.disabled = Some(address);
                    // Nobody will be told who they are, so nothing is kept of them.
                    cursor.erased.clear();
                });
                if let Err(error) = disabled {
                    tracing::error!(%error, "it is asked once more after a restart");
                }
                Some(Ended::Gone)
            }
            Posted::Again { reason, .. } if since.age_at(Timestamp::now()) > following.hook.give_up => {
                count("given_up");
                tracing::error!(
                    hook,
                    id = next.id,
                    kind = next.kind.name(),
                    reason,
                    "not confirmed for too long, and left out"
                );
                Some(Ended::Done)
            }
            Posted::Again { reason, after } => {
                count("again");
                let pause = self.pace.next().max(after.unwrap_or_default());
                tracing::warn!(hook, id = next.id, reason, ?pause, "not confirmed; sent again");
                tokio::time::sleep(pause).await;
                None
            }
        }
    }
}
