//! Statements as the store keeps them. In: statements. Out: compressed bytes, and the statements again.

use serde::Serialize;

use crate::statement::Statement;

/// zstd's level: the fastest of those that are much smaller than none.
const LEVEL: i32 = 1;

/// The longest block that is unpacked, in bytes: far more than one statement that an import takes.
const LONGEST: usize = 256 << 20;

/// Statements in the order of their file, encoded one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Block {
    bytes: Vec<u8>,
    pub(crate) facts: u64,
    pub(crate) descriptions: u64,
}

impl Block {
    pub(crate) fn push<S: AsRef<str> + Serialize>(
        &mut self,
        statement: &Statement<S>,
    ) -> Result<(), postcard::Error> {
        match statement {
            Statement::Fact { .. } => self.facts += 1,
            Statement::Description { .. } => self.descriptions += 1,
        }
        self.bytes = postcard::to_extend(statement, std::mem::take(&mut self.bytes))?;
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The statements, as they come back.
    #[cfg(test)]
    pub(crate) fn statements(&self) -> Vec<Statement> {
        let mut found = Vec::new();
        unpack::<Box<dyn std::error::Error>>(&self.pack().unwrap(), |statement| {
            found.push(statement.into_owned());
            Ok(())
        })
        .unwrap();
        found
    }

    /// The bytes to store.
    pub(super) fn pack(&self) -> std::io::Result<Vec<u8>> {
        zstd::bulk::compress(&self.bytes, LEVEL)
    }
}

/// Calls `take` with each statement of a stored block.
pub(super) fn unpack<E: From<postcard::Error> + From<std::io::Error>>(
    packed: &[u8],
    mut take: impl FnMut(Statement<&str>) -> Result<(), E>,
) -> Result<(), E> {
    let length = zstd::bulk::Decompressor::upper_bound(packed).unwrap_or(LONGEST);
    let bytes = zstd::bulk::decompress(packed, length.min(LONGEST))?;
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let (statement, after) = postcard::take_from_bytes::<Statement<&str>>(rest)?;
        take(statement)?;
        rest = after;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::{Describes, Object};
    use loquat_contract::Rank;

    #[test]
    fn statements_come_back_in_order() {
        let statements: Vec<Statement> = (0..1000)
            .map(|n| match n % 3 {
                0 => Statement::Description {
                    about: format!("e{n}"),
                    what: Describes::Label,
                    text: "Ö".repeat(n),
                    language: Some("de".into()),
                },
                1 => Statement::fact(&format!("e{n}"), "p", Object::number(n.to_string())),
                _ => Statement::Fact {
                    subject: "s".into(),
                    predicate: "p".into(),
                    object: Object::Entity(format!("o{n}")),
                    rank: Rank::Preferred,
                    qualifiers: vec![("since".into(), Object::Date("1907".into()))],
                },
            })
            .collect();
        let mut block = Block::default();
        for statement in &statements {
            block.push(statement).unwrap();
        }
        assert_eq!((block.facts, block.descriptions), (666, 334));
        let packed = block.pack().unwrap();
        let mut back = Vec::new();
        unpack::<Box<dyn std::error::Error>>(&packed, |statement| {
            back.push(format!("{statement:?}"));
            Ok(())
        })
        .unwrap();
        assert_eq!(back, statements.iter().map(|statement| format!("{statement:?}")).collect::<Vec<_>>());
        assert!(unpack::<Box<dyn std::error::Error>>(&packed[1..], |_| Ok(())).is_err());
    }
}
