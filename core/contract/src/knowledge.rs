//! The graph as the engine sees it. In: text or an entity. Out: mentions and facts. Says nothing of how they are stored.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{BoxFuture, Language};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        pub struct $name(pub Arc<str>);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::from("")
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(id.into())
            }
        }
    };
}

text_id!(
    /// An entity's IRI, or the name it had in a table without IRIs.
    EntityId
);
text_id!(
    /// A predicate's IRI, or the name it had in a table without IRIs.
    PredicateId
);
text_id!(
    /// A fact's stable id: a digest of its subject, predicate and object, the same after every import.
    FactId
);

/// A name in a language; `None` where the graph does not say which.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Label {
    /// The name.
    pub text: String,
    /// Its language.
    pub language: Option<Language>,
}

impl Label {
    /// A name in a language.
    pub fn new(text: impl Into<String>, language: &str) -> Self {
        Self { text: text.into(), language: Some(Language::new(language)) }
    }

    /// A name whose language is not stated.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), language: None }
    }
}

/// The label to show in `language`: that language, else one without a language, else English, else the first.
pub fn best_label<'a>(labels: &'a [Label], language: &Language) -> Option<&'a str> {
    let of =
        |wanted: &Language| labels.iter().find(|l| l.language.as_ref().is_some_and(|l| l.matches(wanted)));
    of(language)
        .or_else(|| labels.iter().find(|l| l.language.is_none()))
        .or_else(|| of(&Language::english()))
        .or_else(|| labels.first())
        .map(|label| label.text.as_str())
}

/// The last segment of an IRI, for entities and predicates without a label.
fn local_name(id: &str) -> &str {
    id.rsplit(['/', '#', ':']).find(|segment| !segment.is_empty()).unwrap_or(id)
}

/// Something the graph knows by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entity {
    /// Its id.
    pub id: EntityId,
    /// Preferred names, at most one a language.
    pub labels: Vec<Label>,
    /// Further names people use.
    pub aliases: Vec<Label>,
    /// The article its name takes in a sentence, by language ("the" for "the Netherlands").
    pub articles: Vec<Label>,
    /// What it is, in a few words, by language: tells namesakes apart.
    pub descriptions: Vec<Label>,
}

impl Entity {
    /// The name to show in `language`, without article.
    pub fn label(&self, language: &Language) -> &str {
        best_label(&self.labels, language).unwrap_or_else(|| local_name(self.id.as_str()))
    }

    /// The name as it stands within a sentence: "the Netherlands".
    pub fn name_in_sentence(&self, language: &Language) -> String {
        let label = self.label(language);
        let article = self.articles.iter().find(|a| a.language.as_ref().is_some_and(|l| l.matches(language)));
        match article {
            Some(article) => format!("{} {label}", article.text),
            None => label.to_owned(),
        }
    }

    /// Every name in every language: labels, then aliases.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().chain(&self.aliases).map(|label| label.text.as_str())
    }
}

/// The unit a predicate's numbers are in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// The symbol, such as `km²` or `EUR`; empty when there is none.
    pub symbol: String,
    /// Its names, such as "square kilometres".
    pub labels: Vec<Label>,
}

/// Sentences with `{subject}` and `{object}` that say a predicate's facts, each in several languages.
///
/// Only `single` need be there: an empty form falls back to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Templates {
    /// One object (`loquat:template`).
    pub single: Vec<Label>,
    /// Several objects, joined into one list (`loquat:templatePlural`).
    pub plural: Vec<Label>,
    /// From the object's side, for questions that ask for the subjects (`loquat:inverseTemplate`).
    pub inverse: Vec<Label>,
    /// A yes-or-no value that is true (`loquat:templateTrue`).
    pub when_true: Vec<Label>,
    /// A yes-or-no value that is false (`loquat:templateFalse`).
    pub when_false: Vec<Label>,
}

/// A relation between an entity and a value, with the words that people ask for it by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Predicate {
    /// Its id.
    pub id: PredicateId,
    /// Preferred names, such as "capital".
    pub labels: Vec<Label>,
    /// Further words that ask for it, such as "seat of government" or "how many people live".
    pub aliases: Vec<Label>,
    /// How its facts are said.
    pub templates: Templates,
    /// The unit of its numbers.
    pub unit: Option<Unit>,
}

impl Predicate {
    /// The name to show in `language`.
    pub fn label(&self, language: &Language) -> &str {
        best_label(&self.labels, language).unwrap_or_else(|| local_name(self.id.as_str()))
    }

    /// Every name in every language: labels, then aliases.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().chain(&self.aliases).map(|label| label.text.as_str())
    }
}

/// What a fact says of its subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Another entity.
    Entity(Arc<Entity>),
    /// Words, in a language where the graph says which.
    Text(Label),
    /// A number; `lexical` is the form the graph has.
    Number {
        /// As written in the graph.
        lexical: String,
        /// Its value.
        value: f64,
        /// Its own unit; `None` where it is in the predicate's unit, or has none.
        unit: Option<Arc<Unit>>,
    },
    /// A date of the proleptic Gregorian calendar, as precise as it is written: `YYYY-MM-DD`, `YYYY-MM`, `YYYY`, and for a
    /// decade and a century `YYYX` and `YYXX` (ISO 8601-2, level 1). Years before 1 have a minus sign, with 0 for 1 BC.
    Date(String),
    /// Yes or no.
    Boolean(bool),
    /// A web address.
    Url(String),
    /// A place on Earth, in degrees of WGS 84.
    Coordinate {
        /// North of the equator.
        latitude: f64,
        /// East of Greenwich.
        longitude: f64,
    },
    /// There is a value, and the graph does not know which (Wikidata's `somevalue`).
    Unknown,
    /// There is no value, and the graph says so (Wikidata's `novalue`).
    Nothing,
}

impl Value {
    /// The value as words in `language`, without its unit.
    pub fn text(&self, language: &Language) -> String {
        match self {
            Value::Entity(entity) => entity.label(language).to_owned(),
            Value::Text(label) => label.text.clone(),
            Value::Number { lexical, .. } => lexical.clone(),
            Value::Date(text) | Value::Url(text) => text.clone(),
            Value::Boolean(true) => "true".to_owned(),
            Value::Boolean(false) => "false".to_owned(),
            Value::Coordinate { latitude, longitude } => format!("{latitude}, {longitude}"),
            Value::Unknown => "unknown".to_owned(),
            Value::Nothing => "none".to_owned(),
        }
    }

    /// A number without a unit of its own.
    pub fn number(lexical: impl Into<String>, value: f64) -> Self {
        Self::Number { lexical: lexical.into(), value, unit: None }
    }
}

/// How a fact stands beside others of its subject and predicate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rank {
    /// Known to be wrong or outdated; never to be said.
    Deprecated,
    /// One of several, or the only one.
    #[default]
    Normal,
    /// To be said where only one is asked for, such as the present mayor among all.
    Preferred,
}

/// What a fact says of itself: since when, at what place, in which role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Qualifier {
    /// In which respect.
    pub predicate: Arc<Predicate>,
    /// The value.
    pub value: Value,
}

/// One triple, with everything needed to say it and to check it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// Its stable id.
    pub id: FactId,
    /// What it is about.
    pub subject: Arc<Entity>,
    /// What it says of it.
    pub predicate: Arc<Predicate>,
    /// The value.
    pub object: Value,
    /// Where it came from: the source that the graph names, else the file.
    pub source: Arc<str>,
    /// How it stands beside others of its subject and predicate.
    #[serde(default)]
    pub rank: Rank,
    /// What it says of itself.
    #[serde(default)]
    pub qualifiers: Vec<Qualifier>,
    /// The state of the graph since which it holds this.
    #[serde(default)]
    pub generation: Generation,
}

impl Fact {
    /// A fact of normal rank, without qualifiers.
    pub fn new(
        id: FactId,
        subject: Arc<Entity>,
        predicate: Arc<Predicate>,
        object: Value,
        source: Arc<str>,
    ) -> Self {
        let (rank, qualifiers, generation) = Default::default();
        Self { id, subject, predicate, object, source, rank, qualifiers, generation }
    }

    /// The unit of its number: the value's own, else the predicate's. `None` where the value is no number.
    pub fn unit(&self) -> Option<&Unit> {
        match &self.object {
            Value::Number { unit, .. } => unit.as_deref().or(self.predicate.unit.as_ref()),
            _ => None,
        }
    }
}

/// An entity that a mention may mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The entity.
    pub entity: Arc<Entity>,
    /// How likely the mention means it, from 0 to 1; the candidates of a mention add up to 1 at the most.
    pub score: f32,
}

/// A stretch of text that names something in the graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mention {
    /// Byte offsets into the text that was linked.
    pub range: Range<usize>,
    /// The stretch as it stands there.
    pub text: String,
    /// What it may mean, best first; never empty.
    pub candidates: Vec<Candidate>,
}

/// Which state of the graph an answer was made from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Generation(pub u64);

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What can be asked of the graph, and which state of it this is.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    /// Grows with every change.
    pub generation: Generation,
    /// Every predicate that a fact uses, in a stable order.
    pub predicates: Vec<Arc<Predicate>>,
    /// The subject of each predicate that only one entity has: "your phone number" needs no name where there is one phone.
    pub sole_subjects: HashMap<PredicateId, Arc<Entity>>,
}

/// Why the graph could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KnowledgeError {
    /// The store behind the graph failed.
    #[error("the knowledge graph could not be read ({0}); run `loquat doctor` to see what is wrong with it")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A knowledge graph.
///
/// To implement it: find names in text ([`link`](Knowledge::link)), give the triples around an entity
/// ([`facts`](Knowledge::facts)), and say what predicates there are ([`schema`](Knowledge::schema)). The engine owns
/// everything else. `testing::MemoryGraph` is the smallest complete example.
pub trait Knowledge: Send + Sync {
    /// Finds the names in `text`: leftmost, longest, not overlapping, in the order of the text.
    fn link<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<Vec<Mention>, KnowledgeError>>;

    /// [`link`](Knowledge::link) where the conversation is known to be about some entities already: they and what lies near
    /// them in the graph are preferred among namesakes. Without an implementation of its own it is `link`.
    fn link_in<'a>(
        &'a self,
        text: &'a str,
        _about: &'a [EntityId],
    ) -> BoxFuture<'a, Result<Vec<Mention>, KnowledgeError>> {
        self.link(text)
    }

    /// The facts with `entity` as subject, then those with it as object, each in a stable order; at most `limit`
    /// of either.
    fn facts<'a>(
        &'a self,
        entity: &'a EntityId,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Fact>, KnowledgeError>>;

    /// The predicates and the generation. Cheap: it is read for every message.
    fn schema(&self) -> Arc<Schema>;
}
