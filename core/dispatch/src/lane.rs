//! The queue of one conversation, and the one worker of it. In: events in the order of the journal. Out: each handled after the one before.
//! A conversation that is idle has none.

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, MutexGuard, PoisonError};

use futures::FutureExt;
use loquat_contract::{
    ConversationId, Entry, Event, Inbound, JournalError, MessageId, PartState, Sequence, Settlement,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

use crate::dispatch::{COURTESY, Shared};
use crate::settings::Overlap;
use crate::trace::{self, AtWork, Queued};
use crate::wish::Wish;

/// A conversation at work.
#[derive(Default)]
pub(crate) struct Lane {
    waiting: VecDeque<Waiting>,
    current: Option<Current>,
    arrived: Arc<Notify>,
    _at_work: AtWork,
}

/// An event that waits for its turn.
#[derive(Clone)]
pub(crate) struct Waiting {
    pub(crate) entry: Entry,
    /// Whether an earlier run accepted it, or an operator put it back.
    pub(crate) is_resumed: bool,
    /// Cancelled once the platform was told that it arrived, which an answer must not overtake; `None` where nothing is told.
    pub(crate) signed: Option<CancellationToken>,
    /// Why it is not to be answered any more, where it is not.
    unwanted: Option<Unwanted>,
    /// What is told of its way to those who trace it.
    pub(crate) span: Span,
    /// Kept until its turn comes.
    queued: Option<Arc<Queued>>,
}

impl Waiting {
    /// An event that was accepted now.
    pub(crate) fn new(entry: Entry, signed: Option<CancellationToken>, span: Span) -> Self {
        let queued = Some(Arc::new(Queued::below(&span)));
        Self { entry, is_resumed: false, signed, unwanted: None, span, queued }
    }

    /// An event that an earlier run accepted, or an operator put back.
    pub(crate) fn resumed(entry: Entry) -> Self {
        let span = trace::resumed(&entry.inbound, entry.sequence);
        Self { is_resumed: true, ..Self::new(entry, None, span) }
    }
}

/// Why an event is not to be answered any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unwanted {
    /// Another event took its place, or took it back.
    Superseded(&'static str),
    /// An operator took it out, and settles it.
    TakenOut,
}

/// The events that are being answered, mostly one.
struct Current {
    members: Vec<Waiting>,
    /// Whether their reply is made, and it is too late to give it up.
    is_made: bool,
    give_up: CancellationToken,
}

/// What handling events came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handled {
    /// They are settled.
    Settled,
    /// One of them is not wanted any more; the others have their turn again.
    GivenUp,
    /// They are left to the next run.
    StaysOwed,
}

/// Whether an event could be taken out of its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TakenOut {
    /// It was not in it, or is not any more.
    Yes,
    /// Its reply is being delivered.
    TooLate,
}

const EDITED: &str = "the message was changed before it was answered";
const DELETED: &str = "the message was deleted before it was answered";
const INTERRUPTED: &str = "another message came before it was answered";

impl Lane {
    /// Puts an event behind the others, and takes account of what it says about them.
    fn push(&mut self, waiting: Waiting, overlap: Overlap) {
        let entry = &waiting.entry;
        match &entry.inbound.event {
            Event::Edit { message, .. } => {
                self.supersede(EDITED, |earlier| earlier.address().in_reply_to == *message)
            }
            Event::Deletion { message } => {
                self.supersede(DELETED, |earlier| earlier.address().in_reply_to == *message)
            }
            // One that comes back is older than what is being answered.
            Event::Message(_)
                if overlap == Overlap::Interrupt
                    && !waiting.is_resumed
                    && Wish::of(&entry.inbound).is_question() =>
            {
                // A command is done, whatever is asked next.
                self.supersede(INTERRUPTED, |earlier| !matches!(Wish::of(earlier), Wish::Order(_)));
            }
            _ => {}
        }
        self.waiting.push_back(waiting);
        self.arrived.notify_one();
    }

    fn supersede(&mut self, why: &'static str, is_meant: impl Fn(&Inbound) -> bool) {
        let mark = |waiting: &mut Waiting| {
            let inbound = &waiting.entry.inbound;
            let is_open = inbound.text().is_some() && waiting.entry.prepared.is_none();
            let is_marked = is_open && is_meant(inbound);
            if is_marked {
                waiting.unwanted.get_or_insert(Unwanted::Superseded(why));
            }
            is_marked
        };
        self.waiting.iter_mut().for_each(|waiting| {
            mark(waiting);
        });
        if let Some(current) = self.current.as_mut().filter(|current| !current.is_made)
            && current.members.iter_mut().map(mark).filter(|is_marked| *is_marked).count() > 0
        {
            current.give_up.cancel();
        }
    }
}

impl Shared {
    pub(crate) fn lanes(&self) -> MutexGuard<'_, HashMap<ConversationId, Lane>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts events behind the others of their conversations. Workers begin once all are in their places.
    pub(crate) fn enqueue_all(self: &Arc<Self>, all: impl IntoIterator<Item = Waiting>) {
        let mut lanes = self.lanes();
        let mut idle = Vec::new();
        for waiting in all {
            let conversation = waiting.entry.inbound.conversation.clone();
            let lane = lanes.entry(conversation.clone()).or_insert_with(|| {
                idle.push(conversation);
                Lane::default()
            });
            lane.push(waiting, self.bot.settings.overlap);
        }
        drop(lanes);
        for conversation in idle {
            let shared = self.clone();
            self.tasks.spawn(async move { shared.work(&conversation).await });
        }
    }

    /// Takes the events that are meant out of a conversation's queue, and gives them up where they are being answered.
    pub(crate) fn take_out(
        &self,
        conversation: &ConversationId,
        is_meant: impl Fn(&Entry) -> bool,
    ) -> TakenOut {
        let mut lanes = self.lanes();
        let Some(lane) = lanes.get_mut(conversation) else { return TakenOut::Yes };
        lane.waiting.retain(|waiting| !is_meant(&waiting.entry));
        let Some(current) = &mut lane.current else { return TakenOut::Yes };
        let mut meant = current.members.iter_mut().filter(|member| is_meant(&member.entry)).peekable();
        if meant.peek().is_none() {
            return TakenOut::Yes;
        }
        if current.is_made {
            return TakenOut::TooLate;
        }
        meant.for_each(|member| member.unwanted = Some(Unwanted::TakenOut));
        current.give_up.cancel();
        TakenOut::Yes
    }

    /// Whether an event is in its lane.
    pub(crate) fn is_at_work(
        &self,
        conversation: &ConversationId,
        is_meant: impl Fn(&Entry) -> bool,
    ) -> bool {
        let lanes = self.lanes();
        let Some(lane) = lanes.get(conversation) else { return false };
        let members = lane.current.iter().flat_map(|current| &current.members);
        lane.waiting.iter().chain(members).any(|waiting| is_meant(&waiting.entry))
    }

    /// Handles what waits in a conversation, one after another, until nothing does.
    async fn work(self: &Arc<Self>, conversation: &ConversationId) {
        loop {
            if self.bot.settings.overlap == Overlap::Debounce {
                self.wait_for_silence(conversation).await;
            }
            let Some((group, give_up)) = self.next(conversation) else { return };
            let sequences: Vec<Sequence> = group.iter().map(|waiting| waiting.entry.sequence).collect();
            // A fault in one message must not leave its conversation without a worker.
            let handled = match AssertUnwindSafe(self.handle_group(group, &give_up)).catch_unwind().await {
                Ok(handled) => handled,
                Err(_) => self.broke_down(&sequences).await,
            };
            match handled {
                // Or erased or discarded while they were on their way.
                Ok(Handled::Settled) | Err(JournalError::NoEntry(_) | JournalError::OutOfTurn { .. }) => {
                    if let Some(lane) = self.lanes().get_mut(conversation) {
                        lane.current = None;
                    }
                }
                Ok(Handled::GivenUp) => self.give_back(conversation).await,
                outcome => {
                    if let Err(error) = outcome {
                        tracing::error!(%conversation, %error, "the journal failed; the message stays owed");
                    }
                    // Those behind it stay owed with it: answered now, they would overtake it.
                    self.lanes().remove(conversation);
                    return;
                }
            }
        }
    }

    /// Settles those of the present events that are not wanted any more, and gives the others their turn again.
    async fn give_back(&self, conversation: &ConversationId) {
        let current = self.lanes().get_mut(conversation).and_then(|lane| lane.current.take());
        for member in current.into_iter().flat_map(|current| current.members).rev() {
            match member.unwanted {
                None => {
                    if let Some(lane) = self.lanes().get_mut(conversation) {
                        lane.waiting.push_front(member);
                    }
                }
                Some(Unwanted::TakenOut) => self.withdraw(&member.entry).await,
                Some(Unwanted::Superseded(reason)) => {
                    self.withdraw(&member.entry).await;
                    let settled = Settlement::Superseded { reason: reason.to_owned() };
                    if let Err(error) = self.settle(member.entry.sequence, settled).await {
                        tracing::error!(sequence = %member.entry.sequence, %error, "not settled");
                    }
                }
            }
        }
    }

    /// Puts events on record that no reply can be made of, or whose delivery broke down.
    async fn broke_down(&self, sequences: &[Sequence]) -> Result<Handled, JournalError> {
        for sequence in sequences {
            let reason = "handling it broke down; the log says where".to_owned();
            tracing::error!(%sequence, reason, "not answered");
            let entry = self.journal.entry(*sequence).await?;
            let is_sending = entry.parts.iter().any(|part| matches!(part, PartState::Sending { .. }));
            if entry.prepared.is_none() && entry.draft.is_some() {
                self.withdraw(&entry).await;
            }
            let settled =
                if is_sending { Settlement::Unknown { reason } } else { Settlement::Failed { reason } };
            match self.settle(*sequence, settled).await {
                // Some of those that are answered together may be settled already.
                Ok(()) | Err(JournalError::NoEntry(_) | JournalError::OutOfTurn { .. }) => {}
                Err(error) => return Err(error),
            }
        }
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
        group.iter_mut().for_each(|waiting| waiting.queued = None);
        let give_up = CancellationToken::new();
        let is_made = group[0].entry.prepared.is_some();
        lane.current = Some(Current { members: group.clone(), is_made, give_up: give_up.clone() });
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
        if last.unwanted.is_some() {
            return Ok(Handled::GivenUp);
        }
        let span = last.span.clone();
        self.handle(last, group, give_up).instrument(span).await
    }

    /// Tells a platform that shows who waits for an answer that this message gets none of its own.
    pub(crate) async fn withdraw(&self, entry: &Entry) {
        let platform = self.platforms.get(&entry.inbound.conversation.platform);
        if let Some(drafts) = platform.and_then(|platform| platform.egress.drafts()) {
            let address = entry.inbound.address();
            let withdrawn =
                tokio::time::timeout(COURTESY, drafts.withdraw(&address, entry.draft.as_ref())).await;
            if withdrawn.is_err() {
                tracing::warn!(sequence = %entry.sequence, "the draft was not withdrawn in time");
            }
        }
    }

    /// Notes which message shows a draft of the reply, so that it can be withdrawn.
    pub(crate) fn note_draft(&self, entry: &Entry, draft: Option<MessageId>) {
        let mut lanes = self.lanes();
        let current = lanes.get_mut(&entry.inbound.conversation).and_then(|lane| lane.current.as_mut());
        let members = current.into_iter().flat_map(|current| &mut current.members);
        for member in members.filter(|member| member.entry.sequence == entry.sequence) {
            member.entry.draft = draft.clone();
        }
    }

    /// Notes that the reply is made, after which it is delivered whatever comes; false where it is not wanted any more.
    pub(crate) fn made(&self, conversation: &ConversationId) -> bool {
        let mut lanes = self.lanes();
        let Some(current) = lanes.get_mut(conversation).and_then(|lane| lane.current.as_mut()) else {
            return false;
        };
        current.is_made = !current.give_up.is_cancelled();
        current.is_made
    }
}

/// Whether an event is a message that nothing is known of yet, and that asks for an answer.
fn is_plain(waiting: &Waiting) -> bool {
    let entry = &waiting.entry;
    matches!(entry.inbound.event, Event::Message(_))
        && entry.prepared.is_none()
        && waiting.unwanted.is_none()
        && Wish::of(&entry.inbound).is_question()
}
