//! What an import writes and the view reads: one triple, as a fact or as a description of a name. Knows no file format.

use loquat_contract::FactId;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

/// The object of a fact, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Object {
    /// An entity's id.
    Entity(String),
    /// Words, with the language tag where there is one.
    Text {
        text: String,
        language: Option<String>,
    },
    /// A number as written.
    Number(String),
    /// `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    Date(String),
    Boolean(bool),
    Url(String),
}

/// What a description says of its entity or predicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Describes {
    Label,
    Alias,
    Article,
    Template,
    PluralTemplate,
    Unit,
    /// The name of a predicate read from object to subject.
    InverseLabel,
    InverseTemplate,
    /// Sentences for a boolean that holds, and for one that does not.
    TrueTemplate,
    FalseTemplate,
    /// It is a predicate, whether a fact uses it or not; no text.
    Property,
}

/// One thing that an import understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Statement {
    Fact { subject: String, predicate: String, object: Object },
    Description { about: String, what: Describes, text: String, language: Option<String> },
}

impl Statement {
    /// XXH3-128 of the parts in a fixed order, each with its length before it; the same in every store.
    pub(crate) fn digest(&self) -> u128 {
        let mut bytes = Vec::with_capacity(160);
        let mut part = |tag: u8, text: &str| {
            bytes.push(tag);
            bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        };
        match self {
            Self::Fact { subject, predicate, object } => {
                part(b's', subject);
                part(b'p', predicate);
                match object {
                    Object::Entity(id) => part(b'e', id),
                    Object::Text { text, language } => {
                        part(b't', text);
                        if let Some(language) = language {
                            part(b'l', language);
                        }
                    }
                    Object::Number(lexical) => part(b'n', lexical),
                    Object::Date(date) => part(b'd', date),
                    Object::Boolean(value) => part(b'b', if *value { "1" } else { "0" }),
                    Object::Url(url) => part(b'u', url),
                }
            }
            Self::Description { about, what, text, language } => {
                part(b'a', about);
                part(b'k', &(*what as u8).to_string());
                part(b't', text);
                if let Some(language) = language {
                    part(b'l', language);
                }
            }
        }
        xxh3_128(&bytes)
    }
}

/// The id to show of a digest: its first 80 bits as 20 hexadecimal digits. Among 100 million facts the chance that any
/// two share an id is below one in 10⁸.
pub(crate) fn fact_id(digest: u128) -> FactId {
    FactId(format!("{:020x}", digest >> 48).into())
}

#[cfg(test)]
mod tests {
    use super::{Object, Statement, fact_id};

    fn fact(subject: &str, predicate: &str, object: Object) -> Statement {
        Statement::Fact { subject: subject.into(), predicate: predicate.into(), object }
    }

    #[test]
    fn ids_are_stable_and_tell_every_part_apart() {
        let thimphu = fact("Bhutan", "capital", Object::Entity("Thimphu".into()));
        // A golden value: a change of it would break every citation that was ever stored.
        assert_eq!(fact_id(thimphu.digest()).as_str(), "5b62df1984c5f31c2ac2");
        let others = [
            fact("Bhutan", "capitalT", Object::Entity("himphu".into())),
            fact("Bhutanc", "apital", Object::Entity("Thimphu".into())),
            fact("Bhutan", "capital", Object::Text { text: "Thimphu".into(), language: None }),
            fact("Bhutan", "capital", Object::Text { text: "Thimphu".into(), language: Some("en".into()) }),
            fact("Bhutan", "capital", Object::Url("Thimphu".into())),
        ];
        for (index, other) in others.iter().enumerate() {
            assert_ne!(other.digest(), thimphu.digest());
            for later in &others[index + 1..] {
                assert_ne!(other.digest(), later.digest());
            }
        }
    }
}
