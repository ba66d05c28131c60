//! Whole decoders on another backend, beside the processor's: losses and norms of gradients over some steps.

use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::json;

use crate::backend::{Backend, Cpu};
use crate::batch::{Batch, Row};
use crate::{Decoder, Learn, LoraOptions, Options, Trainee, Update};

const WIDTH: usize = 32;
const INNER: usize = 44;
const HEAD: usize = 16;
const VOCABULARY: usize = 61;

/// A folder of weights: two blocks, with heads that tensor cores can take, and biases.
pub(super) fn write(folder: &Path) {
    let config = json!({
        "model_type": "qwen2", "hidden_size": WIDTH, "intermediate_size": INNER, "num_hidden_layers": 2, "num_attention_heads": 2,
        "num_key_value_heads": 1, "head_dim": HEAD, "vocab_size": VOCABULARY, "max_position_embeddings": 128,
        "rms_norm_eps": 1e-5, "rope_theta": 1000.0, "tie_word_embeddings": true,
    });
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let mut shapes = vec![
        ("model.embed_tokens.weight".to_owned(), vec![VOCABULARY, WIDTH]),
        ("model.norm.weight".to_owned(), vec![WIDTH]),
    ];
    for block in 0..2 {
        let mut add = |name: &str, shape: &[usize]| {
            shapes.push((format!("model.layers.{block}.{name}.weight"), shape.to_vec()))
        };
        add("input_layernorm", &[WIDTH]);
        add("post_attention_layernorm", &[WIDTH]);
        for (name, rows) in [("q", 2 * HEAD), ("k", HEAD), ("v", HEAD)] {
            add(&format!("self_attn.{name}_proj"), &[rows, WIDTH]);
        }
        add("self_attn.o_proj", &[WIDTH, 2 * HEAD]);
        add("mlp.gate_proj", &[INNER, WIDTH]);
        add("mlp.up_proj", &[INNER, WIDTH]);
        add("mlp.down_proj", &[WIDTH, INNER]);
        for (name, rows) in [("q", 2 * HEAD), ("k", HEAD), ("v", HEAD)] {
            shapes.push((format!("model.layers.{block}.self_attn.{name}_proj.bias"), vec![rows]));
        }
    }
    let mut random = 1_u64;
    let tensors: Vec<_> = shapes
        .into_iter()
        .map(|(name, shape)| {
            let numbers = (0..shape.iter().product::<usize>()).flat_map(|_| {
                random =
                    random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let number = (random >> 40) as f32 / (1_u64 << 23) as f32 - 1.0;
                let number = if name.contains("norm") { 1.0 + 0.2 * number } else { 0.3 * number };
                // 16 bits hold it.
                half::bf16::from_f32(number).to_f32().to_le_bytes()
            });
            (name.clone(), shape, numbers.collect::<Vec<u8>>())
        })
        .collect();
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| (name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    safetensors::serialize_to_file(views, None, &folder.join("model.safetensors")).unwrap();
}

/// One row longer than a tile, with a prefix and documents, and a short one.
fn batch() -> Batch {
    let row = |length: usize, prefix, documents: &[usize]| Row {
        tokens: (0..length).map(|place| (place * place % VOCABULARY) as u32).collect(),
        targets: (0..length).map(|place| (place * 7 % VOCABULARY) as u32).collect(),
        weights: (0..length).map(|place| [1.0, 0.0, 0.5][place % 3]).collect(),
        prefix,
        documents: documents.to_vec(),
        ..Row::default()
    };
    Batch { rows: vec![row(70, 9, &[9, 30, 65]), row(5, 0, &[0])] }
}

/// Some steps, as losses and norms. Beside adapters the second row is learnt from the base.
fn steps(backend: impl Backend, folder: &Path, options: Options) -> Vec<f64> {
    let is_lora = matches!(options.learn, Learn::Lora(_));
    let mut decoder = Decoder::load(backend, folder, options).unwrap();
    let (mut batch, mut found) = (batch(), Vec::new());
    if is_lora {
        batch.rows[1].distilled = vec![true; batch.rows[1].tokens.len()];
    }
    for step in 1..=2 {
        found.push(decoder.evaluate(&batch).unwrap().mean());
        let loss = decoder.accumulate(&batch).unwrap();
        found.push(loss.mean());
        let norm = decoder.gradient_norm().unwrap();
        found.push(norm / loss.weight);
        let gradient_scale = (1.0 / loss.weight.max(norm)) as f32;
        let update =
            Update { step, rate: 3e-3, betas: (0.9, 0.95), epsilon: 1e-4, decay: 0.1, gradient_scale };
        decoder.update(&update).unwrap();
    }
    assert!(found[3] < found[0], "it learns: {found:?}");
    found
}

/// Full and LoRA, with dropout and checkpointing, lose what they lose on the processor.
pub(super) fn alike<B: Backend>(folder: &Path, tolerance: f32, backend: impl Fn() -> B) {
    let lora = LoraOptions { rank: 4, alpha: 8.0, dropout: 0.2, ..LoraOptions::default() };
    for (learn, checkpointing) in [(Learn::Full, false), (Learn::Full, true), (Learn::Lora(lora), false)] {
        let options = Options { learn, checkpointing, seed: 3 };
        let expected = steps(Cpu::new(1).unwrap(), folder, options.clone());
        let found = steps(backend(), folder, options.clone());
        for (place, (expected, found)) in expected.iter().zip(&found).enumerate() {
            let near = (expected - found).abs() <= f64::from(tolerance) * expected.abs();
            assert!(near, "{found} at {place} instead of {expected}: {options:?}");
        }
    }
}
