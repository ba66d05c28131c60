//! The layers of a model that adapters reach. In: a model folder. Out: names, extents and element types, as the
//! graph's inputs state them; and their names in PEFT's files.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{ExportError, Result};
use crate::onnx::schema::{DimensionValue, ValueInfoProto, data_type, type_proto};
use crate::onnx::{GRAPH_FILE, LORA_A, LORA_B, float_bytes, half_bytes, load};

/// Where the layers of a text model are in PEFT's names, with and without a class around the transformer.
const PREFIXES: [&str; 4] = [
    "base_model.model.model.layers.",
    "base_model.model.layers.",
    "base_model.model.model.language_model.layers.",
    "base_model.model.language_model.model.layers.",
];
/// The modules of a layer, and what the graph calls them.
const MODULES: [(&str, &str); 7] = [
    ("self_attn.q_proj", "attention.q"),
    ("self_attn.k_proj", "attention.k"),
    ("self_attn.v_proj", "attention.v"),
    ("self_attn.o_proj", "attention.output"),
    ("mlp.gate_proj", "feed_forward.gate"),
    ("mlp.up_proj", "feed_forward.up"),
    ("mlp.down_proj", "feed_forward.down"),
];

/// The name in the graph of a module, if adapters can reach it.
pub(super) fn name_in_graph(module: &str) -> Option<String> {
    let rest = PREFIXES.iter().find_map(|prefix| module.strip_prefix(prefix))?;
    let (layer, part) = rest.split_once('.')?;
    let layer = layer.parse::<u32>().ok()?;
    let (_, name) = MODULES.iter().find(|(module, _)| *module == part)?;
    Some(format!("layers.{layer}.{name}"))
}

#[derive(Debug)]
pub(super) struct Layers(BTreeMap<String, Layer>);

#[derive(Debug)]
pub(super) struct Layer {
    pub(super) columns: usize,
    pub(super) rows: usize,
    pub(super) element: i32,
}

impl Layers {
    pub(super) fn of(model: &Path) -> Result<Self> {
        let path = model.join(GRAPH_FILE);
        let graph = load(&path)?.graph.unwrap_or_default();
        let inputs = graph.input.iter().map(|input| (input.name(), input)).collect::<BTreeMap<_, _>>();
        let mut layers = BTreeMap::new();
        for (name, a) in &inputs {
            let Some(name) = name.strip_suffix(LORA_A).and_then(|name| name.strip_suffix('.')) else {
                continue;
            };
            let b = inputs.get(format!("{name}.{LORA_B}").as_str());
            let layer = b.and_then(|b| {
                let (element, columns) = extent(a, 0)?;
                let (_, rows) = extent(b, 1)?;
                Some(Layer { columns, rows, element })
            });
            let layer = layer.ok_or_else(|| ExportError::InvalidOnnx {
                path: path.clone(),
                detail: format!("the inputs of the adapter of `{name}` have no shape"),
            })?;
            layers.insert(name.to_owned(), layer);
        }
        if layers.is_empty() {
            return Err(ExportError::NoAdapterInputs { path: model.to_owned() });
        }
        Ok(Self(layers))
    }

    pub(super) fn find(&self, name: &str) -> Option<&Layer> {
        self.0.get(name)
    }
}

impl Layer {
    /// Numbers in the layer's type; nothing where one would not be finite.
    pub(super) fn encode(&self, values: &[f32]) -> Option<Vec<u8>> {
        if values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        match self.element {
            data_type::FLOAT => Some(float_bytes(values)),
            data_type::FLOAT16 => half_bytes(values),
            _ => None,
        }
    }
}

/// Element type, and the fixed extent of an axis.
fn extent(input: &ValueInfoProto, axis: usize) -> Option<(i32, usize)> {
    let type_proto::Value::Tensor(tensor) = input.r#type.as_ref()?.value.as_ref()? else { return None };
    match tensor.shape.as_ref()?.dim.get(axis)?.value {
        Some(DimensionValue::Size(n)) => Some((tensor.elem_type?, usize::try_from(n).ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::name_in_graph;

    #[test]
    fn modules_have_names_in_the_graph_or_none() {
        let name = |module: &str| name_in_graph(&format!("base_model.model.{module}"));
        assert_eq!(name("model.layers.11.self_attn.o_proj").as_deref(), Some("layers.11.attention.output"));
        assert_eq!(name("layers.0.mlp.down_proj").as_deref(), Some("layers.0.feed_forward.down"));
        for other in
            ["lm_head", "model.embed_tokens", "model.layers.x.mlp.up_proj", "model.layers.1.mlp.experts"]
        {
            assert_eq!(name(other), None, "{other}");
        }
        assert_eq!(name("vision_tower.encoder.layers.0.self_attn.q_proj"), None);
    }
}
