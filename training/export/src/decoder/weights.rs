//! Fetches matrices from a GGUF file and stores them the way the graph reads them. In: tensor names. Out:
//! initializers. Remembers which tensors were used, so that one that nobody knows is noticed.

use std::collections::HashSet;

use crate::error::{ExportError, Result};
use crate::gguf::{Gguf, TensorData};
use crate::onnx::schema::{TensorProto, data_type};
use crate::onnx::{DataFile, float_bytes, half_bytes};
use crate::progress::{Progress, Report, Stage};
use crate::quantise::{self, BLOCK, Quantisation};

/// A matrix in the data file: `[rows, columns]` as floats, or quantised in blocks along its columns.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) bits: Bits,
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// The initializers, in the order in which `MatMulNBits` takes them.
    pub(super) tensors: Vec<TensorProto>,
}

/// Bits of a stored element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bits {
    Four,
    Eight,
    Float,
}

/// One source of rows: a tensor, and the order in which its rows are taken.
pub(super) struct Part<'a> {
    pub(super) tensor: &'a str,
    pub(super) rows: usize,
    pub(super) source_row: &'a dyn Fn(usize) -> usize,
}

/// Tables below this size are made in memory.
const HELD_BELOW: usize = 1 << 16;

/// Takes rows as they come.
pub(super) const IN_ORDER: &dyn Fn(usize) -> usize = &|row| row;

pub(super) struct Weights<'a, 'r> {
    gguf: &'a Gguf,
    used: HashSet<String>,
    report: &'a mut Report<'r>,
    pub(super) data: DataFile,
}

impl<'a, 'r> Weights<'a, 'r> {
    pub(super) fn new(gguf: &'a Gguf, data: DataFile, report: &'a mut Report<'r>) -> Self {
        Self { gguf, used: HashSet::new(), report, data }
    }

    /// Reads a tensor after checking that its shape is `rows × columns`.
    fn fetch(&mut self, name: &str, rows: usize, columns: usize) -> Result<TensorData> {
        let info = self.gguf.tensor(name).ok_or_else(|| self.error(name, "is missing".to_owned()))?;
        if (info.rows(), info.columns()) != (rows, columns) {
            return Err(self.error(name, format!("has shape {:?}, not {rows} rows of {columns}", info.shape)));
        }
        (self.report)(Progress {
            stage: Stage::Tensors,
            item: name,
            done: self.used.len() as u64,
            total: self.gguf.tensors().len() as u64,
            bytes: self.data.offset(),
        });
        self.used.insert(name.to_owned());
        self.gguf.read(info)
    }

    fn error(&self, tensor: &str, problem: String) -> ExportError {
        ExportError::Tensor { path: self.gguf.path().to_owned(), tensor: tensor.to_owned(), problem }
    }

    /// The elements of a one-dimensional tensor.
    pub(super) fn vector(&mut self, name: &str, length: usize) -> Result<Vec<f32>> {
        let data = self.fetch(name, 1, length)?;
        let mut values = vec![0.0; length];
        data.row(0, &mut values);
        Ok(values)
    }

    /// Like [`vector`](Self::vector), or nothing where the file has no such tensor.
    pub(super) fn optional_vector(&mut self, name: &str, length: usize) -> Result<Option<Vec<f32>>> {
        self.gguf.tensor(name).is_some().then(|| self.vector(name, length)).transpose()
    }

    /// Stores numbers as `element`, which is `FLOAT` or `FLOAT16`.
    pub(super) fn floats(
        &mut self,
        name: &str,
        element: i32,
        dims: &[usize],
        values: &[f32],
    ) -> Result<TensorProto> {
        let bytes = match element {
            data_type::FLOAT16 => half_bytes(values).ok_or_else(|| self.too_large(name))?,
            _ => float_bytes(values),
        };
        self.data.tensor(name, element, dims, bytes)
    }

    /// As [`floats`](Self::floats), for a table that may be too large to be held whole.
    pub(super) fn rows(
        &mut self,
        name: &str,
        element: i32,
        dims: [usize; 2],
        rows: impl Iterator<Item = Vec<f32>>,
    ) -> Result<TensorProto> {
        let length = dims[0] * dims[1] * if element == data_type::FLOAT16 { 2 } else { 4 };
        if length < HELD_BELOW {
            let values = rows.flatten().collect::<Vec<_>>();
            return self.floats(name, element, &dims, &values);
        }
        self.data.begin(length as u64)?;
        for row in rows {
            let bytes = match element {
                data_type::FLOAT16 => half_bytes(&row).ok_or_else(|| self.too_large(name))?,
                _ => float_bytes(&row),
            };
            self.data.append(&bytes)?;
        }
        Ok(self.data.end(name, element, &dims, length as u64))
    }

    fn too_large(&self, tensor: &str) -> ExportError {
        ExportError::UnsupportedFeature {
            path: self.gguf.path().to_owned(),
            feature: format!("`{tensor}` in fp16, which holds no numbers beyond 65504 as it does,"),
        }
    }

    /// Stores the rows of `parts`, one below the other, as one matrix named `name`.
    pub(super) fn matrix(
        &mut self,
        name: &str,
        columns: usize,
        parts: &[Part<'_>],
        quantisation: Quantisation,
    ) -> Result<Stored> {
        let bits = match quantisation {
            Quantisation::Int8 => Bits::Eight,
            Quantisation::Int4 => Bits::Four,
            Quantisation::Fp16 | Quantisation::Fp32 => Bits::Float,
        };
        let half = quantisation == Quantisation::Fp16;
        if bits != Bits::Float && !columns.is_multiple_of(BLOCK) {
            let problem =
                format!("has {columns} columns, which are not whole blocks of {BLOCK}: export it as fp32");
            return Err(self.error(parts.first().map_or(name, |p| p.tensor), problem));
        }
        let rows = parts.iter().map(|p| p.rows).sum::<usize>();
        let row_bytes = match bits {
            Bits::Four => columns / 2,
            Bits::Eight => columns,
            Bits::Float => columns * if half { 2 } else { 4 },
        };
        self.data.begin((rows * row_bytes) as u64)?;
        let (mut row, mut packed) = (vec![0.0; columns], Vec::with_capacity(row_bytes));
        let (mut scales, mut zero_points) = (Vec::new(), Vec::new());
        for part in parts {
            let source = self.fetch(part.tensor, part.rows, columns)?;
            for index in 0..part.rows {
                source.row((part.source_row)(index), &mut row);
                packed.clear();
                match bits {
                    Bits::Four => quantise::int4(&row, &mut packed, &mut scales, &mut zero_points),
                    Bits::Eight => quantise::int8(&row, &mut packed, &mut scales),
                    Bits::Float if half => {
                        packed.extend(half_bytes(&row).ok_or_else(|| self.too_large(part.tensor))?);
                    }
                    Bits::Float => packed.extend(row.iter().flat_map(|w| w.to_le_bytes())),
                }
                self.data.append(&packed)?;
            }
        }

        let length = (rows * row_bytes) as u64;
        let mut tensors = Vec::new();
        if bits == Bits::Float {
            let element = if half { data_type::FLOAT16 } else { data_type::FLOAT };
            tensors.push(self.data.end(name, element, &[rows, columns], length));
            return Ok(Stored { bits, rows, columns, tensors });
        }
        let blocks = columns / BLOCK;
        let shape = [rows, blocks, row_bytes / blocks];
        tensors.push(self.data.end(&format!("{name}.quantised"), data_type::UINT8, &shape, length));
        let scale_name = format!("{name}.scales");
        tensors.push(self.data.tensor(
            &scale_name,
            data_type::FLOAT,
            &[rows, blocks],
            float_bytes(&scales),
        )?);
        if bits == Bits::Four {
            let shape = [rows, blocks.div_ceil(2)];
            let zero_name = format!("{name}.zero_points");
            tensors.push(self.data.tensor(&zero_name, data_type::UINT8, &shape, zero_points)?);
        }
        Ok(Stored { bits, rows, columns, tensors })
    }

    /// Refuses tensors that nothing has asked for: leaving one out would silently change the model.
    pub(super) fn finish(self) -> Result<()> {
        if let Some(unknown) = self.gguf.tensors().iter().find(|t| !self.used.contains(&t.name)) {
            return Err(
                self.error(&unknown.name, "is not part of this architecture as known here".to_owned())
            );
        }
        let total = self.used.len() as u64;
        (self.report)(Progress {
            stage: Stage::Tensors,
            item: "",
            done: total,
            total,
            bytes: self.data.offset(),
        });
        self.data.finish()
    }
}
