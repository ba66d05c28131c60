//! Wikidata's JSON dump. In: chunks of lines with an entity each, in an array or not. Out: facts, names and how well known
//! the entities are.
//!
//! An entity is kept whole or not at all: where anything in it has another type than it should, its line is bad.

mod entity;
mod languages;
pub(super) use loquat_terms::wikidata as names;
mod time;
mod value;

use super::ChunkReader;
use super::chunks::{Chunk, after_last_line, each_line};
use super::gather::Gather;

/// A reader of the dump.
pub(super) struct WikidataJson;

impl ChunkReader for WikidataJson {
    fn read(&self, chunk: &Chunk, gather: &mut Gather<'_>) {
        each_line(chunk, |number, line, raw| {
            let read = line.and_then(|line| match of_array(line) {
                "" => Ok(()),
                json => entity::read(json, gather),
            });
            if let Err(reason) = read {
                gather.bad(number, reason, raw);
            }
        });
    }

    fn cut(&self, bytes: &[u8], is_last: bool) -> Option<usize> {
        after_last_line(bytes, is_last)
    }
}

/// The entity of a line, without what belongs to the array around it.
fn of_array(line: &str) -> &str {
    let line = line.trim();
    let line = line.strip_prefix('[').map_or(line, str::trim_start);
    let line = line.strip_suffix(']').map_or(line, str::trim_end);
    line.strip_suffix(',').map_or(line, str::trim_end)
}

#[cfg(test)]
mod tests;
