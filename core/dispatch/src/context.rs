//! In which context a question is answered. In: words, a number, or a button. Out: the text to answer, and what the conversation was about when
//! it was asked. A button can be pressed long after: then the conversation goes back to where its message left it.

use loquat_contract::{ConversationId, Entry, JournalError, Memory, Reply, Sequence};

use crate::dispatch::Shared;
use crate::explain::reply_of;
use crate::lane::Waiting;
use crate::wish::Wish;

/// How many times a question can have been asked again before its first time is not looked for any more.
const AGAIN: usize = 32;

/// What is to be answered.
pub(crate) struct Question {
    pub(crate) text: String,
    pub(crate) within: Within,
    /// The entry whose question it is, where it was answered before.
    pub(crate) again: Option<Entry>,
}

/// What the conversation is about when a question is answered.
pub(crate) enum Within {
    /// What it is about now.
    Now,
    /// What it was about then; nothing, where nothing of it is kept.
    Then(Option<Memory>),
}

impl Question {
    fn now(text: String) -> Self {
        Self { text, within: Within::Now, again: None }
    }
}

impl Shared {
    /// Words, behind those that are answered together with them; or the choice that they name by its number.
    pub(crate) async fn said(
        &self,
        entry: &Entry,
        words: String,
        before: &[Waiting],
    ) -> Result<Question, JournalError> {
        if let Some(value) = self.numbered(entry, &words).await? {
            return Ok(Question::now(value));
        }
        let wishes = before.iter().map(|earlier| Wish::of(&earlier.entry.inbound));
        let mut texts: Vec<String> = wishes
            .filter_map(|wish| match wish {
                Wish::Answer(words) => Some(words),
                _ => None,
            })
            .collect();
        texts.push(words);
        Ok(Question::now(texts.join("\n")))
    }

    /// What a bare number stands for, where the last reply offered numbered choices.
    async fn numbered(&self, entry: &Entry, text: &str) -> Result<Option<String>, JournalError> {
        let Some(place) = text.trim().parse::<usize>().ok().and_then(|number| number.checked_sub(1)) else {
            return Ok(None);
        };
        let entries = self.recent(&entry.inbound.conversation).await?;
        let before = entries.iter().rev().filter(|before| before.sequence < entry.sequence);
        let mut prepared = before.filter_map(|before| before.prepared.as_ref());
        // Who asks why, or says what they think, before choosing may still choose.
        let last = prepared.find(|prepared| {
            prepared.reply.is_some()
                || !prepared.choices.is_empty()
                || prepared.memory.is_some()
                || prepared.failure.is_some()
        });
        Ok(last.and_then(|prepared| prepared.choices.get(place)).map(|choice| choice.value.clone()))
    }

    /// A choice by its button, as if the person had said it right after they were asked back. `None` where it is not kept any more.
    pub(crate) async fn chosen(
        &self,
        entry: &Entry,
        place: usize,
        of: Sequence,
    ) -> Result<Option<Question>, JournalError> {
        let asked_back = self.entry_of(of, &entry.inbound.conversation).await?;
        let Some(prepared) = asked_back.and_then(|asked_back| asked_back.prepared) else { return Ok(None) };
        let within = prepared.memory.map_or(Within::Now, |memory| Within::Then(Some(memory)));
        let value = prepared.choices.into_iter().nth(place).map(|choice| choice.value);
        Ok(value.map(|text| Question { text, within, again: None }))
    }

    /// A question that was answered, where it was asked. `None` where it is not kept any more.
    pub(crate) async fn once_more(
        &self,
        entry: &Entry,
        of: Sequence,
    ) -> Result<Option<Question>, JournalError> {
        let conversation = &entry.inbound.conversation;
        let Some(answered) = self.entry_of(of, conversation).await? else { return Ok(None) };
        let mut entries = self.recent(conversation).await?;
        if !entries.iter().any(|entry| entry.sequence == of) {
            entries.insert(0, answered.clone());
        }
        let within = asked_within(&entries, &answered);
        let asked = answered.prepared.as_ref().and_then(|prepared| prepared.asked.clone());
        Ok(asked.map(|text| Question { text, within: Within::Then(within), again: Some(answered) }))
    }

    /// New words for a question that was answered, asked where the old ones were.
    pub(crate) async fn changed(
        &self,
        entry: &Entry,
        text: String,
        answered: Entry,
    ) -> Result<Question, JournalError> {
        let entries = self.recent(&entry.inbound.conversation).await?;
        let within = Within::Then(asked_within(&entries, &answered));
        Ok(Question { text, within, again: Some(answered) })
    }

    /// Has the engine remember what a conversation was about at an earlier time. The language that was chosen is that of now.
    pub(crate) async fn go_back(&self, conversation: &ConversationId, memory: Option<Memory>) {
        let spoken = self.dialogue.spoken(conversation);
        // First, whatever comes: what cannot be recalled must not be answered in the conversation as it is now.
        self.dialogue.forget(conversation);
        if let Some(memory) = memory.filter(|memory| !memory.0.is_empty()) {
            self.dialogue.recall(conversation, memory).await;
        }
        self.dialogue.speak(conversation, spoken);
    }

    /// Has the engine remember what an earlier run knew of a conversation.
    pub(crate) async fn recall(&self, conversation: &ConversationId) {
        if self.dialogue.memory(conversation).is_some() {
            return;
        }
        match self.journal.memory(conversation).await {
            // An empty one was forgotten on purpose.
            Ok(Some(memory)) if !memory.0.is_empty() => self.dialogue.recall(conversation, memory).await,
            Ok(_) => {}
            Err(error) => tracing::warn!(%conversation, %error, "what was talked about cannot be read"),
        }
    }
}

/// What the conversation was about when the question of an entry was asked, out of the conversation's entries, oldest first: what was
/// remembered before it; for a choice, what was remembered when it was offered; for a question that was asked again, the same of its first time.
pub fn asked_within(entries: &[Entry], entry: &Entry) -> Option<Memory> {
    let find = |sequence: Sequence| entries.iter().find(|entry| entry.sequence == sequence);
    let mut first = entry;
    for _ in 0..AGAIN {
        let Some(again) = first.prepared.as_ref().and_then(|prepared| prepared.again) else { break };
        let Some(earlier) = find(again) else { break };
        first = earlier;
    }
    let memory = |entry: &Entry| entry.prepared.as_ref().and_then(|prepared| prepared.memory.clone());
    let offered = match Wish::of(&first.inbound) {
        Wish::Choose(_, asked_back) => find(asked_back).and_then(memory),
        _ => None,
    };
    let before = || entries.iter().rev().filter(|before| before.sequence < first.sequence).find_map(memory);
    offered.or_else(before)
}

/// Whether a question got the same answer again; other words that get it are another question.
pub(crate) fn is_same(answered: &Entry, asked: &str, reply: &Reply) -> bool {
    let was_asked = answered.prepared.as_ref().and_then(|prepared| prepared.asked.as_deref());
    was_asked == Some(asked)
        && reply_of(answered).is_some_and(|before| {
            let facts = |reply: &Reply| {
                reply.citations.iter().map(|citation| citation.id.clone()).collect::<Vec<_>>()
            };
            before.answer == reply.answer && facts(before) == facts(reply) && before.choices == reply.choices
        })
}
