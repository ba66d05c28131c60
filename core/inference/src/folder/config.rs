//! What `genai_config.json`, `config.json` and `generation_config.json` say of a model. In: a folder. Out: one set of facts.
//! Must not know: the graph itself, whose shapes win where both speak.

use std::path::Path;

use serde_json::Value;

use super::read_json;
use crate::InferenceError;

/// What a model's configuration files say; the graph is asked for the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelConfig {
    /// The graph's file name, where `genai_config.json` gives it.
    pub graph: Option<String>,
    /// Tokens that the model was made for.
    pub context: Option<usize>,
    /// Ids that end a turn, from all the files, sorted.
    pub eos: Vec<u32>,
    /// Heads of keys and values.
    pub kv_heads: Option<usize>,
    /// Numbers in a head.
    pub head_size: Option<usize>,
    /// Whether past and present keys and values may lie in one buffer, where a file says so.
    pub share_buffer: Option<bool>,
    pub(crate) names: Names,
}

/// What the graph calls its inputs and outputs; `%d` stands for the layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) input_ids: String,
    pub(crate) attention_mask: String,
    pub(crate) position_ids: String,
    pub(crate) past_key: String,
    pub(crate) past_value: String,
    pub(crate) logits: String,
    pub(crate) present_key: String,
    pub(crate) present_value: String,
}

impl ModelConfig {
    /// Reads the files of `folder`.
    ///
    /// # Errors
    /// One is malformed, or both `genai_config.json` and `config.json` are missing.
    pub(crate) fn read(folder: &Path) -> Result<Self, InferenceError> {
        let genai = read_json(folder, "genai_config.json")?;
        let hub = read_json(folder, "config.json")?;
        if genai.is_none() && hub.is_none() {
            return Err(InferenceError::PieceMissing {
                folder: folder.to_owned(),
                piece: "config.json".to_owned(),
                advice: "check that the path is a model folder; copy the file from the model's repository",
            });
        }
        let genai = genai.unwrap_or(Value::Null);
        let hub = hub.unwrap_or(Value::Null);
        let generation = read_json(folder, "generation_config.json")?.unwrap_or(Value::Null);
        let (model, decoder) = (&genai["model"], &genai["model"]["decoder"]);

        let mut eos: Vec<u32> = [&model["eos_token_id"], &hub["eos_token_id"], &generation["eos_token_id"]]
            .into_iter()
            .flat_map(ids)
            .collect();
        eos.sort_unstable();
        eos.dedup();
        let heads = size(&hub["num_attention_heads"]);
        let divided =
            size(&hub["hidden_size"]).zip(heads).and_then(|(hidden, heads)| hidden.checked_div(heads));
        Ok(Self {
            graph: decoder["filename"].as_str().map(str::to_owned),
            context: size(&model["context_length"]).or(size(&hub["max_position_embeddings"])),
            eos,
            kv_heads: size(&decoder["num_key_value_heads"]).or(size(&hub["num_key_value_heads"])).or(heads),
            head_size: size(&decoder["head_size"]).or(size(&hub["head_dim"])).or(divided),
            share_buffer: genai["search"]["past_present_share_buffer"].as_bool(),
            names: Names::read(decoder),
        })
    }
}

impl Names {
    fn read(decoder: &Value) -> Self {
        let (inputs, outputs) = (&decoder["inputs"], &decoder["outputs"]);
        let name = |value: &Value, usual: &str| value.as_str().unwrap_or(usual).to_owned();
        Self {
            input_ids: name(&inputs["input_ids"], "input_ids"),
            attention_mask: name(&inputs["attention_mask"], "attention_mask"),
            position_ids: name(&inputs["position_ids"], "position_ids"),
            past_key: name(&inputs["past_key_names"], "past_key_values.%d.key"),
            past_value: name(&inputs["past_value_names"], "past_key_values.%d.value"),
            logits: name(&outputs["logits"], "logits"),
            present_key: name(&outputs["present_key_names"], "present.%d.key"),
            present_value: name(&outputs["present_value_names"], "present.%d.value"),
        }
    }
}

fn size(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|number| usize::try_from(number).ok()).filter(|&number| number > 0)
}

/// One id or a list of them.
fn ids(value: &Value) -> Vec<u32> {
    let one = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
    match value {
        Value::Array(many) => many.iter().filter_map(one).collect(),
        value => one(value).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::ModelConfig;

    #[test]
    fn files_are_joined() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write(
            "genai_config.json",
            r#"{"model": {"context_length": 8192, "eos_token_id": [2, 0], "decoder": {
                "filename": "model.onnx", "head_size": 64, "num_key_value_heads": 3,
                "inputs": {"past_key_names": "past_%d_k"}, "outputs": {"logits": "scores"}}},
                "search": {"past_present_share_buffer": true}}"#,
        );
        write("config.json", r#"{"eos_token_id": 2, "max_position_embeddings": 4096, "hidden_size": 576}"#);
        write("generation_config.json", r#"{"eos_token_id": 7}"#);
        let config = ModelConfig::read(folder.path()).unwrap();
        assert_eq!(config.eos, [0, 2, 7]);
        assert_eq!(config.context, Some(8192));
        assert_eq!((config.kv_heads, config.head_size), (Some(3), Some(64)));
        assert_eq!(config.share_buffer, Some(true));
        assert_eq!((config.names.past_key.as_str(), config.names.logits.as_str()), ("past_%d_k", "scores"));
        assert_eq!(config.names.past_value, "past_key_values.%d.value");
    }

    #[test]
    fn hub_configuration_alone_is_enough() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join("config.json"),
            r#"{"hidden_size": 512, "num_attention_heads": 8, "max_position_embeddings": 1024, "eos_token_id": 2}"#,
        )
        .unwrap();
        let config = ModelConfig::read(folder.path()).unwrap();
        assert_eq!((config.kv_heads, config.head_size, config.context), (Some(8), Some(64), Some(1024)));
        assert_eq!(config.share_buffer, None);
    }
}
