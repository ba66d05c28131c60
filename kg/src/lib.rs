//! The knowledge graph: facts in sled, walked with petgraph, found from plain text.
//!
//! In: graph files and text. Out: mentions and facts, as [`Knowledge`](loquat_contract::Knowledge) promises. Knows nothing
//! of dialogue, models or platforms.
//!
//! The way of a fact, which is the order of the modules: a file is **imported** line by line into *statements*; the **store**
//! keeps them in sled; the **view** holds them as a petgraph graph; **link** finds its names in text; [`Graph`] is the front.
//!
//! ```
//! use loquat_kg::{Graph, ImportOptions};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let file = folder.path().join("facts.tsv");
//! std::fs::write(&file, "Bhutan\tcapital\tThimphu\n")?;
//! let graph = Graph::open(folder.path().join("graph"))?;
//! let report = graph.import(&file, &ImportOptions::default(), |_progress| {})?;
//! assert_eq!((report.facts, report.bad), (1, 0));
//!
//! let mentions = graph.mentions("What is Bhutan's capital?");
//! assert_eq!(mentions[0].text, "Bhutan");
//! let facts = &graph.show("bhutan", 10)[0].facts;
//! assert_eq!(facts[0].predicate.id.as_str(), "capital");
//! # Ok(()) }
//! ```
//!
#![doc = include_str!("../docs/files.md")]

mod error;
mod graph;
mod linked;

mod import;
mod store;

mod build;
mod export;
mod snapshot;
mod view;

mod link;
mod search;

use loquat_terms::{names, statement, vocabulary};

pub use error::GraphError;
pub use export::Exported;
pub use graph::{Graph, Shown, Source, Stats};
pub use import::{
    BadLine, Filter, Format, ImportOptions, ImportReport, IntoFlow, Mapping, Progress, Wikipedia, check,
    names_columns, object_of_cell, statement_of_row,
};
pub use linked::{Linked, Unlinked};
pub use loquat_terms::statement::{Describes, Object, Statement};
pub use search::{Found, Search};
pub use view::{Edge, FactIndex, Walk};
