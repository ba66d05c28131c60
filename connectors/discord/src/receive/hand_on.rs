//! Events go to the sink, one after the other. In: events of the gateway. Out: accepted events, and words for people whose message was not
//! accepted. What the sink could not keep is not done with, so that it comes again.

mod refusals;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use loquat_contract::{ConnectorError, Document, Event, Format, Inbound, MessageId, Receipt, Refusal, Sink};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, timeout};

use super::events::{Deletion, Interaction, Message, Reaction};
use super::progress::Mark;
use super::shard::{Item, What};
use super::understand::{Said, Understanding, sent_at};
use crate::encode;
use crate::rest::{Call, Failure, Route};
use crate::shared::{ChannelObject, Place, Shared};
use refusals::Refusals;

/// How long saying something of the connector's own may take.
const COURTESY: Duration = Duration::from_secs(3);
const ELSEWHERE: &str = "This bot does not answer here.";

/// What events are handed on with.
pub(super) struct HandOn<'a> {
    shared: &'a Shared,
    sink: &'a dyn Sink,
    refusals: Mutex<Refusals>,
}

/// What became of an event.
enum Handed {
    Done,
    /// It has to come again.
    Left,
}

impl<'a> HandOn<'a> {
    pub(super) fn new(shared: &'a Shared, sink: &'a dyn Sink) -> Self {
        Self { shared, sink, refusals: Mutex::default() }
    }

    /// Hands on what comes, until the run ends.
    pub(super) async fn all(&self, mut items: Receiver<Item>) -> Result<(), ConnectorError> {
        while let Some(Item { mark, what }) = items.recv().await {
            let handed = match what {
                What::Begun => {
                    self.shared.places.settled().await;
                    self.sink.reconnected().await;
                    mark.backfilled();
                    Handed::Done
                }
                What::Event { name, data, place } => self.event(&name, data, place, &mark).await?,
            };
            if let Handed::Done = handed {
                mark.done();
            }
        }
        std::future::pending().await
    }

    async fn event(
        &self,
        name: &str,
        data: Value,
        place: Option<Place>,
        mark: &Mark,
    ) -> Result<Handed, ConnectorError> {
        match name {
            "MESSAGE_CREATE" | "MESSAGE_UPDATE" => match parse::<Message>(name, data) {
                Some(event) => self.message(event, place, name == "MESSAGE_UPDATE").await,
                None => Ok(Handed::Done),
            },
            "MESSAGE_DELETE" | "MESSAGE_DELETE_BULK" => match parse::<Deletion>(name, data) {
                Some(event) => self.deletion(event).await,
                None => Ok(Handed::Done),
            },
            "MESSAGE_REACTION_ADD" | "MESSAGE_REACTION_REMOVE" => match parse::<Reaction>(name, data) {
                Some(event) => self.reaction(event, name == "MESSAGE_REACTION_REMOVE", mark).await,
                None => Ok(Handed::Done),
            },
            "INTERACTION_CREATE" => match parse::<Interaction>(name, data) {
                Some(event) => self.interaction(event).await,
                None => Ok(Handed::Done),
            },
            _ => Ok(Handed::Done),
        }
    }

    async fn understanding(&self, place: Option<&Place>) -> Result<Understanding<'_>, Failure> {
        let own_role = match place.and_then(|place| place.guild) {
            Some(guild) => self.shared.own_role(guild).await?,
            None => None,
        };
        Ok(Understanding { me: self.shared.me().await?, config: &self.shared.config, own_role })
    }

    async fn message(
        &self,
        event: Message,
        place: Option<Place>,
        is_edit: bool,
    ) -> Result<Handed, ConnectorError> {
        let place = match (event.guild_id, place) {
            (None, _) => Place::direct(event.channel_id),
            // What was learnt since, such as that somebody brought the bot into the thread, came after the message.
            (Some(_), Some(place)) => place,
            (Some(_), None) => match known(self.shared.place(event.channel_id).await)? {
                Some(place) => place,
                None => return Ok(Handed::Done),
            },
        };
        let Some(understanding) = known(self.understanding(Some(&place)).await)? else {
            return Ok(Handed::Done);
        };
        let is_mine = event.author.as_ref().map(|author| author.id == understanding.me.id);
        if is_mine == Some(true) {
            self.shared.wrote(event.id, true);
            return Ok(Handed::Done);
        }
        // Discord also changes messages itself, such as when it has looked at a link.
        if is_edit && event.edited_timestamp.is_none() {
            return Ok(Handed::Done);
        }
        let Some(said) = understanding.message(&event, &place) else { return Ok(Handed::Done) };
        let Said { message, sender, opens_thread, is_addressed } = said;
        let asked_in = self.shared.asked_in(event.id);
        let conversation = match &asked_in {
            Some((conversation, _)) => conversation.clone(),
            None => self.shared.conversation(&place, opens_thread.then_some(event.id)),
        };
        let id = MessageId(event.id.to_string());
        let changed_at = event.edited_timestamp.as_ref().filter(|_| is_edit);
        let edited = changed_at.map(|at| {
            let what = Event::Edit { message: id.clone(), now: message.clone() };
            (MessageId(format!("edit {} {at}", event.id)), what)
        });
        let inbound = |(id, what)| Inbound {
            id,
            conversation: conversation.clone(),
            sender: sender.clone(),
            sent_at: Some(sent_at(event.id.get())),
            ticket: None,
            event: what,
        };
        // What the sink does not have becomes a message when it is changed: somebody forgot the mention, or was refused.
        let mut taken = match (&asked_in, &edited) {
            (Some(_), Some(edit)) => self.sink.accept(inbound(edit.clone())).await,
            _ => self.sink.accept(inbound((id, Event::Message(message)))).await,
        };
        // An earlier process has handed it on.
        if let (None, Some(edit), Ok(Receipt::Duplicate)) = (&asked_in, edited, &taken) {
            taken = self.sink.accept(inbound(edit)).await;
        }
        if let Ok(Receipt::Accepted | Receipt::Duplicate) = taken {
            self.shared.has_asked(event.id, conversation.clone(), sender.clone());
        }
        let (person, is_bot) = (sender.id.clone(), sender.is_bot);
        match taken {
            Ok(Receipt::Answered(text)) => self.say(&event, &text).await,
            Ok(_) => {}
            Err(refusal) => {
                tracing::debug!(%refusal, "Discord: a message was refused");
                if let Some(left) = left(&refusal)? {
                    return Ok(left);
                }
                if is_addressed && !is_bot && self.may_tell(person, &refusal) {
                    self.say(&event, &refusal.to_string()).await;
                }
            }
        }
        Ok(Handed::Done)
    }

    async fn deletion(&self, event: Deletion) -> Result<Handed, ConnectorError> {
        for message in event.ids.into_iter().chain(event.id) {
            // Discord does not say who deletes it: its author, or somebody who may.
            let Some((conversation, sender)) = self.shared.asked_in(message) else { continue };
            let inbound = Inbound {
                id: MessageId(format!("deletion {message}")),
                conversation,
                sender,
                sent_at: None,
                ticket: None,
                event: Event::Deletion { message: MessageId(message.to_string()) },
            };
            if let Err(refusal) = self.sink.accept(inbound).await
                && let Some(left) = left(&refusal)?
            {
                return Ok(left);
            }
        }
        Ok(Handed::Done)
    }

    async fn reaction(
        &self,
        mut event: Reaction,
        removed: bool,
        mark: &Mark,
    ) -> Result<Handed, ConnectorError> {
        let place = match event.guild_id {
            None => Place::direct(event.channel_id),
            Some(_) => match known(self.shared.place(event.channel_id).await)? {
                Some(place) => place,
                None => return Ok(Handed::Done),
            },
        };
        let Some(understanding) = known(self.understanding(None).await)? else { return Ok(Handed::Done) };
        if event.user_id == understanding.me.id || !understanding.is_here(&place) {
            return Ok(Handed::Done);
        }
        let author = event.message_author_id.map(|author| author == understanding.me.id);
        let mut is_mine = author.or_else(|| self.shared.is_mine(event.message_id));
        let mut opener = None;
        // What the bot says in a channel where answers have threads may be the answer of one that could not be opened.
        if is_mine.is_none() || is_mine == Some(true) && understanding.opens_threads(&place) {
            let asked = self.shared.rest.ask(Call::get(Route::message(event.channel_id, event.message_id)));
            let message: Option<Message> = known(asked.await)?;
            opener = message.as_ref().and_then(|message| message.message_reference.as_ref()?.message_id);
            let author = message.and_then(|message| message.author);
            is_mine = Some(author.is_some_and(|author| author.id == understanding.me.id));
        }
        let is_mine = is_mine == Some(true);
        self.shared.wrote(event.message_id, is_mine);
        if !is_mine {
            return Ok(Handed::Done);
        }
        // Of one that is taken back, Discord does not say what roles they have.
        if let (None, Some(guild)) = (&event.member, place.guild) {
            event.member = known(self.shared.member(guild, event.user_id).await)?.flatten();
        }
        let opener = opener.filter(|_| understanding.opens_threads(&place));
        let conversation = self.shared.conversation(&place, opener);
        let name = (&*mark.session, mark.number);
        let Some(inbound) = understanding.reaction(&event, conversation, removed, name) else {
            return Ok(Handed::Done);
        };
        match self.sink.accept(inbound).await {
            Err(refusal) => Ok(left(&refusal)?.unwrap_or(Handed::Done)),
            Ok(_) => Ok(Handed::Done),
        }
    }

    async fn interaction(&self, event: Interaction) -> Result<Handed, ConnectorError> {
        let Some(channel) = event.channel_id else { return Ok(Handed::Done) };
        let place = match event.guild_id {
            None => Place::direct(channel),
            Some(guild) => {
                // It brings its channel along, which may be one where the bot is not.
                let brought =
                    event.channel.as_ref().and_then(|object| ChannelObject::deserialize(object).ok());
                let found = self.shared.places.find(channel);
                match found.or_else(|| brought.map(|object| Place::read(&object, Some(guild)))) {
                    Some(place) => place,
                    None => match known(self.shared.place(channel).await)? {
                        Some(place) => place,
                        None => return Ok(Handed::Done),
                    },
                }
            }
        };
        let Some(understanding) = known(self.understanding(None).await)? else { return Ok(Handed::Done) };
        let reference = event.message.as_ref().and_then(|message| message.message_reference.as_ref());
        let opener = reference.and_then(|reference| reference.message_id);
        let opener = opener.filter(|_| understanding.opens_threads(&place));
        let conversation = self.shared.conversation(&place, opener);
        let Some(inbound) = understanding.interaction(&event, conversation) else { return Ok(Handed::Done) };
        if !understanding.is_here(&place) {
            self.whisper(&event, ELSEWHERE).await;
            return Ok(Handed::Done);
        }
        match self.sink.accept(inbound).await {
            Ok(Receipt::Answered(text)) => self.whisper(&event, &text).await,
            Ok(_) => {}
            Err(refusal) => {
                tracing::debug!(%refusal, "Discord: an interaction was refused");
                // Within seconds it is dead, so it does not come again: the person has to know.
                self.whisper(&event, &refusal.to_string()).await;
            }
        }
        Ok(Handed::Done)
    }

    fn may_tell(&self, person: String, refusal: &Refusal) -> bool {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.may_tell(person, refusal, Instant::now())
    }

    /// Says something below a message, in the connector's own name.
    async fn say(&self, event: &Message, text: &str) {
        let body = encode::notice(&plain(text), Some(event.id));
        self.courteously(Call::new(reqwest::Method::POST, Route::messages(event.channel_id)).json(body))
            .await;
    }

    /// Says something to the person alone who used a command or pressed a button.
    async fn whisper(&self, event: &Interaction, text: &str) {
        let body = encode::whisper(&plain(text));
        self.courteously(
            Call::new(reqwest::Method::POST, Route::callback(event.id, &event.token)).json(body),
        )
        .await;
    }

    async fn courteously(&self, call: Call) {
        match timeout(COURTESY, self.shared.rest.call(call)).await {
            Ok(Ok(_)) => {}
            Ok(Err(failure)) => tracing::debug!(%failure, "Discord: somebody could not be told of a refusal"),
            Err(_) => tracing::debug!("Discord: somebody could not be told of a refusal in time"),
        }
    }
}

/// What the sink's refusal means: `Some` where the event has to come again, and an error where that takes another connection.
fn left(refusal: &Refusal) -> Result<Option<Handed>, ConnectorError> {
    match refusal {
        refusal if refusal.is_final() => Ok(None),
        Refusal::Stopping => Ok(Some(Handed::Left)),
        refusal => Err(ConnectorError::Lost(format!("Discord: {refusal}; it comes again"))),
    }
}

/// What Discord says of something; `None` where it says that there is nothing, or that it is none of the bot's business.
fn known<T>(asked: Result<T, Failure>) -> Result<Option<T>, ConnectorError> {
    match asked {
        Ok(known) => Ok(Some(known)),
        Err(Failure::Refused { .. }) => Ok(None),
        // Asked for again and again, it would hold up everything else.
        Err(failure @ Failure::Unreadable(_)) => {
            tracing::warn!(%failure, "Discord: an event cannot be understood");
            Ok(None)
        }
        Err(failure) => Err(failure.into()),
    }
}

fn parse<T: DeserializeOwned>(name: &str, data: Value) -> Option<T> {
    // The error could quote what it could not read.
    serde_json::from_value(data)
        .map_err(|error| tracing::warn!(name, kind = ?error.classify(), "Discord: an event cannot be read"))
        .ok()
}

/// Words that are no markup.
fn plain(text: &str) -> String {
    Document::plain(text).render(Format::ChatMarkdown)
}
