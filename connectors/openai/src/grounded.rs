//! Grounded answers: the bot answers the last message out of its facts. In: a chat. Out: verified sentences as they come, then what they
//! rest on. The bot's own persona, sampling and policy hold, whatever the request says of them.

mod content;
mod memories;
mod wanted;

use std::sync::Arc;

use futures::channel::mpsc::{UnboundedSender, unbounded};
use futures::{FutureExt, StreamExt, stream};
use loquat_contract::{ConversationId, Dialogue, Person};

use crate::delta::{Delta, Deltas};
use crate::error::ApiError;
use crate::service::Service;
use crate::wire::grounds::Grounds;
use crate::wire::message::Said;
use crate::wire::request::ChatRequest;
use content::Content;

pub(crate) use memories::Memories;
use memories::{Replayed, Turn};

/// Begins to answer the last message of the chat.
pub(crate) fn answer(
    service: &Arc<Service>,
    person: Option<Person>,
    request: &ChatRequest,
    said: Vec<Said>,
) -> Result<Deltas, ApiError> {
    let ignored = wanted::ignored(request, &said)?;
    let (question, turns) = wanted::question(said, service.limits.max_question_chars)?;
    let (sender, receiver) = unbounded();
    let asked = Asked { service: service.clone(), person, question, turns, ignored };
    let answering = async move {
        if let Err(error) = asked.answer(&sender).await {
            tell(&sender, Err(error));
        }
    };
    // The answer is worked out while its pieces are read, and no longer: nothing goes on for a client that is gone.
    let pieces = stream::select(receiver.map(Some), answering.map(|()| None).into_stream());
    Ok(pieces.filter_map(std::future::ready).boxed())
}

type Pieces = UnboundedSender<Result<Delta, ApiError>>;

fn tell(pieces: &Pieces, piece: Result<Delta, ApiError>) {
    // Whoever reads them drops this together with them.
    let _read = pieces.unbounded_send(piece);
}

struct Asked {
    service: Arc<Service>,
    /// Whose key was used, where one was.
    person: Option<Person>,
    question: String,
    turns: Vec<Turn>,
    ignored: Vec<&'static str>,
}

impl Asked {
    async fn answer(mut self, pieces: &Pieces) -> Result<(), ApiError> {
        let service = &self.service;
        let conversation = Own { dialogue: service.dialogue.as_ref(), id: service.conversation() };
        let person = self.person.as_ref();
        let limits = &service.limits;
        let replayed = Replayed { questions: limits.replayed_questions, chars: limits.max_question_chars };
        let restored =
            service.memories.restore(conversation.dialogue, &conversation.id, person, &self.turns, replayed);
        restored.await;
        let mut content = Content::new(service.policy);
        let mut show = |sentence: &_| tell(pieces, Ok(Delta::Text(content.add(sentence))));
        let reply = conversation.dialogue.answer(&conversation.id, &self.question, &mut show).await?;
        // All of them were shown, unless an engine shows none before the end.
        for sentence in reply.sentences.iter().skip(content.sentences()) {
            tell(pieces, Ok(Delta::Text(content.add(sentence))));
        }
        tell(pieces, Ok(Delta::Prompt(reply.tokens.prompt)));
        let annotations = content.annotations(&reply);
        if !annotations.is_empty() {
            tell(pieces, Ok(Delta::Annotations(annotations)));
        }
        let grounds = Grounds {
            outcome: reply.outcome,
            policy: reply.policy,
            graph: reply.graph,
            sentences: content.checked(&reply),
            ignored: std::mem::take(&mut self.ignored),
            language: reply.language,
            model: reply.model,
            values: reply.values,
            choices: reply.choices.into_iter().map(|choice| choice.label).collect(),
        };
        tell(pieces, Ok(Delta::Grounds(Box::new(grounds))));
        self.turns.push(Turn::User(std::mem::take(&mut self.question)));
        self.turns.push(Turn::Assistant(content.into_text()));
        if let Some(memory) = conversation.dialogue.memory(&conversation.id) {
            service.memories.keep(self.person.as_ref(), &self.turns, memory);
        }
        tell(pieces, Ok(Delta::Finish { reason: "stop", completion: reply.tokens.completion }));
        Ok(())
    }
}

/// A conversation of one request, which the engine forgets with it.
struct Own<'a> {
    dialogue: &'a dyn Dialogue,
    id: ConversationId,
}

impl Drop for Own<'_> {
    fn drop(&mut self) {
        self.dialogue.forget(&self.id);
    }
}
