//! Why a reply says what it says. In: a message that asks for it, and the journal. Out: a document of sentences, verdicts, facts and
//! where they come from. Everything stands in the journal, so it is the same after a restart; only the own conversation is read.

mod document;
mod words;

use std::sync::Arc;

use loquat_contract::{
    Capabilities, ConversationId, Entry, JournalError, MessageId, PartState, Prepared, Reply,
};

use crate::commands::Wanted;
use crate::compose::{notice, show};
use crate::dispatch::Shared;

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
        self.recall(conversation).await;
        let recent = self.recent(conversation).await?;
        let earlier = || recent.iter().filter(|entry| entry.sequence < asking.sequence);
        let with_reply = || earlier().rev().filter(|entry| reply_of(entry).is_some());
        let found = match wanted {
            Wanted::Back(count) => with_reply().nth(count.saturating_sub(1)).cloned(),
            Wanted::About(message) => with_reply().find(|entry| concerns(entry, message)).cloned(),
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
            let words = words::of(&self.own_language(&asking.inbound, earlier()));
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
    pub(crate) async fn entry_of(
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
}

pub(crate) fn reply_of(entry: &Entry) -> Option<&Arc<Reply>> {
    entry.prepared.as_ref()?.reply.as_ref()
}

/// Whether a message is the one that was answered, or a part of the answer.
pub(crate) fn concerns(entry: &Entry, message: &MessageId) -> bool {
    entry.inbound.address().in_reply_to == *message || is_part(entry, message)
}

/// Whether a message is a part of the answer.
pub(crate) fn is_part(entry: &Entry, message: &MessageId) -> bool {
    entry.parts.iter().any(|part| matches!(part, PartState::Sent { id: Some(id) } if id == message))
}
