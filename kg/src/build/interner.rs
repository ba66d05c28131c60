//! Byte strings that are told apart once. In: bytes. Out: a number for each different one, from 0 on.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use crate::GraphError;

/// More would not leave a bit to tell literals from entities.
const MOST: usize = 1 << 31;

/// Different byte strings, one after the other, and a table of their numbers.
#[derive(Default)]
pub(super) struct Interner {
    bytes: Vec<u8>,
    ends: Vec<u64>,
    table: HashTable<u32>,
}

impl Interner {
    /// The number of a byte string that is likely the one that was asked for last, as subjects and predicates are.
    pub(super) fn intern_again(&mut self, wanted: &[u8], last: &mut u32) -> Result<u32, GraphError> {
        if !self.ends.is_empty() && self.get(*last) == wanted {
            return Ok(*last);
        }
        *last = self.intern(wanted)?;
        Ok(*last)
    }

    /// The number of a byte string.
    pub(super) fn intern(&mut self, wanted: &[u8]) -> Result<u32, GraphError> {
        let (bytes, ends) = (&self.bytes, &self.ends);
        let get = |number: u32| slice(bytes, ends, number);
        let hash = xxh3_64(wanted);
        let found = self.table.entry(hash, |number| get(*number) == wanted, |number| xxh3_64(get(*number)));
        let number = match found {
            hashbrown::hash_table::Entry::Occupied(entry) => *entry.get(),
            hashbrown::hash_table::Entry::Vacant(entry) => {
                if ends.len() >= MOST {
                    return Err(GraphError::TooLarge("2,147,483,648 different ids or values"));
                }
                let number = ends.len() as u32;
                entry.insert(number);
                self.bytes.extend_from_slice(wanted);
                self.ends.push(self.bytes.len() as u64);
                number
            }
        };
        Ok(number)
    }

    /// The number of a byte string, where it has one.
    pub(super) fn find(&self, wanted: &[u8]) -> Option<u32> {
        self.table.find(xxh3_64(wanted), |number| self.get(*number) == wanted).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, number: u32) -> &[u8] {
        slice(&self.bytes, &self.ends, number)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len() as u32).map(|number| self.get(number))
    }

    /// Frees the table; only numbers are asked for from now on.
    pub(super) fn freeze(&mut self) {
        self.table = HashTable::new();
    }
}

fn slice<'a>(bytes: &'a [u8], ends: &[u64], number: u32) -> &'a [u8] {
    let number = number as usize;
    let start = number.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or_default();
    let end = ends.get(number).copied().unwrap_or_default();
    bytes.get(start as usize..end as usize).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::Interner;

    #[test]
    fn each_text_has_one_number() {
        let mut interner = Interner::default();
        for round in 0..2 {
            for number in 0..10_000_u32 {
                assert_eq!(interner.intern(number.to_string().as_bytes()).unwrap(), number, "{round}");
            }
        }
        assert_eq!(interner.intern(b"").unwrap(), 10_000);
        assert_eq!(interner.intern(b"").unwrap(), 10_000);
        assert_eq!((interner.len(), interner.get(77)), (10_001, b"77".as_slice()));
    }
}
