//! Statements on their way to the store. In: statements, in the order of a file. Out: their encoding, and where to go on.

use serde::{Deserialize, Serialize};

use crate::statement::Statement;

/// Encoded statements, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Block {
    bytes: Vec<u8>,
    /// How many of them are facts, and how many are none.
    pub(crate) facts: u64,
    pub(crate) descriptions: u64,
}

/// Where an import can go on after a stop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// Bytes of the unpacked input that are read, up to where the next statement begins.
    pub(crate) bytes: u64,
    /// Lines of it.
    pub(crate) lines: u64,
    /// XXH3-64 of these bytes.
    pub(crate) digest: u64,
    /// Bad lines among them.
    pub(crate) bad: u64,
    /// What the reader has to know of them, in its own encoding.
    pub(crate) state: Vec<u8>,
}

impl Block {
    /// Adds a statement.
    ///
    /// # Errors
    /// None in practice: every statement can be encoded.
    pub(crate) fn push(&mut self, statement: &Statement) -> Result<(), postcard::Error> {
        self.bytes = postcard::to_extend(statement, std::mem::take(&mut self.bytes))?;
        match statement {
            Statement::Fact { .. } => self.facts += 1,
            Statement::Description { .. } => self.descriptions += 1,
        }
        Ok(())
    }

    pub(crate) fn bytes_len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes_len() == 0
    }

    /// The statements, decoded.
    pub(crate) fn statements(&self) -> impl Iterator<Item = Result<Statement, postcard::Error>> + '_ {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let taken = postcard::take_from_bytes(std::mem::take(&mut rest));
            Some(taken.map(|(statement, after)| {
                rest = after;
                statement
            }))
        })
    }
}
