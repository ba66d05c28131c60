//! A conversation as people had it. In: messages. Out: an example of the kind `dialogue`.

use std::collections::BTreeSet;

use crate::dice::{Dice, digest};
use crate::example::{Example, Kind, Message, Role};
use crate::question::Question;

/// A conversation, wherever it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chat {
    /// Names it among all: the file and the place in it, or the journal's number.
    pub id: String,
    /// What it belongs to: conversations of one unit are in the same part.
    pub unit: String,
    /// The messages, of which at least one is the assistant's and learnt.
    pub messages: Vec<Message>,
    /// The names of those who talk, where they are known; they are taken out.
    pub names: Vec<String>,
    /// Whether its last reply says facts of the bot's graph. Learnt without them in the prompt, it would teach to make facts up: the question is
    /// asked again instead.
    pub is_grounded: bool,
}

impl Chat {
    /// Whether anything of it is learnt.
    pub(crate) fn teaches(&self) -> bool {
        self.messages.iter().any(|message| is_learnt(message) && !message.content.trim().is_empty())
    }

    /// Everything that is said in it.
    pub(crate) fn text(&self) -> String {
        self.messages.iter().map(|message| message.content.as_str()).collect::<Vec<_>>().join("\n")
    }

    /// The same from a later message of a person on, where enough is left to learn.
    pub(crate) fn cropped(&self, dice: &mut Dice) -> Self {
        let is_system = |message: &&Message| message.role == Role::System;
        let head: Vec<Message> = self.messages.iter().take_while(is_system).cloned().collect();
        let later: Vec<usize> = (head.len() + 1..self.messages.len())
            .filter(|at| self.messages[*at].role == Role::User && self.messages[*at..].iter().any(is_learnt))
            .collect();
        let Some(at) = dice.pick(&later) else { return self.clone() };
        let messages = head.into_iter().chain(self.messages[*at..].iter().cloned()).collect();
        Self { messages, ..self.clone() }
    }

    /// The question that its last reply answers, with what the person said before.
    pub fn question(&self) -> Question {
        let said = self.messages.iter().filter(|message| message.role == Role::User);
        Question { turns: said.map(|message| message.content.clone()).collect(), ..Question::default() }
    }

    pub(crate) fn example(&self) -> Example {
        Example {
            id: format!("dialogue-{:016x}", digest(0, "dialogue", &format!("{}\n{}", self.id, self.text()))),
            kind: Kind::Dialogue,
            messages: self.messages.clone(),
            text: None,
            entities: BTreeSet::from([self.unit.clone()]),
            group: None,
            question: None,
            answers: Vec::new(),
            unfinished: false,
        }
    }
}

pub(crate) fn is_learnt(message: &Message) -> bool {
    message.role == Role::Assistant && message.weight != Some(0)
}
