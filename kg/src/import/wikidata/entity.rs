//! One entity of the dump. In: its JSON. Out: statements about it.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use loquat_contract::Rank;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::super::gather::Gather;
use super::super::options::Rules;
use super::names::{DIRECT, ENTITY, is_id};
use super::value::Snak;
use super::{languages, value};
use crate::statement::{Describes, Object, Statement};

/// Text of the JSON, borrowed where it has no escapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl std::ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl<'de> Visitor<'de> for Words {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Words)
    }
}

/// A map, which PHP writes as `[]` where it is empty.
pub(super) struct Map<'a, T>(pub(super) Vec<(Text<'a>, T)>);

impl<T> Default for Map<'_, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for Map<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Map<'de, T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map, or an empty list in its place")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::with_capacity(map.size_hint().unwrap_or(0));
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Map(entries))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                match list.next_element::<IgnoredAny>()? {
                    None => Ok(Map(Vec::new())),
                    Some(_) => Err(A::Error::custom("a list with elements stands in the place of a map")),
                }
            }
        }
        deserializer.deserialize_any(Entries(PhantomData))
    }
}

#[derive(Deserialize)]
struct Entity<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    labels: Map<'a, Term<'a>>,
    #[serde(borrow, default)]
    descriptions: Map<'a, Term<'a>>,
    #[serde(borrow, default)]
    aliases: Map<'a, Vec<Term<'a>>>,
    #[serde(borrow, default)]
    claims: Map<'a, Vec<Claim<'a>>>,
    #[serde(borrow, default)]
    sitelinks: Map<'a, Sitelink<'a>>,
    /// A redirect has these two alone.
    #[serde(borrow)]
    entity: Option<Text<'a>>,
    #[serde(borrow)]
    redirect: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Term<'a> {
    #[serde(borrow)]
    pub(super) language: Text<'a>,
    #[serde(borrow)]
    pub(super) value: Text<'a>,
}

#[derive(Deserialize)]
struct Sitelink<'a> {
    #[serde(borrow)]
    site: Text<'a>,
}

#[derive(Deserialize)]
struct Claim<'a> {
    #[serde(borrow)]
    mainsnak: Snak<'a>,
    rank: ClaimRank,
    #[serde(borrow, default)]
    qualifiers: Map<'a, Vec<Snak<'a>>>,
    #[serde(borrow, default, rename = "qualifiers-order")]
    order: Vec<Text<'a>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ClaimRank {
    Preferred,
    Normal,
    Deprecated,
}

impl From<ClaimRank> for Rank {
    fn from(rank: ClaimRank) -> Self {
        match rank {
            ClaimRank::Preferred => Self::Preferred,
            ClaimRank::Normal => Self::Normal,
            ClaimRank::Deprecated => Self::Deprecated,
        }
    }
}

/// Reads an entity; where anything of it is wrong nothing of it is kept.
pub(super) fn read(json: &str, gather: &mut Gather<'_>) -> Result<(), String> {
    let entity: Entity<'_> = serde_json::from_str(json).map_err(|error| explain(&error))?;
    let mut out = Vec::new();
    if let (Some(from), Some(to)) = (entity.entity.as_ref().or(entity.id.as_ref()), &entity.redirect) {
        if !is_id(from, b'Q') || !is_id(to, b'Q') {
            return Ok(());
        }
        let (about, text) = (format!("{ENTITY}{}", &**from), format!("{ENTITY}{}", &**to));
        out.push(Statement::Description { about, what: Describes::Redirect, text, language: None });
    } else {
        let id = entity.id.as_ref().ok_or("the entity has no id")?;
        match id.as_bytes().first() {
            Some(b'Q') if is_id(id, b'Q') => item(&entity, id, gather.rules, &mut out)?,
            Some(b'P') if is_id(id, b'P') => {
                let about = format!("{DIRECT}{}", &**id);
                let text = String::new();
                out.push(Statement::Description {
                    about: about.clone(),
                    what: Describes::Property,
                    text,
                    language: None,
                });
                described(&entity, &about, gather.rules, &mut out);
            }
            // Lexemes and media have their own dumps.
            Some(b'L' | b'M') => {}
            _ => {
                let kind = entity.kind.as_deref().unwrap_or("entity");
                return Err(format!("{:?} is no id of an {kind}", &**id));
            }
        }
    }
    out.into_iter().for_each(|statement| gather.statement(statement));
    Ok(())
}

fn explain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    // The line is always the first; its column is of help.
    format!("not an entity: {}", text.replace(" at line 1 column ", " at column "))
}

fn item(entity: &Entity<'_>, id: &str, rules: &Rules, out: &mut Vec<Statement>) -> Result<(), String> {
    let about = format!("{ENTITY}{id}");
    let mut facts = Vec::new();
    let mut is_wanted = rules.types.is_empty() || rules.types.contains(&about);
    for (property, claims) in &entity.claims.0 {
        if !is_id(property, b'P') {
            return Err(format!("{:?} is no id of a property", &**property));
        }
        let predicate = format!("{DIRECT}{}", &**property);
        for claim in claims {
            if let Some(fact) = fact(&about, &predicate, claim)? {
                if let Statement::Fact { object: Object::Entity(class), rank, .. } = &fact {
                    is_wanted |=
                        &**property == "P31" && *rank != Rank::Deprecated && rules.types.contains(class);
                }
                facts.push(fact);
            }
        }
    }
    let page = |link: &Sitelink<'_>| languages::of_wikipedia(&link.site);
    if let Some(wanted) = &rules.filter.wikipedia {
        let has_page = |(_, link): &(Text<'_>, Sitelink<'_>)| {
            page(link).is_some_and(|language| wanted.allows(&language))
        };
        is_wanted &= entity.sitelinks.0.iter().any(has_page) || rules.types.contains(&about);
    }
    if !is_wanted {
        return Ok(());
    }
    described(entity, &about, rules, out);
    if !entity.sitelinks.0.is_empty() {
        let text = entity.sitelinks.0.len().to_string();
        out.push(Statement::Description { about, what: Describes::Popularity, text, language: None });
    }
    out.append(&mut facts);
    Ok(())
}

/// The names of an item or property.
fn described(entity: &Entity<'_>, about: &str, rules: &Rules, out: &mut Vec<Statement>) {
    let wanted = &rules.filter.languages;
    let mut push = |what, term: &Term<'_>| {
        let language = (&*term.language != "mul").then(|| term.language.to_string());
        let (about, text) = (about.to_owned(), term.value.to_string());
        out.push(Statement::Description { about, what, text, language });
    };
    let labels: Vec<&Term<'_>> = entity.labels.0.iter().map(|(_, term)| term).collect();
    let (names, further) = languages::chosen(&labels, wanted);
    names.into_iter().for_each(|term| push(Describes::Label, term));
    further.into_iter().for_each(|term| push(Describes::Alias, term));
    for term in entity.aliases.0.iter().flat_map(|(_, terms)| terms) {
        if rules.keeps_language(Some(&term.language)) {
            push(Describes::Alias, term);
        }
    }
    let descriptions: Vec<&Term<'_>> = entity.descriptions.0.iter().map(|(_, term)| term).collect();
    languages::chosen(&descriptions, wanted)
        .0
        .into_iter()
        .for_each(|term| push(Describes::Description, term));
}

/// The fact of a claim; `None` where its value is of a kind that is not known.
fn fact(subject: &str, predicate: &str, claim: &Claim<'_>) -> Result<Option<Statement>, String> {
    let Some(object) = value::object(&claim.mainsnak)? else { return Ok(None) };
    let mut qualifiers = Vec::new();
    let place = |property: &str| claim.order.iter().position(|ordered| &**ordered == property);
    let mut groups: Vec<&(Text<'_>, Vec<Snak<'_>>)> = claim.qualifiers.0.iter().collect();
    groups.sort_by_key(|(property, _)| place(property).unwrap_or(usize::MAX));
    for (property, snaks) in groups {
        if !is_id(property, b'P') {
            return Err(format!("{:?} is no id of a property", &**property));
        }
        for snak in snaks {
            if let Some(value) = value::object(snak)? {
                qualifiers.push((format!("{DIRECT}{}", &**property), value));
            }
        }
    }
    let (subject, predicate) = (subject.to_owned(), predicate.to_owned());
    Ok(Some(Statement::Fact { subject, predicate, object, rank: claim.rank.into(), qualifiers }))
}
