//! The graph rewrite. In: a decoded model. Out: the same model with `MatMul` where dynamic quantisation was, its
//! weights appended to the data file. Knows the quantiser's pattern, no model.
//!
//! The pattern (`onnxruntime.quantization.quantize_dynamic`), with `w` an initializer:
//!
//! ```text
//! x ─ DynamicQuantizeLinear ─┬─ xq, xz ─ MatMulInteger(xq, wq, xz, wz) ─ Cast ─ Mul ─ y
//!                            └─ xs ───── Mul(xs, ws) ────────────────────────────┘
//! ```

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::tell;
use crate::error::{ExportError, Result};
use crate::onnx::schema::{GraphProto, ModelProto, NodeProto, TensorProto, data_type};
use crate::onnx::{DataFile, float_bytes, node, tensor_bytes, tensor_floats};
use crate::progress::Report;

/// One occurrence of the pattern.
#[derive(Debug, Clone)]
struct Match {
    /// Index of the `MatMulInteger` and of the last `Mul`, which the new node replaces.
    matmul: usize,
    last: usize,
    input: String,
    output: String,
    weight: Weight,
}

/// The initializers that make a weight.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Weight {
    quantised: String,
    scale: String,
    zero_point: Option<String>,
}

/// Rewrites every occurrence and returns the names of the new initializers, whose bytes are in `data`; none when
/// the pattern does not occur.
pub(super) fn dequantise(
    path: &Path,
    model: &mut ModelProto,
    data: &mut DataFile,
    report: &mut Report<'_>,
) -> Result<HashSet<String>> {
    let Some(graph) = &mut model.graph else { return Ok(HashSet::new()) };
    let matches = find(graph);
    let mut names: HashMap<Weight, String> = HashMap::new();
    for (done, found) in matches.iter().enumerate() {
        tell(report, &found.output, done, matches.len(), data);
        let name = match names.get(&found.weight) {
            Some(name) => name.clone(),
            None => {
                let name = unused_name(graph, &format!("{}.dequantised", found.weight.quantised));
                let tensor = weight(path, graph, &found.weight, &name, data)?;
                graph.initializer.push(tensor);
                names.insert(found.weight.clone(), name.clone());
                name
            }
        };
        let label = graph.node[found.matmul].name().trim_end_matches("_quant").to_owned();
        graph.node[found.last] = node("", "MatMul", &label, &[&found.input, &name], &[&found.output], vec![]);
    }
    tell(report, "", matches.len(), matches.len(), data);
    remove_unused(graph);
    Ok(names.into_values().collect())
}

/// `wanted`, with a number where an initializer has that name: one matrix may be read with two scales.
fn unused_name(graph: &GraphProto, wanted: &str) -> String {
    let taken = graph.initializer_index();
    let numbered = (1..).map(|n| format!("{wanted}.{n}"));
    std::iter::once(wanted.to_owned())
        .chain(numbered)
        .find(|n| !taken.contains_key(n.as_str()))
        .unwrap_or_default()
}

fn find(graph: &GraphProto) -> Vec<Match> {
    let index = Index::new(graph);
    (0..graph.node.len()).filter_map(|matmul| index.matched(matmul)).collect()
}

/// Who makes and who reads each value.
struct Index<'a> {
    graph: &'a GraphProto,
    producer: HashMap<&'a str, usize>,
    readers: HashMap<&'a str, Vec<usize>>,
    initializers: HashMap<&'a str, usize>,
}

impl<'a> Index<'a> {
    fn new(graph: &'a GraphProto) -> Self {
        let (mut producer, mut readers) = (HashMap::new(), HashMap::<_, Vec<_>>::new());
        for (at, node) in graph.node.iter().enumerate() {
            producer.extend(node.output.iter().map(|name| (name.as_str(), at)));
            for name in &node.input {
                readers.entry(name.as_str()).or_default().push(at);
            }
        }
        Self { graph, producer, readers, initializers: graph.initializer_index() }
    }

    fn made_by(&self, value: &str, operator: &str) -> Option<(usize, &'a NodeProto)> {
        let at = *self.producer.get(value)?;
        let node = &self.graph.node[at];
        (node.operator() == ("", operator)).then_some((at, node))
    }

    /// The only reader of `value`, when it is of that operator.
    fn only_reader(&self, value: &str, operator: &str) -> Option<(usize, &'a NodeProto)> {
        let [at] = self.readers.get(value)?.as_slice() else { return None };
        let node = &self.graph.node[*at];
        (node.operator() == ("", operator)).then_some((*at, node))
    }

    fn is_initializer(&self, name: &str) -> bool {
        self.initializers.contains_key(name)
    }

    fn matched(&self, matmul: usize) -> Option<Match> {
        let node = &self.graph.node[matmul];
        if node.operator() != ("", "MatMulInteger") {
            return None;
        }
        let (_, quantise) = self.made_by(node.input.first()?, "DynamicQuantizeLinear")?;
        let [quantised_input, input_scale, input_zero] = quantise.output.as_slice() else { return None };
        if node.input.first() != Some(quantised_input) || node.input.get(2) != Some(input_zero) {
            return None;
        }
        let quantised = node.input.get(1).filter(|name| self.is_initializer(name))?;
        let zero_point = node.input.get(3).filter(|name| !name.is_empty());
        if zero_point.is_some_and(|name| !self.is_initializer(name)) {
            return None;
        }
        let (_, cast) = self.only_reader(node.output.first()?, "Cast")?;
        if cast.attribute("to").map(|a| a.i()) != Some(i64::from(data_type::FLOAT)) {
            return None;
        }
        let (last, scaled) = self.only_reader(cast.output.first()?, "Mul")?;
        let scales = scaled.input.iter().find(|name| Some(*name) != cast.output.first())?;
        let (_, product) = self.made_by(scales, "Mul")?;
        let scale = product.input.iter().find(|name| *name != input_scale)?;
        if !product.input.contains(input_scale) || !self.is_initializer(scale) {
            return None;
        }
        Some(Match {
            matmul,
            last,
            input: quantise.input.first()?.clone(),
            output: scaled.output.first()?.clone(),
            weight: Weight {
                quantised: quantised.clone(),
                scale: scale.clone(),
                zero_point: zero_point.cloned(),
            },
        })
    }
}

/// `(q − zero point) × scale`, with one of each for the tensor or one for each column.
fn weight(
    path: &Path,
    graph: &GraphProto,
    parts: &Weight,
    name: &str,
    data: &mut DataFile,
) -> Result<TensorProto> {
    let index = graph.initializer_index();
    let tensor = |name: &str| index.get(name).map(|&at| &graph.initializer[at]);
    let broken = |problem: &str| ExportError::InvalidOnnx {
        path: path.to_owned(),
        detail: format!("weight `{}` {problem}", parts.quantised),
    };
    let quantised = tensor(&parts.quantised).ok_or_else(|| broken("is missing"))?;
    let scales = tensor_floats(path, tensor(&parts.scale).ok_or_else(|| broken("has no scale"))?)?;
    let zero_points = match &parts.zero_point {
        None => vec![0.0],
        Some(name) => integers(path, tensor(name).ok_or_else(|| broken("has no zero point"))?)?,
    };
    let values = integers(path, quantised)?;
    let columns = quantised.dims.last().map_or(1, |&n| n as usize);
    let fits = |n: usize| n == 1 || n == columns;
    if columns == 0 || !fits(scales.len()) || !fits(zero_points.len()) {
        return Err(broken("has scales of another shape"));
    }
    let at = |list: &[f32], column: usize| list[if list.len() == 1 { 0 } else { column }];
    let floats = values
        .chunks(columns)
        .flat_map(|row| row.iter().enumerate().map(|(c, q)| (q - at(&zero_points, c)) * at(&scales, c)))
        .collect::<Vec<_>>();
    let dims = quantised.dims.iter().map(|&d| d as usize).collect::<Vec<_>>();
    data.tensor(name, data_type::FLOAT, &dims, float_bytes(&floats))
}

fn integers(path: &Path, tensor: &TensorProto) -> Result<Vec<f32>> {
    let bytes = tensor_bytes(path, tensor)?;
    match tensor.data_type() {
        data_type::INT8 => Ok(bytes.iter().map(|&b| f32::from(b as i8)).collect()),
        data_type::UINT8 => Ok(bytes.iter().map(|&b| f32::from(b)).collect()),
        other => Err(ExportError::InvalidOnnx {
            path: path.to_owned(),
            detail: format!("tensor `{}` has element type {other}, not an 8-bit integer", tensor.name()),
        }),
    }
}

/// Removes what only the replaced nodes needed: nodes that nothing reads, initializers, and stale annotations.
fn remove_unused(graph: &mut GraphProto) {
    let pattern = ["MatMulInteger", "Cast", "Mul", "DynamicQuantizeLinear"];
    loop {
        let mut read = HashSet::new();
        reads(graph, &mut read);
        let before = graph.node.len();
        graph.node.retain(|node| {
            !pattern.contains(&node.op_type()) || node.output.iter().any(|name| read.contains(name))
        });
        if graph.node.len() == before {
            graph.initializer.retain(|tensor| read.contains(tensor.name()));
            break;
        }
    }
    let mut alive = graph.initializer.iter().map(|t| t.name().to_owned()).collect::<HashSet<_>>();
    alive.extend(graph.node.iter().flat_map(|n| n.output.iter().cloned()));
    graph.value_info.retain(|value| alive.contains(value.name()));
    graph.quantization_annotation.retain(|note| alive.contains(note.tensor_name()));
}

/// Every name that a node, a nested graph or the outside reads.
fn reads(graph: &GraphProto, names: &mut HashSet<String>) {
    names.extend(graph.output.iter().map(|v| v.name().to_owned()));
    for node in &graph.node {
        names.extend(node.input.iter().cloned());
        for attribute in &node.attribute {
            attribute.g.iter().chain(&attribute.graphs).for_each(|nested| reads(nested, names));
        }
    }
}
