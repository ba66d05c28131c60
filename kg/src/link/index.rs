//! What names are looked up in. In: a view. Out: who has a folded name: the snapshot's tables, and the edits' names beside them.

use std::sync::Arc;

use loquat_contract::Predicate;
use rustc_hash::FxHashSet;

use super::case::{Spelling, Stretch};
use super::fold::{fold, key, loosen};
use super::keys::Form;
use super::relations::Relations;
use crate::snapshot::names::{Claim, OpenShard, Table as Stored};
use crate::snapshot::part;
use crate::view::View;

/// Claims on one name that are looked at, the weightiest.
const CLAIMS: usize = 64;

/// The flag of a preferred name, not a further one.
pub(crate) const PREFERRED: u8 = 1;
const CAPITAL: u8 = 2;
const ACRONYM: u8 = 4;

/// What is kept of a name beside its key.
pub(crate) fn flags(name: &str, preferred: bool) -> u8 {
    let Spelling { capital, acronym } = Spelling::of(name);
    let flag = |is: bool, flag: u8| if is { flag } else { 0 };
    flag(preferred, PREFERRED) | flag(capital, CAPITAL) | flag(acronym, ACRONYM)
}

/// One entity's claim to a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Posting {
    pub(super) node: u32,
    /// How well known the entity is; see [`Snapshot::prior`](crate::snapshot::Snapshot::prior).
    pub(super) prior: u8,
    /// A preferred name, not a further one.
    pub(super) preferred: bool,
    /// The name has a capital letter.
    pub(super) capital: bool,
    /// The name is three letters or fewer and has no lower-case letter: "US".
    pub(super) acronym: bool,
}

impl Posting {
    pub(super) fn spelling(&self) -> Spelling {
        Spelling { capital: self.capital, acronym: self.acronym }
    }
}

/// Names as folded, or their looser forms.
#[derive(Clone, Copy)]
pub(super) struct Table<'v> {
    view: &'v View,
    stored: &'v Stored,
    form: Form,
    /// Where the table's section begins.
    start: usize,
}

/// Everything that linking looks things up in.
#[derive(Clone, Copy)]
pub(crate) struct Index<'v> {
    pub(super) view: &'v View,
    /// Names as folded.
    pub(super) exact: Table<'v>,
    /// Looser forms of names, where they differ.
    pub(super) loose: Table<'v>,
    pub(super) predicates: &'v PredicateNames,
}

/// The folded names of predicates.
#[derive(Default)]
pub(crate) struct PredicateNames {
    pub(super) names: FxHashSet<String>,
    /// The words in those names.
    pub(super) words: FxHashSet<String>,
    /// The same names, to see which of them a message asks for.
    pub(super) relations: Relations,
}

impl PredicateNames {
    pub(crate) fn new(predicates: &[Arc<Predicate>]) -> Self {
        let relations = Relations::of(predicates.iter().map(Arc::as_ref));
        let mut own = Self { relations, ..Self::default() };
        for name in predicates.iter().flat_map(|predicate| predicate.names()) {
            let name = key(&loosen(&fold(name)));
            own.words.extend(name.split(' ').map(str::to_owned));
            own.names.insert(name);
        }
        own
    }
}

impl<'v> Index<'v> {
    /// How well a stretch of a message fits a name by case.
    pub(super) fn fit(&self, stretch: &Stretch<'_>, posting: &Posting) -> Option<f32> {
        let PredicateNames { names, words, .. } = self.predicates;
        stretch.fit(posting.spelling(), |key| names.contains(key), |key| words.contains(key))
    }

    pub(crate) fn new(view: &'v View) -> Self {
        let snapshot = view.snapshot();
        let table =
            |stored, form, name| Table { view, stored, form, start: snapshot.mapped().section(name).start };
        Self {
            view,
            exact: table(&snapshot.meta.exact, Form::Whole, part::EXACT),
            loose: table(&snapshot.meta.loose, Form::Loose, part::LOOSE),
            predicates: view.predicate_names(),
        }
    }

    /// The nodes with this name, or where there is none with one that differs in diacritics and punctuation; those with it as
    /// preferred name first, then the best known.
    pub(crate) fn named(&self, name: &str) -> Vec<u32> {
        let folded = fold(name);
        let whole = key(&folded);
        let mut postings: Vec<Posting> = self.exact.get(&whole);
        if postings.is_empty() {
            let loose = key(&loosen(&folded));
            postings = self.loose.get(&whole);
            if loose != whole {
                postings.extend(self.exact.get(&loose));
                postings.extend(self.loose.get(&loose));
            }
        }
        postings.sort_by_key(|p| (!p.preferred, std::cmp::Reverse(p.prior), p.node));
        let mut nodes: Vec<u32> = Vec::new();
        for posting in postings {
            if !nodes.contains(&posting.node) && self.view.is_anybody(posting.node) {
                nodes.push(posting.node);
            }
        }
        nodes
    }
}

impl<'v> Table<'v> {
    /// The shards that can hold keys that begin with these bytes.
    pub(super) fn shards(
        &self,
        first: u8,
        second: Option<u8>,
    ) -> impl Iterator<Item = OpenShard<'v>> + use<'v> {
        self.stored.shards(self.view.snapshot().mapped(), self.start, first, second)
    }

    /// The shard of keys that begin with these two bytes.
    pub(super) fn shard(&self, first: u8, second: u8) -> Option<OpenShard<'v>> {
        self.shards(first, Some(second)).find(|shard| shard.second() == second)
    }

    /// Every shard of keys that begin with this byte.
    pub(super) fn shards_of(&self, first: u8) -> impl Iterator<Item = OpenShard<'v>> + use<'v> {
        self.stored.shards_of(self.view.snapshot().mapped(), self.start, first)
    }

    /// Whether edits have brought names that are not in the shards.
    pub(super) fn has_more(&self) -> bool {
        self.view.overlay().has_names()
    }

    /// The postings of a value that a shard gave.
    pub(super) fn postings(&self, shard: &OpenShard<'_>, value: u64) -> Vec<Posting> {
        let claims = shard.claims(value).filter(|claim| !self.view.overlay().is_renamed(claim.node));
        claims.take(CLAIMS).map(|claim| self.posting(claim)).collect()
    }

    /// The postings of a name that edits have brought.
    pub(super) fn more(&self, key: &str) -> Vec<Posting> {
        self.view.overlay().claims(self.form, key).take(CLAIMS).map(|claim| self.posting(claim)).collect()
    }

    /// Who has exactly this folded name.
    pub(super) fn get(&self, key: &str) -> Vec<Posting> {
        let stored = self.stored.claims(self.view.snapshot().mapped(), self.start, key);
        let stored = stored.into_iter().filter(|claim| !self.view.overlay().is_renamed(claim.node));
        let mut postings: Vec<Posting> = stored.take(CLAIMS).map(|claim| self.posting(claim)).collect();
        postings.extend(self.more(key));
        postings
    }

    fn posting(&self, Claim { node, flags }: Claim) -> Posting {
        Posting {
            node,
            prior: self.view.prior(node),
            preferred: flags & PREFERRED != 0,
            capital: flags & CAPITAL != 0,
            acronym: flags & ACRONYM != 0,
        }
    }
}
