//! Commands are done. In: a command whose turn has come. Out: what is said to it. What changes a conversation is durable with the answer.

use loquat_contract::{Capabilities, Choice, Entry, JournalError, Language, Memory, Prepared};

use super::{Order, help, offered};
use crate::buttons;
use crate::compose::{notice, show};
use crate::count;
use crate::dispatch::{Platform, Shared};
use crate::explain::{concerns, reply_of};
use crate::words::{self, Words, own_name};

impl Shared {
    /// Does what a command wants.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub(crate) async fn serve(
        &self,
        platform: &Platform,
        entry: &Entry,
        order: &Order,
    ) -> Result<Prepared, JournalError> {
        let capabilities = platform.egress.capabilities();
        let language = self.language_for(&entry.inbound).await?;
        let words = words::of(&language);
        let is_operator = self.gate.is_operator(&entry.inbound);
        if order.is_for_operators() && !is_operator {
            return Ok(said(words.for_operators, &capabilities));
        }
        let text = match order {
            Order::Why(wanted) => return self.explain(entry, wanted, &capabilities).await,
            Order::Reset => return Ok(self.reset(entry, words, &capabilities)),
            Order::Language(wanted) => return Ok(self.choose_language(entry, wanted, words, &capabilities)),
            Order::Help => return Ok(self.help(&language, is_operator, &capabilities)),
            Order::Start => {
                let greeting = self.greeting(entry, &capabilities);
                return Ok(greeting.unwrap_or_else(|| self.help(&language, is_operator, &capabilities)));
            }
            Order::Ask(_) => words.needs_question.replace("{command}", "ask"),
            Order::Feedback { text, about } => {
                self.thank(entry, text, about.as_ref(), words).await?.to_owned()
            }
            Order::Human => match &self.bot.settings.human {
                Some(line) => {
                    count::human();
                    line.clone()
                }
                None => words.no_human.to_owned(),
            },
            Order::Status => self.status(entry, &language).await?,
            Order::Leave => match platform.egress.administration() {
                Some(_) => words.goodbye.to_owned(),
                None => words.cannot_leave.to_owned(),
            },
            Order::Remove(wanted) => self.remove(platform, entry, wanted, words).await?.to_owned(),
        };
        Ok(said(&text, &capabilities))
    }

    /// What is said to feedback in words, which the journal has.
    async fn thank(
        &self,
        entry: &Entry,
        text: &str,
        about: Option<&loquat_contract::MessageId>,
        words: &'static Words,
    ) -> Result<&'static str, JournalError> {
        if text.is_empty() {
            return Ok(words.feedback_usage);
        }
        let recent = self.recent(&entry.inbound.conversation).await?;
        let mut replies =
            recent.iter().filter(|earlier| earlier.sequence < entry.sequence && reply_of(earlier).is_some());
        let is_about_reply = match about {
            Some(message) => replies.any(|earlier| concerns(earlier, message)),
            None => replies.next().is_some(),
        };
        if !is_about_reply {
            return Ok(words.nothing_to_rate);
        }
        count::feedback("text");
        Ok(words.thanks)
    }

    /// Forgets what a conversation is about; the language that was chosen stays.
    fn reset(&self, entry: &Entry, words: &Words, capabilities: &Capabilities) -> Prepared {
        let conversation = &entry.inbound.conversation;
        let spoken = self.dialogue.spoken(conversation);
        self.dialogue.forget(conversation);
        self.dialogue.speak(conversation, spoken);
        Prepared { memory: Some(self.memory_of(entry)), ..said(words.reset, capabilities) }
    }

    /// What the conversation is about. Nothing is an empty memory: what was remembered before must not come back.
    fn memory_of(&self, entry: &Entry) -> Memory {
        self.dialogue.memory(&entry.inbound.conversation).unwrap_or_else(|| Memory(String::new()))
    }

    fn choose_language(
        &self,
        entry: &Entry,
        wanted: &str,
        words: &Words,
        capabilities: &Capabilities,
    ) -> Prepared {
        let conversation = &entry.inbound.conversation;
        let languages = self.languages();
        let is_meant = |language: &&Language| {
            language.as_str().eq_ignore_ascii_case(wanted) || own_name(language).eq_ignore_ascii_case(wanted)
        };
        let text = if let Some(language) = languages.iter().find(is_meant) {
            self.dialogue.speak(conversation, Some(language.clone()));
            words::of(language).language_set.replace("{language}", &own_name(language))
        } else if ["auto", "自动"].contains(&wanted.to_ascii_lowercase().as_str()) {
            self.dialogue.speak(conversation, None);
            words.language_auto.to_owned()
        } else {
            let known: Vec<&str> = languages.iter().map(Language::as_str).collect();
            return said(&words.language_usage.replace("{languages}", &known.join(", ")), capabilities);
        };
        Prepared { memory: Some(self.memory_of(entry)), ..said(&text, capabilities) }
    }

    /// The languages that can be chosen.
    pub(crate) fn languages(&self) -> Vec<Language> {
        match &self.bot.card.languages[..] {
            [] => vec![Language::english(), Language::chinese()],
            languages => languages.to_vec(),
        }
    }

    fn help(&self, language: &Language, is_operator: bool, capabilities: &Capabilities) -> Prepared {
        let commands = offered(&self.languages(), self.bot.settings.human.is_some());
        let document = help(words::of(language).help, &commands, language, is_operator);
        Prepared { parts: show(document, capabilities), ..Prepared::default() }
    }

    fn greeting(&self, entry: &Entry, capabilities: &Capabilities) -> Option<Prepared> {
        let card = &self.bot.card;
        let choice = |text: &String| Choice { label: text.clone(), value: text.clone() };
        let choices: Vec<Choice> = card.suggestions.iter().map(choice).collect();
        let text = [card.name.as_str(), card.greeting.as_str()].into_iter().rfind(|text| !text.is_empty())?;
        let mut parts = notice(text, &choices, capabilities);
        buttons::add(&mut parts, &choices, &[], entry.sequence, &Language::english(), capabilities);
        Some(Prepared { parts, choices, ..Prepared::default() })
    }
}

/// A line of the host's.
pub(crate) fn said(text: &str, capabilities: &Capabilities) -> Prepared {
    Prepared { parts: notice(text, &[], capabilities), ..Prepared::default() }
}
