//! Parses a GGUF header: magic, version, key-value pairs, tensor table. In: a reader. Out: values that have
//! been checked against the size of the file. Does not touch tensor data.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufReader, Read};
use std::path::Path;

use super::{TensorInfo, TensorKind, Value};
use crate::error::{ExportError, Result};

const MAGIC: [u8; 4] = *b"GGUF";
const DEFAULT_ALIGNMENT: u64 = 32;
/// ggml's `GGML_MAX_DIMS`.
const MAX_DIMENSIONS: u32 = 4;
/// Values in all arrays together. Vocabularies have a few millions; each takes 32 bytes here, whatever it takes there.
const MAX_VALUES: usize = 1 << 23;
/// The largest models have a few thousand.
const MAX_TENSORS: usize = 1 << 18;
/// Arrays inside arrays deeper than this are an attack on the stack, not a model.
const MAX_NESTING: usize = 4;

pub(super) struct Header {
    pub(super) version: u32,
    pub(super) metadata: BTreeMap<String, Value>,
    pub(super) tensors: Vec<TensorInfo>,
}

/// Reads the header of `size` bytes.
pub(super) fn read(path: &Path, reader: impl Read, size: u64) -> Result<Header> {
    let reader = BufReader::with_capacity(1 << 16, reader);
    let mut cursor = Cursor { path, reader, position: 0, size, values: 0 };
    let version = cursor.preamble()?;
    let tensor_count = cursor.count("tensors", 24)?;
    if tensor_count > MAX_TENSORS {
        return Err(cursor.corrupt(format!("it states {tensor_count} tensors")));
    }
    let pair_count = cursor.count("metadata pairs", 13)?;

    let mut metadata = BTreeMap::new();
    for _ in 0..pair_count {
        let key = cursor.text("a metadata key")?;
        let kind = cursor.u32()?;
        let value = cursor.value(kind, 0)?;
        if metadata.contains_key(&key) {
            return Err(cursor.corrupt(format!("metadata key `{key}` occurs twice")));
        }
        metadata.insert(key, value);
    }

    let alignment = match metadata.get("general.alignment") {
        None => DEFAULT_ALIGNMENT,
        Some(Value::Unsigned(n)) if n.is_power_of_two() => *n,
        Some(other) => return Err(cursor.corrupt(format!("`general.alignment` is {other:?}"))),
    };
    let mut tensors = Vec::with_capacity(tensor_count);
    let mut names = HashSet::with_capacity(tensor_count);
    for _ in 0..tensor_count {
        let tensor = cursor.tensor(alignment)?;
        if !names.insert(tensor.name.clone()) {
            return Err(cursor.corrupt(format!("tensor `{}` occurs twice", tensor.name)));
        }
        tensors.push(tensor);
    }

    let Some(data_start) = cursor.position.checked_next_multiple_of(alignment) else {
        return Err(cursor.corrupt(format!("`general.alignment` is {alignment}")));
    };
    for tensor in &mut tensors {
        let end = data_start.checked_add(tensor.offset).and_then(|start| {
            tensor.offset = start;
            start.checked_add(tensor.bytes)
        });
        if end.is_none_or(|end| end > size) {
            let detail = format!("tensor `{}` ends past the end of the file ({size} bytes)", tensor.name);
            return Err(ExportError::CorruptGguf { path: path.to_owned(), detail });
        }
    }
    Ok(Header { version, metadata, tensors })
}

struct Cursor<'a, R> {
    path: &'a Path,
    reader: BufReader<R>,
    position: u64,
    size: u64,
    /// Array elements so far.
    values: usize,
}

impl<R: Read> Cursor<'_, R> {
    fn corrupt(&self, detail: String) -> ExportError {
        ExportError::CorruptGguf { path: self.path.to_owned(), detail }
    }

    fn preamble(&mut self) -> Result<u32> {
        let mut magic = [0; 4];
        let length = self.size.min(4) as usize;
        self.fill(&mut magic[..length])?;
        if magic != MAGIC {
            let found = magic[..length].escape_ascii().to_string();
            return Err(ExportError::NotGguf { path: self.path.to_owned(), found });
        }
        let version = self.u32()?;
        match version {
            2 | 3 => Ok(version),
            _ if matches!(version.swap_bytes(), 1..=3) => Err(ExportError::UnsupportedFeature {
                path: self.path.to_owned(),
                feature: "big-endian GGUF".to_owned(),
            }),
            _ => Err(ExportError::GgufVersion { path: self.path.to_owned(), version }),
        }
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        let end = self.position + bytes.len() as u64;
        if end > self.size {
            return Err(self.corrupt(format!("the header ends at byte {} of at least {end}", self.size)));
        }
        self.reader.read_exact(bytes).map_err(ExportError::io("read", self.path))?;
        self.position = end;
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A number of things of which each takes at least `least` bytes: more than fit in the file is corruption.
    fn count(&mut self, what: &str, least: u64) -> Result<usize> {
        let count = self.u64()?;
        let left = self.size - self.position;
        if count.checked_mul(least).is_none_or(|bytes| bytes > left) {
            return Err(self.corrupt(format!("it states {count} {what}, and {left} bytes are left")));
        }
        Ok(count as usize)
    }

    fn text(&mut self, what: &str) -> Result<String> {
        let length = self.count(&format!("bytes of {what}"), 1)?;
        let mut bytes = vec![0; length];
        self.fill(&mut bytes)?;
        Ok(String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
    }

    fn value(&mut self, kind: u32, depth: usize) -> Result<Value> {
        Ok(match kind {
            0 => Value::Unsigned(u64::from(u8::from_le_bytes(self.array()?))),
            1 => Value::Signed(i64::from(i8::from_le_bytes(self.array()?))),
            2 => Value::Unsigned(u64::from(u16::from_le_bytes(self.array()?))),
            3 => Value::Signed(i64::from(i16::from_le_bytes(self.array()?))),
            4 => Value::Unsigned(u64::from(self.u32()?)),
            5 => Value::Signed(i64::from(i32::from_le_bytes(self.array()?))),
            6 => Value::Float(f32::from_le_bytes(self.array()?)),
            7 => Value::Bool(self.array::<1>()?[0] != 0),
            8 => Value::Text(self.text("a string")?),
            9 if depth < MAX_NESTING => {
                let kind = self.u32()?;
                let count = self.count("array elements", 1)?;
                self.values = self.values.saturating_add(count);
                if self.values > MAX_VALUES {
                    return Err(self.corrupt(format!("its arrays hold more than {MAX_VALUES} values")));
                }
                // Grown as it is read: a count that fits the file can still ask for far more memory than the file.
                let mut values = Vec::with_capacity(count.min(1 << 16));
                for _ in 0..count {
                    values.push(self.value(kind, depth + 1)?);
                }
                Value::Array(values)
            }
            10 => Value::Unsigned(self.u64()?),
            11 => Value::Signed(i64::from_le_bytes(self.array()?)),
            12 => Value::Double(f64::from_le_bytes(self.array()?)),
            other => return Err(self.corrupt(format!("unknown metadata type {other}"))),
        })
    }

    /// One line of the tensor table; `offset` is still relative to the data section.
    fn tensor(&mut self, alignment: u64) -> Result<TensorInfo> {
        let name = self.text("a tensor name")?;
        let dimensions = self.u32()?;
        if dimensions > MAX_DIMENSIONS {
            return Err(self.corrupt(format!("tensor `{name}` states {dimensions} dimensions")));
        }
        let shape = (0..dimensions).map(|_| self.u64()).collect::<Result<Vec<_>>>()?;
        let kind = TensorKind(self.u32()?);
        let offset = self.u64()?;
        if !kind.is_known() {
            return Err(ExportError::UnsupportedTensorType {
                path: self.path.to_owned(),
                tensor: name,
                kind: kind.to_string(),
            });
        }
        let columns = shape.first().copied().unwrap_or(1);
        let elements = shape.iter().try_fold(1u64, |product, &n| product.checked_mul(n));
        // No type takes less than an eighth of a byte per element, so this also bounds the arithmetic below.
        if elements.is_none_or(|n| n == 0 || n / 8 > self.size) {
            return Err(self.corrupt(format!("tensor `{name}` has the impossible shape {shape:?}")));
        }
        if !columns.is_multiple_of(kind.block_elements() as u64) {
            return Err(self.corrupt(format!("rows of tensor `{name}` are not whole blocks of {kind}")));
        }
        if !offset.is_multiple_of(alignment) {
            return Err(self.corrupt(format!("tensor `{name}` does not begin at a multiple of {alignment}")));
        }
        let rows: u64 = shape.iter().skip(1).product();
        let bytes = rows * kind.row_bytes(columns as usize) as u64;
        Ok(TensorInfo { name, shape, kind, offset, bytes })
    }
}
