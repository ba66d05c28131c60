//! Linear layers: a matrix, and where there are any, its bias and the optional inputs of an adapter. In: tensor
//! names. Out: nodes. It must not know which block a layer belongs to.

use super::Writer;
use super::adapters::Adapted;
use crate::decoder::weights::{Bits, IN_ORDER, Part, Stored};
use crate::error::Result;
use crate::onnx::{self, CONTRIB, constant, integer};
use crate::quantise::{BLOCK, Quantisation};

/// `MatMulNBits`: quantise activations to 8 bits per block too, which selects the integer kernels.
const ACCURACY_INT8: i64 = 4;
/// The form of an input that is taken apart into blocks, and the axis of a block.
const BLOCKS: &str = "blocks";
const AXIS: &str = "axis.block";

/// One linear layer of a block, made of one tensor.
pub(super) struct Linear<'a> {
    /// The tensor in the file, without `blk.N.` and `.weight`.
    pub(super) tensor: &'a str,
    pub(super) layer: usize,
    /// The name of what it computes.
    pub(super) output: &'a str,
    /// The name of the matrix in the graph, without `.weight`.
    pub(super) name: &'a str,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl Writer<'_, '_> {
    /// Applies a linear layer to `input`.
    pub(super) fn apply(&mut self, linear: &Linear<'_>, input: &str) -> Result<()> {
        let tensor = format!("blk.{}.{}.weight", linear.layer, linear.tensor);
        let weight = format!("{}.weight", linear.name);
        let stored = self.matrix(&tensor, &weight, linear.rows, linear.columns, false)?;
        let bias = self.bias(linear.layer, linear.tensor, linear.rows)?;
        let adapted = [Adapted { name: linear.name, columns: linear.columns, rows: linear.rows }];
        self.linear(stored, input, linear.output, bias.as_deref(), &adapted)
    }

    /// The bias of a layer that may have one and does.
    pub(super) fn bias(&mut self, layer: usize, tensor: &str, rows: usize) -> Result<Option<Vec<f32>>> {
        match self.shape.biases.contains(&tensor) {
            true => self.weights.optional_vector(&format!("blk.{layer}.{tensor}.bias"), rows),
            false => Ok(None),
        }
    }

    /// A matrix made of one tensor. `precise` ones stay at 8 bits where the others have 4.
    pub(super) fn matrix(
        &mut self,
        tensor: &str,
        name: &str,
        rows: usize,
        columns: usize,
        precise: bool,
    ) -> Result<Stored> {
        let quantisation = match self.options.quantisation {
            Quantisation::Int4 if precise => Quantisation::Int8,
            other => other,
        };
        self.weights.matrix(name, columns, &[Part { tensor, rows, source_row: IN_ORDER }], quantisation)
    }

    /// `output = input · matrixᵀ + adapters + bias`.
    pub(super) fn linear(
        &mut self,
        matrix: Stored,
        input: &str,
        output: &str,
        bias: Option<&[f32]>,
        adapted: &[Adapted<'_>],
    ) -> Result<()> {
        let adapted = if self.options.adapters { adapted } else { &[] };
        let rows = matrix.rows;
        let mut value = match (bias, adapted) {
            (None, []) => output.to_owned(),
            _ => format!("{output}.product"),
        };
        self.product(matrix, input, &value);
        if !adapted.is_empty() {
            let sum = if bias.is_some() { format!("{output}.adapted") } else { output.to_owned() };
            let delta = self.adapters(adapted, input, output)?;
            self.node("", "Add", &[&value, &delta], &[&sum], vec![]);
            value = sum;
        }
        if let Some(bias) = bias {
            let name = format!("{output}.bias");
            self.floats(&name, &[rows], bias)?;
            self.node("", "Add", &[&value, &name], &[output], vec![]);
        }
        Ok(())
    }

    /// `output = input · matrixᵀ`, by the operator that takes the matrix as it is stored.
    pub(super) fn product(&mut self, matrix: Stored, input: &str, output: &str) {
        let input = &match matrix.sums {
            0 => input.to_owned(),
            _ => self.with_sums(input),
        };
        let names = matrix.tensors.iter().map(|t| t.name().to_owned()).collect::<Vec<_>>();
        let mut inputs = vec![input.as_str()];
        inputs.extend(names.iter().map(String::as_str));
        let quantised = |bits| {
            vec![
                integer("K", (matrix.columns + matrix.sums) as i64),
                integer("N", matrix.rows as i64),
                integer("bits", bits),
                integer("block_size", BLOCK as i64),
                integer("accuracy_level", ACCURACY_INT8),
            ]
        };
        let (operator, attributes) = match matrix.bits {
            Bits::Float => ("FusedMatMul", vec![integer("transB", 1)]),
            Bits::Eight => ("MatMulNBits", quantised(8)),
            Bits::Four => ("MatMulNBits", quantised(4)),
        };
        self.graph.node.push(onnx::node(
            CONTRIB,
            operator,
            &format!("{output}/{operator}"),
            &inputs,
            &[output],
            attributes,
        ));
        self.graph.initializer.extend(matrix.tensors);
    }

    /// `input` with its sums over each block behind it, as matrices that keep offsets take it. Made once for all that
    /// read the same input. Returns its name.
    fn with_sums(&mut self, input: &str) -> String {
        let [blocks, sums, output] = ["blocks", "sums", "with_sums"].map(|part| format!("{input}.{part}"));
        if self.with_sums.is_empty() {
            // 0 stands for the extent that is there already.
            self.initializer(constant(BLOCKS, &[4], &[0, 0, -1, BLOCK as i64]));
            self.initializer(constant(AXIS, &[1], &[3]));
        }
        if self.with_sums.insert(input.to_owned()) {
            self.node("", "Reshape", &[input, BLOCKS], &[&blocks], vec![]);
            self.node("", "ReduceSum", &[&blocks, AXIS], &[&sums], vec![integer("keepdims", 0)]);
            self.node("", "Concat", &[input, &sums], &[&output], vec![integer("axis", -1)]);
        }
        output
    }
}
