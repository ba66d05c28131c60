//! Numbers that begin where a vector of the widest instructions does.

use std::ops::{Deref, DerefMut};

use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout};

use crate::backend::BackendError;

/// A cache line.
#[derive(Clone, Copy, Debug, FromBytes, Immutable, IntoBytes, KnownLayout)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// Numbers in the memory of this process.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    lines: Vec<Line>,
    length: usize,
}

impl Memory {
    /// Zeros.
    ///
    /// # Errors
    /// When there is no room.
    pub(super) fn new(length: usize) -> Result<Self, BackendError> {
        let lines = Line::new_vec_zeroed(length.div_ceil(16)).map_err(|_| BackendError::Memory {
            device: "The computer".to_owned(),
            bytes: length.saturating_mul(size_of::<f32>()),
        })?;
        Ok(Self { lines, length })
    }

    /// The first `length` numbers, whatever they are; made longer where it has not that many.
    pub(super) fn at_least(&mut self, length: usize) -> Result<&mut [f32], BackendError> {
        if self.length < length {
            *self = Self::default();
            *self = Self::new(length)?;
        }
        Ok(&mut self[..length])
    }
}

impl Deref for Memory {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        let all = <[f32]>::ref_from_bytes(self.lines.as_bytes()).unwrap_or_default();
        &all[..self.length]
    }
}

impl DerefMut for Memory {
    fn deref_mut(&mut self) -> &mut [f32] {
        let all = <[f32]>::mut_from_bytes(self.lines.as_mut_bytes()).unwrap_or_default();
        &mut all[..self.length]
    }
}
