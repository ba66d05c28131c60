//! The metadata keys of one architecture, `{architecture}.…`. In: a GGUF file. Out: checked values, and errors that
//! name the key. Knows what a sensible extent is, but not what any key means.

use crate::error::{ExportError, Result};
use crate::gguf::Gguf;

/// No model comes near, and products of two stay far from overflow.
pub(crate) const LARGEST_EXTENT: u64 = 1 << 24;

pub(super) struct Keys<'a> {
    gguf: &'a Gguf,
    architecture: &'a str,
}

impl<'a> Keys<'a> {
    pub(super) fn new(gguf: &'a Gguf, architecture: &'a str) -> Self {
        Self { gguf, architecture }
    }

    pub(super) fn gguf(&self) -> &'a Gguf {
        self.gguf
    }

    /// The whole key, as the file has it.
    pub(super) fn name(&self, key: &str) -> String {
        format!("{}.{key}", self.architecture)
    }

    /// A number of things, at least one.
    pub(super) fn extent(&self, key: &str) -> Result<Option<usize>> {
        let name = self.name(key);
        match self.gguf.metadata().integer(&name)? {
            Some(n) if n == 0 || n > LARGEST_EXTENT => {
                Err(self.gguf.metadata().error(&name, format!("is {n}")))
            }
            n => Ok(n.map(|n| n as usize)),
        }
    }

    pub(super) fn required_extent(&self, key: &str) -> Result<usize> {
        let value = self.extent(key)?;
        self.gguf.metadata().required(&self.name(key), value)
    }

    /// A finite number.
    pub(super) fn float(&self, key: &str) -> Result<Option<f32>> {
        let name = self.name(key);
        match self.gguf.metadata().float(&name)? {
            Some(n) if !n.is_finite() => Err(self.gguf.metadata().error(&name, format!("is {n}"))),
            n => Ok(n),
        }
    }

    /// A finite number above zero.
    pub(super) fn positive(&self, key: &str) -> Result<Option<f32>> {
        match self.float(key)? {
            Some(n) if n <= 0.0 => Err(self.error(key, format!("is {n}"))),
            n => Ok(n),
        }
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>> {
        self.gguf.metadata().text(&self.name(key))
    }

    /// Refuses the file when `key` has another value than the written graph computes with.
    pub(super) fn refuse_extent(&self, key: &str, unless: usize) -> Result<()> {
        let name = self.name(key);
        match self.gguf.metadata().integer(&name)? {
            Some(n) if n != unless as u64 => Err(self.unsupported(format!("`{name}` of {n}"))),
            _ => Ok(()),
        }
    }

    /// As [`refuse_extent`](Self::refuse_extent), for fractions.
    pub(super) fn refuse_float(&self, key: &str, unless: f32) -> Result<()> {
        let name = self.name(key);
        match self.gguf.metadata().float(&name)? {
            Some(n) if n != unless => Err(self.unsupported(format!("`{name}` of {n}"))),
            _ => Ok(()),
        }
    }

    pub(super) fn error(&self, key: &str, problem: String) -> ExportError {
        self.gguf.metadata().error(&self.name(key), problem)
    }

    pub(super) fn unsupported(&self, feature: String) -> ExportError {
        ExportError::UnsupportedFeature { path: self.gguf.path().to_owned(), feature }
    }
}
