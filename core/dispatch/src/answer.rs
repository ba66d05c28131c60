//! An event gets its reply. In: an event whose turn has come. Out: a reply in the journal and cut into parts, or why there is none.

use std::sync::Arc;
use std::time::Duration;

use loquat_contract::{
    Choice, ConversationId, Entry, Event, Inbound, JournalError, PartState, Prepared, Query, Reply, Sentence,
    Settlement, State, Step,
};
use tokio_util::sync::CancellationToken;

use crate::compose::{compose, notice};
use crate::dispatch::{Platform, Shared};
use crate::lane::Handled;

/// What a person is told whose message cannot be answered; why stands in the log and the journal.
pub(crate) const APOLOGY: &str =
    "Something went wrong, and this message could not be answered. Please ask again later.";
/// Commands of platforms that ask who the bot is.
const GREETED: [&str; 2] = ["start", "help"];
/// How far back an edited message is looked for.
const EDITS: usize = 200;

/// What answering came to.
enum Answered {
    Prepared(Box<Prepared>),
    /// It is not wanted any more.
    GivenUp,
    /// The bot may not wait any longer.
    Aborted,
}

impl Shared {
    /// Answers an event and delivers the reply. `before` are the texts that are answered together with it.
    pub(crate) async fn handle(
        self: &Arc<Self>,
        entry: Entry,
        before: Vec<String>,
        give_up: &CancellationToken,
    ) -> Result<Handled, JournalError> {
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
        let Some(text) = self.asked(&entry, &before).await? else {
            self.settle(sequence, Settlement::Noted).await?;
            return Ok(Handled::Settled);
        };
        let (age, limit) = (self.age(&entry), self.bot.settings.answer_within());
        if age > limit {
            let reason = format!(
                "it was {} s old when its turn came, and the limit is {} s",
                age.as_secs(),
                limit.as_secs()
            );
            self.settle(sequence, Settlement::Expired { reason }).await?;
            return Ok(Handled::Settled);
        }
        let prepared = match self.answer(platform, &entry.inbound, &text, give_up).await {
            Answered::Prepared(prepared) => prepared,
            Answered::Aborted => return Ok(Handled::StaysOwed),
            Answered::GivenUp => return self.given_up(&entry, None).await,
        };
        if let Err(why) = self.made(&entry.inbound.conversation) {
            return self.given_up(&entry, why).await;
        }
        self.record(sequence, vec![Step::Prepared(prepared.clone())]).await?;
        let parts = vec![PartState::Prepared; prepared.parts.len()];
        self.deliver(platform, &entry, &prepared, &parts).await
    }

    async fn given_up(&self, entry: &Entry, why: Option<&'static str>) -> Result<Handled, JournalError> {
        self.withdraw(entry).await;
        let why = match why {
            Some(why) => Some(why),
            None => self.made(&entry.inbound.conversation).err().flatten(),
        };
        // Without a reason an operator discarded it, and has settled it.
        if let Some(reason) = why {
            let reason = reason.to_owned();
            self.settle(entry.sequence, Settlement::Superseded { reason }).await?;
        }
        Ok(Handled::Settled)
    }

    /// The text to answer; `None` where nothing is asked.
    async fn asked(&self, entry: &Entry, before: &[String]) -> Result<Option<String>, JournalError> {
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
        let mut texts: Vec<&str> = before.iter().map(String::as_str).collect();
        texts.push(text);
        Ok(Some(texts.join("\n")))
    }

    /// Whether an edit is answered in place of its message: that one was given up for it, and no later edit came.
    async fn takes_the_place(&self, edit: &Entry) -> Result<bool, JournalError> {
        let meant = edit.inbound.address().in_reply_to;
        let conversation = Some(edit.inbound.conversation.clone());
        let query = Query { conversation, limit: Some(EDITS), ..Query::default() };
        let entries = self.journal.entries(query).await?;
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
        let conversation = Some(entry.inbound.conversation.clone());
        let entries =
            self.journal.entries(Query { conversation, limit: Some(EDITS), ..Query::default() }).await?;
        let before = entries.iter().rev().filter(|before| before.sequence < entry.sequence);
        let last = before.filter_map(|before| before.prepared.as_ref()).next();
        Ok(last.and_then(|prepared| prepared.choices.get(place)).map(|choice| choice.value.clone()))
    }

    /// The texts that were to be answered together with this one when the bot stopped.
    pub(crate) async fn merged_into(&self, entry: &Entry) -> Result<Vec<String>, JournalError> {
        let conversation = Some(entry.inbound.conversation.clone());
        let query =
            Query { conversation, state: Some(State::Closed), limit: Some(EDITS), ..Query::default() };
        let entries = self.journal.entries(query).await?;
        let is_merged = |earlier: &&Entry| matches!(earlier.settled, Some((Settlement::Merged { into }, _)) if into == entry.sequence);
        let texts = entries.iter().filter(is_merged).filter_map(|earlier| earlier.inbound.text());
        Ok(texts.map(str::to_owned).collect())
    }

    /// Makes the reply, showing the person meanwhile that the bot is at work.
    async fn answer(
        &self,
        platform: &Platform,
        inbound: &Inbound,
        text: &str,
        give_up: &CancellationToken,
    ) -> Answered {
        let capabilities = platform.egress.capabilities();
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
        let answering = self.ask(platform, inbound, text);
        let typing = signal_typing(platform, conversation);
        let reply = tokio::select! {
            biased;
            () = give_up.cancelled() => return Answered::GivenUp,
            () = self.abort.cancelled() => return Answered::Aborted,
            reply = answering => reply,
            () = typing => return Answered::Aborted,
        };
        Answered::Prepared(Box::new(match reply {
            Ok(reply) => {
                let parts = compose(&reply, &[], &capabilities);
                let memory = self.dialogue.memory(conversation);
                let asked = Some(text.to_owned());
                Prepared { reply: Some(Arc::new(reply)), asked, parts, memory, ..Prepared::default() }
            }
            Err(error) => {
                tracing::error!(%conversation, %error, "not answered");
                let parts = notice(APOLOGY, &[], &capabilities);
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
                drafts.draft(&address, &sentences).await;
            }
        };
        let (reply, ()) = tokio::join!(answering, showing);
        reply
    }
}

/// Shows for as long as it runs that the bot is at work.
async fn signal_typing(platform: &Platform, conversation: &ConversationId) {
    let Some(lasts) = platform.egress.capabilities().typing else { return std::future::pending().await };
    let again = (lasts * 4 / 5).max(Duration::from_millis(100));
    loop {
        platform.egress.signal_typing(conversation).await;
        tokio::time::sleep(again).await;
    }
}
