//! Fetches matrices from a source and stores them the way the graph reads them. In: tensor names. Out:
//! initializers. Remembers which tensors were used, so that one that nobody knows is noticed.

use std::collections::HashSet;

use super::Source;
use crate::error::{ExportError, Result};
use crate::gguf::{TensorData, TensorKind};
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
    /// How many columns follow that the sums of the input over its blocks are multiplied by, one for each block or none.
    pub(super) sums: usize,
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

/// How a matrix gets its bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Float,
    Half,
    Eight,
    /// To 4 bits, as close as they come.
    Fit,
    /// To 4 bits that the file has.
    Keep,
}

impl Method {
    fn bits(self) -> Bits {
        match self {
            Self::Float | Self::Half => Bits::Float,
            Self::Eight => Bits::Eight,
            Self::Fit | Self::Keep => Bits::Four,
        }
    }
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
    source: &'a dyn Source,
    used: HashSet<String>,
    report: &'a mut Report<'r>,
    pub(super) data: DataFile,
}

impl<'a, 'r> Weights<'a, 'r> {
    pub(super) fn new(source: &'a dyn Source, data: DataFile, report: &'a mut Report<'r>) -> Self {
        Self { source, used: HashSet::new(), report, data }
    }

    /// Reads a tensor after checking that its shape is `rows × columns`.
    fn fetch(&mut self, name: &str, rows: usize, columns: usize) -> Result<TensorData> {
        let found = self.source.find(name).ok_or_else(|| self.error(name, "is missing".to_owned()))?;
        if (found.rows, found.columns) != (rows, columns) {
            let problem =
                format!("has {} rows of {}, not {rows} rows of {columns}", found.rows, found.columns);
            return Err(self.error(name, problem));
        }
        (self.report)(Progress {
            stage: Stage::Tensors,
            item: name,
            done: self.used.len() as u64,
            total: self.source.count() as u64,
            bytes: self.data.offset(),
        });
        self.used.insert(name.to_owned());
        self.source.read(name)
    }

    fn error(&self, tensor: &str, problem: String) -> ExportError {
        ExportError::Tensor {
            path: self.source.path().to_owned(),
            tensor: self.source.shown(tensor),
            problem,
        }
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
        self.source.find(name).is_some().then(|| self.vector(name, length)).transpose()
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
            path: self.source.path().to_owned(),
            feature: format!(
                "`{}` in fp16, which holds no numbers beyond 65504 as it does,",
                self.source.shown(tensor)
            ),
        }
    }

    /// What 4 bits can do for tensors that become one matrix: keep what all of them have, or fit floats. What a file
    /// has in another way would lose by a second rounding to 4 bits, so it gets 8.
    fn four_bits(&self, parts: &[Part<'_>]) -> Method {
        let all = |is: fn(TensorKind) -> bool| {
            parts.iter().all(|part| self.source.find(part.tensor).is_some_and(|t| is(t.kind)))
        };
        match () {
            () if all(TensorKind::is_grid) => Method::Keep,
            () if all(TensorKind::is_float) => Method::Fit,
            () => Method::Eight,
        }
    }

    /// Whether any of the tensors has offsets that integer zero points cannot express.
    fn has_offsets(&self, parts: &[Part<'_>]) -> bool {
        let centred =
            |part: &Part<'_>| self.source.find(part.tensor).is_some_and(|t| t.kind == TensorKind::Q4_0);
        !parts.iter().all(centred)
    }

    /// Stores the rows of `parts`, one below the other, as one matrix named `name`.
    pub(super) fn matrix(
        &mut self,
        name: &str,
        columns: usize,
        parts: &[Part<'_>],
        quantisation: Quantisation,
    ) -> Result<Stored> {
        let method = match quantisation {
            Quantisation::Int8 => Method::Eight,
            Quantisation::Int4 => self.four_bits(parts),
            Quantisation::Fp16 => Method::Half,
            Quantisation::Fp32 => Method::Float,
        };
        let bits = method.bits();
        if bits != Bits::Float && !columns.is_multiple_of(BLOCK) {
            let problem =
                format!("has {columns} columns, which are not whole blocks of {BLOCK}: export it as fp32");
            return Err(self.error(parts.first().map_or(name, |p| p.tensor), problem));
        }
        let rows = parts.iter().map(|p| p.rows).sum::<usize>();
        let sums =
            if method == Method::Keep && self.has_offsets(parts) { quantise::sums(columns) } else { 0 };
        let blocks = columns.div_ceil(BLOCK) + sums.div_ceil(BLOCK);
        let row_bytes = match method {
            Method::Fit | Method::Keep => blocks * BLOCK / 2,
            Method::Eight => columns,
            Method::Half => columns * 2,
            Method::Float => columns * 4,
        };
        self.data.begin((rows * row_bytes) as u64)?;
        let (mut row, mut packed) = (vec![0.0; columns], Vec::with_capacity(row_bytes));
        let (mut scales, mut zero_points) = (Vec::new(), Vec::new());
        for part in parts {
            let source = self.fetch(part.tensor, part.rows, columns)?;
            for index in 0..part.rows {
                let from = (part.source_row)(index);
                packed.clear();
                if method == Method::Keep {
                    let row = source.grid_row(from);
                    quantise::grid(&row, sums > 0, &mut packed, &mut scales, &mut zero_points);
                    self.data.append(&packed)?;
                    continue;
                }
                source.row(from, &mut row);
                match method {
                    Method::Eight => quantise::int8(&row, &mut packed, &mut scales),
                    Method::Half => {
                        packed.extend(half_bytes(&row).ok_or_else(|| self.too_large(part.tensor))?);
                    }
                    Method::Float => packed.extend(row.iter().flat_map(|w| w.to_le_bytes())),
                    Method::Fit | Method::Keep => {
                        quantise::int4(&row, &mut packed, &mut scales, &mut zero_points);
                    }
                }
                self.data.append(&packed)?;
            }
        }

        let length = (rows * row_bytes) as u64;
        let mut tensors = Vec::new();
        if bits == Bits::Float {
            let element = if method == Method::Half { data_type::FLOAT16 } else { data_type::FLOAT };
            tensors.push(self.data.end(name, element, &[rows, columns], length));
            return Ok(Stored { bits, rows, columns, sums, tensors });
        }
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
        Ok(Stored { bits, rows, columns, sums, tensors })
    }

    /// Refuses tensors that nothing has asked for: leaving one out would silently change the model.
    pub(super) fn finish(self) -> Result<()> {
        if let Some(unknown) = self.source.unread(&self.used) {
            return Err(self.error(&unknown, "is not part of this architecture as known here".to_owned()));
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
