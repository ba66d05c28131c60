//! The sending half. In: envelopes. Out: what became of each. It does not retry, wait or cut, and knows nothing of how events are received.

mod administration;
mod backfill;
mod drafts;
mod earlier;
mod files;
mod grow;
mod interactions;

use std::sync::Arc;
use std::time::Duration;

use loquat_contract::{
    Administration, Backfill, BoxFuture, Capabilities, ConversationId, Delivery, Drafts, Egress, Envelope,
    Format, Idempotency, IdempotencyKey, Interactions, Length, MessageId,
};
use reqwest::Method;
use serde_json::{Value, json};
use serenity::model::id::ChannelId;

use crate::encode::{Encoded, LONGEST, ROW, UNIT, encode};
use crate::receive::understand::{Answer, message_of, sent_at};
use crate::rest::{Body, Call, Failure, File, INVALID_TOKEN, Patience, Route};
use crate::shared::Shared;

/// How long an interaction can be answered: 15 minutes, and a little less.
const TOKEN: Duration = Duration::from_secs(14 * 60 + 30);
/// How long a typing signal lasts.
const TYPING: Duration = Duration::from_secs(10);
/// The largest file that a server takes that nobody boosts.
const LARGEST: u64 = 10 << 20;
/// A heartbeat is due every 41.25 seconds. One may be missed, and the second come late.
const SILENCE: Duration = Duration::from_secs(100);
/// The most characters of a thread's name.
const TITLE: usize = 100;
/// The widest table that is shown without breaking its lines, on a narrow window.
const TABLE: usize = 56;

/// Codes of Discord's.
mod code {
    pub(super) const UNKNOWN_CHANNEL: u64 = 10_003;
    pub(super) const UNKNOWN_MESSAGE: u64 = 10_008;
    pub(super) const UNKNOWN_WEBHOOK: u64 = 10_015;
    pub(super) const UNKNOWN_INTERACTION: u64 = 10_062;
    pub(super) const ALREADY_ACKNOWLEDGED: u64 = 40_060;
    pub(super) const MISSING_ACCESS: u64 = 50_001;
    pub(super) const MISSING_PERMISSIONS: u64 = 50_013;
    pub(super) const NO_REPLY_WITHOUT_HISTORY: u64 = 160_002;
    pub(super) const THREAD_EXISTS: u64 = 160_004;
}

/// The sending half of Discord.
pub struct DiscordEgress {
    shared: Arc<Shared>,
    looked: backfill::Looked,
}

/// Where a part goes.
pub(super) struct Target {
    /// The thread, else the channel.
    pub(super) channel: ChannelId,
    /// The channel that the thread is in.
    pub(super) parent: Option<ChannelId>,
    /// The message that is answered, where it stands in the same channel.
    pub(super) below: Option<serenity::model::id::MessageId>,
    /// The message at which the thread is opened, where it may not be open yet.
    pub(super) opens_at: Option<serenity::model::id::MessageId>,
}

impl Target {
    /// Where an answer goes; `None` where the conversation has no ids of Discord's.
    pub(super) fn of(conversation: &ConversationId, in_reply_to: &MessageId) -> Option<Self> {
        let (channel, thread) = channels(conversation)?;
        let message = message_of(in_reply_to);
        // A thread has the id of the message that it was opened at, which stands outside of it.
        let is_opener = |message: &serenity::model::id::MessageId| {
            thread.is_some_and(|thread| thread.get() == message.get())
        };
        Some(Self {
            channel: thread.unwrap_or(channel),
            parent: thread.map(|_| channel),
            below: message.filter(|message| !is_opener(message)),
            opens_at: message.filter(is_opener),
        })
    }
}

/// The ids of a conversation: of its channel, and of its thread.
pub(super) fn channels(conversation: &ConversationId) -> Option<(ChannelId, Option<ChannelId>)> {
    let id = |text: &str| text.parse().ok().filter(|id: &u64| *id > 0).map(ChannelId::new);
    let thread = match &conversation.thread {
        Some(thread) => Some(id(thread)?),
        None => None,
    };
    Some((id(&conversation.channel)?, thread))
}

impl DiscordEgress {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, looked: backfill::Looked::default() }
    }

    async fn send(&self, envelope: &Envelope) -> Result<Delivery, Failure> {
        let permanent = |reason: &str| Ok(Delivery::Permanent { reason: reason.to_owned() });
        let Some(target) = Target::of(&envelope.to.conversation, &envelope.to.in_reply_to) else {
            return permanent("the conversation has no ids of Discord's");
        };
        let encoded = match encode(envelope, self.shared.config.embeds) {
            Ok(encoded) => encoded,
            Err(reason) => return permanent(reason),
        };
        let files = match files::read(&envelope.part.attachments).await {
            Ok(files) => files,
            Err(delivery) => return Ok(delivery),
        };
        let answer = envelope.ticket.as_ref().and_then(Answer::read);
        let answer = answer.filter(|answer| self.is_fresh(answer));
        if let Some(answer) = &answer {
            let answered = match envelope.number {
                1 => self.answer(answer, &encoded, &files).await,
                _ if envelope.is_private => self.grow(answer, envelope, &encoded).await,
                _ => None,
            };
            if let Some(delivery) = answered {
                return Ok(delivery);
            }
        }
        if envelope.is_private && envelope.ticket.is_some() {
            return permanent("it is for one person's eyes alone, and the time to answer them so is over");
        }
        let mut key = envelope.key.clone();
        if let Some(draft) = envelope.draft.as_ref().and_then(message_of) {
            match self.at(&target, |channel| self.edit(channel, draft, &encoded, &files)).await {
                // Somebody deleted the draft.
                Err(failure) if failure.is_code(&[code::UNKNOWN_MESSAGE]) => key = instead(&key),
                Err(failure) => return Ok(failure.edit()),
                Ok(id) => return Ok(sent(id)),
            }
        }
        if let Some(shown) = self.earlier(envelope, &target, &encoded).await? {
            return self.settle(&target, shown, &encoded, &files).await;
        }
        // What follows needs no reference of its own: it stands below the first part.
        let place = Target { below: target.below.filter(|_| envelope.number == 1), ..target };
        let mut posted = self.post(&place, &key, &encoded, &files, Patience::NONE).await;
        if posted.as_ref().is_err_and(|failure| failure.is_code(&[code::UNKNOWN_MESSAGE]))
            && key == envelope.key
        {
            posted = self.post(&place, &instead(&key), &encoded, &files, Patience::NONE).await;
        }
        match (posted, &answer) {
            // The bot may answer interactions where it may not speak.
            (Err(failure), Some(answer))
                if failure.is_code(&[code::MISSING_ACCESS, code::MISSING_PERMISSIONS]) =>
            {
                Ok(self.grow(answer, envelope, &encoded).await.unwrap_or_else(|| failure.delivery()))
            }
            (Err(failure), _) => Err(failure),
            (Ok(shown), _) => self.settle(&target, shown, &encoded, &files).await,
        }
    }

    /// Whether an interaction can still be answered.
    pub(super) fn is_fresh(&self, answer: &Answer) -> bool {
        self.shared.rest.age(sent_at(answer.id.get())).is_none_or(|age| age < TOKEN)
    }

    /// Does something with a message where it is: in its thread, else in the channel where that could not be opened.
    pub(super) async fn at<T, F>(&self, target: &Target, act: impl Fn(ChannelId) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let parent = target.parent.filter(|_| target.opens_at.is_some());
        match (act(target.channel).await, parent) {
            (Err(failure), Some(parent))
                if failure.is_code(&[code::UNKNOWN_CHANNEL, code::UNKNOWN_MESSAGE]) =>
            {
                act(parent).await
            }
            (done, _) => done,
        }
    }

    /// Makes a call that has a message in it. What the bot may not add to its words here is left out.
    async fn write(
        &self,
        method: Method,
        route: impl Fn() -> Route,
        mut body: Value,
        files: &[File],
        patience: Patience,
    ) -> Result<Value, Failure> {
        loop {
            let call = Call::new(method.clone(), route()).patient(patience);
            match self.shared.rest.call(with(call, body.clone(), files)).await {
                Err(failure) if leave_out(&mut body, &failure) => {
                    tracing::warn!(%failure, "Discord: said without what may not be added to it here");
                }
                done => return done,
            }
        }
    }

    /// What a message with this nonce became. It may be the draft of a process that was killed.
    async fn settle(
        &self,
        target: &Target,
        shown: Value,
        encoded: &Encoded,
        files: &[File],
    ) -> Result<Delivery, Failure> {
        let id = id_of(&shown);
        match id.as_ref().and_then(message_of) {
            Some(message) if !encoded.is(&shown) => {
                // It may be in the channel where the thread could not be opened.
                let channel = shown.get("channel_id").and_then(Value::as_str).and_then(|id| id.parse().ok());
                let channel = channel.map_or(target.channel, ChannelId::new);
                match self.edit(channel, message, encoded, files).await {
                    Ok(id) => Ok(sent(id)),
                    Err(failure) => Ok(failure.edit()),
                }
            }
            _ => Ok(sent(id)),
        }
    }

    /// Makes a message; opens the thread for it where that is still to be done. Gives the message that is there then.
    pub(super) async fn post(
        &self,
        target: &Target,
        key: &IdempotencyKey,
        encoded: &Encoded,
        files: &[File],
        patience: Patience,
    ) -> Result<Value, Failure> {
        let body = encoded.create(key, target.below);
        let made = self.make(target.channel, body, files, patience).await;
        let (Some(parent), Some(message)) = (target.parent, target.opens_at) else { return made };
        if !made.as_ref().is_err_and(|failure| failure.is_code(&[code::UNKNOWN_CHANNEL])) {
            return made;
        }
        match self.open_thread(parent, message).await {
            Ok(()) => self.make(target.channel, encoded.create(key, None), files, patience).await,
            Err(failure @ Failure::Refused { .. }) => {
                tracing::warn!(%failure, "Discord: no thread can be opened, so the answer stands in the channel");
                self.make(parent, encoded.create(key, Some(message)), files, patience).await
            }
            Err(failure) => Err(failure),
        }
    }

    async fn make(
        &self,
        channel: ChannelId,
        body: Value,
        files: &[File],
        patience: Patience,
    ) -> Result<Value, Failure> {
        let shown = self.write(Method::POST, || Route::messages(channel), body, files, patience).await?;
        if let Some(message) = id_of(&shown).as_ref().and_then(message_of) {
            self.shared.wrote(message, true);
        }
        Ok(shown)
    }

    async fn open_thread(
        &self,
        channel: ChannelId,
        message: serenity::model::id::MessageId,
    ) -> Result<(), Failure> {
        let asked = self.shared.rest.call(Call::get(Route::message(channel, message))).await?;
        let asked = asked.get("content").and_then(Value::as_str).unwrap_or_default();
        let body = json!({ "name": self.title(asked), "auto_archive_duration": 1440 });
        match self
            .shared
            .rest
            .call(Call::new(Method::POST, Route::threads(channel, message)).json(body))
            .await
        {
            Err(failure) if !failure.is_code(&[code::THREAD_EXISTS]) => Err(failure),
            _ => Ok(()),
        }
    }

    /// A thread's name: what was asked, without mentions.
    fn title(&self, asked: &str) -> String {
        let words = asked.split_whitespace().filter(|word| !(word.starts_with("<@") && word.ends_with('>')));
        let title: String = words.collect::<Vec<_>>().join(" ").chars().take(TITLE).collect();
        if title.trim().is_empty() { self.shared.bot.name.chars().take(TITLE).collect() } else { title }
    }

    /// Makes a message what it is to be. Made twice, it comes to the same.
    pub(super) async fn edit(
        &self,
        channel: ChannelId,
        message: serenity::model::id::MessageId,
        encoded: &Encoded,
        files: &[File],
    ) -> Result<Option<MessageId>, Failure> {
        let route = || Route::message(channel, message);
        self.write(Method::PATCH, route, encoded.edit(), files, Patience::NONE).await?;
        Ok(Some(MessageId(message.to_string())))
    }

    /// The first answer to an interaction, in the place of “thinking”; `None` where there is no such place.
    async fn answer(&self, answer: &Answer, encoded: &Encoded, files: &[File]) -> Option<Delivery> {
        let route = || Route::original(answer.application, &answer.token);
        match self.write(Method::PATCH, route, encoded.edit(), files, Patience::NONE).await {
            Ok(shown) => {
                let id = id_of(&shown);
                if let Some(message) = id.as_ref().and_then(message_of) {
                    self.shared.wrote(message, true);
                }
                Some(sent(id))
            }
            Err(failure) if is_gone(&failure) => None,
            Err(failure) => Some(failure.edit()),
        }
    }
}

/// Whether there is nothing to edit: the interaction was not acknowledged, or its token is too old.
pub(super) fn is_gone(failure: &Failure) -> bool {
    failure.is_code(&[code::UNKNOWN_MESSAGE, code::UNKNOWN_WEBHOOK, code::UNKNOWN_INTERACTION, INVALID_TOKEN])
}

/// The key of what comes in the place of a message that somebody deleted: under that one's own, Discord shows it and nothing else.
fn instead(key: &IdempotencyKey) -> IdempotencyKey {
    /// The most characters of a nonce.
    const NONCE: usize = 25;
    IdempotencyKey(key.0.chars().take(NONCE - 1).chain(['-']).collect())
}

/// Leaves out of a message what the bot may not add to it; `false` where there is no such thing.
fn leave_out(body: &mut Value, failure: &Failure) -> bool {
    let Some(fields) = body.as_object_mut() else { return false };
    if failure.is_code(&[code::NO_REPLY_WITHOUT_HISTORY]) {
        return fields.remove("message_reference").is_some();
    }
    let has_embeds = fields.get("embeds").and_then(Value::as_array).is_some_and(|embeds| !embeds.is_empty());
    if !has_embeds || !failure.is_code(&[code::MISSING_PERMISSIONS]) {
        return false;
    }
    fields.insert("embeds".to_owned(), json!([]));
    true
}

fn with(call: Call, mut body: Value, files: &[File]) -> Call {
    if files.is_empty() {
        return call.json(body);
    }
    // They are all that the message has then, so that an edit that is made again adds none.
    let named = files.iter().enumerate().map(|(id, file)| json!({ "id": id, "filename": file.name }));
    if let Some(fields) = body.as_object_mut() {
        fields.insert("attachments".to_owned(), named.collect());
    }
    let files =
        files.iter().map(|file| File { name: file.name.clone(), bytes: file.bytes.clone() }).collect();
    Call { body: Body::Files(body, files), ..call }
}

pub(super) fn id_of(shown: &Value) -> Option<MessageId> {
    shown.get("id").and_then(Value::as_str).map(|id| MessageId(id.to_owned()))
}

fn sent(id: Option<MessageId>) -> Delivery {
    Delivery::Sent { id }
}

impl Egress for DiscordEgress {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            max_length: Some(Length { limit: LONGEST, unit: UNIT }),
            format: Format::ChatMarkdown,
            table_columns: Some(TABLE),
            citations_apart: self.shared.config.embeds,
            edits: true,
            drafts: true,
            threads: true,
            buttons: ROW * ROW,
            reactions: true,
            max_file_bytes: LARGEST,
            typing: Some(TYPING),
            idempotency: Idempotency::Key,
            backfill: true,
            outlives_process: true,
            // How fast it may be, Discord says with each answer.
            silence: Some(SILENCE),
            ..Capabilities::default()
        }
    }

    fn deliver<'a>(&'a self, envelope: &'a Envelope) -> BoxFuture<'a, Delivery> {
        Box::pin(async move { self.send(envelope).await.unwrap_or_else(Failure::delivery) })
    }

    fn signal_typing<'a>(&'a self, conversation: &'a ConversationId) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let Some((channel, thread)) = channels(conversation) else { return };
            let signal = |channel| self.shared.rest.call(Call::new(Method::POST, Route::typing(channel)));
            let signalled = signal(thread.unwrap_or(channel)).await;
            // The thread may still be to be opened.
            if thread.is_some() && signalled.is_err_and(|failure| failure.is_code(&[code::UNKNOWN_CHANNEL])) {
                let _ = signal(channel).await;
            }
        })
    }

    fn drafts(&self) -> Option<&dyn Drafts> {
        Some(self)
    }

    fn interactions(&self) -> Option<&dyn Interactions> {
        Some(self)
    }

    fn backfill(&self) -> Option<&dyn Backfill> {
        Some(self)
    }

    fn administration(&self) -> Option<&dyn Administration> {
        Some(self)
    }
}
