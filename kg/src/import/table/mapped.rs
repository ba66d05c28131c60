//! Rows by a mapping. In: cells. Out: the facts and names that the mapping finds in them.

use std::borrow::Cow;

use super::Rows;
use super::cell::{id, typed};
use crate::import::gather::Gather;
use crate::import::mapping::{Column, FactColumn, Mapping, Name, nearest};
use crate::import::triple::{coordinate, number};
use crate::statement::{Describes, Object, Statement};
use crate::vocabulary::RDF_TYPE;

/// A mapping, fitted to the columns of a file.
#[derive(Debug)]
pub(crate) struct Mapped {
    columns: usize,
    has_header: bool,
    ignore: Vec<String>,
    subject: usize,
    prefix: String,
    class: Option<String>,
    names: Vec<(Describes, usize, Name)>,
    popularity: Option<usize>,
    facts: Vec<Fact>,
}

#[derive(Debug)]
struct Fact {
    column: usize,
    longitude: Option<usize>,
    predicate: String,
    rest: FactColumn,
}

impl Mapped {
    /// Fits a mapping to a file, of which this is the first row.
    ///
    /// # Errors
    /// The file has not a column that the mapping names.
    pub(crate) fn new(mapping: &Mapping, first: &[&str]) -> Result<Self, String> {
        let has_header = mapping.header.unwrap_or(mapping.columns.is_empty());
        let names: Vec<&str> = match (mapping.columns.is_empty(), has_header) {
            (false, _) => mapping.columns.iter().map(String::as_str).collect(),
            (true, true) => first.iter().map(|cell| cell.trim()).collect(),
            (true, false) => Vec::new(),
        };
        let columns = if names.is_empty() { first.len() } else { names.len() };
        let find = |column: &Column| match column {
            Column::Number(number) if (1..=columns).contains(number) => Ok(number - 1),
            Column::Number(number) => Err(format!("it has no column {number}; it has {columns}")),
            Column::Name(name) => names.iter().position(|known| known == name).ok_or_else(|| {
                let near = nearest(name, &names).map(|near| format!("; did you mean `{near}`?"));
                let list = if names.is_empty() { "no names of columns".to_owned() } else { names.join(", ") };
                format!("it has no column `{name}`{}; it has {list}", near.unwrap_or_default())
            }),
        };
        let mut named = Vec::new();
        for (what, columns) in [
            (Describes::Label, &mapping.label),
            (Describes::Alias, &mapping.alias),
            (Describes::Description, &mapping.description),
        ] {
            for name in columns {
                named.push((what, find(&name.column)?, name.clone()));
            }
        }
        let mut facts = Vec::new();
        for rest in &mapping.fact {
            let column = find(&rest.column)?;
            let predicate = match (&rest.predicate, names.get(column)) {
                (Some(predicate), _) => predicate.clone(),
                (None, Some(name)) => (*name).to_owned(),
                (None, None) => {
                    return Err(format!("column {} has no name; give it a `predicate`", column + 1));
                }
            };
            let longitude = rest.longitude.as_ref().map(find).transpose()?;
            facts.push(Fact { column, longitude, predicate, rest: rest.clone() });
        }
        Ok(Self {
            columns,
            has_header,
            ignore: mapping.ignore.clone(),
            subject: find(&mapping.subject.column)?,
            prefix: mapping.subject.prefix.clone(),
            class: mapping.subject.class.clone(),
            names: named,
            popularity: mapping.popularity.as_ref().map(|column| find(&column.column)).transpose()?,
            facts,
        })
    }

    fn says_nothing(&self, cell: &str, ignore: &[String]) -> bool {
        cell.is_empty() || self.ignore.iter().chain(ignore).any(|nothing| nothing == cell)
    }

    fn facts(
        &self,
        fact: &Fact,
        subject: &str,
        cells: &[&str],
        out: &mut Vec<Statement>,
    ) -> Result<(), String> {
        let Fact { column, longitude, predicate, rest } = fact;
        for cell in parts(cells[*column], rest.separator.as_deref()) {
            if self.says_nothing(cell, &rest.ignore) {
                continue;
            }
            let object = match longitude {
                Some(longitude) => coordinate(cell, cells[*longitude].trim()).map(Object::Coordinate),
                None => typed(cell, rest.kind, &rest.prefix, rest.language.as_deref()),
            };
            let object =
                object.ok_or_else(|| format!("{cell:?} is no value for the column of {predicate}"))?;
            if rest.named
                && let Object::Entity(about) = &object
            {
                out.push(description(about, Describes::Label, cell, rest.language.as_deref()));
            }
            out.push(Statement::fact(subject, predicate, object));
        }
        Ok(())
    }
}

impl Rows for Mapped {
    fn row(&self, cells: &[&str], gather: &mut Gather<'_>) -> Result<(), String> {
        if cells.len() != self.columns {
            return Err(format!("{} columns are needed and there are {}", self.columns, cells.len()));
        }
        let subject = cells[self.subject].trim();
        if subject.is_empty() {
            return Err("the column of the subject is empty".to_owned());
        }
        let subject: Cow<'_, str> = id(&self.prefix, subject);
        let mut statements = Vec::with_capacity(self.names.len() + self.facts.len() + 2);
        for (what, column, name) in &self.names {
            for cell in parts(cells[*column], name.separator.as_deref()) {
                if !self.says_nothing(cell, &[]) {
                    statements.push(description(&subject, *what, cell, name.language.as_deref()));
                }
            }
        }
        if let Some(column) = self.popularity {
            let cell = cells[column].trim();
            if !self.says_nothing(cell, &[]) {
                let cell = number(cell).ok_or_else(|| format!("the popularity {cell:?} is no number"))?;
                statements.push(description(&subject, Describes::Popularity, cell, None));
            }
        }
        if let Some(class) = &self.class {
            statements.push(Statement::fact(&subject, RDF_TYPE, Object::Entity(class.clone())));
        }
        for fact in &self.facts {
            self.facts(fact, &subject, cells, &mut statements)?;
        }
        // A bad row is put aside as a whole, so nothing of it is kept before it has been read to its end.
        statements.into_iter().for_each(|statement| gather.statement(statement));
        Ok(())
    }

    fn is_header(&self, _cells: &[&str]) -> bool {
        self.has_header
    }

    fn prelude(&self) -> Vec<Statement> {
        let mut statements = Vec::new();
        for fact in &self.facts {
            let what = |what, text: &String, language: Option<&str>| {
                description(&fact.predicate, what, text, language)
            };
            let label = fact.rest.label.as_ref();
            statements.extend(label.map(|text| what(Describes::Label, text, fact.rest.language.as_deref())));
            statements.extend(fact.rest.unit.as_ref().map(|unit| what(Describes::Unit, unit, None)));
        }
        statements
    }
}

/// The values of a cell.
fn parts<'a>(cell: &'a str, separator: Option<&'a str>) -> impl Iterator<Item = &'a str> {
    let (several, one) = match separator {
        Some(separator) => (Some(cell.split(separator)), None),
        None => (None, Some(cell)),
    };
    several.into_iter().flatten().chain(one).map(str::trim)
}

fn description(about: &str, what: Describes, text: &str, language: Option<&str>) -> Statement {
    let (about, text, language) = (about.to_owned(), text.to_owned(), language.map(str::to_owned));
    Statement::Description { about, what, text, language }
}
