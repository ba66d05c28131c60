//! An event gets its reply. In: an event whose turn has come. Out: a reply in the journal and cut into parts, or why there is none.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use loquat_contract::{
    Capabilities, ConversationId, Entry, Event, Inbound, JournalError, Language, PartState, Prepared, Query,
    Reply, Sequence, Settlement, Step,
};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug_span};

use crate::buttons;
use crate::commands::said;
use crate::compose::{apology, compose};
use crate::context::{Question, Within, is_same};
use crate::count;
use crate::dispatch::{Platform, Shared};
use crate::draft::Asked;
use crate::explain::reply_of;
use crate::lane::{Handled, Waiting};
use crate::wish::Wish;
use crate::words;

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

/// Whether an event is to be answered.
enum Due {
    /// It is; where it changes a question that was answered, with that one.
    Yes(Option<Box<Entry>>),
    No,
}

/// What is to be answered.
struct Asking<'a> {
    wish: Wish,
    /// The entry whose question it changes, where that was answered.
    answered_before: Option<Box<Entry>>,
    /// Those that are answered together with it.
    before: &'a [Waiting],
}

impl Answered {
    fn with(prepared: Prepared) -> Self {
        Self::Prepared(Box::new(prepared))
    }
}

impl Shared {
    /// Answers an event and delivers the reply. `before` are those that are answered together with it.
    pub(crate) async fn handle(
        self: &Arc<Self>,
        event: Waiting,
        before: Vec<Waiting>,
        give_up: &CancellationToken,
    ) -> Result<Handled, JournalError> {
        let Waiting { mut entry, is_resumed, signed, .. } = event;
        let sequence = entry.sequence;
        let Some(platform) = self.platforms.get(&entry.inbound.conversation.platform) else {
            return Ok(Handled::StaysOwed);
        };
        if self.abort.is_cancelled() || platform.halt.is_cancelled() {
            return Ok(Handled::StaysOwed);
        }
        if let Some(signed) = signed {
            // Platforms take no answer to what they were not told to have arrived.
            tokio::select! {
                () = signed.cancelled() => {}
                () = give_up.cancelled() => return Ok(Handled::GivenUp),
                () = self.abort.cancelled() => return Ok(Handled::StaysOwed),
            }
        }
        if let Some(prepared) = &entry.prepared {
            return self.deliver(platform, &entry, prepared, &entry.parts).await;
        }
        if is_resumed && let Some(into) = self.answered_with(&entry).await? {
            self.withdraw(&entry).await;
            self.settle(sequence, Settlement::Merged { into }).await?;
            return Ok(Handled::Settled);
        }
        let wish = Wish::of(&entry.inbound);
        let answered_before = match self.due(platform, &entry).await? {
            Due::Yes(answered) if wish != Wish::Nothing => answered,
            _ => return self.note(&entry).await,
        };
        let (age, limit) = (self.age(&entry), self.bot.settings.answer_within());
        if age > limit {
            let (age, limit) = (age.as_secs(), limit.as_secs());
            let reason = format!("it was {age} s old when its turn came, and the limit is {limit} s");
            if entry.draft.is_some() {
                self.withdraw(&entry).await;
            }
            self.settle(sequence, Settlement::Expired { reason }).await?;
            return Ok(Handled::Settled);
        }
        let is_private = wish.is_private() && is_interaction(&entry.inbound);
        let with: Vec<Sequence> = before.iter().map(|earlier| earlier.entry.sequence).collect();
        let erasures = *self.erasures.read().await;
        let asking = Asking { wish, answered_before, before: &before };
        let answering = self.answer(platform, &mut entry, asking, give_up);
        let prepared = match answering.instrument(debug_span!("answer")).await? {
            Answered::Prepared(prepared) if self.made(&entry.inbound.conversation) => {
                Prepared { with, is_private, ..*prepared }
            }
            Answered::Aborted => return Ok(Handled::StaysOwed),
            Answered::Prepared(_) | Answered::GivenUp => return Ok(Handled::GivenUp),
        };
        let prepared = {
            let now = self.erasures.read().await;
            let capabilities = platform.egress.capabilities();
            let is_erased = *now != erasures;
            let prepared =
                if is_erased { self.unerased(&entry, prepared, &capabilities).await? } else { prepared };
            self.record(sequence, vec![Step::Prepared(Box::new(prepared.clone()))]).await?;
            prepared
        };
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
    pub(crate) async fn recent(&self, conversation: &ConversationId) -> Result<Vec<Entry>, JournalError> {
        let query =
            Query { conversation: Some(conversation.clone()), limit: Some(RECENT), ..Query::default() };
        self.persist(|| self.journal.entries(query.clone())).await
    }

    /// Whether an event is to be answered; an edit only in place of its message. That one was given up for it, and no later edit came; or
    /// it was answered, and the platform shows the new answer in place of the old one.
    async fn due(&self, platform: &Platform, entry: &Entry) -> Result<Due, JournalError> {
        let Event::Edit { .. } = &entry.inbound.event else { return Ok(Due::Yes(None)) };
        let meant = entry.inbound.address().in_reply_to;
        let mut entries = self.recent(&entry.inbound.conversation).await?;
        let earlier = |earlier: &Entry| {
            earlier.sequence < entry.sequence
                && earlier.inbound.text().is_some()
                && earlier.inbound.address().in_reply_to == meant
        };
        let Some(last) = entries.iter().rposition(earlier) else { return Ok(Due::No) };
        let last = entries.swap_remove(last);
        Ok(match last.settled {
            Some((Settlement::Superseded { .. }, _)) => Due::Yes(None),
            Some(_) if platform.egress.capabilities().answers_changes => {
                Due::Yes(Some(Box::new(last)).filter(|last| reply_of(last).is_some()))
            }
            _ => Due::No,
        })
    }

    /// Makes the reply, or what is said in its place.
    async fn answer(
        &self,
        platform: &Platform,
        entry: &mut Entry,
        Asking { wish, answered_before, before }: Asking<'_>,
        give_up: &CancellationToken,
    ) -> Result<Answered, JournalError> {
        let capabilities = platform.egress.capabilities();
        let question = match wish {
            Wish::Answer(words) => Some(match answered_before {
                Some(answered) => self.changed(entry, words, *answered).await?,
                None => self.said(entry, words, before).await?,
            }),
            Wish::Choose(place, of) => self.chosen(entry, place, of).await?,
            Wish::Retry(of) => self.once_more(entry, of).await?,
            Wish::Order(order) => {
                return Ok(Answered::with(self.serve(platform, entry, &order).await?));
            }
            Wish::Wordless(command) => {
                let words = words::of(&self.language_for(&entry.inbound).await?);
                let text = words.needs_question.replace("{command}", &command);
                return Ok(Answered::with(said(&text, &capabilities)));
            }
            Wish::Files(names) => {
                let words = words::of(&self.language_for(&entry.inbound).await?);
                let text = words.reads_text.replace("{files}", &names.join(words.and));
                return Ok(Answered::with(said(&text, &capabilities)));
            }
            Wish::Nothing => None,
        };
        let Some(question) = question else {
            // Erased since it was pressed.
            let words = words::of(&self.language_for(&entry.inbound).await?);
            return Ok(Answered::with(said(words.too_old, &capabilities)));
        };
        self.reply(platform, entry, question, give_up).await
    }

    /// Has the engine answer a question.
    async fn reply(
        &self,
        platform: &Platform,
        entry: &mut Entry,
        question: Question,
        give_up: &CancellationToken,
    ) -> Result<Answered, JournalError> {
        let conversation = entry.inbound.conversation.clone();
        self.recall(&conversation).await;
        let now = self.dialogue.memory(&conversation);
        let erasures = *self.erasures.read().await;
        let is_of_then = matches!(question.within, Within::Then(_));
        if let Within::Then(memory) = question.within {
            self.go_back(&conversation, memory).await;
        }
        let asked = self.ask(platform, entry, &question.text, give_up).await;
        if is_of_then && !matches!(asked, Asked::Reply(Ok(_))) && *self.erasures.read().await == erasures {
            self.go_back(&conversation, now).await;
        }
        let capabilities = platform.egress.capabilities();
        let prepared = match asked {
            Asked::GivenUp => return Ok(Answered::GivenUp),
            Asked::Aborted => return Ok(Answered::Aborted),
            Asked::Reply(Ok(reply)) => {
                let memory = self.dialogue.memory(&conversation);
                let again = question.again.as_ref().map(|answered| answered.sequence);
                let prepared = match &question.again {
                    Some(answered) if is_same(answered, &question.text, &reply) => {
                        said(words::of(&reply.language).same_answer, &capabilities)
                    }
                    _ => self.composed(platform, entry.sequence, *reply, question.text),
                };
                Prepared { memory, again, ..prepared }
            }
            Asked::Reply(Err(error)) => {
                tracing::error!(%conversation, %error, "not answered");
                let words = words::of(&self.language_for(&entry.inbound).await?);
                let parts = apology(words.apology, &capabilities);
                Prepared { parts, failure: Some(error.to_string()), ..Prepared::default() }
            }
        };
        Ok(Answered::with(prepared))
    }

    /// A reply in parts, with its buttons.
    fn composed(&self, platform: &Platform, sequence: Sequence, reply: Reply, asked: String) -> Prepared {
        let _composing = debug_span!("compose").entered();
        let capabilities = platform.egress.capabilities();
        let choices = reply.choices.clone();
        let mut parts = compose(&reply, &choices, &capabilities);
        let actions = buttons::actions(&reply, &self.bot.settings);
        buttons::add(&mut parts, &choices, &actions, sequence, &reply.language, &capabilities);
        Prepared { reply: Some(Arc::new(reply)), asked: Some(asked), parts, choices, ..Prepared::default() }
    }

    /// Without what may be of somebody who was erased meanwhile: the memory, and what explains or repeats an entry that is gone.
    async fn unerased(
        &self,
        entry: &Entry,
        prepared: Prepared,
        capabilities: &Capabilities,
    ) -> Result<Prepared, JournalError> {
        let conversation = &entry.inbound.conversation;
        if prepared.memory.is_some() {
            self.dialogue.forget(conversation);
        }
        for about in [prepared.explains, prepared.again].into_iter().flatten() {
            if self.entry_of(about, conversation).await?.is_none() {
                let words = words::of(&self.language_for(&entry.inbound).await?);
                let Prepared { with, is_private, .. } = prepared;
                return Ok(Prepared { with, is_private, ..said(words.too_old, capabilities) });
            }
        }
        Ok(Prepared { memory: None, ..prepared })
    }

    /// The language of the host's own words to somebody.
    pub(crate) async fn language_for(&self, inbound: &Inbound) -> Result<Language, JournalError> {
        self.recall(&inbound.conversation).await;
        let recent = match self.dialogue.spoken(&inbound.conversation) {
            Some(_) => Vec::new(),
            None => self.recent(&inbound.conversation).await?,
        };
        Ok(self.own_language(inbound, recent.iter()))
    }

    /// The language that was chosen; else the one that is written here; else that of the last reply; else the bot's first.
    pub(crate) fn own_language<'a>(
        &self,
        inbound: &Inbound,
        earlier: impl DoubleEndedIterator<Item = &'a Entry>,
    ) -> Language {
        let languages = &self.bot.card.languages;
        let chinese = Language::chinese();
        let is_han = |c: char| matches!(c, '\u{3400}'..='\u{9fff}');
        let is_chinese = inbound.text().is_some_and(|text| text.chars().any(is_han))
            && (languages.is_empty() || languages.iter().any(|language| language.matches(&chinese)));
        let written = || is_chinese.then_some(chinese);
        let chosen = self.dialogue.spoken(&inbound.conversation).or_else(written);
        let last = || earlier.rev().find_map(reply_of).map(|reply| reply.language.clone());
        chosen.or_else(last).or_else(|| languages.first().cloned()).unwrap_or_else(Language::english)
    }
}

/// Whether a platform can show the answer to one person alone.
fn is_interaction(inbound: &Inbound) -> bool {
    matches!(inbound.event, Event::Button { .. } | Event::Command { .. })
}

/// Shows for as long as it runs that the bot is at work.
pub(crate) async fn signal_typing(platform: &Platform, conversation: &ConversationId) -> Infallible {
    let Some(lasts) = platform.egress.capabilities().typing else { return std::future::pending().await };
    let again = (lasts * 4 / 5).max(Duration::from_millis(100));
    loop {
        platform.egress.signal_typing(conversation).await;
        tokio::time::sleep(again).await;
    }
}
