//! Yes or no. In: a question, its facts, and what they seem to decide. Out: whether that may be said. "Yes" claims all that the question
//! says, so the question is turned into the statement that it asks about, and the verifier judges that: direction, "only" and
//! "every" count. "No" needs that the same statement would be true of another value.

use loquat_contract::{Fact, Value, Verdict};

use crate::lexicon::{Lexicon, WordKind};
use crate::understand::Understood;
use crate::verify::Evidence;
use crate::words::words;

/// A question that wants yes or no.
pub(super) struct Polar<'a> {
    pub(super) text: &'a str,
    pub(super) understood: &'a Understood,
    pub(super) lexicon: &'a Lexicon,
}

impl Polar<'_> {
    /// Whether the facts, of one relation, allow this answer.
    pub(super) fn allows(&self, holds: bool, facts: &[Fact]) -> bool {
        if let [Fact { object: Value::Boolean(_), .. }] = facts {
            return self.understood.unexplained.is_empty() && self.understood.is_computable;
        }
        let evidence = Evidence::new(facts, (0..facts.len()).map(|fact| vec![fact]).collect(), self.lexicon);
        let is_true = |statement: String| evidence.check(&statement).verdict == Verdict::Supported;
        if holds {
            return self.statement(None).is_some_and(is_true);
        }
        facts.iter().any(|fact| {
            let ends = [fact.subject.label(&self.lexicon.language).to_owned(), self.object(fact)];
            let others = (0..self.understood.mentions.len()).filter(|place| !self.is_of(*place, facts));
            let mut others = others.flat_map(|place| ends.iter().map(move |end| (place, end.as_str())));
            others.any(|other| self.statement(Some(other)).is_some_and(is_true))
        })
    }

    fn object(&self, fact: &Fact) -> String {
        crate::realise::object(fact, self.lexicon)
    }

    /// Whether a name of the question is a part of one of the facts.
    fn is_of(&self, place: usize, facts: &[Fact]) -> bool {
        self.understood.mentions[place].candidates.iter().any(|candidate| {
            facts.iter().any(|fact| {
                fact.subject.id == candidate.entity.id
                    || matches!(&fact.object, Value::Entity(object) if object.id == candidate.entity.id)
            })
        })
    }

    /// The question as a statement: "Is A the P of B?" is "A is the P of B", with one of its names replaced.
    fn statement(&self, instead: Option<(usize, &str)>) -> Option<String> {
        let mentions = &self.understood.mentions;
        let place = |end: usize| match instead {
            Some((at, name)) if mentions[at].range.start < end => end + name.len() - mentions[at].range.len(),
            _ => end,
        };
        let mut text = self.text.to_owned();
        if let Some((at, name)) = instead {
            text.replace_range(mentions[at].range.clone(), name);
        }
        let first_end = mentions.first().map(|mention| place(mention.range.end));
        if self.lexicon.language.is_unspaced() {
            return Some(self.unspaced(&text));
        }
        let said = words(&text, &self.lexicon.language);
        let begun = said.first()?;
        let is_pronoun = said.get(1).is_some_and(|_| {
            let found = self.lexicon.kinds.longest_at(&said, 1);
            found.is_some_and(|found| found.tags.contains(&WordKind::Pronoun))
        });
        let subject_end = if is_pronoun { said.get(1)?.range.end } else { first_end? };
        let asks = text[begun.range.clone()].to_owned();
        let subject = text.get(begun.range.end..subject_end)?.trim().to_owned();
        let rest = text.get(subject_end..)?.trim_end_matches(|c: char| !c.is_alphanumeric()).to_owned();
        Some(if self.lexicon.grammar.helping.contains(&begun.folded) {
            format!("{subject}{rest}.")
        } else {
            format!("{subject} {}{rest}.", asks.to_lowercase())
        })
    }

    /// In languages without spaces the words that ask are left out, or stand for the verb that they double.
    fn unspaced(&self, text: &str) -> String {
        let mut statement = text.trim_end_matches(|c: char| !c.is_alphanumeric()).to_owned();
        for (asks, says) in &self.lexicon.grammar.asking {
            statement = statement.replace(asks, says);
        }
        for end in &self.lexicon.grammar.asking_last {
            statement = statement.strip_suffix(end).map(str::to_owned).unwrap_or(statement);
        }
        format!("{statement}。")
    }
}
