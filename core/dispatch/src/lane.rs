//! The queue of one conversation, and the one worker of it. In: events in the order of the journal. Out: each handled after the one before.
//! A conversation that is idle has none.

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, MutexGuard, PoisonError};

use futures::FutureExt;
use loquat_contract::{ConversationId, Entry, Event, JournalError, MessageId, Sequence, Settlement};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::dispatch::Shared;
use crate::settings::Overlap;

/// A conversation at work.
#[derive(Default)]
pub(crate) struct Lane {
    waiting: VecDeque<Waiting>,
    current: Option<Current>,
    arrived: Arc<Notify>,
}

/// An event that waits for its turn.
pub(crate) struct Waiting {
    pub(crate) entry: Entry,
    /// Whether an earlier run accepted it.
    is_resumed: bool,
    /// Why it is not to be answered any more.
    superseded: Option<&'static str>,
}

/// The event that is being answered.
struct Current {
    sequence: Sequence,
    answers: MessageId,
    /// Whether its reply is made, and it is too late to give it up.
    is_made: bool,
    why: Option<&'static str>,
    give_up: CancellationToken,
}

/// What handling an event came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handled {
    /// It is settled.
    Settled,
    /// It is left to the next run.
    StaysOwed,
}

const EDITED: &str = "the message was changed before it was answered";
const DELETED: &str = "the message was deleted before it was answered";
const INTERRUPTED: &str = "another message came before it was answered";

impl Lane {
    /// Puts an event behind the others, and takes account of what it says about them.
    fn push(&mut self, entry: Entry, is_resumed: bool, overlap: Overlap) {
        match &entry.inbound.event {
            Event::Edit { message, .. } => self.supersede(EDITED, |answers| answers == message),
            Event::Deletion { message } => self.supersede(DELETED, |answers| answers == message),
            Event::Message(_) if overlap == Overlap::Interrupt => self.supersede(INTERRUPTED, |_| true),
            _ => {}
        }
        self.waiting.push_back(Waiting { entry, is_resumed, superseded: None });
        self.arrived.notify_one();
    }

    fn supersede(&mut self, why: &'static str, is_meant: impl Fn(&MessageId) -> bool) {
        for waiting in &mut self.waiting {
            let inbound = &waiting.entry.inbound;
            let is_open = inbound.text().is_some() && waiting.entry.prepared.is_none();
            if is_open && is_meant(&inbound.address().in_reply_to) {
                waiting.superseded.get_or_insert(why);
            }
        }
        if let Some(current) =
            self.current.as_mut().filter(|current| !current.is_made && is_meant(&current.answers))
        {
            current.why.get_or_insert(why);
            current.give_up.cancel();
        }
    }
}

impl Shared {
    pub(crate) fn lanes(&self) -> MutexGuard<'_, HashMap<ConversationId, Lane>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts events behind the others of their conversations. Workers begin once all are in their places.
    pub(crate) fn enqueue_all(self: &Arc<Self>, entries: Vec<Entry>, is_resumed: bool) {
        let mut lanes = self.lanes();
        let mut idle = Vec::new();
        for entry in entries {
            let conversation = entry.inbound.conversation.clone();
            let lane = lanes.entry(conversation.clone()).or_insert_with(|| {
                idle.push(conversation);
                Lane::default()
            });
            lane.push(entry, is_resumed, self.bot.settings.overlap);
        }
        drop(lanes);
        for conversation in idle {
            let shared = self.clone();
            self.tasks.spawn(async move { shared.work(&conversation).await });
        }
    }

    /// Takes an event out of its queue, or gives it up where it is being answered.
    pub(crate) fn take_out(&self, conversation: &ConversationId, sequence: Sequence) {
        let mut lanes = self.lanes();
        let Some(lane) = lanes.get_mut(conversation) else { return };
        lane.waiting.retain(|waiting| waiting.entry.sequence != sequence);
        if let Some(current) = lane.current.as_mut().filter(|current| current.sequence == sequence) {
            current.give_up.cancel();
        }
    }

    /// Handles what waits in a conversation, one after another, until nothing does.
    async fn work(self: &Arc<Self>, conversation: &ConversationId) {
        loop {
            if self.bot.settings.overlap == Overlap::Debounce {
                self.wait_for_silence(conversation).await;
            }
            let Some((group, give_up)) = self.next(conversation) else { return };
            let last = group.last().map(|waiting| waiting.entry.sequence);
            // A fault in one message must not leave its conversation without a worker.
            let handled = match AssertUnwindSafe(self.handle_group(group, &give_up)).catch_unwind().await {
                Ok(handled) => handled,
                Err(_) => self.broke_down(last).await,
            };
            let handled = match handled {
                Ok(handled) => handled,
                // Erased while it was on its way.
                Err(JournalError::NoEntry(_)) => Handled::Settled,
                Err(error) => {
                    tracing::error!(%conversation, %error, "the journal failed; the message stays owed");
                    Handled::StaysOwed
                }
            };
            if handled == Handled::StaysOwed {
                // Those behind it stay owed with it: answered now, they would overtake it.
                self.lanes().remove(conversation);
                return;
            }
        }
    }

    /// Puts an event on record that no reply can be made of.
    async fn broke_down(&self, sequence: Option<Sequence>) -> Result<Handled, JournalError> {
        let Some(sequence) = sequence else { return Ok(Handled::StaysOwed) };
        let reason = "handling it broke down; the log says where".to_owned();
        tracing::error!(%sequence, reason, "not answered");
        self.settle(sequence, Settlement::Failed { reason }).await?;
        Ok(Handled::Settled)
    }

    /// The next event, with those that are answered together with it; closes the lane where there is none.
    fn next(&self, conversation: &ConversationId) -> Option<(Vec<Waiting>, CancellationToken)> {
        let mut lanes = self.lanes();
        let lane = lanes.get_mut(conversation)?;
        let Some(first) = lane.waiting.pop_front() else {
            lanes.remove(conversation);
            return None;
        };
        let mut group = vec![first];
        if self.bot.settings.overlap == Overlap::Debounce && is_plain(&group[0]) {
            while lane.waiting.front().is_some_and(|next| {
                is_plain(next) && next.entry.inbound.sender.id == group[0].entry.inbound.sender.id
            }) {
                group.extend(lane.waiting.pop_front());
            }
        }
        let give_up = CancellationToken::new();
        lane.current = group.last().map(|last| Current {
            sequence: last.entry.sequence,
            answers: last.entry.inbound.address().in_reply_to,
            is_made: false,
            why: None,
            give_up: give_up.clone(),
        });
        Some((group, give_up))
    }

    async fn wait_for_silence(&self, conversation: &ConversationId) {
        loop {
            let arrived = {
                let lanes = self.lanes();
                let Some(lane) = lanes.get(conversation) else { return };
                if !lane.waiting.front().is_some_and(is_plain) {
                    return;
                }
                lane.arrived.clone()
            };
            let more = tokio::time::timeout(self.bot.settings.debounce(), arrived.notified());
            tokio::select! {
                more = more => if more.is_err() { return },
                () = self.stop.cancelled() => return,
            }
        }
    }

    /// Handles the last event of a group, the others being answered together with it.
    async fn handle_group(
        self: &Arc<Self>,
        mut group: Vec<Waiting>,
        give_up: &CancellationToken,
    ) -> Result<Handled, JournalError> {
        let Some(last) = group.pop() else { return Ok(Handled::Settled) };
        let into = last.entry.sequence;
        let mut before = Vec::new();
        for Waiting { entry, .. } in group {
            self.settle(entry.sequence, Settlement::Merged { into }).await?;
            self.withdraw(&entry).await;
            before.extend(entry.inbound.text().map(str::to_owned));
        }
        if let Some(reason) = last.superseded {
            self.settle(into, Settlement::Superseded { reason: reason.to_owned() }).await?;
            self.withdraw(&last.entry).await;
            return Ok(Handled::Settled);
        }
        if last.is_resumed && before.is_empty() {
            before = self.merged_into(&last.entry).await?;
        }
        self.handle(last.entry, before, give_up).await
    }

    /// Tells a platform that shows who waits for an answer that this message gets none of its own.
    pub(crate) async fn withdraw(&self, entry: &Entry) {
        let platform = self.platforms.get(&entry.inbound.conversation.platform);
        if let Some(drafts) = platform.and_then(|platform| platform.egress.drafts()) {
            drafts.withdraw(&entry.inbound.address()).await;
        }
    }

    /// Notes that the reply is made, after which it is delivered whatever comes; or says why it is not wanted any more.
    pub(crate) fn made(&self, conversation: &ConversationId) -> Result<(), Option<&'static str>> {
        let mut lanes = self.lanes();
        let Some(current) = lanes.get_mut(conversation).and_then(|lane| lane.current.as_mut()) else {
            return Ok(());
        };
        if current.give_up.is_cancelled() {
            return Err(current.why);
        }
        current.is_made = true;
        Ok(())
    }
}

/// Whether an event is a message that nothing is known of yet.
fn is_plain(waiting: &Waiting) -> bool {
    let entry = &waiting.entry;
    matches!(entry.inbound.event, Event::Message(_))
        && entry.prepared.is_none()
        && waiting.superseded.is_none()
}
