//! An event gets its reply. In: an event whose turn has come. Out: a reply in the journal and cut into parts, or why there is none.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::FutureExt;
use futures::future::FusedFuture;
use loquat_contract::{
    Choice, ConversationId, Draft, Entry, Event, Inbound, JournalError, Part, PartState, Prepared, Query,
    Reply, Sentence, Sequence, Settlement, Step,
};
use tokio_util::sync::CancellationToken;

use crate::compose::{apology, compose, notice};
use crate::count;
use crate::deliver::first_key;
use crate::dispatch::{COURTESY, Platform, Shared};
use crate::explain::wanted;
use crate::lane::{Handled, Waiting};

/// What a person is told whose message cannot be answered; why stands in the log and the journal.
pub(crate) const APOLOGY: &str =
    "Something went wrong, and this message could not be answered. Please ask again later.";
/// Commands of platforms that ask who the bot is.
const GREETED: [&str; 2] = ["start", "help"];
/// How far back a conversation is looked through.
pub(crate) const RECENT: usize = 200;

/// What answering came to.
enum Answered {
    Prepared(Box<Prepared>),
    /// It is not wanted any more.
    GivenUp,
    /// The bot may not wait any longer.
    Aborted,
}

impl Shared {
    /// Answers an event and delivers the reply. `before` are those that are answered together with it.
    pub(crate) async fn handle(
        self: &Arc<Self>,
        event: Waiting,
        before: Vec<Waiting>,
        give_up: &CancellationToken,
    ) -> Result<Handled, JournalError> {
        let Waiting { entry, is_resumed, .. } = event;
        let sequence = entry.sequence;
        let Some(platform) = self.platforms.get(&entry.inbound.conversation.platform) else {
            return Ok(Handled::StaysOwed);
        };
        if self.abort.is_cancelled() || platform.halt.is_cancelled() {
            return Ok(Handled::StaysOwed);
        }
        if let Some(prepared) = &entry.prepared {
            return self.deliver(platform, &entry, prepared, &entry.parts).await;
        }
        if is_resumed && let Some(into) = self.answered_with(&entry).await? {
            self.settle(sequence, Settlement::Merged { into }).await?;
            return Ok(Handled::Settled);
        }
        let texts: Vec<&str> = before.iter().filter_map(|earlier| earlier.entry.inbound.text()).collect();
        let Some(text) = self.asked(&entry, texts).await? else {
            self.settle(sequence, Settlement::Noted).await?;
            return Ok(Handled::Settled);
        };
        let (age, limit) = (self.age(&entry), self.bot.settings.answer_within());
        if age > limit {
            let (age, limit) = (age.as_secs(), limit.as_secs());
            let reason = format!("it was {age} s old when its turn came, and the limit is {limit} s");
            self.settle(sequence, Settlement::Expired { reason }).await?;
            return Ok(Handled::Settled);
        }
        let with: Vec<Sequence> = before.iter().map(|earlier| earlier.entry.sequence).collect();
        let prepared = match self.answer(platform, &entry, &text, give_up).await {
            Answered::Prepared(prepared) if self.made(&entry.inbound.conversation) => {
                Box::new(Prepared { with, ..*prepared })
            }
            Answered::Aborted => return Ok(Handled::StaysOwed),
            Answered::Prepared(_) | Answered::GivenUp => return Ok(Handled::GivenUp),
        };
        self.record(sequence, vec![Step::Prepared(prepared.clone())]).await?;
        count::prepared(&prepared);
        for earlier in before {
            match self.settle(earlier.entry.sequence, Settlement::Merged { into: sequence }).await {
                Ok(()) | Err(JournalError::NoEntry(_) | JournalError::OutOfTurn { .. }) => {}
                Err(error) => return Err(error),
            }
            self.withdraw(&earlier.entry).await;
        }
        let parts = vec![PartState::Prepared; prepared.parts.len()];
        self.deliver(platform, &entry, &prepared, &parts).await
    }

    /// The later event that this one was answered together with, where the bot was stopped before that was on record.
    async fn answered_with(&self, entry: &Entry) -> Result<Option<Sequence>, JournalError> {
        let entries = self.recent(&entry.inbound.conversation).await?;
        let with = |later: &&Entry| {
            later.prepared.as_ref().is_some_and(|prepared| prepared.with.contains(&entry.sequence))
        };
        Ok(entries.iter().find(with).map(|later| later.sequence))
    }

    /// The last events of a conversation. Tried again where the disk refuses: an answer out of turn would be worse than a late one.
    async fn recent(&self, conversation: &ConversationId) -> Result<Vec<Entry>, JournalError> {
        let query =
            Query { conversation: Some(conversation.clone()), limit: Some(RECENT), ..Query::default() };
        self.persist(|| self.journal.entries(query.clone())).await
    }

    /// The text to answer; `None` where nothing is asked.
    async fn asked(&self, entry: &Entry, mut texts: Vec<&str>) -> Result<Option<String>, JournalError> {
        let inbound = &entry.inbound;
        let Some(text) = inbound.text() else { return Ok(None) };
        if let Event::Edit { .. } = &inbound.event
            && !self.takes_the_place(entry).await?
        {
            return Ok(None);
        }
        if let Some(value) = self.chosen(entry, text).await? {
            return Ok(Some(value));
        }
        texts.push(text);
        Ok(Some(texts.join("\n")))
    }

    /// Whether an edit is answered in place of its message: that one was given up for it, and no later edit came.
    async fn takes_the_place(&self, edit: &Entry) -> Result<bool, JournalError> {
        let meant = edit.inbound.address().in_reply_to;
        let entries = self.recent(&edit.inbound.conversation).await?;
        let earlier = |entry: &&Entry| {
            entry.sequence < edit.sequence
                && entry.inbound.text().is_some()
                && entry.inbound.address().in_reply_to == meant
        };
        let last = entries.iter().rev().find(earlier);
        Ok(last.is_some_and(|last| matches!(last.settled, Some((Settlement::Superseded { .. }, _)))))
    }

    /// What a bare number stands for, where the last reply offered numbered choices.
    async fn chosen(&self, entry: &Entry, text: &str) -> Result<Option<String>, JournalError> {
        let Some(place) = text.trim().parse::<usize>().ok().and_then(|number| number.checked_sub(1)) else {
            return Ok(None);
        };
        let entries = self.recent(&entry.inbound.conversation).await?;
        let before = entries.iter().rev().filter(|before| before.sequence < entry.sequence);
        let mut prepared = before.filter_map(|before| before.prepared.as_ref());
        // Who asks why before choosing may still choose.
        let last = prepared.find(|prepared| prepared.explains.is_none());
        Ok(last.and_then(|prepared| prepared.choices.get(place)).map(|choice| choice.value.clone()))
    }

    /// Makes the reply, showing the person meanwhile that the bot is at work.
    async fn answer(
        &self,
        platform: &Platform,
        entry: &Entry,
        text: &str,
        give_up: &CancellationToken,
    ) -> Answered {
        let inbound = &entry.inbound;
        let capabilities = platform.egress.capabilities();
        if let Some(wanted) = wanted(inbound) {
            return match self.explain(entry, &wanted, &capabilities).await {
                Ok(prepared) => Answered::Prepared(Box::new(prepared)),
                Err(error) => {
                    tracing::error!(sequence = %entry.sequence, %error, "not explained; it stays owed");
                    Answered::Aborted
                }
            };
        }
        if let Event::Command { name, arguments } = &inbound.event
            && arguments.trim().is_empty()
        {
            let greeting = if GREETED.contains(&name.as_str()) { self.greeting() } else { None };
            let (text, choices) =
                greeting.unwrap_or_else(|| (format!("/{name} needs a question behind it."), Vec::new()));
            let parts = notice(&text, &choices, &capabilities);
            return Answered::Prepared(Box::new(Prepared { parts, choices, ..Prepared::default() }));
        }
        let conversation = &inbound.conversation;
        self.recall(conversation).await;
        let erasures = self.erasures.load(Ordering::SeqCst);
        let answering = self.ask(platform, inbound, text);
        let typing = signal_typing(platform, conversation);
        let reply = tokio::select! {
            biased;
            () = give_up.cancelled() => return Answered::GivenUp,
            () = self.abort.cancelled() => return Answered::Aborted,
            reply = answering => reply,
            never = typing => match never {},
        };
        Answered::Prepared(Box::new(match reply {
            Ok(reply) => {
                let choices = reply.choices.clone();
                let parts = compose(&reply, &choices, &capabilities);
                let mut memory = self.dialogue.memory(conversation);
                if self.erasures.load(Ordering::SeqCst) != erasures {
                    // Somebody was erased meanwhile, and this may be of them.
                    self.dialogue.forget(conversation);
                    memory = None;
                }
                let asked = Some(text.to_owned());
                Prepared {
                    reply: Some(Arc::new(reply)),
                    asked,
                    parts,
                    choices,
                    memory,
                    ..Prepared::default()
                }
            }
            Err(error) => {
                tracing::error!(%conversation, %error, "not answered");
                let parts = apology(APOLOGY, &capabilities);
                Prepared { parts, failure: Some(error.to_string()), ..Prepared::default() }
            }
        }))
    }

    fn greeting(&self) -> Option<(String, Vec<Choice>)> {
        let card = &self.bot.card;
        let choices = card.suggestions.iter().map(|text| Choice { label: text.clone(), value: text.clone() });
        let text = [card.name.as_str(), card.greeting.as_str()].into_iter().rfind(|text| !text.is_empty())?;
        Some((text.to_owned(), choices.collect()))
    }

    /// Has the engine remember what an earlier run knew of a conversation.
    async fn recall(&self, conversation: &ConversationId) {
        if self.dialogue.memory(conversation).is_some() {
            return;
        }
        match self.journal.memory(conversation).await {
            Ok(Some(memory)) => self.dialogue.recall(conversation, memory).await,
            Ok(None) => {}
            Err(error) => tracing::warn!(%conversation, %error, "what was talked about cannot be read"),
        }
    }

    /// Has the engine answer, showing the sentences so far where the platform can: one draft at a time, the latest wins.
    async fn ask(
        &self,
        platform: &Platform,
        inbound: &Inbound,
        text: &str,
    ) -> Result<Reply, loquat_contract::DialogueError> {
        let (sentences, mut news) = tokio::sync::watch::channel(Vec::<Sentence>::new());
        let drafts = platform.egress.drafts().filter(|_| platform.egress.capabilities().drafts);
        let answering = async move {
            let mut show = |sentence: &Sentence| sentences.send_modify(|all| all.push(sentence.clone()));
            self.dialogue.answer(&inbound.conversation, text, &mut show).await
        };
        let address = inbound.address();
        let showing = async {
            let Some(drafts) = drafts else { return };
            while news.changed().await.is_ok() {
                let sentences = news.borrow_and_update().clone();
                let draft = Draft {
                    to: address.clone(),
                    ticket: inbound.ticket.clone(),
                    message: None,
                    key: first_key(inbound),
                    sentences,
                    part: Part::default(),
                };
                drafts.draft(&draft).await;
            }
        };
        let mut showing = std::pin::pin!(showing.fuse());
        let reply = tokio::select! {
            reply = answering => reply,
            never = async { showing.as_mut().await; std::future::pending().await } => never,
        };
        // So that no draft comes after the reply; one that hangs must not hold it up for long.
        if !showing.is_terminated() {
            let _late = tokio::time::timeout(COURTESY, showing).await;
        }
        reply
    }
}

/// Shows for as long as it runs that the bot is at work.
async fn signal_typing(platform: &Platform, conversation: &ConversationId) -> Infallible {
    let Some(lasts) = platform.egress.capabilities().typing else { return std::future::pending().await };
    let again = (lasts * 4 / 5).max(Duration::from_millis(100));
    loop {
        platform.egress.signal_typing(conversation).await;
        tokio::time::sleep(again).await;
    }
}
