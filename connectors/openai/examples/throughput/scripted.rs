//! A model and a bot that answer at once, always the same.

use futures::{StreamExt, stream};
use loquat_contract::testing::reply;
use loquat_contract::{
    BoxFuture, BoxStream, Citation, ConversationId, Dialogue, DialogueError, EntityId, FactId, Finish,
    GenerateRequest, Generation, LanguageModel, ModelError, ModelIdentity, Outcome, Reply, Sentence,
    StopReason, Token, Verdict,
};

/// What the model writes, a word a token.
const WORDS: &str = "Thimphu is the capital and largest city of Bhutan. It lies in the western central part of the country, \
                     in a valley of the river Wang Chhu, and has about one hundred and fourteen thousand people.";

pub(crate) struct Scripted {
    identity: ModelIdentity,
    reply: Reply,
}

impl Default for Scripted {
    fn default() -> Self {
        let identity = ModelIdentity { name: "scripted".to_owned(), sha256: "0".repeat(64) };
        let mut reply = reply("");
        reply.outcome = Outcome::Answered;
        let sentence = |text: &str, id: &str| Sentence::new(text, Verdict::Supported, vec![FactId::from(id)]);
        reply.sentences = vec![
            sentence("The capital of Bhutan is Thimphu.", "capital"),
            sentence("Thimphu has 114,551 inhabitants.", "population"),
        ];
        let citation = |id: &str, subject: &str, object: &str| Citation {
            id: FactId::from(id),
            entity: EntityId::from("https://example.org/entity"),
            subject: subject.to_owned(),
            predicate: id.to_owned(),
            object: object.to_owned(),
            source: "https://example.org/source".into(),
            since: Generation(1),
        };
        reply.citations =
            vec![citation("capital", "Bhutan", "Thimphu"), citation("population", "Thimphu", "114,551")];
        Self { identity, reply }
    }
}

impl LanguageModel for Scripted {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    fn generate(&self, _: GenerateRequest) -> BoxStream<'static, Result<Token, ModelError>> {
        let words = WORDS.split_inclusive(' ').map(|word| Token::Text(word.to_owned()));
        let completion = WORDS.split(' ').count();
        let end = Token::Finish(Finish { reason: StopReason::End, completion });
        stream::iter([Token::Prompt(24)].into_iter().chain(words).chain([end]).map(Ok)).boxed()
    }
}

impl Dialogue for Scripted {
    fn answer<'a>(
        &'a self,
        _: &'a ConversationId,
        _: &'a str,
        show: &'a mut (dyn FnMut(&Sentence) + Send),
    ) -> BoxFuture<'a, Result<Reply, DialogueError>> {
        Box::pin(async move {
            self.reply.sentences.iter().for_each(show);
            Ok(self.reply.clone())
        })
    }
}
