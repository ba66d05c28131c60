//! Runs an exported graph, operator by operator, the plain way. In: a model folder and token ids. Out: logits. It
//! stands in for ONNX Runtime where a test may need nothing but this crate; both run the same graphs in
//! `fixtures/logits.py`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::operators;
use crate::onnx::schema::{GraphProto, NodeProto, data_type};
use crate::onnx::{GRAPH_FILE, load, tensor_bytes, tensor_floats};

/// A tensor: floats of any width as `f32`, integers of any width as `i64`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tensor {
    Floats(Vec<usize>, Vec<f32>),
    Integers(Vec<usize>, Vec<i64>),
}

impl Tensor {
    pub(super) fn dims(&self) -> &[usize] {
        match self {
            Self::Floats(dims, _) | Self::Integers(dims, _) => dims,
        }
    }

    pub(crate) fn floats(&self) -> &[f32] {
        match self {
            Self::Floats(_, values) => values,
            Self::Integers(..) => panic!("integers where floats belong"),
        }
    }

    pub(super) fn integers(&self) -> &[i64] {
        match self {
            Self::Integers(_, values) => values,
            Self::Floats(..) => panic!("floats where integers belong"),
        }
    }
}

/// A loaded graph.
pub(crate) struct Interpreter {
    graph: GraphProto,
    constants: HashMap<String, Tensor>,
}

impl Interpreter {
    pub(crate) fn load(folder: &Path) -> Self {
        let path: PathBuf = folder.join(GRAPH_FILE);
        let graph = load(&path).unwrap().graph.unwrap();
        let mut constants = HashMap::new();
        for tensor in &graph.initializer {
            let dims = tensor.dims.iter().map(|&d| d as usize).collect::<Vec<_>>();
            let value = match tensor.data_type() {
                data_type::FLOAT | data_type::FLOAT16 => {
                    Tensor::Floats(dims, tensor_floats(&path, tensor).unwrap())
                }
                data_type::UINT8 => {
                    let bytes = tensor_bytes(&path, tensor).unwrap();
                    Tensor::Integers(dims, bytes.into_iter().map(i64::from).collect())
                }
                data_type::INT64 => {
                    let bytes = tensor_bytes(&path, tensor).unwrap();
                    let values = bytes.as_chunks::<8>().0.iter().map(|&b| i64::from_le_bytes(b)).collect();
                    Tensor::Integers(dims, values)
                }
                other => panic!("{} has element type {other}", tensor.name()),
            };
            constants.insert(tensor.name().to_owned(), value);
        }
        Self { graph, constants }
    }

    /// Logits of each of `tokens`, from an empty cache, run in chunks of the given lengths. `with` overrides optional
    /// inputs.
    pub(crate) fn logits(&self, chunks: &[&[i64]], with: &[(String, Tensor)]) -> Vec<Vec<f32>> {
        let mut values = self.constants.clone();
        values.extend(with.iter().cloned());
        let (mut done, mut rows) = (0, Vec::new());
        for input in self.graph.input.iter().filter(|i| i.name().starts_with("past_key_values.")) {
            let shape = &input.r#type.as_ref().unwrap().value;
            let crate::onnx::schema::type_proto::Value::Tensor(tensor) = shape.as_ref().unwrap() else {
                panic!("{} is no tensor", input.name())
            };
            let fixed = |axis: usize| match &tensor.shape.as_ref().unwrap().dim[axis].value {
                Some(crate::onnx::schema::DimensionValue::Size(n)) => *n as usize,
                other => panic!("axis {axis} is {other:?}"),
            };
            let empty = Tensor::Floats(vec![1, fixed(1), 0, fixed(3)], Vec::new());
            values.insert(input.name().to_owned(), empty);
        }
        for chunk in chunks {
            done += chunk.len();
            values.insert("input_ids".into(), Tensor::Integers(vec![1, chunk.len()], chunk.to_vec()));
            values.insert("attention_mask".into(), Tensor::Integers(vec![1, done], vec![1; done]));
            for node in &self.graph.node {
                self.run(node, &mut values);
            }
            let logits = &values["logits"];
            let width = logits.dims()[2];
            rows.extend(logits.floats().chunks(width).map(<[f32]>::to_vec));
            for input in &self.graph.input {
                if let Some(rest) = input.name().strip_prefix("past_key_values.") {
                    let present = values[&format!("present.{rest}")].clone();
                    values.insert(input.name().to_owned(), present);
                }
            }
        }
        rows
    }

    fn run(&self, node: &NodeProto, values: &mut HashMap<String, Tensor>) {
        let inputs = node.input.iter().map(|name| values.get(name)).collect::<Vec<_>>();
        let outputs = operators::run(node, &inputs);
        for (name, value) in node.output.iter().zip(outputs).filter(|(name, _)| !name.is_empty()) {
            values.insert(name.clone(), value);
        }
    }
}
