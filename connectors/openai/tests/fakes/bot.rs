//! A bot that knows two facts, and of each conversation what it was about: “And its currency?” is understood only behind a question
//! that names a country.
#![allow(clippy::unwrap_used, reason = "a lock that a failed test has poisoned fails the next")]

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use loquat_contract::testing::reply;
use loquat_contract::{
    BoxFuture, Citation, ConversationId, Dialogue, DialogueError, EntityId, FactId, Generation, Memory,
    Outcome, Reply, Sentence, TokenCount, Verdict,
};

#[derive(Default)]
pub(crate) struct Guide {
    /// What each conversation is about, until it is forgotten.
    pub(crate) about: Mutex<HashMap<ConversationId, String>>,
    /// Every conversation and question.
    pub(crate) asked: Mutex<Vec<(ConversationId, String)>>,
    /// How many answers were dropped before their end.
    pub(crate) dropped: AtomicUsize,
}

struct Noticed<'a>(&'a AtomicUsize, bool);

impl Drop for Noticed<'_> {
    fn drop(&mut self) {
        if !self.1 {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Guide {
    /// The questions so far.
    pub(crate) fn questions(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|(_, text)| text.clone()).collect()
    }

    fn reply(&self, conversation: &ConversationId, text: &str) -> Reply {
        let mut about = self.about.lock().unwrap();
        for country in ["Bhutan", "Nepal"] {
            if text.contains(country) {
                about.insert(conversation.clone(), country.to_owned());
            }
        }
        let country = about.get(conversation).cloned();
        let (relation, object, source) = match text.contains("currency") {
            true => ("currency", "ngultrum", "money.ttl"),
            false => ("capital", "Thimphu", "https://example.org/world?a=1"),
        };
        let mut answer = reply("");
        answer.tokens = TokenCount { prompt: 31, completion: 7 };
        answer.graph = Generation(4);
        let Some(country) = country else {
            answer.outcome = Outcome::Abstained;
            answer.sentences = vec![Sentence::line("I do not know what is meant.")];
            return answer;
        };
        let id = FactId::from(relation);
        let said = format!("The {relation} of {country} is {object}.");
        answer.outcome = Outcome::Answered;
        answer.values = vec![object.to_owned()];
        answer.sentences =
            vec![Sentence::line("Grüß dich!"), Sentence::new(said, Verdict::Supported, vec![id.clone()])];
        answer.citations = vec![Citation {
            id,
            entity: EntityId::from("https://example.org/bhutan"),
            subject: country,
            predicate: relation.to_owned(),
            object: object.to_owned(),
            source: source.into(),
            since: Generation(1),
        }];
        answer
    }
}

impl Dialogue for Guide {
    fn answer<'a>(
        &'a self,
        conversation: &'a ConversationId,
        text: &'a str,
        show: &'a mut (dyn FnMut(&Sentence) + Send),
    ) -> BoxFuture<'a, Result<Reply, DialogueError>> {
        Box::pin(async move {
            self.asked.lock().unwrap().push((conversation.clone(), text.to_owned()));
            let mut noticed = Noticed(&self.dropped, false);
            if text == "think" {
                show(&Sentence::line("Let me see."));
                std::future::pending::<()>().await;
            }
            noticed.1 = true;
            if text == "fail" {
                return Err(DialogueError("a secret of the graph".into()));
            }
            let reply = self.reply(conversation, text);
            for sentence in &reply.sentences {
                show(sentence);
                tokio::task::yield_now().await;
            }
            Ok(reply)
        })
    }

    fn memory(&self, conversation: &ConversationId) -> Option<Memory> {
        self.about.lock().unwrap().get(conversation).cloned().map(Memory)
    }

    fn recall<'a>(&'a self, conversation: &'a ConversationId, memory: Memory) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            self.about.lock().unwrap().insert(conversation.clone(), memory.0);
        })
    }

    fn forget(&self, conversation: &ConversationId) {
        self.about.lock().unwrap().remove(conversation);
    }
}
