//! The hooks of this bot. In: the config and the journal. Out: hooks that follow it, and a journal that has them told of everybody who is erased,
//! whoever asked for that: a command, a page, or the person.

use std::sync::Arc;

use anyhow::Context;
use loquat_contract::{
    Accepted, BoxFuture, BoxStream, Change, ConversationId, Entry, Erased, Event, Inbound, Journal,
    JournalError, Memory, MessageId, Person, Query, Sequence, Step, Timestamp,
};
use loquat_dispatch::{Rating, signal};
use loquat_journal::EmbeddedJournal;
use loquat_webhook::{Config, Signal, Signals, Webhooks};

use crate::parts::Places;

/// How far back a conversation is looked through for what feedback is about.
const RECENT: usize = 200;

/// Opens the hooks; `run` of what it returns has to be polled for anything to be sent.
///
/// # Errors
/// When a hook is not one, or how far it is cannot be read.
pub async fn open(
    hooks: &[Config],
    places: &Places,
    journal: &EmbeddedJournal,
) -> anyhow::Result<(Arc<Webhooks>, Arc<dyn Journal>)> {
    let folder = places.journal.with_extension("webhooks");
    let signals = Arc::new(Read { journal: journal.clone() });
    let kept: Arc<dyn Journal> = Arc::new(journal.clone());
    let hooks = Webhooks::open(hooks, &folder, kept, signals).await.context("`webhooks` in the config")?;
    let hooks = Arc::new(hooks);
    let telling = Arc::new(Telling { journal: journal.clone(), hooks: hooks.clone() });
    Ok((hooks, telling))
}

/// Reads in the journal what entries say.
struct Read {
    journal: EmbeddedJournal,
}

impl Signals for Read {
    fn signal<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<Option<Signal>, JournalError>> {
        Box::pin(async move {
            if !may_say(&entry.inbound) {
                return Ok(None);
            }
            let earlier = Query {
                conversation: Some(entry.inbound.conversation.clone()),
                before: Some(entry.sequence),
                limit: Some(RECENT),
                ..Query::default()
            };
            let earlier = self.journal.entries(earlier).await?;
            Ok(signal(&earlier, entry).map(|said| match said {
                loquat_dispatch::Signal::Human => Signal::Human,
                loquat_dispatch::Signal::Feedback(feedback) => Signal::Feedback {
                    reply: feedback.reply,
                    verdict: feedback.verdict.map(Rating::name).map(str::to_owned),
                    text: feedback.text,
                },
            }))
        })
    }
}

/// Whether an event may be feedback or ask for a person: most are questions, for which nothing has to be looked up.
fn may_say(inbound: &Inbound) -> bool {
    match &inbound.event {
        Event::Reaction { .. } | Event::Button { .. } | Event::Command { .. } => true,
        Event::Message(message) | Event::Edit { now: message, .. } => {
            message.text.trim_start().starts_with(['/', '!', '／', '！'])
        }
        _ => false,
    }
}

/// The journal, with hooks that are told of erasures.
struct Telling {
    journal: EmbeddedJournal,
    hooks: Arc<Webhooks>,
}

impl Journal for Telling {
    fn accept<'a>(&'a self, inbound: &'a Inbound) -> BoxFuture<'a, Result<Accepted, JournalError>> {
        self.journal.accept(inbound)
    }

    fn record(&self, sequence: Sequence, steps: Vec<Step>) -> BoxFuture<'_, Result<(), JournalError>> {
        self.journal.record(sequence, steps)
    }

    fn owed(&self) -> BoxFuture<'_, Result<Vec<Entry>, JournalError>> {
        self.journal.owed()
    }

    fn entries(&self, query: Query) -> BoxFuture<'_, Result<Vec<Entry>, JournalError>> {
        self.journal.entries(query)
    }

    fn knows<'a>(&'a self, inbound: &'a Inbound) -> BoxFuture<'a, Result<Option<Sequence>, JournalError>> {
        self.journal.knows(inbound)
    }

    fn entry(&self, sequence: Sequence) -> BoxFuture<'_, Result<Entry, JournalError>> {
        self.journal.entry(sequence)
    }

    fn memory<'a>(
        &'a self,
        conversation: &'a ConversationId,
    ) -> BoxFuture<'a, Result<Option<Memory>, JournalError>> {
        self.journal.memory(conversation)
    }

    fn conversations<'a>(
        &'a self,
        platform: &'a str,
        since: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<(ConversationId, MessageId)>, JournalError>> {
        self.journal.conversations(platform, since)
    }

    fn changes(&self) -> BoxStream<'static, Change> {
        self.journal.changes()
    }

    fn erase<'a>(&'a self, person: &'a Person) -> BoxFuture<'a, Result<Erased, JournalError>> {
        Box::pin(async move {
            let erased = self.journal.erase(person).await?;
            if erased.events > 0
                && let Err(error) = self.hooks.erased(person, erased.events)
            {
                // They are erased here all the same.
                tracing::error!(%error, "somebody was erased, and the webhooks are not told of it");
            }
            Ok(erased)
        })
    }
}
