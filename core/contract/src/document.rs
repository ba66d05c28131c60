//! Text with portable formatting, as a tree. In: Markdown, or plain sentences. Out: blocks of inlines, which each
//! platform's markup is made from. Knows no platform.

mod markdown;
mod narrow;
mod render;

use serde::{Deserialize, Serialize};

use crate::Mentioned;

pub use render::Format;

/// A text: blocks one below the other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Document {
    /// The blocks.
    pub blocks: Vec<Block>,
}

/// A part of a text that stands on lines of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(no_recursion))]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// Running text.
    Paragraph(Vec<Inline>),
    /// A heading.
    Heading(Vec<Inline>),
    /// Code, in a language where it is said.
    Code {
        /// The language; empty where it is not said.
        language: String,
        /// The code, without the line break at its end.
        text: String,
    },
    /// A list.
    List {
        /// The first number of a numbered list; `None` for bullets.
        start: Option<u64>,
        /// The items.
        items: Vec<Document>,
    },
    /// What somebody else said.
    Quote(Document),
    /// A table.
    Table {
        /// The heads of its columns.
        header: Vec<Vec<Inline>>,
        /// Its rows, each with as many cells as the header.
        rows: Vec<Vec<Vec<Inline>>>,
    },
}

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(no_recursion))]
#[serde(rename_all = "snake_case")]
pub enum Inline {
    /// Words, to be shown as they are.
    Text(String),
    /// Strong words.
    Strong(Vec<Inline>),
    /// Stressed words.
    Emphasis(Vec<Inline>),
    /// Code inside a line.
    Code(String),
    /// A link.
    Link {
        /// Where it leads.
        url: String,
        /// What is shown of it.
        label: Vec<Inline>,
    },
    /// Somebody, to be told that they are named. Only the host makes one: a name in a text never becomes one.
    Mention(Mentioned),
    /// The number of a citation, counted from 1.
    Citation(usize),
    /// A new line inside a paragraph.
    Break,
}

/// The blocks alone, as `transparent` has it.
#[cfg(feature = "schema")]
impl utoipa::PartialSchema for Document {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        let block = utoipa::openapi::Ref::from_schema_name("Block");
        utoipa::openapi::schema::ArrayBuilder::new()
            .items(block)
            .description(Some("Blocks one below the other."))
            .into()
    }
}

#[cfg(feature = "schema")]
impl utoipa::ToSchema for Document {
    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>) {
        schemas.push(("Block".to_owned(), <Block as utoipa::PartialSchema>::schema()));
        schemas.push(("Inline".to_owned(), <Inline as utoipa::PartialSchema>::schema()));
        schemas.push(("Mentioned".to_owned(), <Mentioned as utoipa::PartialSchema>::schema()));
    }
}

impl Document {
    /// One paragraph of plain words.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { blocks: vec![Block::Paragraph(vec![Inline::Text(text.into())])] }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }
}
