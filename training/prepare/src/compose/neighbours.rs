//! Which relations go together. In: all cases, with what else is known of their subjects. Out: for a relation those that the same subjects
//! have, so that what is asked of something, and not known, is what can be asked of such a thing.

use std::collections::HashMap;

use crate::case::Case;

/// For each relation the others of its subjects, each as often as it was met.
#[derive(Debug, Default)]
pub(crate) struct Neighbours(HashMap<String, Vec<String>>);

impl Neighbours {
    pub(crate) fn new(cases: &[Case]) -> Self {
        let mut all: HashMap<String, Vec<String>> = HashMap::new();
        for case in cases {
            for other in case.beside.iter().filter(|other| other.relation != case.group) {
                all.entry(case.group.clone()).or_default().push(other.relation.clone());
                all.entry(other.relation.clone()).or_default().push(case.group.clone());
            }
        }
        Self(all)
    }

    /// None where nothing else is known of such subjects.
    pub(crate) fn of(&self, relation: &str) -> &[String] {
        self.0.get(relation).map_or(&[], Vec::as_slice)
    }
}
