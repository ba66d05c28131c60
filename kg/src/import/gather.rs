//! What a reader found in a stretch of a file. In: meanings and bad lines. Out: encoded statements, and everything that the
//! whole import adds up.

use rustc_hash::FxHashSet;

use super::BadLine;
use super::distinct::Distinct;
use super::options::{Kept, Rules, digest, is_type};
use super::triple::Meaning;
use crate::statement::{Describes, Object, Statement};
use crate::store::Block;

/// Facts or descriptions in which a name's repetition is noticed.
const REMEMBERED: usize = 4096;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) block: Block,
    /// Bad lines, with numbers as the reader counts.
    pub(super) bad: Vec<BadLine>,
    /// How they stand in the file, one a line.
    pub(super) quarantine: Vec<u8>,
    /// Subjects that are the graph itself.
    pub(super) graphs: FxHashSet<String>,
    /// Who, whether it is the licence, and the words.
    pub(super) origins: Vec<(String, bool, String)>,
    pub(super) entities: Distinct,
    pub(super) predicates: Distinct,
    /// Statements that the filter left out.
    pub(super) left_out: u64,
    pub(super) survey: Survey,
}

/// What a first reading finds out for the filter.
#[derive(Debug, Default)]
pub(super) struct Survey {
    typed: FxHashSet<u64>,
    paged: FxHashSet<u64>,
    predicates: FxHashSet<u64>,
}

/// Gathers what a reader understands.
pub(super) struct Gather<'a> {
    pub(super) rules: &'a Rules,
    /// Graphs that were named before.
    graphs: &'a FxHashSet<String>,
    surveys: bool,
    found: Found,
    /// The last name that was described or said something of, its digests, and the last predicate.
    subject: String,
    described: FxHashSet<u128>,
    predicate: String,
}

impl<'a> Gather<'a> {
    pub(super) fn new(rules: &'a Rules, graphs: &'a FxHashSet<String>, surveys: bool) -> Self {
        let (subject, predicate) = Default::default();
        let (found, described) = Default::default();
        Self { rules, graphs, surveys, found, subject, described, predicate }
    }

    /// What was found since the last time.
    pub(super) fn take(&mut self) -> Found {
        let graphs = self.found.graphs.clone();
        std::mem::replace(&mut self.found, Found { graphs, ..Found::default() })
    }

    /// A line that was not understood, and how it stands in the file.
    pub(super) fn bad(&mut self, line: u64, reason: impl Into<String>, text: &[u8]) {
        if self.surveys {
            return;
        }
        self.found.bad.push(BadLine { line, reason: reason.into() });
        if !text.is_empty() {
            self.found.quarantine.extend_from_slice(text);
            self.found.quarantine.push(b'\n');
        }
    }

    pub(super) fn meaning(&mut self, meaning: Meaning) {
        match meaning {
            Meaning::Statement(statement) => self.statement(statement),
            Meaning::Graph(subject) => {
                self.found.graphs.insert(subject);
            }
            Meaning::Source { about, text } => self.found.origins.push((about, false, text)),
            Meaning::License { about, text } => self.found.origins.push((about, true, text)),
            Meaning::Page { about, language } => {
                let wanted = self.rules.filter.wikipedia.as_ref();
                if self.surveys && wanted.is_some_and(|wanted| wanted.allows(&language)) {
                    self.found.survey.paged.insert(digest(&about));
                }
            }
            Meaning::Nothing => {}
        }
    }

    pub(super) fn statement(&mut self, mut statement: Statement) {
        if self.surveys {
            return self.look_at(&statement);
        }
        if let Statement::Fact { subject, .. } = &statement
            && (self.graphs.contains(subject) || self.found.graphs.contains(subject))
        {
            return;
        }
        if !self.rules.keeps(&statement) {
            self.found.left_out += 1;
            return;
        }
        match &mut statement {
            Statement::Fact { subject, predicate, object, qualifiers, .. } => {
                self.rules.keep_qualifiers(qualifiers);
                if self.subject != *subject {
                    self.found.entities.add(subject);
                    self.subject.clone_from(subject);
                    self.described.clear();
                }
                if self.predicate != *predicate {
                    self.found.predicates.add(predicate);
                    self.predicate.clone_from(predicate);
                }
                if let Object::Entity(object) = object {
                    self.found.entities.add(object);
                }
            }
            Statement::Description { about, language, .. } => {
                if language.as_deref() == Some("mul") {
                    *language = None;
                }
                if self.subject != *about || self.described.len() >= REMEMBERED {
                    self.subject.clone_from(about);
                    self.described.clear();
                }
                // Wikidata says each name three times.
                if !self.described.insert(statement.digest()) {
                    return;
                }
            }
        }
        self.encode(&statement);
    }

    fn encode(&mut self, statement: &Statement) {
        if let Err(error) = self.found.block.push(statement) {
            self.found
                .bad
                .push(BadLine { line: 1, reason: format!("a statement cannot be stored: {error}") });
        }
    }

    /// The first reading: who is what, and which names are predicates.
    fn look_at(&mut self, statement: &Statement) {
        let survey = &mut self.found.survey;
        match statement {
            Statement::Fact { subject, predicate, object, .. } => {
                if self.predicate != *predicate {
                    survey.predicates.insert(digest(predicate));
                    self.predicate.clone_from(predicate);
                }
                if let Object::Entity(class) = object
                    && is_type(predicate)
                    && self.rules.types.contains(class)
                {
                    survey.typed.insert(digest(subject));
                }
            }
            Statement::Description { about, what: Describes::Property, .. } => {
                survey.predicates.insert(digest(about));
            }
            Statement::Description { .. } => {}
        }
    }
}

impl Survey {
    pub(super) fn merge(&mut self, other: Self) {
        self.typed.extend(other.typed);
        self.paged.extend(other.paged);
        self.predicates.extend(other.predicates);
    }

    /// The subjects that the rules keep.
    pub(super) fn kept(self, rules: &Rules) -> Kept {
        let Self { typed, mut paged, predicates } = self;
        let by_type = !rules.types.is_empty();
        let mut subjects = match (by_type, rules.filter.wikipedia.is_some()) {
            (true, true) => {
                paged.retain(|subject| typed.contains(subject));
                paged
            }
            (true, false) => typed,
            (false, _) => paged,
        };
        subjects.extend(rules.types.iter().map(|class| digest(class)));
        Kept { subjects, predicates }
    }
}
