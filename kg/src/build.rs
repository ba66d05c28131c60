//! Builds a snapshot. In: statements, run by run, and edits. Out: the file, and how it differs from what was before.
//!
//! What is built lies in memory until it is written: about 90 bytes for each entity beside its texts, and 40 for each fact. Nothing
//! is kept twice that a number can stand for: ids, literals, languages and units are told apart once.

mod edits;
mod interner;
mod numbering;
mod words;
mod write;

pub(crate) use write::prior;

use std::path::Path;
use std::sync::Arc;

use loquat_contract::{Generation, Label, Predicate, PredicateId, Rank};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::GraphError;
use crate::names::predicate_name;
use crate::snapshot::codec::put_literal;
use crate::snapshot::{LITERAL, Origin};
use crate::statement::{Describes, Object, Statement};
use crate::store::{Change, Edit};
use crate::vocabulary::RDF_TYPE;
use edits::Edited;
use interner::Interner;

/// What a snapshot is built for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Building {
    pub(crate) generation: Generation,
    pub(crate) last_edit: u64,
    pub(crate) runs: Vec<u64>,
}

/// How a graph differs from the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    /// Facts that only the latest run states.
    pub(crate) new: u64,
    /// Facts that only the run states whose place was taken.
    pub(crate) retired: u64,
}

/// A fact by numbers: of terms, and for a literal object the number of the literal with [`LITERAL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct RawFact {
    subject: u32,
    predicate: u32,
    object: u32,
    origin: u32,
}

/// What few facts have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Special {
    rank: Rank,
    qualifiers: Vec<(u32, u32)>,
}

/// Something said of a term.
#[derive(Clone, Copy, Debug)]
struct RawWord {
    about: u32,
    what: Describes,
    /// One more than its number; 0 for none.
    language: u32,
    start: u64,
    length: u32,
}

/// Whose statements come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// They count.
    Live,
    /// They are the latest run's.
    Latest,
    /// They counted before, and are there to be compared with.
    Former,
}

/// Gathers statements.
#[derive(Default)]
pub(crate) struct Builder {
    terms: Interner,
    literals: Interner,
    languages: Interner,
    units: Interner,
    facts: Vec<RawFact>,
    specials: FxHashMap<u32, Special>,
    words: Vec<RawWord>,
    texts: Vec<u8>,
    origins: Vec<(Origin, Standing)>,
    /// Digests of statements that edits speak of, and the ids that they are about.
    spoken_of: FxHashSet<u128>,
    spoken_about: FxHashSet<String>,
    /// The facts that edits speak of, in the order of the edits.
    edited: Vec<Edited>,
    /// What was asked for last: statements about one subject follow each other.
    last_subject: u32,
    last_predicate: u32,
    /// A literal being encoded.
    scratch: Vec<u8>,
}

impl Builder {
    /// Whose place the runs that follow leave as it is.
    pub(crate) fn live(&mut self, source: &str, generation: Generation) {
        self.origin(source, generation, Standing::Live);
    }

    /// What follows is of the latest run.
    pub(crate) fn latest(&mut self, source: &str, generation: Generation) {
        self.origin(source, generation, Standing::Latest);
    }

    /// What follows counted before, and does not any more.
    pub(crate) fn former(&mut self) {
        self.origin("", Generation(0), Standing::Former);
    }

    fn origin(&mut self, source: &str, generation: Generation, standing: Standing) {
        self.origins.push((Origin { source: source.into(), generation }, standing));
    }

    /// Passes over what edits speak of, from now on; before any statement. What they add is said anew at the end, with its own rank.
    pub(crate) fn pass_over(&mut self, edits: &[&Edit]) {
        for edit in edits {
            self.spoken_of.insert(edit.statement.digest());
            self.spoken_about.insert(edit.statement.about().to_owned());
        }
    }

    /// Takes what edits add; after all statements.
    pub(crate) fn add_edits(&mut self, edits: &[&Edit]) -> Result<(), GraphError> {
        self.spoken_of.clear();
        self.spoken_about.clear();
        let mut last: Option<(&str, u64)> = None;
        for edit in edits {
            let fact = self.facts.len() as u32;
            let adds = edit.change == Change::Add;
            if adds {
                if last != Some((&edit.source, edit.generation)) {
                    self.live(&edit.source, Generation(edit.generation));
                    last = Some((&edit.source, edit.generation));
                }
                self.add(&edit.statement.as_ref())?;
            }
            if matches!(edit.statement, Statement::Fact { .. }) {
                self.edited.push(Edited::new(edit.statement.clone(), adds.then_some(fact)));
            }
        }
        Ok(())
    }

    pub(crate) fn add(&mut self, statement: &Statement<&str>) -> Result<(), GraphError> {
        if !self.spoken_of.is_empty()
            && self.spoken_about.contains(statement.about())
            && self.spoken_of.contains(&statement.digest())
        {
            return Ok(());
        }
        match statement {
            Statement::Fact { subject, predicate, object, rank, qualifiers } => {
                let subject = self.terms.intern_again(subject.as_bytes(), &mut self.last_subject)?;
                let predicate = self.terms.intern_again(predicate.as_bytes(), &mut self.last_predicate)?;
                let object = self.object(object)?;
                let origin = self.origins.len().saturating_sub(1) as u32;
                if *rank != Rank::Normal || !qualifiers.is_empty() {
                    let number = |builder: &mut Self, (predicate, value): &(&str, Object<&str>)| {
                        Ok((builder.terms.intern(predicate.as_bytes())?, builder.object(value)?))
                    };
                    let qualifiers: Result<_, GraphError> =
                        qualifiers.iter().map(|qualifier| number(self, qualifier)).collect();
                    let special = Special { rank: *rank, qualifiers: qualifiers? };
                    self.specials.insert(self.facts.len() as u32, special);
                }
                if self.facts.len() >= u32::MAX as usize {
                    return Err(GraphError::TooLarge("4,294,967,294 facts"));
                }
                self.facts.push(RawFact { subject, predicate, object, origin });
            }
            Statement::Description { about, what, text, language } => {
                if self.origins.last().is_some_and(|(_, standing)| *standing == Standing::Former) {
                    return Ok(());
                }
                let about = self.terms.intern_again(about.as_bytes(), &mut self.last_subject)?;
                let language = match language {
                    Some(language) => self.languages.intern(language.as_bytes())? + 1,
                    None => 0,
                };
                let (start, length) = (self.texts.len() as u64, text.len() as u32);
                self.texts.extend_from_slice(text.as_bytes());
                self.words.push(RawWord { about, what: *what, language, start, length });
            }
        }
        Ok(())
    }

    fn object(&mut self, object: &Object<&str>) -> Result<u32, GraphError> {
        if let Object::Entity(id) = object {
            return self.terms.intern(id.as_bytes());
        }
        self.scratch.clear();
        let (mut language, mut unit) = (Ok(0), Ok(0));
        if let Object::Text { language: Some(own), .. } = object {
            language = self.languages.intern(own.as_bytes());
        }
        if let Object::Number { unit: Some(own), .. } = object {
            unit = self.units.intern(own.as_bytes());
        }
        let (language, unit) = (u64::from(language?), u64::from(unit?));
        put_literal(&mut self.scratch, object, |_| language, |_| unit);
        Ok(self.literals.intern(&self.scratch)? | LITERAL)
    }

    /// Writes the snapshot of everything added.
    pub(crate) fn write(self, path: &Path, building: Building) -> Result<Difference, GraphError> {
        write::write(self, path, building)
    }

    fn text(&self, word: &RawWord) -> &str {
        let start = word.start as usize;
        self.texts.get(start..start + word.length as usize).map(as_text).unwrap_or_default()
    }

    fn term(&self, term: u32) -> &str {
        as_text(self.terms.get(term))
    }

    fn label(&self, word: &RawWord) -> Label {
        let text = self.text(word).to_owned();
        let language = word.language.checked_sub(1).map(|number| as_text(self.languages.get(number)));
        Label { text, language: language.map(loquat_contract::Language::new) }
    }
}

/// Bytes that came from a text.
fn as_text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// What a description adds to a predicate; whether it was for predicates at all.
pub(crate) fn describe(predicate: &mut Predicate, what: Describes, label: Label) -> bool {
    match what {
        // One preferred name a language; a second is a further name.
        Describes::Label if predicate.labels.iter().any(|known| known.language == label.language) => {
            if !predicate.labels.contains(&label) {
                predicate.aliases.push(label);
            }
        }
        Describes::Label => predicate.labels.push(label),
        // The contract has no place for a name read from the object's side; it asks for the same facts.
        Describes::Alias | Describes::InverseLabel => predicate.aliases.push(label),
        Describes::Template => predicate.templates.single.push(label),
        Describes::PluralTemplate => predicate.templates.plural.push(label),
        Describes::InverseTemplate => predicate.templates.inverse.push(label),
        Describes::TrueTemplate => predicate.templates.when_true.push(label),
        Describes::FalseTemplate => predicate.templates.when_false.push(label),
        Describes::Unit => {
            let unit = predicate.unit.get_or_insert_default();
            if label.language.is_none() { unit.symbol = label.text } else { unit.labels.push(label) }
        }
        Describes::Article
        | Describes::Property
        | Describes::Description
        | Describes::Popularity
        | Describes::Redirect => return false,
    }
    true
}

/// A predicate of which nothing was said yet.
pub(crate) fn bare_predicate(id: &str) -> Predicate {
    Predicate { id: PredicateId::from(id), ..Predicate::default() }
}

/// Gives a predicate without a name one from its id.
pub(crate) fn name_predicate(predicate: &mut Predicate) {
    if !predicate.labels.is_empty() {
        return;
    }
    let id: Arc<str> = predicate.id.0.clone();
    if &*id == RDF_TYPE {
        predicate.labels.extend([
            Label::new("type", "en"),
            Label::new("类型", "zh"),
            Label::new("Art", "de"),
        ]);
    } else {
        predicate.labels.push(Label::plain(predicate_name(&id)));
    }
}
