//! The JSON files beside a graph: `config.json` as Hugging Face writes it, and `genai_config.json`
//! and `generation_config.json` for runtimes. In: a description. Out: JSON.

use serde_json::{Map, Value, json};

use crate::decoder::Llama3;

/// The names of an architecture: `model_type` and class of Hugging Face's transformers, type of ONNX Runtime GenAI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Family {
    pub(crate) model_type: &'static str,
    pub(crate) class: &'static str,
    pub(crate) genai: &'static str,
}

impl Family {
    pub(crate) const LLAMA: Self = Self { model_type: "llama", class: "LlamaForCausalLM", genai: "llama" };
    pub(crate) const QWEN2: Self = Self { model_type: "qwen2", class: "Qwen2ForCausalLM", genai: "qwen2" };
    pub(crate) const QWEN3: Self = Self { model_type: "qwen3", class: "Qwen3ForCausalLM", genai: "qwen3" };
    pub(crate) const GEMMA3: Self =
        Self { model_type: "gemma3_text", class: "Gemma3ForCausalLM", genai: "gemma3_text" };
}

/// How positions reach further than a model was first trained for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scaling {
    /// Positions are divided by this.
    Linear(f32),
    /// Slow frequencies are divided, fast ones are not.
    Llama3(Llama3),
}

/// What the JSON files say about a model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Description {
    pub(crate) family: Family,
    /// Keys of `config.json` that only some architectures have.
    pub(crate) own: Map<String, Value>,
    pub(crate) attention_bias: bool,
    pub(crate) mlp_bias: bool,
    pub(crate) activation: &'static str,
    /// The type of weights, as `config.json` names it.
    pub(crate) element: &'static str,
    pub(crate) layers: usize,
    pub(crate) hidden: usize,
    pub(crate) feed_forward: usize,
    pub(crate) heads: usize,
    pub(crate) kv_heads: usize,
    pub(crate) head_size: usize,
    pub(crate) context: usize,
    pub(crate) vocabulary: usize,
    pub(crate) epsilon: f32,
    pub(crate) rotary_base: f32,
    pub(crate) scaling: Option<Scaling>,
    pub(crate) tied: bool,
    pub(crate) bos: Option<u64>,
    pub(crate) eos: Vec<u64>,
    pub(crate) pad: Option<u64>,
    /// The graph's input names, which tell whether it wants positions.
    pub(crate) position_ids: bool,
    pub(crate) shared_kv_cache: bool,
}

impl Description {
    /// One id as a number, several as a list, as both formats allow.
    fn eos(&self) -> Value {
        match self.eos.as_slice() {
            [one] => json!(one),
            all => json!(all),
        }
    }

    /// The id to fill batches with; models that name none use their end of sequence.
    fn pad(&self) -> Option<u64> {
        self.pad.or(self.eos.first().copied())
    }
}

/// `config.json`.
pub(crate) fn config_json(model: &Description) -> Value {
    let scaling = model.scaling.map(|scaling| match scaling {
        Scaling::Linear(factor) => json!({ "type": "linear", "rope_type": "linear", "factor": factor }),
        Scaling::Llama3(llama3) => json!({
            "rope_type": "llama3",
            "factor": llama3.factor,
            "low_freq_factor": llama3.low,
            "high_freq_factor": llama3.high,
            "original_max_position_embeddings": llama3.original,
        }),
    });
    let mut config = json!({
        "architectures": [model.family.class],
        "attention_bias": model.attention_bias,
        "attention_dropout": 0.0,
        "bos_token_id": model.bos,
        "eos_token_id": model.eos(),
        "head_dim": model.head_size,
        "hidden_act": model.activation,
        "hidden_size": model.hidden,
        "intermediate_size": model.feed_forward,
        "max_position_embeddings": model.context,
        "mlp_bias": model.mlp_bias,
        "model_type": model.family.model_type,
        "num_attention_heads": model.heads,
        "num_hidden_layers": model.layers,
        "num_key_value_heads": model.kv_heads,
        "pad_token_id": model.pad(),
        "rms_norm_eps": shortest(model.epsilon),
        "rope_scaling": scaling,
        "rope_theta": shortest(model.rotary_base),
        "tie_word_embeddings": model.tied,
        "torch_dtype": model.element,
        "use_cache": true,
        "vocab_size": model.vocabulary,
    });
    if let Value::Object(config) = &mut config {
        config.extend(model.own.clone());
    }
    config
}

/// A number of 32 bits as it was first written: `1e-5`, and not what 64 bits make of it.
fn shortest(number: f32) -> Value {
    number.to_string().parse::<f64>().map_or_else(|_| json!(number), |number| json!(number))
}

/// `genai_config.json` of ONNX Runtime GenAI.
pub(crate) fn genai_config_json(model: &Description) -> Value {
    let mut inputs = json!({
        "input_ids": "input_ids",
        "attention_mask": "attention_mask",
        "past_key_names": "past_key_values.%d.key",
        "past_value_names": "past_key_values.%d.value",
    });
    if model.position_ids {
        inputs["position_ids"] = json!("position_ids");
    }
    json!({
        "model": {
            "bos_token_id": model.bos.or(model.eos.first().copied()),
            "context_length": model.context,
            "decoder": {
                "session_options": { "log_id": "onnxruntime-genai", "provider_options": [] },
                "filename": crate::onnx::GRAPH_FILE,
                "head_size": model.head_size,
                "hidden_size": model.hidden,
                "inputs": inputs,
                "outputs": {
                    "logits": "logits",
                    "present_key_names": "present.%d.key",
                    "present_value_names": "present.%d.value",
                },
                "num_attention_heads": model.heads,
                "num_hidden_layers": model.layers,
                "num_key_value_heads": model.kv_heads,
            },
            "eos_token_id": model.eos(),
            "pad_token_id": model.pad(),
            "type": model.family.genai,
            "vocab_size": model.vocabulary,
        },
        "search": {
            "diversity_penalty": 0.0,
            "do_sample": false,
            "early_stopping": true,
            "length_penalty": 1.0,
            "max_length": model.context,
            "min_length": 0,
            "no_repeat_ngram_size": 0,
            "num_beams": 1,
            "num_return_sequences": 1,
            "past_present_share_buffer": model.shared_kv_cache,
            "repetition_penalty": 1.0,
            "temperature": 1.0,
            "top_k": 50,
            "top_p": 1.0,
        },
    })
}

/// `generation_config.json`.
pub(crate) fn generation_config_json(model: &Description) -> Value {
    json!({ "bos_token_id": model.bos, "eos_token_id": model.eos(), "pad_token_id": model.pad() })
}
