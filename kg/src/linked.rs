//! Text, linked. In: a message and what the conversation is about. Out: mentions, and names that are not in the graph.

use std::ops::Range;

use loquat_contract::{Candidate, EntityId, Mention};

use crate::Graph;
use crate::link::{Found, Index, Names, Surroundings};
use crate::view::View;

/// What a text names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Linked {
    /// What is in the graph, in the order of the text, not overlapping.
    pub mentions: Vec<Mention>,
    /// What looks like a name and is not in the graph, in the order of the text: apart from all mentions. Only what its
    /// shape gives away is here: capitals within a sentence of a language that keeps them for names, or Chinese quotation
    /// marks. So an empty list is no promise that all names were found.
    pub unlinked: Vec<Unlinked>,
    /// For each mention, what its certainty was read from: the product of the factors of how it was found, from 0 to 1.
    /// Whoever calibrates anew on other data needs it.
    pub evidence: Vec<f32>,
}

/// A name that the graph does not have (in the literature, NIL).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlinked {
    /// Byte offsets into the text.
    pub range: Range<usize>,
    /// The stretch as it stands there.
    pub text: String,
}

impl Graph {
    /// [`Knowledge::link`](loquat_contract::Knowledge::link) without the future.
    pub fn mentions(&self, text: &str) -> Vec<Mention> {
        self.linked(text, &[]).mentions
    }

    /// [`Knowledge::link_in`](loquat_contract::Knowledge::link_in) without the future, and with the names that are not in
    /// the graph.
    pub fn linked(&self, text: &str, about: &[EntityId]) -> Linked {
        self.read(|view| linked(view, text, about))
    }
}

fn linked(view: &View, text: &str, about: &[EntityId]) -> Linked {
    let about: Vec<u32> = about.iter().filter_map(|id| view.node(id)).collect();
    let around: &dyn Surroundings = view;
    let Names { found, unlinked } = Index::new(view).resolve(text, Some(around), &about);
    let mut linked = Linked::default();
    for Found { range, candidates, evidence } in found {
        let candidates = candidates.into_iter().filter(|(node, _)| view.is_anybody(*node));
        let candidates: Vec<Candidate> = candidates
            .filter_map(|(node, score)| Some(Candidate { entity: view.entity(node)?, score }))
            .collect();
        if let (Some(text), false) = (text.get(range.clone()), candidates.is_empty()) {
            linked.mentions.push(Mention { text: text.to_owned(), range, candidates });
            linked.evidence.push(evidence);
        }
    }
    let name = |range: Range<usize>| Some(Unlinked { text: text.get(range.clone())?.to_owned(), range });
    linked.unlinked = unlinked.into_iter().filter_map(name).collect();
    linked
}
