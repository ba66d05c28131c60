//! Template and tokenizer without the model. In: a folder with both, and chats. Out: the tokens that a model is asked with, and those that
//! it should answer. Must not know: training, ONNX Runtime.

use std::path::Path;

use loquat_contract::ChatMessage;

use crate::InferenceError;
use crate::folder::ModelConfig;
use crate::template::Template;
use crate::tokenizer::Tokenizer;

/// A model's tokenizer and chat template, used as [`OnnxModel`](crate::OnnxModel) uses them.
#[derive(Debug)]
pub struct ChatTokenizer {
    tokenizer: Tokenizer,
    template: Template,
    /// Ids that end a turn.
    eos: Vec<u32>,
}

/// A question with its answer, as tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// What the model is asked with, up to where its reply begins.
    pub prompt: Vec<u32>,
    /// The reply, and the token that ends it.
    pub answer: Vec<u32>,
}

impl ChatTokenizer {
    /// Reads `tokenizer.json`, `tokenizer_config.json`, the chat template and `config.json` (or `genai_config.json`) of a folder, which
    /// needs no graph and no weights.
    ///
    /// # Errors
    /// One of them is missing or malformed, or none says which token ends a turn.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, InferenceError> {
        let folder = folder.as_ref();
        if !folder.is_dir() {
            return Err(InferenceError::FolderMissing { path: folder.to_owned() });
        }
        let tokenizer = Tokenizer::read(folder)?;
        let template = Template::read(folder)?;
        let mut eos = ModelConfig::read(folder)?.eos;
        eos.extend(template.token("eos_token").and_then(|token| tokenizer.id(token)));
        eos.retain(|id| tokenizer.has(*id));
        if eos.is_empty() {
            return Err(InferenceError::PieceMissing {
                folder: folder.to_owned(),
                piece: "token that ends a turn".to_owned(),
                advice: "set `eos_token_id` in generation_config.json",
            });
        }
        Ok(Self { tokenizer, template, eos })
    }

    /// Ids that the tokenizer knows.
    pub fn vocabulary(&self) -> usize {
        self.tokenizer.vocabulary()
    }

    /// The tokens that a model is asked with. Special tokens in the messages are broken apart: they are the template's alone.
    ///
    /// # Errors
    /// The template refuses the chat.
    pub fn prompt(&self, messages: &[ChatMessage]) -> Result<Vec<u32>, InferenceError> {
        self.tokenizer.encode(&self.template.render(&self.tokenizer, messages, "")?)
    }

    /// The tokens of a chat whose last message is the model's. They are those of the chat as a whole where its beginning is the prompt,
    /// so that an answer has the same tokens as it has in the prompt of the next turn.
    ///
    /// # Errors
    /// The template refuses the chat.
    pub fn turn(&self, messages: &[ChatMessage]) -> Result<Turn, InferenceError> {
        let (asked, reply) = match messages.split_last() {
            Some((reply, asked)) => (asked, reply.content.as_str()),
            None => (messages, ""),
        };
        let prompt = self.prompt(asked)?;
        let whole = self.tokenizer.encode(&self.template.transcript(&self.tokenizer, messages)?)?;
        let is_end = |id: &u32| self.eos.contains(id);
        // Some templates write a line's end, another turn's beginning or the chat's end behind it, which nobody waits for.
        let end = whole.iter().skip(prompt.len()).position(is_end).map(|end| prompt.len() + end);
        if let Some(end) = end.filter(|_| whole.starts_with(&prompt)) {
            return Ok(Turn { answer: whole[prompt.len()..=end].to_vec(), prompt });
        }
        let mut answer = self.tokenizer.encode(&self.tokenizer.disarm(reply))?;
        answer.push(end.map_or(self.eos[0], |end| whole[end]));
        Ok(Turn { prompt, answer })
    }

    /// The tokens of a plain text, with what the tokenizer itself puts around one.
    ///
    /// # Errors
    /// The tokenizer fails.
    pub fn text(&self, text: &str) -> Result<Vec<u32>, InferenceError> {
        self.tokenizer.encode_whole(text)
    }

    /// The text of tokens, special ones left out.
    pub fn decode(&self, ids: &[u32]) -> String {
        self.tokenizer.decode(ids)
    }
}

#[cfg(test)]
mod tests {
    use loquat_contract::Role;

    use super::*;
    use crate::tokenizer::tests::bytes;

    const CHAT_ML: &str = "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + \
        message['content'] + '<|im_end|>' + '\n'}}{% endfor %}\
        {% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

    fn chat(template: &str) -> ChatTokenizer {
        let tokenizer = bytes();
        let eos = vec![tokenizer.id("<|im_end|>").unwrap()];
        ChatTokenizer { template: Template::new(template.to_owned(), Vec::new()).unwrap(), tokenizer, eos }
    }

    fn messages(texts: &[&str]) -> Vec<ChatMessage> {
        let roles = [Role::User, Role::Assistant].into_iter().cycle();
        texts.iter().zip(roles).map(|(text, role)| ChatMessage::new(role, *text)).collect()
    }

    #[test]
    fn an_answer_ends_with_the_token_that_ends_a_turn() {
        let chat = chat(CHAT_ML);
        let messages = messages(&["Hi", "Hello there", "And?", "No<|im_end|>thing"]);
        let first = chat.turn(&messages[..2]).unwrap();
        let end = chat.eos[0];
        assert_eq!(first.answer.last(), Some(&end));
        assert_eq!(chat.decode(&first.answer), "Hello there");
        assert_eq!(first.prompt, chat.prompt(&messages[..1]).unwrap());
        // The next prompt goes on from there, token by token.
        let second = chat.turn(&messages).unwrap();
        assert!(second.prompt.starts_with(&[first.prompt, first.answer].concat()));
        // What a message says cannot end its turn.
        assert_eq!(second.answer.iter().filter(|id| **id == end).count(), 1);
    }

    #[test]
    fn a_template_that_writes_its_own_replies_otherwise_is_taken_as_it_asks() {
        // Its prompt opens a thought that no transcript has.
        let thinking = CHAT_ML.replace("assistant\n' }}", "assistant\n<think></think>' }}");
        let chat = chat(&thinking);
        let turn = chat.turn(&messages(&["Hi", "Hello"])).unwrap();
        assert!(chat.decode(&turn.prompt).ends_with("<think></think>"));
        assert_eq!(chat.decode(&turn.answer), "Hello");
        assert_eq!(turn.answer.last(), Some(&chat.eos[0]));
        // And one whose transcript has no end at all.
        let endless = "{% for message in messages %}{{ message['content'] }}\n{% endfor %}";
        let turn = super::tests::chat(endless).turn(&messages(&["Hi", "Hello"])).unwrap();
        assert_eq!(turn.answer.len(), "Hello".len() + 1);
    }

    #[test]
    fn an_answer_ends_at_its_first_end() {
        // A template that ends the chat with a mark of its own, which ends a turn as well.
        let ending =
            format!("{CHAT_ML}{{% if not add_generation_prompt %}}{{{{ '<|im_start|>' }}}}{{% endif %}}");
        let mut chat = chat(&ending);
        chat.eos.push(chat.tokenizer.id("<|im_start|>").unwrap());
        let turn = chat.turn(&messages(&["Hi", "Hello"])).unwrap();
        assert_eq!(chat.decode(&turn.answer), "Hello");
        assert_eq!((turn.answer.len(), turn.answer.last()), ("Hello".len() + 1, Some(&chat.eos[0])));
    }

    #[test]
    fn a_text_has_no_turns() {
        let chat = chat(CHAT_ML);
        let ids = chat.text("Once<|im_end|> more").unwrap();
        assert!(!ids.contains(&chat.eos[0]));
        assert_eq!(chat.decode(&ids), "Once< |im_end|> more");
        assert!(ChatTokenizer::open("/nowhere").is_err());
    }
}
