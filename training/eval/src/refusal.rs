//! Whether a model says that it does not know. In: prompts whose facts do not hold the answer, and the model as it is, with nothing between it
//! and us. Out: what it said to each, and whether that is a refusal.
//!
//! A refusal says that the answer is not known, and gives none: no number, no name and no statement of other words than the question's own.
//! So “I don't know, it may be Paris” is none, and neither is a fact of the prompt that was not asked for.

mod told;

use futures::StreamExt;
use loquat_contract::{ChatMessage, GenerateRequest, LanguageModel, ModelError, Sampling, Token};
use serde::{Deserialize, Serialize};

use told::not_refusing;

/// A prompt whose facts do not hold the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unanswerable {
    /// Names it.
    pub id: String,
    /// The chat, the person's message last.
    pub messages: Vec<ChatMessage>,
    /// What is asked, without the facts.
    pub question: String,
    /// How a refusal may be worded, beside other ways; names in it may be said.
    pub refusal: Option<String>,
}

impl Unanswerable {
    /// What stands in the person's message beside the question: the facts.
    fn facts(&self) -> &str {
        let last = self.messages.last().map_or("", |message| message.content.as_str());
        last.trim_end().strip_suffix(self.question.trim()).unwrap_or(last)
    }

    /// What keeps a text from being a refusal to answer it; `None` where it is one.
    pub fn not_refusing(&self, text: &str) -> Option<String> {
        not_refusing(&self.question, self.facts(), self.refusal.as_deref(), text)
    }
}

/// Whether a text is a refusal to answer a question, and so claims nothing; one that has a value of these tells it.
pub(crate) fn refuses(question: &str, values: &[String], text: &str) -> bool {
    not_refusing(question, &values.join("\n"), None, text).is_none()
}

/// What a model said to a prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The prompt's id.
    pub id: String,
    /// What was asked.
    pub question: String,
    /// The text.
    pub text: String,
    /// Whether it refuses.
    pub is_refusal: bool,
    /// What keeps it from being a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Asks a model one prompt.
///
/// # Errors
/// When the model fails.
pub async fn ask_unanswerable(
    model: &dyn LanguageModel,
    prompt: &Unanswerable,
    sampling: &Sampling,
) -> Result<Answered, ModelError> {
    let request = GenerateRequest {
        messages: prompt.messages.clone(),
        sampling: sampling.clone(),
        ..GenerateRequest::default()
    };
    let (mut stream, mut text) = (model.generate(request), String::new());
    while let Some(token) = stream.next().await {
        if let Token::Text(piece) = token? {
            text.push_str(&piece);
        }
    }
    let text = text.trim().to_owned();
    let why = prompt.not_refusing(&text);
    let (id, question) = (prompt.id.clone(), prompt.question.clone());
    Ok(Answered { id, question, text, is_refusal: why.is_none(), why })
}

#[cfg(test)]
mod tests {
    use loquat_contract::Role;
    use loquat_contract::testing::ScriptedModel;

    use super::*;

    const QUESTION: &str = "What is the anthem of Bhutan since 1953?";

    #[tokio::test]
    async fn the_model_is_asked_as_it_is() {
        let model = ScriptedModel::new(["I do not know.", "It is Thimphu."]);
        let messages = vec![ChatMessage::new(Role::User, QUESTION)];
        let prompt = Unanswerable {
            id: "1".to_owned(),
            messages: messages.clone(),
            question: QUESTION.to_owned(),
            refusal: None,
        };
        let sampling = Sampling { max_tokens: 7, ..Sampling::default() };
        let first = ask_unanswerable(&model, &prompt, &sampling).await.unwrap();
        let second = ask_unanswerable(&model, &prompt, &sampling).await.unwrap();
        assert!(first.is_refusal && !second.is_refusal, "{first:?} {second:?}");
        let request = &model.requests()[0];
        assert_eq!((&request.messages, request.sampling.max_tokens), (&messages, 7));
    }
}
