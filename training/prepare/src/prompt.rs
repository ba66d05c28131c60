//! What the model is told, taken apart. In: the prompt that the engine made. Out: the same with other facts, or the question written in
//! another way, and otherwise to the letter.

use serde::{Deserialize, Serialize};

use crate::example::Message;

/// A prompt whose last message has facts, one a line, and then a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Prompt {
    /// The messages before the last.
    pub(crate) before: Vec<Message>,
    /// The last message's role and what stands in it before the facts.
    opening: Message,
    /// The facts in words.
    pub(crate) facts: Vec<String>,
    /// What stands between facts and question.
    between: String,
    /// The question, and what stands behind it.
    pub(crate) question: String,
}

impl Prompt {
    /// Takes a prompt apart that has these facts; `None` where it has not. `asked` is the question where it stands as it was said; where the
    /// engine filled it in, it is what follows the last empty line.
    pub(crate) fn read(messages: &[Message], facts: &[String], asked: &str) -> Option<Self> {
        let (last, before) = messages.split_last()?;
        let said = facts.join("\n");
        let at = last.content.find(&said)?;
        let rest = &last.content[at + said.len()..];
        let cut = match rest.strip_suffix(asked.trim()) {
            Some(between) if !between.trim().is_empty() || between.contains('\n') => between.len(),
            _ => rest.rfind("\n\n")? + 2,
        };
        let opening = Message { content: last.content[..at].to_owned(), ..last.clone() };
        let (between, question) = rest.split_at(cut);
        let prompt = Self {
            before: before.to_vec(),
            opening,
            facts: facts.to_vec(),
            between: between.to_owned(),
            question: question.to_owned(),
        };
        (prompt.messages() == messages).then_some(prompt)
    }

    /// The prompt as messages.
    pub(crate) fn messages(&self) -> Vec<Message> {
        let facts = self.facts.join("\n");
        let content = format!("{}{facts}{}{}", self.opening.content, self.between, self.question);
        let last = Message { content, ..self.opening.clone() };
        self.before.iter().cloned().chain([last]).collect()
    }

    /// The same with these facts.
    pub(crate) fn with_facts(&self, facts: Vec<String>) -> Self {
        Self { facts, ..self.clone() }
    }

    /// The same with this question.
    pub(crate) fn with_question(&self, question: &str) -> Self {
        Self { question: question.to_owned(), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::Role;

    fn prompt(content: &str) -> Vec<Message> {
        vec![Message::new(Role::System, "You are Loquat."), Message::new(Role::User, content)]
    }

    #[test]
    fn a_prompt_is_taken_apart_and_put_together_to_the_letter() {
        let facts = ["The capital of Bhutan is Thimphu.".to_owned(), "Bhutan borders China.".to_owned()];
        for (content, asked, question) in [
            ("The capital of Bhutan is Thimphu.\nBhutan borders China.\n\nTell me.", " Tell me.", "Tell me."),
            ("The capital of Bhutan is Thimphu.\nBhutan borders China.\n\nOf Bhutan?", "And it?", "Of Bhutan?"),
            (
                "事实：\nThe capital of Bhutan is Thimphu.\nBhutan borders China.\n\n问题：首都？",
                "首都？",
                "首都？",
            ),
        ] {
            let messages = prompt(content);
            let read = Prompt::read(&messages, &facts, asked).unwrap();
            assert_eq!(read.question, question);
            assert_eq!(read.messages(), messages);
            let other = read.with_facts(vec!["Nothing.".to_owned()]).messages();
            assert_eq!(other[1].content, content.replace(&facts.join("\n"), "Nothing."));
        }
        assert_eq!(Prompt::read(&prompt("Hello."), &facts, "Hello."), None);
    }
}
