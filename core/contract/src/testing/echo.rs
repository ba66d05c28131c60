//! An engine that says what it is told. In: a text. Out: the same text, quoted, after as many steps as a test allows.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::{
    BoxFuture, ConversationId, Dialogue, DialogueError, Generation, Language, Memory, ModelIdentity, Outcome,
    Policy, Reply, Sentence, Timings, TokenCount,
};

/// A text that [`Echo`] cannot answer.
pub const UNANSWERABLE: &str = "fail";
/// A line at which [`Echo`] breaks down.
pub const BREAKDOWN: &str = "panic";

/// Answers each text with itself, and remembers how many it answered in each conversation.
#[derive(Debug, Default)]
pub struct Echo {
    counts: Mutex<HashMap<ConversationId, u64>>,
    spoken: Mutex<HashMap<ConversationId, Language>>,
    /// Texts that are answered only once their token is cancelled.
    pub held: Mutex<HashMap<String, CancellationToken>>,
    /// Replies to texts that are not echoed.
    pub scripted: Mutex<HashMap<String, Reply>>,
}

/// A reply of one sentence.
pub fn reply(text: &str) -> Reply {
    let sentence = Sentence::line(text);
    Reply {
        answer: text.to_owned(),
        language: Language::english(),
        outcome: Outcome::Smalltalk,
        sentences: vec![sentence],
        citations: Vec::new(),
        entities: Vec::new(),
        values: Vec::new(),
        gaps: Vec::new(),
        choices: Vec::new(),
        policy: Policy::Strict,
        model: ModelIdentity { name: "echo".to_owned(), sha256: "0".repeat(64) },
        graph: Generation(0),
        seed: 0,
        timings: Timings::default(),
        tokens: TokenCount::default(),
    }
}

impl Echo {
    /// Answers `text` with this reply from now on.
    pub fn answer_with(&self, text: &str, reply: Reply) {
        self.scripted.lock().unwrap_or_else(PoisonError::into_inner).insert(text.to_owned(), reply);
    }

    /// Holds the answer to `text` back until the token is cancelled.
    pub fn hold(&self, text: &str) -> CancellationToken {
        let token = CancellationToken::new();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(text.to_owned(), token.clone());
        token
    }
}

impl Dialogue for Echo {
    fn answer<'a>(
        &'a self,
        conversation: &'a ConversationId,
        text: &'a str,
        show: &'a mut (dyn FnMut(&Sentence) + Send),
    ) -> BoxFuture<'a, Result<Reply, DialogueError>> {
        Box::pin(async move {
            let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).get(text).cloned();
            if let Some(held) = held {
                held.cancelled().await;
            }
            if text == UNANSWERABLE {
                return Err(DialogueError("the text asks for a failure".into()));
            }
            assert!(text.lines().all(|line| line != BREAKDOWN), "the text asks for a breakdown");
            let scripted = self.scripted.lock().unwrap_or_else(PoisonError::into_inner).get(text).cloned();
            let mut reply = scripted.unwrap_or_else(|| reply(text));
            if let Some(language) = self.spoken(conversation) {
                reply.language = language;
            }
            reply.sentences.iter().for_each(&mut *show);
            // Whoever shows drafts gets to do so before the reply is complete.
            let mut is_done = false;
            std::future::poll_fn(|context| {
                if std::mem::replace(&mut is_done, true) {
                    return std::task::Poll::Ready(());
                }
                context.waker().wake_by_ref();
                std::task::Poll::Pending
            })
            .await;
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            *counts.entry(conversation.clone()).or_default() += 1;
            Ok(reply)
        })
    }

    fn memory(&self, conversation: &ConversationId) -> Option<Memory> {
        let count = self.counts.lock().unwrap_or_else(PoisonError::into_inner).get(conversation).copied();
        match (count, self.spoken(conversation)) {
            (None, None) => None,
            (count, None) => Some(Memory(count.unwrap_or_default().to_string())),
            (count, Some(language)) => Some(Memory(format!("{} {language}", count.unwrap_or_default()))),
        }
    }

    fn recall<'a>(&'a self, conversation: &'a ConversationId, memory: Memory) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let mut words = memory.0.split(' ');
            let Some(count) = words.next().and_then(|count| count.parse().ok()) else { return };
            self.counts.lock().unwrap_or_else(PoisonError::into_inner).insert(conversation.clone(), count);
            self.speak(conversation, words.next().map(Language::new));
        })
    }

    fn speak(&self, conversation: &ConversationId, language: Option<Language>) {
        let mut spoken = self.spoken.lock().unwrap_or_else(PoisonError::into_inner);
        match language {
            Some(language) => spoken.insert(conversation.clone(), language),
            None => spoken.remove(conversation),
        };
    }

    fn spoken(&self, conversation: &ConversationId) -> Option<Language> {
        self.spoken.lock().unwrap_or_else(PoisonError::into_inner).get(conversation).cloned()
    }

    fn forget(&self, conversation: &ConversationId) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).remove(conversation);
        self.spoken.lock().unwrap_or_else(PoisonError::into_inner).remove(conversation);
    }
}
