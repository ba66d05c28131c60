//! What a run gives. In: the logits' tensor. Out: a row of numbers for each position asked for. Must not know: what is chosen of them.

use half::{bf16, f16};
use ort::value::{DynValue, TensorElementType};

use crate::InferenceError;

/// Logits, `[rows, vocabulary]`.
pub(crate) struct Logits {
    numbers: Numbers,
    width: usize,
    /// Where the first row begins: a graph may give more positions than were asked for.
    first: usize,
    rows: usize,
    /// Positions that the graph gave for each sequence.
    stride: usize,
}

enum Numbers {
    /// As the graph gave them, 32-bit floats.
    Tensor(DynValue),
    /// Converted, or put together.
    Own(Vec<f32>),
}

impl Logits {
    /// The last `keep` positions of one sequence, or of many sequences the last one each (`keep` is 1): of `[sequences, positions,
    /// vocabulary]`.
    pub(crate) fn read(value: DynValue, keep: usize) -> Result<Self, InferenceError> {
        let shape = value.shape();
        let size =
            |at: usize| shape.get(at).and_then(|&size| usize::try_from(size).ok()).filter(|&size| size > 0);
        let [Some(sequences), Some(positions), Some(width)] = [size(0), size(1), size(2)] else {
            return Err(ort::Error::new(format!("the logits have the shape {shape:?}")).into());
        };
        if keep > positions || (sequences > 1 && keep != 1) {
            return Err(ort::Error::new(format!(
                "the logits have the shape {shape:?}, {keep} were asked for"
            ))
            .into());
        }
        let numbers = match value.data_type() {
            TensorElementType::Float32 => Numbers::Tensor(value),
            TensorElementType::Float16 => Numbers::Own(
                value.try_extract_tensor::<f16>()?.1.iter().map(|number| number.to_f32()).collect(),
            ),
            _ => Numbers::Own(
                value.try_extract_tensor::<bf16>()?.1.iter().map(|number| number.to_f32()).collect(),
            ),
        };
        let rows = if sequences > 1 { sequences } else { keep };
        let stride = if sequences > 1 { positions } else { 1 };
        Ok(Self { numbers, width, first: positions - keep, rows, stride })
    }

    /// Rows one after another.
    pub(crate) fn new(numbers: Vec<f32>, width: usize) -> Self {
        let rows = numbers.len().checked_div(width).unwrap_or(0);
        Self { numbers: Numbers::Own(numbers), width, first: 0, rows, stride: 1 }
    }

    /// Numbers in a row.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Row `at`.
    pub(crate) fn row(&self, at: usize) -> Result<&[f32], InferenceError> {
        let numbers = match &self.numbers {
            Numbers::Tensor(value) => value.try_extract_tensor::<f32>()?.1,
            Numbers::Own(numbers) => numbers.as_slice(),
        };
        let start = (self.first + at * self.stride) * self.width;
        numbers
            .get(start..start + self.width)
            .filter(|_| at < self.rows)
            .ok_or_else(|| ort::Error::new("the logits are too few").into())
    }
}
