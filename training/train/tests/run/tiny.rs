//! A model of a few thousand weights, a set of a few words, and a recipe.

use std::fs;
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView, serialize_to_file};
use serde_json::json;

const WORDS: [&str; 14] = [
    "system",
    "user",
    "assistant",
    "brief",
    "what",
    "colour",
    "has",
    "grass",
    "snow",
    "coal",
    "green",
    "white",
    "black",
    "no",
];
const HIDDEN: usize = 32;
const INNER: usize = 48;
const LAYERS: usize = 2;

/// Writes `model`, `set` and `recipe.toml` into a folder.
pub(crate) fn write(folder: &Path) {
    let model = folder.join("model");
    fs::create_dir_all(&model).unwrap();
    texts(&model);
    weights(&model, |at| ((at * 2_654_435_761 % 1_000) as f32 / 1_000.0 - 0.5) * 0.2);
    set(&folder.join("set"));
    let recipe = r#"
name = "tiny"
base = "model"
output = "out"
[run]
set = "set"
threads = 1
row_tokens = 48
batch_tokens = 48
schedule = "constant"
warmup_share = 0.0
rate = 0.01
checkpoint_every = 5
evaluate_every = 25
[run.lora]
rank = 4
dropout = 0.1
"#;
    fs::write(folder.join("recipe.toml"), recipe).unwrap();
}

/// A model of the same shape with other weights, beside the first.
pub(crate) fn write_other(folder: &Path) {
    let other = folder.join("other");
    fs::create_dir_all(&other).unwrap();
    for entry in fs::read_dir(folder.join("model")).unwrap().flatten() {
        fs::copy(entry.path(), other.join(entry.file_name())).unwrap();
    }
    weights(&other, |at| ((at * 2_246_822_519 % 1_000) as f32 / 1_000.0 - 0.5) * 0.2);
}

/// Makes a model's heads of a size that exports have; the weights stay.
pub(crate) fn widen_heads(model: &Path) {
    let path = model.join("config.json");
    let mut config: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    config["num_attention_heads"] = 2.into();
    config["num_key_value_heads"] = 1.into();
    fs::write(path, config.to_string()).unwrap();
}

/// Makes a model's weights no numbers.
pub(crate) fn spoil(model: &Path) {
    weights(model, |_| f32::NAN);
}

fn texts(model: &Path) {
    let vocabulary: serde_json::Map<_, _> =
        WORDS.iter().zip(0u32..).map(|(word, id)| ((*word).to_owned(), json!(id))).collect();
    let special = |id: usize, content: &str| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true})
    };
    let tokenizer = json!({
        "version": "1.0",
        "added_tokens": [special(WORDS.len(), "<|im_start|>"), special(WORDS.len() + 1, "<|im_end|>")],
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "no"},
    });
    let config = json!({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": WORDS.len() + 2,
        "hidden_size": HIDDEN, "intermediate_size": INNER, "num_hidden_layers": LAYERS, "num_attention_heads": 4,
        "num_key_value_heads": 2, "max_position_embeddings": 256, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
        "hidden_act": "silu", "tie_word_embeddings": true, "eos_token_id": WORDS.len() + 1,
    });
    let template = "{% for message in messages %}{{'<|im_start|>' + message['role'] + ' ' + message['content'] + \
        '<|im_end|>' + ' '}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant ' }}{% endif %}";
    let write = |name: &str, text: &str| fs::write(model.join(name), text).unwrap();
    write("tokenizer.json", &tokenizer.to_string());
    write("tokenizer_config.json", r#"{"eos_token": "<|im_end|>"}"#);
    write("config.json", &config.to_string());
    write("chat_template.jinja", template);
}

fn weights(model: &Path, number: impl Fn(usize) -> f32) {
    let mut shapes = vec![
        ("model.embed_tokens.weight".to_owned(), vec![WORDS.len() + 2, HIDDEN]),
        ("model.norm.weight".to_owned(), vec![HIDDEN]),
    ];
    for layer in 0..LAYERS {
        let of = |name: &str| format!("model.layers.{layer}.{name}.weight");
        shapes.extend([
            (of("input_layernorm"), vec![HIDDEN]),
            (of("post_attention_layernorm"), vec![HIDDEN]),
            (of("self_attn.q_proj"), vec![HIDDEN, HIDDEN]),
            (of("self_attn.k_proj"), vec![HIDDEN / 2, HIDDEN]),
            (of("self_attn.v_proj"), vec![HIDDEN / 2, HIDDEN]),
            (of("self_attn.o_proj"), vec![HIDDEN, HIDDEN]),
            (of("mlp.gate_proj"), vec![INNER, HIDDEN]),
            (of("mlp.up_proj"), vec![INNER, HIDDEN]),
            (of("mlp.down_proj"), vec![HIDDEN, INNER]),
        ]);
    }
    let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = shapes
        .into_iter()
        .enumerate()
        .map(|(tensor, (name, shape))| {
            let length: usize = shape.iter().product();
            let is_norm = shape.len() == 1;
            let numbers = (0..length).map(|at| match number(at * 7 + tensor * 131 + 1) {
                value if is_norm && value.is_finite() => 1.0,
                value => value,
            });
            (name, shape, numbers.flat_map(f32::to_le_bytes).collect())
        })
        .collect();
    let views = bytes.iter().map(|(name, shape, bytes)| {
        (name.clone(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap())
    });
    serialize_to_file(views, None, &model.join("model.safetensors")).unwrap();
}

/// Sixteen dialogues to learn, and three to be evaluated on.
fn set(set: &Path) {
    fs::create_dir_all(set).unwrap();
    let colours = [("grass", "green"), ("snow", "white"), ("coal", "black"), ("brief", "no")];
    let line = |number: usize| {
        let (thing, colour) = colours[number % colours.len()];
        let dialogue = json!({"id": number.to_string(), "kind": "dialogue", "messages": [
            {"role": "system", "content": "brief"},
            {"role": "user", "content": format!("what colour has {thing}")},
            {"role": "assistant", "content": format!("{thing} has {colour}")},
        ]});
        format!("{dialogue}\n")
    };
    fs::write(set.join("train.jsonl"), (0..16).map(line).collect::<String>()).unwrap();
    fs::write(set.join("dev.jsonl"), (16..19).map(line).collect::<String>()).unwrap();
}
