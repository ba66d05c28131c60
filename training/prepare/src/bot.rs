//! The engine, with a model that writes down what it is told. In: what people say. Out: the engine's reply, the prompt that its model would
//! have got, and whether it would have let a wording of ours pass. It must not know which engine it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use loquat_contract::{ConversationId, Dialogue, FactId, Memory, Reply, Verdict, Wording};

use crate::error::PrepareError;
use crate::example::Message;
use crate::recorder::Recorder;

/// A bot to learn from.
pub struct Bot {
    dialogue: Arc<dyn Dialogue>,
    recorder: Arc<Recorder>,
    conversations: AtomicU64,
}

/// What came of the last of several messages.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) reply: Reply,
    /// The one prompt that the model got for it; `None` where it got none, or several.
    pub(crate) prompt: Option<Vec<Message>>,
    /// What the bot remembered before the last message.
    before: Option<Memory>,
    last: String,
}

impl Answer {
    /// The facts that the reply rests on, in a stable order.
    pub(crate) fn facts(&self) -> Vec<FactId> {
        let mut facts: Vec<FactId> = self.reply.citations.iter().map(|citation| citation.id.clone()).collect();
        facts.sort();
        facts
    }
}

impl Bot {
    /// A bot whose engine has `recorder` as its only model.
    pub fn new(dialogue: Arc<dyn Dialogue>, recorder: Arc<Recorder>) -> Self {
        Self { dialogue, recorder, conversations: AtomicU64::default() }
    }

    fn conversation(&self) -> ConversationId {
        let number = self.conversations.fetch_add(1, Ordering::Relaxed);
        ConversationId {
            bot: "prepare".to_owned(),
            platform: "prepare".to_owned(),
            channel: number.to_string(),
            thread: None,
        }
    }

    async fn answer(&self, conversation: &ConversationId, text: &str) -> Result<Reply, PrepareError> {
        let answered = self.dialogue.answer(conversation, text, &mut |_| ()).await;
        answered.map_err(|source| PrepareError::Dialogue { question: text.to_owned(), source })
    }

    /// Says these in a conversation of its own; `None` where nothing is said.
    pub(crate) async fn ask(&self, turns: &[String]) -> Result<Option<Answer>, PrepareError> {
        let Some((last, before)) = turns.split_last() else { return Ok(None) };
        let conversation = self.conversation();
        for turn in before {
            self.answer(&conversation, turn).await?;
        }
        let memory = self.dialogue.memory(&conversation);
        self.recorder.take(&conversation);
        let reply = self.answer(&conversation, last).await?;
        let mut prompts = self.recorder.take(&conversation);
        self.dialogue.forget(&conversation);
        let prompt = if prompts.len() == 1 { prompts.pop() } else { None };
        let prompt = prompt.map(|messages| messages.iter().map(Message::from).collect());
        Ok(Some(Answer { reply, prompt, before: memory, last: last.clone() }))
    }

    /// Whether the engine lets the model say this, freely and in whole, and finds in it the facts that its own answer rests on.
    pub(crate) async fn lets_say(&self, answer: &Answer, wording: &str) -> Result<bool, PrepareError> {
        let conversation = self.conversation();
        if let Some(memory) = &answer.before {
            self.dialogue.recall(&conversation, memory.clone()).await;
        }
        self.recorder.say(&conversation, wording);
        let reply = self.answer(&conversation, &answer.last).await?;
        self.recorder.take(&conversation);
        self.dialogue.forget(&conversation);
        let is_own = |sentence: &loquat_contract::Sentence| {
            sentence.wording == Wording::Model && sentence.verdict == Verdict::Supported
        };
        let mut facts: Vec<FactId> = reply.citations.iter().map(|citation| citation.id.clone()).collect();
        facts.sort();
        let is_whole = reply.answer.trim() == wording.trim();
        Ok(is_whole && reply.sentences.iter().all(is_own) && facts == answer.facts())
    }
}
