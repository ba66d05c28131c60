//! What an import writes and the view reads: one triple, as a fact or as a description of a name. Knows no file format.

use std::borrow::Cow;

use loquat_contract::{FactId, Label, Language, Rank, Value};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::names::is_address;

/// The object of a fact, as it is stated. Its texts are owned, or borrowed from what they are read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Object<S = String> {
    /// An entity's id.
    Entity(S),
    /// Words.
    Text {
        /// The words.
        text: S,
        /// Their language tag, where there is one.
        language: Option<S>,
    },
    /// A number.
    Number {
        /// As written.
        lexical: S,
        /// The id of its unit's entity, where it has a unit of its own.
        unit: Option<S>,
    },
    /// As [`Value::Date`] has it.
    Date(S),
    /// Yes or no.
    Boolean(bool),
    /// A web address.
    Url(S),
    /// Latitude and longitude in degrees, as written, with a space between.
    Coordinate(S),
    /// There is a value that nobody knows.
    Unknown,
    /// There is no value.
    Nothing,
}

/// What a description says of its entity or predicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Describes {
    /// A preferred name.
    Label,
    /// A further name.
    Alias,
    /// The article of its name in a sentence.
    Article,
    /// A sentence that says a predicate's facts.
    Template,
    /// A sentence for several objects.
    PluralTemplate,
    /// The unit of a predicate's numbers, or an entity's symbol as a unit.
    Unit,
    /// The name of a predicate read from object to subject.
    InverseLabel,
    /// A sentence from the object's side.
    InverseTemplate,
    /// The sentence for a boolean that holds.
    TrueTemplate,
    /// The sentence for a boolean that does not hold.
    FalseTemplate,
    /// It is a predicate, whether a fact uses it or not; no text.
    Property,
    /// What it is, in a few words.
    Description,
    /// How well known it is: a number of which only the order counts, such as visitors or pages about it.
    Popularity,
    /// The id of what it was merged into.
    Redirect,
}

/// One thing that is stated: a triple, as a fact or as a description of a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Statement<S = String> {
    /// Something that can be cited.
    Fact {
        /// The id of what it is about.
        subject: S,
        /// The predicate's id.
        predicate: S,
        /// The value.
        object: Object<S>,
        /// How it stands beside others of its subject and predicate.
        rank: Rank,
        /// Predicates and values, in the order of the file.
        qualifiers: Vec<(S, Object<S>)>,
    },
    /// Something about a name.
    Description {
        /// The id of the entity or predicate.
        about: S,
        /// What is said.
        what: Describes,
        /// In which words.
        text: S,
        /// Their language tag, where there is one.
        language: Option<S>,
    },
}

impl Statement {
    /// A fact of normal rank, without qualifiers.
    pub fn fact(subject: &str, predicate: &str, object: Object) -> Self {
        let (subject, predicate) = (subject.to_owned(), predicate.to_owned());
        Self::Fact { subject, predicate, object, rank: Rank::Normal, qualifiers: Vec::new() }
    }

    /// The same of what ids were merged into: `target` gives it for an id that was. A description and a predicate stay as they are.
    #[must_use]
    pub fn merged(self, target: impl Fn(&str) -> Option<String>) -> Self {
        let id = |id: String| target(&id).unwrap_or(id);
        let mut merged = self.with_values(|object| match object {
            Object::Entity(own) => Object::Entity(id(own)),
            object => object,
        });
        if let Self::Fact { subject, .. } = &mut merged {
            *subject = id(std::mem::take(subject));
        }
        merged
    }

    /// The same with its web addresses as entities' ids, and as just addresses.
    pub fn wordings(&self) -> [Self; 2] {
        let as_entities = self.clone().with_values(|object| match object {
            Object::Url(address) if is_address(&address) => Object::Entity(address),
            object => object,
        });
        let as_addresses = self.clone().with_values(|object| match object {
            Object::Entity(id) if is_address(&id) => Object::Url(id),
            object => object,
        });
        [as_entities, as_addresses]
    }

    /// The same of other values: a fact's object, and those of its qualifiers.
    fn with_values(self, value: impl Fn(Object) -> Object) -> Self {
        match self {
            Self::Fact { subject, predicate, object, rank, qualifiers } => Self::Fact {
                subject,
                predicate,
                object: value(object),
                rank,
                qualifiers: qualifiers.into_iter().map(|(predicate, own)| (predicate, value(own))).collect(),
            },
            description @ Self::Description { .. } => description,
        }
    }
}

impl Statement<&str> {
    /// The same with texts of its own.
    pub fn into_owned(self) -> Statement {
        match self {
            Self::Fact { subject, predicate, object, rank, qualifiers } => Statement::Fact {
                subject: subject.into(),
                predicate: predicate.into(),
                object: object.map(Into::into),
                rank,
                qualifiers: qualifiers
                    .into_iter()
                    .map(|(p, value)| (p.into(), value.map(Into::into)))
                    .collect(),
            },
            Self::Description { about, what, text, language } => Statement::Description {
                about: about.into(),
                what,
                text: text.into(),
                language: language.map(Into::into),
            },
        }
    }
}

impl Statement {
    /// The same, borrowed.
    pub fn as_ref(&self) -> Statement<&str> {
        match self {
            Self::Fact { subject, predicate, object, rank, qualifiers } => Statement::Fact {
                subject,
                predicate,
                object: object.as_ref(),
                rank: *rank,
                qualifiers: qualifiers
                    .iter()
                    .map(|(predicate, value)| (predicate.as_str(), value.as_ref()))
                    .collect(),
            },
            Self::Description { about, what, text, language } => {
                Statement::Description { about, what: *what, text, language: language.as_deref() }
            }
        }
    }
}

impl<S: AsRef<str>> Statement<S> {
    /// The id of what it is about.
    pub fn about(&self) -> &str {
        match self {
            Self::Fact { subject: about, .. } | Self::Description { about, .. } => about.as_ref(),
        }
    }

    /// The id under which a fact is cited.
    pub fn id(&self) -> FactId {
        fact_id(self.digest())
    }

    /// XXH3-128 of the parts in a fixed order, each with its length before it; the same in every store. A fact's rank is
    /// not among them, its qualifiers are: "mayor, 1990 to 1994" and "mayor, 2002 to 2006" are two facts.
    pub fn digest(&self) -> u128 {
        self.hashed(Addresses::AsStated)
    }

    /// By which one statement is told from another: as [`digest`](Self::digest), but a web address is the same whether it is
    /// stated as an entity's id or as just an address. Which of the two it is read as depends on what else is said of it.
    pub fn identity(&self) -> u128 {
        self.hashed(Addresses::Alike)
    }

    fn hashed(&self, addresses: Addresses) -> u128 {
        let mut bytes = Vec::with_capacity(160);
        let mut part = |tag: u8, text: &str| {
            bytes.push(tag);
            bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        };
        match self {
            Self::Fact { subject, predicate, object, rank: _, qualifiers } => {
                part(b's', subject.as_ref());
                part(b'p', predicate.as_ref());
                object.parts(addresses, &mut part);
                for (predicate, value) in qualifiers {
                    part(b'q', predicate.as_ref());
                    value.parts(addresses, &mut part);
                }
            }
            Self::Description { about, what, text, language } => {
                part(b'a', about.as_ref());
                part(b'k', &(*what as u8).to_string());
                part(b't', text.as_ref());
                if let Some(language) = language {
                    part(b'l', language.as_ref());
                }
            }
        }
        xxh3_128(&bytes)
    }
}

/// How a web address counts in a hash.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Addresses {
    /// As an entity's id, or as just an address.
    AsStated,
    /// The same either way.
    Alike,
}

impl Object {
    /// A number without a unit of its own.
    pub fn number(lexical: impl Into<String>) -> Self {
        Self::Number { lexical: lexical.into(), unit: None }
    }
}

impl<S> Object<S> {
    /// The same with other texts.
    pub fn map<T>(self, text_of: impl Fn(S) -> T) -> Object<T> {
        match self {
            Self::Entity(id) => Object::Entity(text_of(id)),
            Self::Text { text, language } => {
                Object::Text { text: text_of(text), language: language.map(&text_of) }
            }
            Self::Number { lexical, unit } => {
                Object::Number { lexical: text_of(lexical), unit: unit.map(&text_of) }
            }
            Self::Date(date) => Object::Date(text_of(date)),
            Self::Boolean(value) => Object::Boolean(value),
            Self::Url(url) => Object::Url(text_of(url)),
            Self::Coordinate(degrees) => Object::Coordinate(text_of(degrees)),
            Self::Unknown => Object::Unknown,
            Self::Nothing => Object::Nothing,
        }
    }
}

impl<S: Into<String>> Object<S> {
    /// The value of an object that is no entity; an entity's id comes back as the error.
    ///
    /// # Errors
    /// It is an entity.
    pub fn value(self) -> Result<Value, S> {
        Ok(match self {
            Self::Entity(id) => return Err(id),
            Self::Text { text, language } => Value::Text(Label {
                text: text.into(),
                language: language.map(|tag| Language::new(tag.into())),
            }),
            Self::Number { lexical, .. } => {
                let lexical: String = lexical.into();
                let value = lexical.parse().unwrap_or(f64::NAN);
                Value::number(lexical, value)
            }
            Self::Date(date) => Value::Date(date.into()),
            Self::Boolean(value) => Value::Boolean(value),
            Self::Url(url) => Value::Url(url.into()),
            Self::Coordinate(degrees) => {
                let degrees: String = degrees.into();
                let place = degrees.split_once(' ').and_then(|(latitude, longitude)| {
                    let (latitude, longitude) = (latitude.parse().ok()?, longitude.parse().ok()?);
                    Some(Value::Coordinate { latitude, longitude })
                });
                place.unwrap_or(Value::Unknown)
            }
            Self::Unknown => Value::Unknown,
            Self::Nothing => Value::Nothing,
        })
    }
}

impl<S: AsRef<str>> Object<S> {
    /// The same, borrowed.
    pub fn as_ref(&self) -> Object<&str> {
        let texts: Object<&S> = match self {
            Self::Entity(id) => Object::Entity(id),
            Self::Text { text, language } => Object::Text { text, language: language.as_ref() },
            Self::Number { lexical, unit } => Object::Number { lexical, unit: unit.as_ref() },
            Self::Date(date) => Object::Date(date),
            Self::Boolean(value) => Object::Boolean(*value),
            Self::Url(url) => Object::Url(url),
            Self::Coordinate(degrees) => Object::Coordinate(degrees),
            Self::Unknown => Object::Unknown,
            Self::Nothing => Object::Nothing,
        };
        texts.map(AsRef::as_ref)
    }

    /// Gives each part with a letter that tells its kind.
    fn parts(&self, addresses: Addresses, part: &mut impl FnMut(u8, &str)) {
        match self {
            Self::Entity(id) if addresses == Addresses::Alike && is_address(id.as_ref()) => {
                part(b'u', id.as_ref());
            }
            Self::Entity(id) => part(b'e', id.as_ref()),
            Self::Text { text, language } => {
                part(b't', text.as_ref());
                if let Some(language) = language {
                    part(b'l', language.as_ref());
                }
            }
            Self::Number { lexical, unit } => {
                part(b'n', &canonical(lexical.as_ref()));
                if let Some(unit) = unit {
                    part(b'm', unit.as_ref());
                }
            }
            Self::Date(date) => part(b'd', date.as_ref()),
            Self::Boolean(value) => part(b'b', if *value { "1" } else { "0" }),
            Self::Url(url) => part(b'u', url.as_ref()),
            Self::Coordinate(degrees) => part(b'c', degrees.as_ref()),
            Self::Unknown => part(b'x', "some"),
            Self::Nothing => part(b'x', "no"),
        }
    }
}

/// One form for equal numbers, as plain decimals: stores are free to give `38394.0` back as `38394` or `3.8394E4`.
fn canonical(lexical: &str) -> Cow<'_, str> {
    if lexical.contains(['e', 'E'])
        && let Ok(value) = lexical.parse::<f64>()
    {
        return Cow::Owned(canonical(&value.to_string()).into_owned());
    }
    let (sign, digits) = match lexical.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", lexical.strip_prefix('+').unwrap_or(lexical)),
    };
    let digits = match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.'),
        false => digits,
    };
    let digits = digits.trim_start_matches('0');
    match digits.chars().next() {
        None => Cow::Borrowed("0"),
        Some('.') => Cow::Owned(format!("{sign}0{digits}")),
        Some(_) if lexical.ends_with(digits) && lexical.len() == sign.len() + digits.len() => {
            Cow::Borrowed(lexical)
        }
        Some(_) => Cow::Owned(format!("{sign}{digits}")),
    }
}

/// The id to show of a digest: its first 80 bits as 20 hexadecimal digits. Among 100 million facts the chance that any
/// two share an id is below one in 10⁸.
pub fn fact_id(digest: u128) -> FactId {
    FactId(format!("{:020x}", digest >> 48).into())
}

#[cfg(test)]
mod tests {
    use loquat_contract::Rank;

    use super::{Object, Statement, canonical, fact_id};

    #[test]
    fn equal_numbers_have_one_form() {
        for (one, other) in [
            ("38394.0", "38394"),
            ("3.8394E4", "38394"),
            ("+7", "7"),
            ("007", "7"),
            ("0.50", "0.5"),
            (".5", "0.5"),
            ("-0.0", "0"),
            ("-1.10", "-1.1"),
            ("100", "100"),
            ("1e-7", "0.0000001"),
            ("0", "0"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
        ] {
            assert_eq!(canonical(one), other, "{one}");
        }
    }

    #[test]
    fn an_address_is_the_same_whichever_way_it_is_stated() {
        let place = "https://e.example/Paro";
        let said = |object: Object, qualifier: Object| Statement::Fact {
            subject: "Bhutan".into(),
            predicate: "airport".into(),
            object,
            rank: Rank::Normal,
            qualifiers: vec![("near".into(), qualifier)],
        };
        let entity = |id: &str| Object::Entity(id.into());
        let url = |address: &str| Object::Url(address.into());
        let stated = said(entity(place), entity(place));
        for other in
            [said(url(place), entity(place)), said(entity(place), url(place)), said(url(place), url(place))]
        {
            assert_eq!(other.identity(), stated.identity());
            assert_ne!(other.digest(), stated.digest());
        }
        assert_ne!(said(entity("Paro"), url(place)).identity(), said(url("Paro"), url(place)).identity());
        assert_ne!(
            said(entity(place), url(place)).identity(),
            said(url("https://e.example/Ha"), url(place)).identity()
        );
    }

    #[test]
    fn ids_are_stable_and_tell_every_part_apart() {
        let thimphu = Statement::fact("Bhutan", "capital", Object::Entity("Thimphu".into()));
        // A golden value: a change of it would break every citation that was ever stored.
        assert_eq!(fact_id(thimphu.digest()).as_str(), "5b62df1984c5f31c2ac2");
        let others = [
            Statement::fact("Bhutan", "capitalT", Object::Entity("himphu".into())),
            Statement::fact("Bhutanc", "apital", Object::Entity("Thimphu".into())),
            Statement::fact("Bhutan", "capital", Object::Text { text: "Thimphu".into(), language: None }),
            Statement::fact(
                "Bhutan",
                "capital",
                Object::Text { text: "Thimphu".into(), language: Some("en".into()) },
            ),
            Statement::fact("Bhutan", "capital", Object::Url("Thimphu".into())),
        ];
        for (index, other) in others.iter().enumerate() {
            assert_ne!(other.digest(), thimphu.digest());
            for later in &others[index + 1..] {
                assert_ne!(other.digest(), later.digest());
            }
        }
    }
}
