//! Weights folders made of tiny GGUF files: the numbers, names and order of rows that transformers has; what cannot be said is refused.

mod malformed;
mod onnx;

use std::path::Path;

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::{Element, gguf_to_weights, weights_sha256};
use crate::decoder::interleaved_row;
use crate::decoder::tests::models;
use crate::gguf::Value;
use crate::gguf::tiny::{HEAD, HIDDEN, Tiny};
use crate::{ExportError, Stage, WeightsManifest};

pub(crate) fn convert(tiny: &Tiny, element: Element) -> (TempDir, Result<WeightsManifest, ExportError>) {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("tiny.gguf");
    tiny.write(&source);
    let manifest = gguf_to_weights(&source, &folder.path().join("weights"), element, &mut |_| ());
    (folder, manifest)
}

fn json(folder: &TempDir, name: &str) -> Json {
    serde_json::from_slice(&std::fs::read(folder.path().join("weights").join(name)).unwrap()).unwrap()
}

fn tensor(folder: &Path, name: &str) -> (Vec<usize>, Vec<f32>) {
    let bytes = std::fs::read(folder.join("weights/model.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let view = tensors.tensor(name).unwrap_or_else(|e| panic!("{name}: {e}"));
    let pairs = || view.data().as_chunks::<2>().0.iter();
    let values = match view.dtype() {
        Dtype::F32 => view.data().as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect(),
        Dtype::BF16 => pairs().map(|&b| bf16::from_le_bytes(b).to_f32()).collect(),
        Dtype::F16 => pairs().map(|&b| f16::from_le_bytes(b).to_f32()).collect(),
        other => panic!("{other:?}"),
    };
    (view.shape().to_vec(), values)
}

fn original(tiny: &Tiny, name: &str) -> Vec<f32> {
    let found = tiny.tensors.iter().find(|(known, ..)| known == name).unwrap();
    found.3.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect()
}

/// What the GGUF converter of llama.cpp did to queries and keys, undone the way it did it: `[heads, 2, half]` turned.
fn undone(values: &[f32], columns: usize) -> Vec<f32> {
    let rows = values.len() / columns;
    (0..rows).flat_map(|row| values[interleaved_row(row, HEAD) * columns..][..columns].to_vec()).collect()
}

#[test]
fn tensors_have_the_names_and_rows_of_transformers() {
    let tiny = Tiny::llama_with_options(5);
    let mut plain = tiny.clone();
    plain.tensors.retain(|(name, ..)| name != "rope_freqs.weight");
    let (folder, manifest) = convert(&plain, Element::F32);
    let manifest = manifest.unwrap();
    assert_eq!(WeightsManifest::read(&folder.path().join("weights")).unwrap(), Some(manifest.clone()));
    assert!(manifest.is_current(&manifest.source.sha256, Element::F32));
    assert!(!manifest.is_current(&manifest.source.sha256, Element::Bf16));
    let now = weights_sha256(&folder.path().join("weights"), &mut |_| ()).unwrap();
    assert_eq!(now, manifest.model_sha256);

    let at = |name: &str| tensor(folder.path(), name);
    let (shape, query) = at("model.layers.1.self_attn.q_proj.weight");
    let source = original(&tiny, "blk.1.attn_q.weight");
    assert_eq!(shape, [64, HIDDEN]);
    assert_eq!(query, undone(&source, HIDDEN));
    assert_ne!(query, source, "the order differs at all");
    // Head 1: element 3 of the first half was row 2·3, that of the second half row 2·3 + 1.
    let row = |values: &[f32], row: usize| values[row * HIDDEN..][..HIDDEN].to_vec();
    assert_eq!(row(&query, HEAD + 3), row(&source, HEAD + 6));
    assert_eq!(row(&query, HEAD + HEAD / 2 + 3), row(&source, HEAD + 7));
    let bias = original(&tiny, "blk.0.attn_k.bias");
    assert_eq!(at("model.layers.0.self_attn.k_proj.bias"), (vec![bias.len()], undone(&bias, 1)));
    for (name, same) in [
        ("model.embed_tokens.weight", "token_embd.weight"),
        ("model.layers.0.self_attn.v_proj.weight", "blk.0.attn_v.weight"),
        ("model.layers.1.self_attn.o_proj.bias", "blk.1.attn_output.bias"),
        ("model.layers.1.post_attention_layernorm.weight", "blk.1.ffn_norm.weight"),
        ("model.layers.1.mlp.down_proj.weight", "blk.1.ffn_down.weight"),
        ("model.norm.weight", "output_norm.weight"),
        ("lm_head.weight", "output.weight"),
    ] {
        assert_eq!(at(name).1, original(&tiny, same), "{name}");
    }
    let config = json(&folder, "config.json");
    assert_eq!((&config["tie_word_embeddings"], &config["attention_bias"]), (&json!(false), &json!(true)));
    assert_eq!((&config["mlp_bias"], &config["rope_scaling"]["factor"]), (&json!(true), &json!(2.0)));
    assert_eq!(config["torch_dtype"], "float32");
}

#[test]
fn shorter_types_round_to_the_nearest() {
    let tiny = Tiny::llama();
    let source = original(&tiny, "blk.0.ffn_up.weight");
    let name = "model.layers.0.mlp.up_proj.weight";
    let (folder, _) = convert(&tiny, Element::Bf16);
    let expected = source.iter().map(|&v| bf16::from_f32(v).to_f32()).collect::<Vec<_>>();
    assert_eq!(tensor(folder.path(), name).1, expected);
    assert_eq!(json(&folder, "config.json")["torch_dtype"], "bfloat16");
    let (folder, _) = convert(&tiny, Element::F16);
    let expected = source.iter().map(|&v| f16::from_f32(v).to_f32()).collect::<Vec<_>>();
    assert_eq!(tensor(folder.path(), name).1, expected);

    let mut large = tiny;
    large.tensors.iter_mut().find(|tensor| tensor.0 == "output_norm.weight").unwrap().3[..4]
        .copy_from_slice(&1e6f32.to_le_bytes());
    let message = convert(&large, Element::F16).1.unwrap_err().to_string();
    assert!(message.contains("`model.norm.weight` in float16"), "{message}");
    assert!(convert(&large, Element::Bf16).1.is_ok());
}

#[test]
fn every_architecture_is_written_and_the_files_load() {
    for (name, mut tiny) in models() {
        tiny.tensors.retain(|(name, ..)| name != "rope_freqs.weight");
        let (folder, manifest) = convert(&tiny, Element::F32);
        let manifest = manifest.unwrap_or_else(|e| panic!("{name}: {e}"));
        let names = manifest.files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>();
        let expected = [
            "chat_template.jinja",
            "config.json",
            "generation_config.json",
            "model.safetensors",
            "tokenizer.json",
            "tokenizer_config.json",
        ];
        assert_eq!(names, expected, "{name}");
        let tokenizer = tokenizers::Tokenizer::from_file(folder.path().join("weights/tokenizer.json"));
        assert_eq!(tokenizer.unwrap().encode("hi hi", true).unwrap().get_ids(), [8, 9], "{name}");
        let bytes = std::fs::read(folder.path().join("weights/model.safetensors")).unwrap();
        let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
        assert_eq!(metadata.metadata().as_ref().unwrap()["format"], "pt");
        assert_eq!(metadata.tensors().len(), tiny.tensors.len(), "{name}");
        let gemma = name == "gemma3";
        let norm = tensor(folder.path(), "model.norm.weight").1;
        let source = original(&tiny, "output_norm.weight");
        assert_eq!(norm, source.iter().map(|v| if gemma { v - 1.0 } else { *v }).collect::<Vec<_>>());
    }
}

#[test]
fn a_bias_that_only_transformers_has_is_zero() {
    let mut tiny = Tiny::llama();
    tiny.floats("blk.0.attn_q.bias", &[64], &[0.5; 64]);
    let (folder, manifest) = convert(&tiny, Element::F32);
    manifest.unwrap();
    assert_eq!(tensor(folder.path(), "model.layers.0.self_attn.q_proj.bias").1, [0.5; 64]);
    assert_eq!(tensor(folder.path(), "model.layers.1.self_attn.o_proj.bias").1, [0.0; HIDDEN]);
    assert_eq!(json(&folder, "config.json")["mlp_bias"], false);
}

#[test]
fn what_cannot_be_written_is_refused_and_leaves_nothing() {
    type Change = fn(&mut Tiny);
    let cases: [(&str, Change); 6] = [
        ("architecture `gemma`", |t| t.set("general.architecture", Value::Text("gemma".into()))),
        ("`blk.0.attn_odd.bias` is not part", |t| t.floats("blk.0.attn_odd.bias", &[4], &[0.0; 4])),
        ("`blk.1.ffn_up.weight` is missing", |t| t.tensors.retain(|x| x.0 != "blk.1.ffn_up.weight")),
        ("`output_norm.weight` has shape [4]", |t| {
            t.tensors.retain(|x| x.0 != "output_norm.weight");
            t.floats("output_norm.weight", &[4], &[0.0; 4]);
        }),
        ("other numbers than Llama 3's", |t| t.floats("rope_freqs.weight", &[8], &[1.5; 8])),
        ("pre-tokenizer `martian`", |t| t.set("tokenizer.ggml.pre", Value::Text("martian".into()))),
    ];
    for (expected, change) in cases {
        let mut tiny = Tiny::llama();
        change(&mut tiny);
        let (folder, result) = convert(&tiny, Element::F32);
        let message = result.unwrap_err().to_string();
        assert!(message.contains(expected), "{message} does not say {expected}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "{expected} left files");
    }
}

#[test]
fn progress_ends_complete_and_an_older_folder_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("tiny.gguf"), folder.path().join("weights"));
    Tiny::llama().write(&source);
    std::fs::create_dir(&target).unwrap();
    std::fs::write(target.join("stale"), "old").unwrap();
    let mut seen = Vec::new();
    gguf_to_weights(&source, &target, Element::F32, &mut |p| seen.push((p.stage, p.done, p.total))).unwrap();
    assert!(!target.join("stale").exists());
    for stage in [Stage::Hash, Stage::Tensors, Stage::Finish] {
        let last = seen.iter().rfind(|s| s.0 == stage).unwrap();
        assert_eq!(last.1, last.2, "{stage:?} ends complete");
    }
}
