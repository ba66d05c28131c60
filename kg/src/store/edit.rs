//! Single changes. In: statements to add or to take away. Out: durable records, in order.

use loquat_contract::Generation;
use serde::{Deserialize, Serialize};

use super::{EDITS, Store, number};
use crate::GraphError;
use crate::statement::Statement;

/// What an edit does with its statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Change {
    /// The graph holds it, whatever its sources say.
    Add,
    /// The graph does not hold it, whatever its sources say.
    Remove,
}

/// One change. A later one of the same statement counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Edit {
    pub(crate) generation: u64,
    pub(crate) change: Change,
    pub(crate) statement: Statement,
    /// What the fact cites.
    pub(crate) source: String,
}

impl Store {
    /// Writes changes, all under one new generation; durable, all or none, when this returns. Gives them with their numbers.
    pub(crate) fn edit(
        &mut self,
        changes: Vec<(Change, Statement)>,
        source: &str,
    ) -> Result<(Generation, Vec<(u64, Edit)>), GraphError> {
        self.mark_pending()?;
        let generation = self.raise_generation()?;
        let mut batch = loquat_store::Batch::default();
        let mut edits = Vec::with_capacity(changes.len());
        for (number, (change, statement)) in (self.last_edit + 1..).zip(changes) {
            let edit = Edit { generation: generation.0, change, statement, source: source.to_owned() };
            batch.insert(number.to_be_bytes().to_vec(), self.encode(&edit)?);
            edits.push((number, edit));
        }
        self.database()?.apply(EDITS, batch).map_err(|source| self.failed(source))?;
        self.flush()?;
        self.last_edit += edits.len() as u64;
        Ok((generation, edits))
    }

    /// The edits after this one.
    pub(crate) fn edits_after(&mut self, last: u64) -> Result<Vec<(u64, Edit)>, GraphError> {
        let mut edits = Vec::new();
        for entry in self.database()?.scan_from(EDITS, &(last + 1).to_be_bytes()) {
            let (key, value) = entry.map_err(|source| self.failed(source))?;
            edits.push((number(&key), self.decode(&value)?));
        }
        Ok(edits)
    }

    /// Removes edits that later ones have made void.
    pub(crate) fn forget_edits(&mut self, void: &[u64]) -> Result<(), GraphError> {
        for number in void {
            self.remove(EDITS, &number.to_be_bytes())?;
        }
        self.flush()
    }
}
