//! Weights, with what learning needs beside them.

use crate::backend::{Backend, BackendError, Role};
use crate::trainee::Update;

/// Rows of a parameter that have a name of their own in files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The tensor's name in a file.
    pub name: String,
    /// How many rows it has here. A vector is one row.
    pub rows: usize,
}

/// A matrix or a vector of weights. Matrices that read the same input are kept as one, row after row.
#[derive(Debug)]
pub struct Parameter<B: Backend> {
    /// The weights, `rows × columns`.
    pub value: B::Buffer,
    /// Its gradient and moments, where it learns.
    pub learning: Option<Learning<B>>,
    /// Rows; 1 of a vector.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// What the rows are in files, in order.
    pub parts: Vec<Part>,
    /// Whether files have it with one dimension.
    pub vector: bool,
}

/// What learning needs, each as long as the weights.
#[derive(Debug)]
pub struct Learning<B: Backend> {
    /// The gradient.
    pub gradient: B::Buffer,
    /// The mean of gradients.
    pub first: B::Buffer,
    /// The mean of squared gradients.
    pub second: B::Buffer,
}

impl<B: Backend> Parameter<B> {
    /// Zeros, `columns` in each row of each part.
    ///
    /// # Errors
    /// When the backend has no room.
    pub fn matrix(
        backend: &mut B,
        parts: Vec<Part>,
        columns: usize,
        learns: bool,
    ) -> Result<Self, BackendError> {
        let rows = parts.iter().map(|part| part.rows).sum();
        let length = rows * columns;
        let role = if learns { Role::Parameter } else { Role::Frozen };
        let value = backend.allocate(role, length)?;
        let learning = if learns {
            let mut state = || backend.allocate(Role::State, length);
            Some(Learning { gradient: state()?, first: state()?, second: state()? })
        } else {
            None
        };
        Ok(Self { value, learning, rows, columns, parts, vector: false })
    }

    /// A vector of zeros; it does not decay.
    ///
    /// # Errors
    /// When the backend has no room.
    pub fn vector(backend: &mut B, parts: Vec<(String, usize)>, learns: bool) -> Result<Self, BackendError> {
        let parts = parts.into_iter().map(|(name, rows)| Part { name, rows }).collect();
        Ok(Self { vector: true, ..Self::matrix(backend, parts, 1, learns)? })
    }

    /// How many weights.
    pub fn length(&self) -> usize {
        self.rows * self.columns
    }

    /// Each part with the offset of its first weight and the shape that files give it.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, usize, Vec<usize>)> {
        let starts = self.parts.iter().scan(0, |row, part| {
            let start = *row;
            *row += part.rows;
            Some(start * self.columns)
        });
        let shape = |part: &Part| if self.vector { vec![part.rows] } else { vec![part.rows, self.columns] };
        self.parts.iter().zip(starts).map(move |(part, start)| (part.name.as_str(), start, shape(part)))
    }

    /// Its gradient's buffer, where it learns.
    pub fn gradient(&mut self) -> Option<&mut B::Buffer> {
        self.learning.as_mut().map(|learning| &mut learning.gradient)
    }

    /// Learns from its gradient, and clears it.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn update(&mut self, backend: &mut B, update: &Update) -> Result<(), BackendError> {
        let (length, decays) = (self.length(), !self.vector);
        let Some(Learning { gradient, first, second }) = &mut self.learning else { return Ok(()) };
        backend.adamw(&mut self.value, gradient, first, second, length, update, decays)
    }

    /// Clears its gradient.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn forget(&mut self, backend: &mut B) -> Result<(), BackendError> {
        let length = self.length();
        self.learning.as_mut().map_or(Ok(()), |learning| backend.clear(&mut learning.gradient, length))
    }
}
