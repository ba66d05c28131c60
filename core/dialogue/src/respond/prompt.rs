//! What the model is told. In: persona, facts in words, the person's text. Out: chat messages. Facts and the person's text go
//! into the user's message as data; the instructions stand alone in the system's.

use loquat_contract::{ChatMessage, Role};

use crate::lexicon::Lexicon;
use crate::realise::fill;

/// Who the bot is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Persona<'a> {
    /// The bot's name.
    pub(crate) bot: &'a str,
    /// Its owner's words about it.
    pub(crate) text: &'a str,
}

impl Persona<'_> {
    fn system(&self, template: &str) -> ChatMessage {
        ChatMessage::new(Role::System, fill(template, &[("bot", self.bot), ("persona", self.text)]).trim())
    }
}

/// Asks for an answer from these statements, after a few examples of how one looks.
pub(super) fn grounded(
    lexicon: &Lexicon,
    persona: &Persona<'_>,
    statements: &[&str],
    question: &str,
) -> Vec<ChatMessage> {
    let asked = |statements: &[&str], question: &str| {
        let facts = statements.join("\n");
        let values = [("facts", facts.as_str()), ("question", question.trim())];
        ChatMessage::new(Role::User, fill(&lexicon.prompts.facts, &values))
    };
    let mut messages = vec![persona.system(&lexicon.prompts.grounded)];
    for example in &lexicon.prompts.examples {
        let facts: Vec<&str> = example.facts.iter().map(String::as_str).collect();
        messages.push(asked(&facts, &example.question));
        messages.push(ChatMessage::new(Role::Assistant, example.answer.clone()));
    }
    messages.push(asked(statements, question));
    messages
}

/// Asks for conversation.
pub(super) fn smalltalk(lexicon: &Lexicon, persona: &Persona<'_>, text: &str) -> Vec<ChatMessage> {
    vec![persona.system(&lexicon.prompts.smalltalk), ChatMessage::new(Role::User, text.trim())]
}

/// Asks for what the model believes.
pub(super) fn open(lexicon: &Lexicon, persona: &Persona<'_>, question: &str) -> Vec<ChatMessage> {
    vec![persona.system(&lexicon.prompts.open), ChatMessage::new(Role::User, question.trim())]
}
