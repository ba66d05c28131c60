//! A model without a graph, as a dialogue; and the absence of a model. In: what is said. Out: what the model says to it, through its
//! own chat template, with nothing beside it. The yardstick: what a model of this size knows by itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use futures::{StreamExt, stream};
use loquat_contract::{
    BoxFuture, BoxStream, ChatMessage, ConversationId, Dialogue, DialogueError, GenerateRequest, Generation,
    Language, LanguageModel, ModelError, ModelIdentity, Outcome, Policy, Reply, Role, Sampling, Sentence,
    Timings, Token, TokenCount, Verdict, Wording,
};
use unicode_segmentation::UnicodeSegmentation;

use crate::item::language_of;
use crate::normal::says_it_does_not_know;

/// Tokens that an answer may take.
const MAX_TOKENS: usize = 96;

/// Models that answer from what they remember of their training.
pub struct Alone {
    models: Vec<Arc<dyn LanguageModel>>,
    sampling: Sampling,
    /// What was said in each conversation so far.
    chats: Mutex<HashMap<ConversationId, Vec<ChatMessage>>>,
}

impl std::fmt::Debug for Alone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Alone").field("models", &self.models.len()).finish_non_exhaustive()
    }
}

impl Alone {
    /// The first of `models` that speaks a question's language answers it. There has to be one at least.
    pub fn new(models: Vec<Arc<dyn LanguageModel>>, sampling: Sampling) -> Self {
        let sampling = Sampling { max_tokens: sampling.max_tokens.min(MAX_TOKENS), ..sampling };
        Self { models, sampling, chats: Mutex::default() }
    }

    fn chat(&self, conversation: &ConversationId) -> Vec<ChatMessage> {
        self.chats
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(conversation)
            .cloned()
            .unwrap_or_default()
    }

    async fn reply(&self, conversation: &ConversationId, said: &str) -> Result<Reply, ModelError> {
        let started = Instant::now();
        let language = Language::new(language_of(said));
        let speaks = |model: &&Arc<dyn LanguageModel>| model.speaks(&language);
        let model = self.models.iter().find(speaks).or(self.models.first()).ok_or(ModelError::Stopped)?;
        let mut chat = self.chat(conversation);
        chat.push(ChatMessage::new(Role::User, said));
        let request = GenerateRequest {
            messages: chat.clone(),
            sampling: self.sampling.clone(),
            conversation: Some(conversation.clone()),
            ..GenerateRequest::default()
        };
        let (mut text, mut tokens, mut first_token) = (String::new(), TokenCount::default(), None);
        let mut stream = model.generate(request);
        while let Some(token) = stream.next().await {
            match token? {
                Token::Prompt(count) => tokens.prompt = count,
                Token::Text(piece) => {
                    first_token.get_or_insert_with(|| started.elapsed().as_secs_f64() * 1e3);
                    text.push_str(&piece);
                }
                Token::Logprob { .. } => {}
                Token::Finish(finish) => tokens.completion = finish.completion,
            }
        }
        chat.push(ChatMessage::new(Role::Assistant, text.clone()));
        self.chats.lock().unwrap_or_else(PoisonError::into_inner).insert(conversation.clone(), chat);
        let is_refusal = says_it_does_not_know(&text);
        // Nothing that it says rests on a fact; that it does not know claims nothing.
        let verdict = if is_refusal { Verdict::NoClaim } else { Verdict::Unsupported };
        let sentence = |text: &str| Sentence {
            wording: Wording::Model,
            ..Sentence::new(text.trim(), verdict, Vec::new())
        };
        let sentences =
            text.unicode_sentences().filter(|text| !text.trim().is_empty()).map(sentence).collect();
        Ok(Reply {
            outcome: if is_refusal { Outcome::Abstained } else { Outcome::Answered },
            answer: text,
            language,
            sentences,
            citations: Vec::new(),
            entities: Vec::new(),
            values: Vec::new(),
            gaps: Vec::new(),
            choices: Vec::new(),
            policy: Policy::Open,
            model: model.identity().clone(),
            graph: Generation::default(),
            seed: self.sampling.seed,
            timings: Timings {
                first_token,
                total: started.elapsed().as_secs_f64() * 1e3,
                ..Timings::default()
            },
            tokens,
        })
    }
}

impl Dialogue for Alone {
    fn answer<'a>(
        &'a self,
        conversation: &'a ConversationId,
        text: &'a str,
        show: &'a mut (dyn FnMut(&Sentence) + Send),
    ) -> BoxFuture<'a, Result<Reply, DialogueError>> {
        Box::pin(async move {
            let reply =
                self.reply(conversation, text).await.map_err(|error| DialogueError(Box::new(error)))?;
            reply.sentences.iter().for_each(show);
            Ok(reply)
        })
    }

    fn forget(&self, conversation: &ConversationId) {
        self.chats.lock().unwrap_or_else(PoisonError::into_inner).remove(conversation);
    }
}

/// No model: it speaks no language, so that an engine words everything by its templates.
#[derive(Debug)]
pub struct NoModel(ModelIdentity);

impl Default for NoModel {
    fn default() -> Self {
        Self(ModelIdentity { name: "none".to_owned(), sha256: String::new() })
    }
}

impl LanguageModel for NoModel {
    fn identity(&self) -> &ModelIdentity {
        &self.0
    }

    fn generate(&self, _: GenerateRequest) -> BoxStream<'static, Result<Token, ModelError>> {
        stream::iter([Err(ModelError::Stopped)]).boxed()
    }

    fn speaks(&self, _: &Language) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use loquat_contract::testing::ScriptedModel;

    use super::*;

    fn conversation() -> ConversationId {
        let [bot, platform, channel] = ["bot", "eval", "1"].map(str::to_owned);
        ConversationId { bot, platform, channel, thread: None }
    }

    #[tokio::test]
    async fn a_model_alone_gets_the_conversation_and_nothing_else() {
        let model = Arc::new(ScriptedModel::new(["Lyon. It is nice.", "I don't know."]));
        let alone = Alone::new(vec![model.clone()], Sampling::default());
        let first = alone.answer(&conversation(), "The capital?", &mut |_| ()).await.unwrap();
        assert_eq!((first.outcome, first.sentences.len()), (Outcome::Answered, 2));
        assert!(first.sentences.iter().all(|sentence| sentence.verdict.is_doubtful()));
        let second = alone.answer(&conversation(), "And its mayor?", &mut |_| ()).await.unwrap();
        assert_eq!(second.outcome, Outcome::Abstained);
        let said: Vec<usize> = model.requests().iter().map(|request| request.messages.len()).collect();
        assert_eq!(said, [1, 3]);
        alone.forget(&conversation());
        assert!(alone.chat(&conversation()).is_empty());
    }
}
