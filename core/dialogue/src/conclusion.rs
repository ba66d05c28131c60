//! What follows from several facts together. In: facts on a path, or facts that were compared or counted. Out: one thing to say of
//! them, which no single fact says. It is true while the facts are all of their kind; that is why they are cited all.

use std::sync::Arc;

use loquat_contract::{Entity, Predicate, Value};
use loquat_retrieve::{Most, Step};

/// Relations walked from an entity: "the genres of the films that Ann Lee directed".
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Walk {
    /// Where they begin.
    pub(crate) topic: Arc<Entity>,
    /// The relations, in the order in which they are walked.
    pub(crate) steps: Vec<Step>,
}

#[cfg_attr(
    not(test),
    expect(dead_code, reason = "grounding with retrieval makes them, from the next change on")
)]
/// One thing that follows from the facts of a group.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Conclusion {
    /// The values at the end of several relations.
    Values {
        /// The relations.
        walk: Walk,
        /// The values, those that are said; of more there are only how many.
        values: Vec<Value>,
        /// How many more there are.
        more: usize,
    },
    /// How many values there are at the end of relations.
    Count {
        /// The relations.
        walk: Walk,
        /// How many.
        count: usize,
    },
    /// Yes or no; the facts say why.
    YesNo(bool),
    /// Which of several entities have the most or the least of something.
    Extreme {
        /// Which end of the order.
        most: Most,
        /// What is compared.
        attribute: Arc<Predicate>,
        /// Those at the end; several where they are equal.
        entities: Vec<Arc<Entity>>,
        /// Among what: the relations that lead to all that were compared; `None` where the question names them.
        among: Option<Walk>,
    },
}
