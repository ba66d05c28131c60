//! Why a reply says what it says. In: a message that asks for it, and the journal. Out: a document of sentences, verdicts, facts and
//! where they come from. Everything stands in the journal, so it is the same after a restart; only the own conversation is read.

mod document;
mod wanted;
mod words;

use std::sync::Arc;

use loquat_contract::{
    Capabilities, ConversationId, Entry, JournalError, Language, PartState, Prepared, Query, Reply,
};

use crate::answer::RECENT;
use crate::compose::{notice, show};
use crate::dispatch::Shared;
pub(crate) use wanted::{Wanted, wanted};

impl Shared {
    /// The explanation that an event asks for, in place of a reply.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub(crate) async fn explain(
        &self,
        asking: &Entry,
        wanted: &Wanted,
        capabilities: &Capabilities,
    ) -> Result<Prepared, JournalError> {
        let conversation = &asking.inbound.conversation;
        let query =
            Query { conversation: Some(conversation.clone()), limit: Some(RECENT), ..Query::default() };
        let recent = self.persist(|| self.journal.entries(query.clone())).await?;
        let earlier = || recent.iter().filter(|entry| entry.sequence < asking.sequence);
        let with_reply = || earlier().rev().filter(|entry| reply_of(entry).is_some());
        let found = match wanted {
            Wanted::Back(count) => with_reply().nth(count.saturating_sub(1)).cloned(),
            Wanted::About(message) => with_reply().find(|entry| concerns(entry, &message.0)).cloned(),
            Wanted::Number(sequence) => {
                let found = earlier().find(|entry| entry.sequence == *sequence).cloned();
                match found {
                    Some(entry) => Some(entry),
                    None => self.entry_of(*sequence, conversation).await?,
                }
            }
            Wanted::Unclear => None,
        };
        let explained = found.as_ref().and_then(|entry| Some((entry, reply_of(entry)?)));
        let Some((entry, reply)) = explained else {
            let words = words::of(&self.language_of(earlier()));
            let text = match wanted {
                Wanted::Unclear => words.usage,
                _ if with_reply().next().is_none() => words.no_reply_yet,
                _ => words.no_such_reply,
            };
            return Ok(Prepared { parts: notice(text, &[], capabilities), ..Prepared::default() });
        };
        let asked = entry.prepared.as_ref().and_then(|prepared| prepared.asked.as_deref());
        let is_one_line = capabilities.max_lines.is_some_and(|lines| lines <= 1);
        let document = document::explain(entry.sequence, asked, reply, is_one_line);
        let parts = show(document, capabilities);
        Ok(Prepared { parts, explains: Some(entry.sequence), ..Prepared::default() })
    }

    /// An entry of this conversation. That another conversation has it is not told.
    async fn entry_of(
        &self,
        sequence: loquat_contract::Sequence,
        conversation: &ConversationId,
    ) -> Result<Option<Entry>, JournalError> {
        match self.persist(|| self.journal.entry(sequence)).await {
            Ok(entry) => Ok(Some(entry).filter(|entry| entry.inbound.conversation == *conversation)),
            Err(JournalError::NoEntry(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The language of the last reply, else the bot's first.
    fn language_of<'a>(&self, earlier: impl DoubleEndedIterator<Item = &'a Entry>) -> Language {
        let last = earlier.rev().find_map(reply_of).map(|reply| reply.language.clone());
        last.or_else(|| self.bot.card.languages.first().cloned()).unwrap_or_else(Language::english)
    }
}

fn reply_of(entry: &Entry) -> Option<&Arc<Reply>> {
    entry.prepared.as_ref()?.reply.as_ref()
}

/// Whether a message is the one that was answered, or a part of the answer.
fn concerns(entry: &Entry, message: &str) -> bool {
    let is_part = |part: &PartState| matches!(part, PartState::Sent { id: Some(id) } if id.0 == message);
    entry.inbound.address().in_reply_to.0 == message || entry.parts.iter().any(is_part)
}
