//! The relations that many graphs have. In: a file with their names. Out: how each is said, by language.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::read;
use crate::EngineError;

/// How a common relation is said in one language.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Saying {
    pub(crate) single: Option<String>,
    pub(crate) subjects: Option<String>,
    #[serde(default)]
    pub(crate) noun: Vec<String>,
    /// Whether the noun takes the place of a label that reads badly.
    #[serde(default)]
    pub(crate) instead: bool,
}

/// A relation that many graphs have.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Relation {
    pub(crate) names: Vec<String>,
    /// By the language's primary tag.
    #[serde(flatten)]
    pub(crate) said: BTreeMap<String, Saying>,
}

/// The common relations, by name.
#[derive(Debug, Default)]
pub(crate) struct Relations {
    relations: Vec<Relation>,
    by_name: HashMap<String, usize>,
}

impl Relations {
    pub(super) fn parse(text: &str) -> Result<Self, EngineError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct RelationsFile {
            relation: Vec<Relation>,
        }
        let RelationsFile { relation: relations } = read("relations", text)?;
        let mut by_name = HashMap::new();
        for (place, relation) in relations.iter().enumerate() {
            for name in &relation.names {
                by_name.entry(name.to_lowercase()).or_insert(place);
            }
        }
        Ok(Self { relations, by_name })
    }

    /// The relation of this name, which has to be words rather than "directed_by".
    pub(crate) fn named(&self, name: &str) -> Option<&Relation> {
        self.by_name.get(&name.to_lowercase()).map(|place| &self.relations[*place])
    }
}
