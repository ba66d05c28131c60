//! What the columns of a table mean. In: a small TOML file. Out: a mapping, or what is wrong with it and what is near.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::table::cell::Kind;
use crate::GraphError;

/// What the columns of a table mean; the crate's documentation tells how it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The names of the columns, where the file does not tell them.
    #[serde(default)]
    pub(super) columns: Vec<String>,
    /// Whether the first row is a header; without this key it is one unless `columns` are given.
    pub(super) header: Option<bool>,
    /// What stands between the cells; without this key a tab in `.tsv` and a comma elsewhere.
    pub(super) delimiter: Option<char>,
    /// Cells that say nothing, in any column; empty ones never do.
    #[serde(default)]
    pub(super) ignore: Vec<String>,
    pub(super) subject: Subject,
    #[serde(default)]
    pub(super) label: Vec<Name>,
    #[serde(default)]
    pub(super) alias: Vec<Name>,
    #[serde(default)]
    pub(super) description: Vec<Name>,
    pub(super) popularity: Option<Popularity>,
    #[serde(default)]
    pub(super) fact: Vec<FactColumn>,
}

/// A column, by name or by number from 1.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum Column {
    Number(usize),
    Name(String),
}

impl Default for Column {
    fn default() -> Self {
        Self::Number(1)
    }
}

/// What a row is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Subject {
    pub(super) column: Column,
    /// Before the cell, to make it an IRI.
    #[serde(default)]
    pub(super) prefix: String,
    /// The id of the class that all are of.
    #[serde(rename = "type")]
    pub(super) class: Option<String>,
}

/// Names or descriptions.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Name {
    pub(super) column: Column,
    pub(super) language: Option<String>,
    /// Between several in one cell.
    pub(super) separator: Option<String>,
}

/// How well known it is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Popularity {
    pub(super) column: Column,
}

/// A column of facts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FactColumn {
    pub(super) column: Column,
    /// The predicate's id; without it the column's name.
    pub(super) predicate: Option<String>,
    /// The predicate's name, and its language.
    pub(super) label: Option<String>,
    pub(super) language: Option<String>,
    #[serde(default, rename = "type")]
    pub(super) kind: Kind,
    /// Before an entity's id or an address.
    #[serde(default)]
    pub(super) prefix: String,
    /// Whether the cell is the entity's name too.
    #[serde(default)]
    pub(super) named: bool,
    /// The unit of numbers, as a symbol.
    pub(super) unit: Option<String>,
    /// The column of the longitude, where this one is the latitude alone.
    pub(super) longitude: Option<Column>,
    /// Between several values in one cell.
    pub(super) separator: Option<String>,
    /// Cells that say nothing.
    #[serde(default)]
    pub(super) ignore: Vec<String>,
}

impl Mapping {
    /// Reads a mapping.
    ///
    /// # Errors
    /// The file cannot be read, or is not understood.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, GraphError> {
        let path = path.as_ref();
        let text =
            fs::read_to_string(path).map_err(|source| GraphError::Read { path: path.to_owned(), source })?;
        Self::parse(&text).map_err(|problem| GraphError::Mapping { path: path.to_owned(), problem })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mapping: Self = toml::from_str(text).map_err(|error| explain(error.to_string()))?;
        let separators = mapping
            .fact
            .iter()
            .map(|fact| &fact.separator)
            .chain(mapping.alias.iter().map(|name| &name.separator));
        if separators.flatten().any(String::is_empty) {
            return Err("a `separator` is empty; leave the key out where a cell has one value".to_owned());
        }
        if mapping.delimiter.is_some_and(|delimiter| !delimiter.is_ascii()) {
            return Err("the `delimiter` has to be an ASCII character".to_owned());
        }
        if let Some(fact) = mapping.fact.iter().find(|fact| fact.unit.is_some() && fact.kind != Kind::Number)
        {
            return Err(format!(
                "`unit` is for numbers; add `type = \"number\"` to the column {:?}",
                fact.column
            ));
        }
        Ok(mapping)
    }
}

/// What is wrong, with the known key or value that is nearest to an unknown one.
fn explain(message: String) -> String {
    let quoted: Vec<&str> =
        message.lines().last().unwrap_or_default().split('`').skip(1).step_by(2).collect();
    let is_unknown = message.contains("unknown field") || message.contains("unknown variant");
    match quoted.split_first().filter(|_| is_unknown).and_then(|(wrong, known)| nearest(wrong, known)) {
        Some(near) => format!("{}; did you mean `{near}`?", message.trim_end()),
        None => message.trim_end().to_owned(),
    }
}

/// The known word that is most like the wrong one.
pub(super) fn nearest<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(wrong, name), *name))
        .filter(|(distance, name)| *distance <= name.chars().count().max(3) / 2)
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::{Column, Kind, Mapping};

    #[test]
    fn a_mapping_is_read() {
        let mapping = Mapping::parse(
            "columns = [\"name\", \"owner\"]\n[subject]\ncolumn = \"name\"\n[[fact]]\ncolumn = 2\ntype = \"entity\"\n",
        )
        .unwrap();
        assert_eq!(mapping.subject.column, Column::Name("name".into()));
        assert_eq!((mapping.fact[0].column.clone(), mapping.fact[0].kind), (Column::Number(2), Kind::Entity));
    }

    #[test]
    fn unknown_keys_and_kinds_are_refused_with_the_nearest_known() {
        for (text, near) in [
            ("colums = []\n[subject]\ncolumn = 1", "did you mean `columns`?"),
            ("[subject]\ncolumn = 1\nprefx = \"a\"", "did you mean `prefix`?"),
            ("[subject]\ncolumn = 1\n[[fact]]\ncolumn = 2\ntype = \"nubmer\"", "did you mean `number`?"),
            ("[[fact]]\ncolumn = 2", "missing field `subject`"),
            ("[subject]\ncolumn = 1\n[[fact]]\ncolumn = 2\nunit = \"m\"", "`type = \"number\"`"),
            ("[subject]\ncolumn = 1\n[[alias]]\ncolumn = 2\nseparator = \"\"", "`separator` is empty"),
        ] {
            let error = Mapping::parse(text).unwrap_err();
            assert!(error.contains(near), "{error}");
        }
    }
}
