//! Prompts whose facts do not hold the answer, out of questions that facts answer. In: a bot whose model is ours, and questions. Out: the
//! prompts that its model would get, each with the facts of another question.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::{StreamExt, stream};
use loquat_contract::{
    BoxStream, ChatMessage, ConversationId, Dialogue, Finish, GenerateRequest, LanguageModel, ModelError,
    ModelIdentity, Role, StopReason, Token,
};

use crate::item::Item;
use crate::normal::stands_in;
use crate::refusal::Unanswerable;

/// A model that says nothing and keeps the first prompt of each conversation.
#[derive(Clone, Debug)]
pub struct Listener {
    identity: ModelIdentity,
    heard: Arc<Mutex<HashMap<ConversationId, Vec<ChatMessage>>>>,
}

impl Default for Listener {
    fn default() -> Self {
        let identity = ModelIdentity { name: "listener".to_owned(), sha256: String::new() };
        Self { identity, heard: Arc::default() }
    }
}

impl LanguageModel for Listener {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    fn generate(&self, request: GenerateRequest) -> BoxStream<'static, Result<Token, ModelError>> {
        if let Some(conversation) = request.conversation {
            let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.entry(conversation).or_insert(request.messages);
        }
        let end = Token::Finish(Finish { reason: StopReason::End, completion: 0 });
        stream::iter([Ok(Token::Prompt(0)), Ok(end)]).boxed()
    }
}

/// A question as the model gets it.
struct Heard<'a> {
    item: &'a Item,
    question: &'a str,
    messages: Vec<ChatMessage>,
    /// What stands before the question in the last message.
    facts: String,
}

/// Asks `dialogue`, whose model is `listener`, each item of one turn, and gives those that its model was asked for with the facts of another:
/// of the next one whose facts do not have an accepted answer. Which that is depends on the items alone.
///
/// # Errors
/// When the engine fails.
pub async fn unanswerable(
    dialogue: &dyn Dialogue,
    listener: &Listener,
    items: &[Item],
) -> Result<Vec<Unanswerable>, loquat_contract::DialogueError> {
    let mut all: Vec<Heard<'_>> = Vec::new();
    for item in items {
        let [turn] = item.turns.as_slice() else { continue };
        let conversation = ConversationId {
            bot: "eval".to_owned(),
            platform: "eval".to_owned(),
            channel: format!("{}/{}", item.set, item.id),
            thread: Some("without its facts".to_owned()),
        };
        dialogue.answer(&conversation, &turn.say, &mut |_| ()).await?;
        dialogue.forget(&conversation);
        let heard = listener.heard.lock().unwrap_or_else(PoisonError::into_inner).remove(&conversation);
        let Some(messages) = heard else { continue };
        let question = turn.say.trim();
        let last = messages.last().filter(|last| last.role == Role::User);
        let facts = last.and_then(|last| last.content.strip_suffix(question));
        if let Some(facts) = facts.filter(|facts| !facts.trim().is_empty()).map(str::to_owned) {
            all.push(Heard { item, question, messages, facts });
        }
    }
    let made = (0..all.len()).filter_map(|at| {
        let own = &all[at];
        let answers = &own.item.turns[0].answers;
        let tells = |facts: &str| answers.iter().any(|answer| stands_in(answer, facts));
        let others = (1..all.len()).map(|step| &all[(at + step) % all.len()]);
        let other = others.into_iter().find(|other| other.facts != own.facts && !tells(&other.facts))?;
        let mut messages = own.messages.clone();
        let last = messages.last_mut()?;
        last.content = format!("{}{}", other.facts, own.question);
        let id = format!("{}/{}", own.item.set, own.item.id);
        Some(Unanswerable { id, messages, question: own.question.to_owned(), refusal: None })
    });
    Ok(made.collect())
}

#[cfg(test)]
mod tests {
    use loquat_contract::{BoxFuture, DialogueError, Reply, Sentence, testing};

    use super::*;
    use crate::item::Turn;

    /// Gives its model “facts of CHANNEL”, a line between, and the question.
    struct Bot(Listener);

    impl Dialogue for Bot {
        fn answer<'a>(
            &'a self,
            conversation: &'a ConversationId,
            text: &'a str,
            _: &'a mut (dyn FnMut(&Sentence) + Send),
        ) -> BoxFuture<'a, Result<Reply, DialogueError>> {
            Box::pin(async move {
                if !text.contains("unknown") {
                    let content = format!("Facts of {}.\n\n{}", conversation.channel, text.trim());
                    let request = GenerateRequest {
                        messages: vec![ChatMessage::new(Role::User, content)],
                        conversation: Some(conversation.clone()),
                        ..GenerateRequest::default()
                    };
                    let _ended: Vec<_> = self.0.generate(request).collect().await;
                }
                Ok(testing::reply("x"))
            })
        }
    }

    #[tokio::test]
    async fn each_question_stands_behind_facts_of_another_that_do_not_tell_its_answer() {
        let item = |id: &str, say: &str, answer: &str| Item {
            id: id.to_owned(),
            set: "s".to_owned(),
            turns: vec![Turn { say: say.to_owned(), answers: vec![answer.to_owned()], ..Turn::default() }],
            ..Item::default()
        };
        let items = [
            item("1", "one? ", "s/2"),
            item("2", "two?", "z"),
            item("u", "unknown?", "z"),
            item("3", "three?", "z"),
        ];
        let listener = Listener::default();
        let made = unanswerable(&Bot(listener.clone()), &listener, &items).await.unwrap();
        let said: Vec<&str> = made.iter().map(|prompt| prompt.messages[0].content.as_str()).collect();
        assert_eq!(
            said,
            ["Facts of s/3.\n\none?", "Facts of s/3.\n\ntwo?", "Facts of s/1.\n\nthree?"],
            "the second's facts would tell the first's answer"
        );
    }
}
