//! What edits do to what sources say. In: edits in their order, and where ids were merged. Out: the facts that none of them took away
//! or said anew.
//!
//! A statement that a source and an edit word alike is passed over as it comes in. Others make the same fact: ids that were merged into one,
//! an address as an entity or as just an address, a number in two forms. They are told once all ids and redirects are known.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Builder, RawFact, as_text};
use crate::snapshot::LITERAL;
use crate::snapshot::codec::take_literal;
use crate::statement::{Object, Statement};

/// A fact that an edit speaks of.
pub(super) struct Edited {
    statement: Statement,
    /// Where it lies among the gathered facts, if the edit adds it.
    fact: Option<u32>,
}

impl Edited {
    pub(super) fn new(statement: Statement, fact: Option<u32>) -> Self {
        Self { statement, fact }
    }
}

impl Builder {
    /// Takes out facts that are none any more: another edit of the same comes later, or any edit does and a source states it. `redirects` were
    /// followed already.
    pub(super) fn settle_edits(&mut self, redirects: &FxHashMap<u32, u32>) {
        let edits = std::mem::take(&mut self.edited);
        let merged = |id: &str| {
            let target = self.terms.find(id.as_bytes()).and_then(|term| redirects.get(&term));
            target.map(|target| self.term(*target).to_owned())
        };
        let mut last = FxHashMap::default();
        let mut about = FxHashSet::default();
        let mut void: Vec<u32> = Vec::new();
        for Edited { statement, fact } in edits {
            let statement = statement.merged(merged);
            about.extend(self.terms.find(statement.about().as_bytes()));
            void.extend(last.insert(statement.identity(), fact).flatten());
        }
        let by_edits: FxHashSet<u32> = last.values().copied().flatten().collect();
        for (fact, number) in self.facts.iter().zip(0..) {
            let edited = about.contains(&fact.subject)
                && !by_edits.contains(&number)
                && self
                    .stated(fact, number)
                    .is_some_and(|statement| last.contains_key(&statement.identity()));
            if edited {
                void.push(number);
            }
        }
        void.sort_unstable();
        void.dedup();
        self.take_out(&void);
    }

    /// Takes gathered facts out, given by their places in order.
    fn take_out(&mut self, void: &[u32]) {
        if void.is_empty() {
            return;
        }
        let mut place = 0..;
        self.facts.retain(|_| place.next().is_some_and(|place| void.binary_search(&place).is_err()));
        let specials = std::mem::take(&mut self.specials).into_iter();
        let kept = specials.filter_map(|(place, special)| {
            let before = void.binary_search(&place).err()?;
            Some((place - before as u32, special))
        });
        self.specials = kept.collect();
    }

    /// A gathered fact as a statement, of normal rank.
    fn stated(&self, fact: &RawFact, number: u32) -> Option<Statement> {
        let qualifiers = self.specials.get(&number).map_or(&[][..], |special| &special.qualifiers);
        let qualifier = |(predicate, value): &(u32, u32)| {
            Some((self.term(*predicate).to_owned(), self.stated_object(*value)?))
        };
        Some(Statement::Fact {
            subject: self.term(fact.subject).to_owned(),
            predicate: self.term(fact.predicate).to_owned(),
            object: self.stated_object(fact.object)?,
            rank: loquat_contract::Rank::Normal,
            qualifiers: qualifiers.iter().map(qualifier).collect::<Option<_>>()?,
        })
    }

    fn stated_object(&self, object: u32) -> Option<Object> {
        if object & LITERAL == 0 {
            return Some(Object::Entity(self.term(object).to_owned()));
        }
        let text = |number: u64| u32::try_from(number).ok();
        let language = |number| Some(as_text(self.languages.get(text(number)?)));
        let unit = |number| Some(as_text(self.units.get(text(number)?)));
        let literal = take_literal(self.literals.get(object & !LITERAL), language, unit)?;
        Some(literal.map(std::borrow::Cow::into_owned))
    }
}
