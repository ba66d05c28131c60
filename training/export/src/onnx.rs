//! ONNX files. In: messages and tensor bytes. Out: `model.onnx` beside `model.onnx.data`, and the way back.
//!
//! Tensors of any size go to the data file as they are produced, so that a model larger than memory (and than
//! protobuf's 2 GiB) can be written. It must not know which model a graph describes.

mod external;
mod load;
pub(crate) mod schema;

pub(crate) use external::DataFile;
pub(crate) use load::{external_path, load, tensor_bytes, tensor_floats};

use half::f16;

use schema::{
    AttributeProto, Dimension, DimensionValue, NodeProto, TensorProto, TensorShapeProto, TypeProto,
    ValueInfoProto, attribute_type, data_type, type_proto,
};

/// The graph's file name in a model folder.
pub(crate) const GRAPH_FILE: &str = "model.onnx";
/// The name of the file that holds the graph's tensors.
pub(crate) const DATA_FILE: &str = "model.onnx.data";
/// The endings of the inputs that adapters fill: `[in, rank]` and `[rank, out]`.
pub(crate) const LORA_A: &str = "lora_A";
pub(crate) const LORA_B: &str = "lora_B";
/// The domain of ONNX Runtime's own operators.
pub(crate) const CONTRIB: &str = "com.microsoft";

/// A node of one operator; `inputs` may hold empty names for optional inputs that are left out.
pub(crate) fn node(
    domain: &str,
    operator: &str,
    name: &str,
    inputs: &[&str],
    outputs: &[&str],
    attributes: Vec<AttributeProto>,
) -> NodeProto {
    NodeProto {
        input: inputs.iter().map(|&s| s.to_owned()).collect(),
        output: outputs.iter().map(|&s| s.to_owned()).collect(),
        name: Some(name.to_owned()),
        op_type: Some(operator.to_owned()),
        domain: (!domain.is_empty()).then(|| domain.to_owned()),
        attribute: attributes,
        ..NodeProto::default()
    }
}

pub(crate) fn integer(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        r#type: Some(attribute_type::INT),
        i: Some(value),
        ..AttributeProto::default()
    }
}

pub(crate) fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        r#type: Some(attribute_type::STRING),
        s: Some(value.as_bytes().to_vec()),
        ..AttributeProto::default()
    }
}

pub(crate) fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        r#type: Some(attribute_type::FLOAT),
        f: Some(value),
        ..AttributeProto::default()
    }
}

/// A small `int64` constant, kept in the graph itself so that shape inference sees it.
pub(crate) fn constant(name: &str, dims: &[i64], values: &[i64]) -> TensorProto {
    TensorProto {
        name: Some(name.to_owned()),
        dims: dims.to_vec(),
        data_type: Some(data_type::INT64),
        raw_data: Some(values.iter().flat_map(|v| v.to_le_bytes()).collect()),
        ..TensorProto::default()
    }
}

/// An extent of a graph input or output.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Extent<'a> {
    Fixed(usize),
    Named(&'a str),
}

/// The declaration of a graph input or output.
pub(crate) fn value(name: &str, element: i32, extents: &[Extent<'_>]) -> ValueInfoProto {
    let dim = extents
        .iter()
        .map(|extent| Dimension {
            value: Some(match *extent {
                Extent::Fixed(n) => DimensionValue::Size(n as i64),
                Extent::Named(symbol) => DimensionValue::Symbol(symbol.to_owned()),
            }),
            denotation: None,
        })
        .collect();
    let tensor = type_proto::Tensor { elem_type: Some(element), shape: Some(TensorShapeProto { dim }) };
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto { value: Some(type_proto::Value::Tensor(tensor)), denotation: None }),
        ..ValueInfoProto::default()
    }
}

/// Little-endian bytes of `values`.
pub(crate) fn float_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// Little-endian bytes of `values` as `float16`; nothing where a finite one would become infinite.
pub(crate) fn half_bytes(values: &[f32]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(values.len() * 2);
    for &value in values {
        let half = f16::from_f32(value);
        if half.is_infinite() && value.is_finite() {
            return None;
        }
        bytes.extend(half.to_le_bytes());
    }
    Some(bytes)
}
