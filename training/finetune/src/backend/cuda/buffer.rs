//! What lies in a device's memory. In: roles, lengths, numbers of the host. Out: buffers in the precisions that a role needs, token
//! lists, and where the tokens of a step stand.

use std::ops::Range;
use std::sync::OnceLock;

use half::bf16;

use super::device::{Device, Number};
use super::memory::Block;
use super::{Cuda, Precision};
use crate::backend::{BackendError, Layout, Role};

/// Numbers in one precision, or in two: a parameter in mixed precision has both, and those of 16 bits follow those of 32.
#[derive(Debug)]
pub struct Buffer<D: Device> {
    pub(super) role: Role,
    pub(super) length: usize,
    pub(super) full: Option<Block<D>>,
    pub(super) half: Option<Block<D>>,
}

impl<D: Device> Buffer<D> {
    /// What is wrong with reading or writing there, if it is.
    pub(super) fn check(&self, offset: usize, length: usize) -> Result<(), String> {
        match offset.checked_add(length) {
            Some(end) if end <= self.length => Ok(()),
            _ => Err(format!(
                "{length} numbers from {offset} on of a buffer of {} ({:?})",
                self.length, self.role
            )),
        }
    }
}

/// Tokens or rows.
#[derive(Debug)]
pub struct Indices<D: Device> {
    pub(super) values: Vec<u32>,
    pub(super) block: Block<D>,
    groups: OnceLock<Groups<D>>,
}

/// Where each of the different values is in a list of indices: what a sum over equal ones goes through, in a fixed order.
#[derive(Debug)]
pub(super) struct Groups<D: Device> {
    /// How many values there are.
    pub(super) count: usize,
    /// The values, ascending.
    pub(super) list: Block<D>,
    /// Where each value's places begin in `order`; one more at the end.
    pub(super) starts: Block<D>,
    /// Places in the list of indices.
    pub(super) order: Block<D>,
}

/// Where the tokens of a step stand.
#[derive(Debug)]
pub struct Placement<D: Device> {
    pub(super) tokens: usize,
    /// Of each token.
    pub(super) positions: Block<D>,
    /// A [`Place`] for each token.
    pub(super) places: Block<D>,
    /// Where each [`Place::ROWS`] tokens of a row begin; those that come first in their row first.
    pub(super) tiles: Block<D>,
    pub(super) tile_count: usize,
}

/// What a token sees: of its row, tokens before `shared`, and those from `first` on; up to itself. As `numbers.cuh` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) first: usize,
    /// The row.
    pub(super) row: (usize, usize),
    pub(super) shared: usize,
}

impl Place {
    /// Rows of a block of attention on tensor cores: `ROWS` of `flash.cu`.
    pub(super) const ROWS: usize = 64;
    /// Its threads: `THREADS` of `flash.cu`.
    pub(super) const THREADS: usize = 128;

    /// Of every token.
    pub(super) fn of(layout: &Layout) -> Vec<Self> {
        let row_of = |token: usize| layout.rows.iter().find(|row| row.contains(&token)).cloned();
        let mut places = Vec::with_capacity(layout.tokens());
        let mut row: Range<usize> = 0..0;
        let mut shared = 0;
        for span in &layout.spans {
            if !row.contains(&span.tokens.start) {
                row = row_of(span.tokens.start).unwrap_or(span.tokens.clone());
                // All spans of a row that see a prefix see the same one.
                let within = |other: &&crate::backend::Span| row.contains(&other.tokens.start);
                shared = layout
                    .spans
                    .iter()
                    .filter(within)
                    .map(|other| other.prefix.end)
                    .max()
                    .unwrap_or(row.start)
                    .max(row.start);
            }
            let place = Self { first: span.tokens.start, row: (row.start, row.end), shared };
            places.extend(std::iter::repeat_n(place, span.tokens.len()));
        }
        places
    }

    /// Where blocks of attention begin.
    pub(super) fn tiles(layout: &Layout) -> Vec<u32> {
        let mut tiles: Vec<(usize, usize)> = layout
            .rows
            .iter()
            .flat_map(|row| row.clone().step_by(Self::ROWS).map(|tile| (tile - row.start, tile)))
            .collect();
        tiles.sort_unstable();
        tiles.into_iter().map(|(_, tile)| tile as u32).collect()
    }
}

impl<D: Device> Cuda<D> {
    /// Memory for a kernel's own use.
    pub(super) fn scratch(&self, bytes: usize) -> Result<Block<D>, BackendError> {
        self.memory.block(bytes).map_err(|fault| self.failed(fault, bytes))
    }

    /// Zeros.
    pub(super) fn buffer(&self, role: Role, length: usize) -> Result<Buffer<D>, BackendError> {
        let (full, half) = match (self.precision, role) {
            (Precision::Full, _) | (Precision::Mixed, Role::State) => (true, false),
            (Precision::Mixed, Role::Parameter) => (true, true),
            (Precision::Mixed, Role::Frozen | Role::Activation) => (false, true),
        };
        let zeros = |wanted: bool, bytes: usize| {
            let block = if wanted { Some(self.scratch(length * bytes)?) } else { None };
            if let Some(block) = &block {
                self.device.clear(block.at(0), length * bytes).map_err(|fault| self.failed(fault, 0))?;
            }
            Ok(block)
        };
        Ok(Buffer { role, length, full: zeros(full, 4)?, half: zeros(half, 2)? })
    }

    pub(super) fn write(&self, to: &Buffer<D>, offset: usize, values: &[f32]) -> Result<(), BackendError> {
        to.check(offset, values.len()).map_err(|what| self.refused(what))?;
        for (block, number) in [(&to.full, Number::F32), (&to.half, Number::Bf16)] {
            let Some(block) = block else { continue };
            let bytes: Vec<u8> = match number {
                Number::F32 => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
                Number::Bf16 => {
                    values.iter().flat_map(|value| bf16::from_f32(*value).to_le_bytes()).collect()
                }
            };
            self.device
                .upload(block.at(offset * number.bytes()), &bytes)
                .map_err(|fault| self.failed(fault, 0))?;
        }
        Ok(())
    }

    pub(super) fn read(&self, from: &Buffer<D>, offset: usize, into: &mut [f32]) -> Result<(), BackendError> {
        from.check(offset, into.len()).map_err(|what| self.refused(what))?;
        let (block, number) = match (&from.full, &from.half) {
            (Some(full), _) => (full, Number::F32),
            (None, Some(half)) => (half, Number::Bf16),
            (None, None) => return Ok(()),
        };
        let mut bytes = vec![0; into.len() * number.bytes()];
        self.device
            .download(block.at(offset * number.bytes()), &mut bytes)
            .map_err(|fault| self.failed(fault, 0))?;
        for (value, bytes) in into.iter_mut().zip(bytes.chunks_exact(number.bytes())) {
            *value = match *bytes {
                [a, b, c, d] => f32::from_le_bytes([a, b, c, d]),
                [a, b] => bf16::from_le_bytes([a, b]).to_f32(),
                _ => f32::NAN,
            };
        }
        Ok(())
    }

    /// Numbers of 32 bits without a sign.
    fn words(&self, values: &[u32]) -> Result<Block<D>, BackendError> {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let block = self.scratch(bytes.len())?;
        self.device.upload(block.at(0), &bytes).map_err(|fault| self.failed(fault, 0))?;
        Ok(block)
    }

    pub(super) fn numbers(&self, values: &[u32]) -> Result<Indices<D>, BackendError> {
        Ok(Indices { values: values.to_vec(), block: self.words(values)?, groups: OnceLock::new() })
    }

    /// The groups of a list, made when they are first asked for: by then the device is busy with what came before.
    pub(super) fn groups<'a>(&self, indices: &'a Indices<D>) -> Result<&'a Groups<D>, BackendError> {
        if let Some(groups) = indices.groups.get() {
            return Ok(groups);
        }
        let (list, starts, order) = grouped(&indices.values);
        let groups = Groups {
            count: list.len(),
            list: self.words(&list)?,
            starts: self.words(&starts)?,
            order: self.words(&order)?,
        };
        Ok(indices.groups.get_or_init(|| groups))
    }

    pub(super) fn placed(&self, layout: &Layout) -> Result<Placement<D>, BackendError> {
        let tiles = Place::tiles(layout);
        let mut places = Vec::with_capacity(4 * layout.tokens());
        for place in Place::of(layout) {
            places.extend([place.first as u32, place.row.0 as u32, place.shared as u32, place.row.1 as u32]);
        }
        Ok(Placement {
            tokens: layout.tokens(),
            positions: self.words(&layout.positions)?,
            places: self.words(&places)?,
            tiles: self.words(&tiles)?,
            tile_count: tiles.len(),
        })
    }
}

/// The different values, where the places of each begin (and the last ends), and the places.
fn grouped(values: &[u32]) -> (Vec<u32>, Vec<u32>, Vec<u32>) {
    let mut order: Vec<u32> = (0..values.len() as u32).collect();
    // Stable: equal values stay in their order.
    order.sort_by_key(|&place| values[place as usize]);
    let (mut list, mut starts) = (Vec::new(), Vec::new());
    for (at, &place) in order.iter().enumerate() {
        let value = values[place as usize];
        if list.last() != Some(&value) {
            list.push(value);
            starts.push(at as u32);
        }
    }
    starts.push(order.len() as u32);
    (list, starts, order)
}

#[cfg(test)]
mod tests {
    use super::{Place, grouped};
    use crate::backend::Layout;
    use crate::batch::{Batch, Row};

    fn row(length: usize, prefix: usize, documents: &[usize]) -> Row {
        Row {
            tokens: vec![0; length],
            targets: vec![0; length],
            weights: vec![0.0; length],
            prefix,
            documents: documents.to_vec(),
            ..Row::default()
        }
    }

    #[test]
    fn equal_indices_come_together_in_their_order() {
        let (list, starts, order) = grouped(&[7, 3, 7, 0, 3, 7]);
        assert_eq!((list, starts), (vec![0, 3, 7], vec![0, 1, 3, 6]));
        assert_eq!(order, [3, 1, 4, 0, 2, 5]);
        assert_eq!(grouped(&[]), (vec![], vec![0], vec![]));
    }

    #[test]
    fn places_say_what_spans_say() {
        let rows = vec![row(3, 0, &[0]), row(7, 2, &[2, 5]), row(4, 4, &[]), row(5, 0, &[0, 2])];
        let layout = Layout::new(&Batch { rows }, 100, 1).unwrap();
        let places = Place::of(&layout);
        assert_eq!(places.len(), layout.tokens());
        for span in &layout.spans {
            for token in span.tokens.clone() {
                let place = places[token];
                for other in 0..layout.tokens() {
                    let told = span.prefix.contains(&other) || (span.tokens.start..=token).contains(&other);
                    let (begin, end) = place.row;
                    let sees = (begin..end).contains(&other)
                        && other <= token
                        && (other < place.shared || other >= place.first);
                    assert_eq!(sees, told, "{token} and {other}");
                }
            }
        }
    }

    #[test]
    fn tiles_cover_rows_and_reach_over_none() {
        let rows = vec![row(65, 0, &[0]), row(1, 0, &[0]), row(64, 0, &[0]), row(130, 0, &[0])];
        let layout = Layout::new(&Batch { rows }, 1000, 1).unwrap();
        assert_eq!(Place::tiles(&layout), [0, 65, 66, 130, 64, 194, 258]);
    }
}
