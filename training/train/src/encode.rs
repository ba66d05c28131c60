//! Examples as tokens. In: examples, a model's tokenizer and chat template. Out: documents, in which the assistant's answers are learnt, and
//! of plain texts everything. What the base said is to be learnt from what it foretells, where that can be done.

use anyhow::Context;
use loquat_contract::ChatMessage;
use loquat_finetune::Document;
use loquat_inference::{ChatTokenizer, InferenceError};
use loquat_prepare::{Example, Kind, Message, Role};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

/// The documents of examples, in their order. A text longer than a row becomes several documents.
///
/// # Errors
/// When the chat template refuses an example, which is named.
pub fn documents(
    examples: &[Example],
    tokenizer: &ChatTokenizer,
    row_tokens: usize,
) -> anyhow::Result<Vec<Document>> {
    let documents: Result<Vec<Vec<Document>>, _> = examples
        .par_iter()
        .map(|example| {
            let encoded = match &example.text {
                Some(text) => tokenizer.text(text).map(|tokens| pieces(&tokens, row_tokens)),
                None => dialogue(example, tokenizer),
            };
            encoded.with_context(|| format!("example `{}` cannot be made tokens", example.id))
        })
        .collect();
    Ok(documents?.into_iter().flatten().collect())
}

/// A dialogue has one document as long as each answer stands in the prompt of the next as it was given. Where the template writes past
/// turns otherwise (some leave thoughts out), the answers from there on have a document of their own.
fn dialogue(example: &Example, tokenizer: &ChatTokenizer) -> Result<Vec<Document>, InferenceError> {
    let chat: Vec<ChatMessage> = example.messages.iter().map(as_chat).collect();
    let distilled = example.kind == Kind::Rehearsal;
    let mut documents: Vec<Document> = Vec::new();
    for (at, message) in example.messages.iter().enumerate() {
        if message.role != Role::Assistant || message.weight == Some(0) {
            continue;
        }
        let turn = tokenizer.turn(&chat[..=at])?;
        let continues = documents.last().is_some_and(|last| turn.prompt.starts_with(&last.tokens));
        if !continues {
            documents.push(Document { distilled, ..Document::default() });
        }
        if let Some(document) = documents.last_mut() {
            document.tokens.extend_from_slice(&turn.prompt[document.tokens.len()..]);
            document.weights.resize(document.tokens.len(), 0.0);
            document.tokens.extend_from_slice(&turn.answer);
            document.weights.resize(document.tokens.len(), 1.0);
            if example.unfinished && at + 1 == example.messages.len() {
                // The token that ends it.
                document.tokens.pop();
                document.weights.pop();
            }
        }
    }
    // One of which nothing is learnt is packed by nobody, but counted.
    if documents.is_empty() {
        documents.push(Document::default());
    }
    Ok(documents)
}

/// A text in pieces of a row's length, each beginning with the last token of the one before: so each token is foretold once.
fn pieces(tokens: &[u32], row_tokens: usize) -> Vec<Document> {
    let mut pieces = Vec::new();
    let mut begin = 0;
    loop {
        let end = tokens.len().min(begin + row_tokens);
        let piece = tokens[begin..end].to_vec();
        pieces.push(Document { weights: vec![1.0; piece.len()], tokens: piece, distilled: false });
        if end == tokens.len() {
            return pieces;
        }
        begin = end - 1;
    }
}

fn as_chat(message: &Message) -> ChatMessage {
    let role = match message.role {
        Role::System => loquat_contract::Role::System,
        Role::User => loquat_contract::Role::User,
        Role::Assistant => loquat_contract::Role::Assistant,
    };
    ChatMessage::new(role, message.content.as_str())
}

#[cfg(test)]
mod tests;
