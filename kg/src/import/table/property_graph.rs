//! Property graphs as tables. In: rows of nodes or relationships, as `neo4j-admin database import` takes them and
//! `apoc.export.csv` writes them. Out: facts; the properties of a relationship are its qualifiers.
//!
//! | header | meaning |
//! |---|---|
//! | `id:ID(Space)`, `_id` | the node's id; entities are named `Space/id`, or `id` without a space |
//! | `:LABEL`, `_labels` | classes, separated by `;` or `:` |
//! | `:START_ID(Space)`, `:END_ID(Space)`, `:TYPE`; `_start`, `_end`, `_type` | a relationship |
//! | `name:string`, `tags:string[]`, `born:int` | properties, in arrays separated by `;` |
//! | `:IGNORE` | nothing |

use loquat_contract::Rank;

use super::Rows;
use super::cell::{Kind, text, typed, value_or_text};
use crate::import::gather::Gather;
use crate::statement::{Describes, Object, Statement};
use crate::vocabulary::RDF_TYPE;

/// Properties that name a node, the first before the others.
const NAMES: [&str; 4] = ["name", "title", "label", "displayname"];

/// A column, by its header.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Column {
    Ignored,
    Id(String),
    Labels,
    Start(String),
    End(String),
    Type,
    Property { name: String, kind: Option<Kind>, is_array: bool },
}

/// What the columns of a file are.
#[derive(Debug)]
pub(crate) struct PropertyGraph {
    columns: Vec<Column>,
    /// The property that names nodes.
    name: Option<usize>,
    has_nodes: bool,
    has_relationships: bool,
}

impl PropertyGraph {
    /// The columns of a header; `None` where it is not one of a property graph.
    pub(crate) fn of_header(cells: &[&str]) -> Option<Self> {
        let columns: Vec<Column> = cells.iter().map(|cell| Column::of(cell.trim())).collect();
        let has = |wanted: fn(&Column) -> bool| columns.iter().any(wanted);
        let has_nodes = has(|column| matches!(column, Column::Id(_)));
        let has_relationships = has(|column| matches!(column, Column::Start(_)))
            && has(|column| matches!(column, Column::End(_)));
        let named = |wanted: &&str| {
            columns.iter().position(|column| match column {
                Column::Property { name, kind, is_array } => {
                    name.eq_ignore_ascii_case(wanted) && !is_array && matches!(kind, None | Some(Kind::Text))
                }
                _ => false,
            })
        };
        let name = NAMES.iter().find_map(named);
        (has_nodes || has_relationships).then_some(Self { columns, name, has_nodes, has_relationships })
    }

    fn node(&self, id: String, cells: &[&str], gather: &mut Gather<'_>) -> Result<(), String> {
        let mut statements = Vec::with_capacity(cells.len());
        for (index, (column, cell)) in self.columns.iter().zip(cells).enumerate() {
            match column {
                _ if cell.is_empty() => {}
                Column::Labels => {
                    let labels = cell.split([';', ':']).map(str::trim).filter(|label| !label.is_empty());
                    statements.extend(
                        labels.map(|label| Statement::fact(&id, RDF_TYPE, Object::Entity(label.to_owned()))),
                    );
                }
                Column::Property { .. } if self.name == Some(index) => {
                    let (about, text) = (id.clone(), (*cell).to_owned());
                    statements.insert(
                        0,
                        Statement::Description { about, what: Describes::Label, text, language: None },
                    );
                }
                Column::Property { name, .. } => {
                    for value in column.values(cell)? {
                        statements.push(Statement::fact(&id, name, value));
                    }
                }
                _ => {}
            }
        }
        statements.into_iter().for_each(|statement| gather.statement(statement));
        Ok(())
    }

    fn relationship(
        &self,
        subject: String,
        object: String,
        cells: &[&str],
        gather: &mut Gather<'_>,
    ) -> Result<(), String> {
        let of_type =
            |(column, cell): (&Column, &&str)| (*column == Column::Type).then(|| (*cell).to_owned());
        let predicate = self.columns.iter().zip(cells).find_map(of_type).unwrap_or_default();
        if predicate.is_empty() {
            return Err("the relationship has no type".to_owned());
        }
        let mut qualifiers = Vec::new();
        for (column, cell) in self.columns.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
            if let Column::Property { name, .. } = column {
                qualifiers.extend(column.values(cell)?.into_iter().map(|value| (name.clone(), value)));
            }
        }
        let object = Object::Entity(object);
        gather.statement(Statement::Fact { subject, predicate, object, rank: Rank::Normal, qualifiers });
        Ok(())
    }
}

impl Rows for PropertyGraph {
    fn row(&self, cells: &[&str], gather: &mut Gather<'_>) -> Result<(), String> {
        if cells.len() != self.columns.len() {
            return Err(format!("{} columns are needed and there are {}", self.columns.len(), cells.len()));
        }
        let cells: Vec<&str> = cells.iter().map(|cell| cell.trim()).collect();
        let find = |wanted: fn(&Column) -> Option<&String>| {
            let found = |(column, cell): (&Column, &&str)| {
                wanted(column).filter(|_| !cell.is_empty()).map(|space| named(space, cell))
            };
            self.columns.iter().zip(&cells).find_map(found)
        };
        let start = find(|column| if let Column::Start(space) = column { Some(space) } else { None });
        let end = find(|column| if let Column::End(space) = column { Some(space) } else { None });
        let id = find(|column| if let Column::Id(space) = column { Some(space) } else { None });
        match (start, end, id) {
            (Some(start), Some(end), _) => self.relationship(start, end, &cells, gather),
            (None, None, Some(id)) if self.has_nodes => self.node(id, &cells, gather),
            _ if self.has_relationships => Err("the relationship has no start or no end".to_owned()),
            _ => Err("the node has no id".to_owned()),
        }
    }

    fn is_header(&self, _cells: &[&str]) -> bool {
        true
    }
}

/// The id of an entity in a space of ids.
fn named(space: &str, id: &str) -> String {
    if space.is_empty() { id.to_owned() } else { format!("{space}/{id}") }
}

impl Column {
    fn of(header: &str) -> Self {
        match header {
            "_id" => return Self::Id(String::new()),
            "_labels" => return Self::Labels,
            "_start" => return Self::Start(String::new()),
            "_end" => return Self::End(String::new()),
            "_type" => return Self::Type,
            _ => {}
        }
        let (name, kind) = header.rsplit_once(':').unwrap_or((header, ""));
        // `ID(Space)`, and options such as `datetime{timezone:Europe/Stockholm}`.
        let kind = kind.split('{').next().unwrap_or_default();
        let (kind, space) = match kind.split_once('(') {
            Some((kind, space)) => (kind, space.trim_end_matches(')').to_owned()),
            None => (kind, String::new()),
        };
        let (kind, is_array) = kind.strip_suffix("[]").map_or((kind, false), |kind| (kind, true));
        let kind = match kind.to_ascii_lowercase().as_str() {
            "id" => return Self::Id(space),
            "label" => return Self::Labels,
            "start_id" => return Self::Start(space),
            "end_id" => return Self::End(space),
            "type" => return Self::Type,
            "ignore" => return Self::Ignored,
            "int" | "integer" | "long" | "float" | "double" | "byte" | "short" => Some(Kind::Number),
            "boolean" => Some(Kind::Boolean),
            "date" | "datetime" | "localdatetime" => Some(Kind::Date),
            "point" => Some(Kind::Coordinate),
            "" => None,
            _ => Some(Kind::Text),
        };
        Self::Property { name: name.to_owned(), kind, is_array }
    }

    /// The values of a cell that is not empty.
    fn values(&self, cell: &str) -> Result<Vec<Object>, String> {
        let Self::Property { name, kind, is_array } = self else { return Ok(Vec::new()) };
        let one = |cell: &str| match kind {
            None => Ok(value_or_text(cell)),
            Some(Kind::Coordinate) => Ok(point(cell).unwrap_or_else(|| text(cell))),
            Some(kind) => typed(cell, *kind, "", None)
                .ok_or_else(|| format!("{cell:?} is no value for the column {name}")),
        };
        if *is_array {
            cell.split(';').map(str::trim).filter(|cell| !cell.is_empty()).map(one).collect()
        } else {
            Ok(vec![one(cell)?])
        }
    }
}

/// `{latitude: 1.0, longitude: 2.0}`, also with `y` and `x`; `None` where it is no place on Earth.
fn point(cell: &str) -> Option<Object> {
    let inner = cell.trim().strip_prefix('{')?.strip_suffix('}')?;
    let of = |names: [&str; 2]| {
        let named = |part: &str| {
            let (name, number) = part.split_once(':')?;
            let name = name.trim().trim_matches(['"', '\'']);
            names.iter().any(|wanted| name.eq_ignore_ascii_case(wanted)).then(|| number.trim().to_owned())
        };
        inner.split(',').find_map(named)
    };
    let coordinate = format!("{} {}", of(["latitude", "y"])?, of(["longitude", "x"])?);
    typed(&coordinate, Kind::Coordinate, "", None)
}
