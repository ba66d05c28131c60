//! The key-value pairs of a GGUF header, with getters that say which key is wrong. Knows no key by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::{ExportError, Result};

/// A metadata value. Integers of all widths are held as the widest of their signedness.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// `uint8` to `uint64`.
    Unsigned(u64),
    /// `int8` to `int64`.
    Signed(i64),
    /// `float32`.
    Float(f32),
    /// `float64`.
    Double(f64),
    /// `bool`.
    Bool(bool),
    /// UTF-8 text; invalid sequences have been replaced.
    Text(String),
    /// Values of one type.
    Array(Vec<Value>),
}

impl Value {
    fn as_u64(&self) -> Option<u64> {
        match *self {
            Self::Unsigned(n) => Some(n),
            Self::Signed(n) => u64::try_from(n).ok(),
            _ => None,
        }
    }

    fn as_f32(&self) -> Option<f32> {
        match *self {
            Self::Float(f) => Some(f),
            Self::Double(d) => Some(d as f32),
            _ => None,
        }
    }
}

/// The pairs of one file.
#[derive(Debug, Clone)]
pub struct Metadata {
    path: PathBuf,
    pairs: BTreeMap<String, Value>,
}

impl Metadata {
    pub(crate) fn new(path: &Path, pairs: BTreeMap<String, Value>) -> Self {
        Self { path: path.to_owned(), pairs }
    }

    /// All pairs, ordered by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.pairs.iter().map(|(k, v)| (k.as_str(), v))
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.pairs.get(key)
    }

    fn typed<'a, T>(
        &'a self,
        key: &str,
        wanted: &str,
        cast: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(value) = self.pairs.get(key) else { return Ok(None) };
        cast(value).map(Some).ok_or_else(|| self.error(key, format!("should be {wanted}")))
    }

    pub(crate) fn text(&self, key: &str) -> Result<Option<&str>> {
        self.typed(key, "a string", |v| if let Value::Text(s) = v { Some(s.as_str()) } else { None })
    }

    pub(crate) fn integer(&self, key: &str) -> Result<Option<u64>> {
        self.typed(key, "a non-negative integer", Value::as_u64)
    }

    pub(crate) fn float(&self, key: &str) -> Result<Option<f32>> {
        self.typed(key, "a number", Value::as_f32)
    }

    pub(crate) fn boolean(&self, key: &str) -> Result<Option<bool>> {
        self.typed(key, "true or false", |v| if let Value::Bool(b) = *v { Some(b) } else { None })
    }

    pub(crate) fn texts(&self, key: &str) -> Result<Option<Vec<&str>>> {
        self.typed(key, "a list of strings", |v| {
            let Value::Array(items) = v else { return None };
            items.iter().map(|v| if let Value::Text(s) = v { Some(s.as_str()) } else { None }).collect()
        })
    }

    pub(crate) fn integers(&self, key: &str) -> Result<Option<Vec<u64>>> {
        self.typed(key, "a list of non-negative integers", |v| {
            let Value::Array(items) = v else { return None };
            items.iter().map(Value::as_u64).collect()
        })
    }

    pub(crate) fn floats(&self, key: &str) -> Result<Option<Vec<f32>>> {
        self.typed(key, "a list of numbers", |v| {
            let Value::Array(items) = v else { return None };
            items.iter().map(Value::as_f32).collect()
        })
    }

    /// Turns an absent value into an error that names the key.
    pub(crate) fn required<T>(&self, key: &str, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| self.error(key, "is missing".to_owned()))
    }

    pub(crate) fn error(&self, key: &str, problem: String) -> ExportError {
        ExportError::Metadata { path: self.path.clone(), key: key.to_owned(), problem }
    }
}
