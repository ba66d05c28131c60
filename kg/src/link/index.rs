//! The index of names. In: entities and predicates. Out: a finite-state transducer from folded names to who has them.

use std::sync::Arc;

use fst::raw::Fst;
use loquat_contract::{Entity, Predicate};
use loquat_terms::case::Spelling;
use loquat_terms::fold::{fold, key, loosen, transcribed};
use rustc_hash::FxHashSet;

use crate::GraphError;

/// One entity's claim to a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Posting {
    pub(super) node: u32,
    /// Facts that the entity takes part in, up to a thousand.
    pub(super) degree: u16,
    /// A preferred name, not a further one.
    pub(super) preferred: bool,
    pub(super) spelling: Spelling,
}

/// Folded names and their postings.
pub(super) struct Table {
    pub(super) fst: Fst<Vec<u8>>,
    /// Where the postings of the name with this number begin; one more than there are names.
    starts: Vec<u32>,
    postings: Vec<Posting>,
}

/// Everything that linking looks things up in.
#[derive(Default)]
pub(crate) struct Index {
    /// Names as folded.
    pub(super) exact: Option<Table>,
    /// Looser forms of names, where they differ.
    pub(super) loose: Option<Table>,
    /// Folded names of predicates.
    pub(super) predicates: FxHashSet<String>,
    /// The words in those names.
    pub(super) predicate_words: FxHashSet<String>,
}

impl Index {
    /// Builds the index from entities, each with its node's number and degree, and the predicates.
    pub(crate) fn build<'a>(
        entities: impl Iterator<Item = (u32, &'a Entity, usize)>,
        predicates: &[Arc<Predicate>],
    ) -> Result<Self, GraphError> {
        let (mut exact, mut loose) = (Vec::new(), Vec::new());
        for (node, entity, degree) in entities {
            let degree = degree.min(1000) as u16;
            let labels = entity.labels.iter().map(|label| (label, true));
            for (label, preferred) in labels.chain(entity.aliases.iter().map(|label| (label, false))) {
                let name = label.text.as_str();
                let posting = Posting { node, degree, preferred, spelling: Spelling::of(name) };
                add(name, posting, &mut exact, &mut loose);
            }
        }
        let mut names = FxHashSet::default();
        let mut words = FxHashSet::default();
        for name in predicates.iter().flat_map(|predicate| predicate.names()) {
            let name = key(&loosen(&fold(name)));
            words.extend(name.split(' ').map(str::to_owned));
            names.insert(name);
        }
        Ok(Self {
            exact: Some(Table::build(exact)?),
            loose: Some(Table::build(loose)?),
            predicates: names,
            predicate_words: words,
        })
    }

    /// The nodes with this name, those with it as preferred name first, then by degree.
    pub(crate) fn named(&self, name: &str) -> Vec<u32> {
        let folded = fold(name);
        let mut postings: Vec<Posting> = Vec::new();
        for key in [key(&folded), key(&loosen(&folded))] {
            for table in self.exact.iter().chain(&self.loose) {
                postings.extend_from_slice(table.get(&key));
            }
        }
        postings.sort_by_key(|p| (!p.preferred, std::cmp::Reverse(p.degree), p.node));
        let mut nodes: Vec<u32> = Vec::new();
        for posting in postings {
            if !nodes.contains(&posting.node) {
                nodes.push(posting.node);
            }
        }
        nodes
    }
}

/// Adds a name's keys: as it is, without its leading article, and the looser forms of both.
fn add(name: &str, posting: Posting, exact: &mut Vec<(String, Posting)>, loose: &mut Vec<(String, Posting)>) {
    let folded = fold(name);
    let whole = key(&folded);
    if whole.is_empty() {
        return;
    }
    let articles = ["the ", "a ", "an ", "der ", "die ", "das "];
    let bare = articles.iter().find_map(|article| whole.strip_prefix(article)).map(str::to_owned);
    let bare = bare.filter(|bare| bare.chars().count() > 2);
    let umlauts = transcribed(&whole);
    let looser = if whole.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' ') {
        None
    } else {
        Some(key(&loosen(&folded))).filter(|looser| !looser.is_empty() && *looser != whole)
    };
    loose.extend(umlauts.into_iter().chain(looser).map(|key| (key, posting)));
    // Without its article a name is no longer the preferred one.
    exact.extend(bare.map(|key| (key, Posting { preferred: false, ..posting })));
    exact.push((whole, posting));
}

impl Table {
    fn build(mut names: Vec<(String, Posting)>) -> Result<Self, GraphError> {
        names.sort_unstable_by(|(a, x), (b, y)| (a, x.node, !x.preferred).cmp(&(b, y.node, !y.preferred)));
        names.dedup_by(|(a, x), (b, y)| x.node == y.node && a == b);
        let mut builder = fst::raw::Builder::memory();
        let mut starts = Vec::new();
        let mut postings = Vec::with_capacity(names.len());
        let mut last: Option<String> = None;
        for (name, posting) in names {
            if last.as_ref() != Some(&name) {
                builder.insert(&name, starts.len() as u64)?;
                starts.push(postings.len() as u32);
                last = Some(name);
            }
            postings.push(posting);
        }
        starts.push(postings.len() as u32);
        Ok(Self { fst: builder.into_fst(), starts, postings })
    }

    /// The postings of the name with this number, as the transducer gives it.
    pub(super) fn postings(&self, number: u64) -> &[Posting] {
        let at = number as usize;
        let bounds = self.starts.get(at).zip(self.starts.get(at + 1));
        bounds.and_then(|(start, end)| self.postings.get(*start as usize..*end as usize)).unwrap_or_default()
    }

    /// Who has exactly this folded name.
    pub(super) fn get(&self, key: &str) -> &[Posting] {
        self.fst.get(key).map_or(&[], |number| self.postings(number.value()))
    }
}
