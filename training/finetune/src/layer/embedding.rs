//! A table of one row for each token.

use super::parameter::Parameter;
use crate::backend::{Backend, BackendError};

/// Tokens become rows.
#[derive(Debug)]
pub struct Embedding<B: Backend> {
    /// `vocabulary × hidden`.
    pub table: Parameter<B>,
}

impl<B: Backend> Embedding<B> {
    /// Writes the row of each token.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn forward(
        &self,
        backend: &mut B,
        out: &mut B::Buffer,
        tokens: &B::Indices,
    ) -> Result<(), BackendError> {
        backend.gather(out, &self.table.value, tokens, self.table.columns)
    }

    /// Adds to the rows' gradients, where they learn.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn backward(
        &mut self,
        backend: &mut B,
        d_out: &B::Buffer,
        tokens: &B::Indices,
    ) -> Result<(), BackendError> {
        let width = self.table.columns;
        self.table.gradient().map_or(Ok(()), |gradient| backend.scatter_add(gradient, d_out, tokens, width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::check::{Case, buffer, read};
    use crate::layer::parameter::Part;

    #[test]
    fn gradients_are_those_of_finite_differences() {
        // A token that repeats, and one that does not come.
        let tokens = [3, 0, 3, 4, 1, 3];
        Case::new(&[("table", 5 * 7)], tokens.len() * 7).check(|backend, inputs, probe| {
            let part = vec![Part { name: "t".into(), rows: 5 }];
            let mut embedding = Embedding { table: Parameter::matrix(backend, part, 7, true)? };
            backend.upload(&mut embedding.table.value, 0, &inputs[0])?;
            let tokens = backend.indices(&tokens)?;
            let (mut out, d_out) = (buffer(backend, probe)?, buffer(backend, probe)?);
            embedding.forward(backend, &mut out, &tokens)?;
            embedding.backward(backend, &d_out, &tokens)?;
            let gradient = read(backend, embedding.table.gradient().unwrap())?;
            Ok((read(backend, &out)?, vec![gradient]))
        });
    }
}
