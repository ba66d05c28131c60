//! Weights folders that are damaged, incomplete or of another kind: each is refused by name, none makes a reader panic.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::convert;
use crate::gguf::tiny::Tiny;
use crate::weights::shards::header;
use crate::weights::{Element, configuration, weights_to_onnx};
use crate::{ExportError, Quantisation};

fn weights(architecture: &str) -> TempDir {
    let (folder, written) = convert(&Tiny::decoder(architecture, 0), Element::F32);
    written.unwrap();
    folder
}

fn refusal(folder: &TempDir) -> String {
    let target = folder.path().join("onnx");
    let result = weights_to_onnx(&folder.path().join("weights"), &target, Quantisation::Int8, &mut |_| ());
    let message = result.unwrap_err().to_string();
    assert!(!target.exists(), "{message}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left: {message}");
    message
}

#[test]
fn settings_that_would_change_the_arithmetic_are_refused_by_name() {
    let cases = [
        (
            "llama",
            "model_type",
            json!("mamba"),
            "architecture `mamba` is not supported; choose a model of one of llama",
        ),
        ("llama", "model_type", json!(null), "`model_type` is missing"),
        ("llama", "hidden_act", json!("relu"), "activation `relu`"),
        ("llama", "rope_scaling", json!({ "rope_type": "yarn", "factor": 4.0 }), "rotary scaling `yarn`"),
        ("llama", "rope_scaling", json!({ "type": "linear" }), "`factor` of the rotary scaling is missing"),
        ("llama", "rope_scaling", json!({ "type": "linear", "factor": -2 }), "`factor` is -2"),
        ("llama", "quantization_config", json!({ "bits": 4 }), "`quantization_config`"),
        ("llama", "num_key_value_heads", json!(3), "3, which does not divide 4 heads"),
        ("llama", "num_hidden_layers", json!(1 << 20), "more than there are tensors"),
        ("llama", "num_hidden_layers", json!(3), "`model.layers.2.self_attn.q_proj.weight` is missing"),
        ("llama", "num_hidden_layers", json!(1), "`model.layers.1.input_layernorm.weight` is not part"),
        ("llama", "hidden_size", json!("wide"), "`hidden_size` is \"wide\""),
        ("llama", "hidden_size", json!(128), "has shape [11, 64], not [11, 128]"),
        ("llama", "attention_bias", json!(true), "`model.layers.0.self_attn.q_proj.bias` is missing"),
        ("llama", "tie_word_embeddings", json!(false), "`lm_head.weight` is missing"),
        ("llama", "partial_rotary_factor", json!(0.5), "`partial_rotary_factor`"),
        ("llama", "head_dim", json!(20), "heads of size 20"),
        ("qwen2", "use_sliding_window", json!(true), ""),
        ("qwen3", "layer_types", json!(["sliding_attention", "full_attention"]), "`layer_types`"),
        ("gemma3", "final_logit_softcapping", json!(30.0), "`final_logit_softcapping`"),
        (
            "gemma3",
            "layer_types",
            json!(["full_attention", "sliding_attention"]),
            "an order of `layer_types`",
        ),
    ];
    for (architecture, key, value, expected) in cases {
        let folder = weights(architecture);
        let path = folder.path().join("weights/config.json");
        let mut config: Json = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        config[key] = value;
        if expected.is_empty() {
            config["sliding_window"] = json!(4);
        }
        fs::write(&path, config.to_string()).unwrap();
        let expected = if expected.is_empty() { "a `sliding_window`" } else { expected };
        let message = refusal(&folder);
        assert!(message.contains(expected), "{message} does not say {expected}");
    }
}

#[test]
fn missing_files_are_named() {
    for (file, expected) in [
        ("config.json", "holds no model: none of config.json"),
        ("model.safetensors", "none of model.safetensors, model.safetensors.index.json is there"),
        ("tokenizer.json", "none of tokenizer.json is there"),
    ] {
        let folder = weights("llama");
        fs::remove_file(folder.path().join("weights").join(file)).unwrap();
        let message = refusal(&folder);
        assert!(message.contains(expected), "{message} does not say {expected}");
    }
}

#[test]
fn damaged_files_are_refused() {
    type Change = fn(&mut Vec<u8>);
    let cases: [(&str, Change); 6] = [
        ("it ends within its first 8 bytes", |bytes| bytes.truncate(5)),
        ("states a header of", |bytes| bytes[7] = 1),
        ("its tensors end at byte", |bytes| bytes.truncate(bytes.len() - 1)),
        ("its tensors end at byte", |bytes| bytes.push(0)),
        ("is no readable safetensors file", |bytes| bytes[8] = b'['),
        ("is no readable safetensors file", |bytes| {
            let at = bytes.windows(14).position(|window| window == b"\"data_offsets\"").unwrap();
            bytes[at + 16] = b'9';
        }),
    ];
    for (expected, change) in cases {
        let folder = weights("llama");
        let path = folder.path().join("weights/model.safetensors");
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(&path, bytes).unwrap();
        let message = refusal(&folder);
        assert!(message.contains(expected), "{message} does not say {expected}");
    }
}

fn rewrite(folder: &TempDir, change: impl Fn(&mut Vec<(String, TensorView<'_>)>)) {
    let path = folder.path().join("weights/model.safetensors");
    let whole = fs::read(&path).unwrap();
    let mut tensors = SafeTensors::deserialize(&whole).unwrap().tensors();
    change(&mut tensors);
    fs::write(&path, safetensors::serialize(tensors, None).unwrap()).unwrap();
}

#[test]
fn tensors_of_another_kind_are_refused() {
    static ZEROS: [u8; 4096] = [0; 4096];
    let folder = weights("llama");
    rewrite(&folder, |tensors| {
        let odd = TensorView::new(Dtype::F32, vec![4], &ZEROS[..16]).unwrap();
        tensors.push(("model.layers.0.self_attn.odd".into(), odd));
    });
    assert!(refusal(&folder).contains("`model.layers.0.self_attn.odd` is not part of this architecture"));
    let folder = weights("llama");
    rewrite(&folder, |tensors| {
        tensors.retain(|(name, _)| name != "model.norm.weight");
        let other = TensorView::new(Dtype::I8, vec![64], &ZEROS[..64]).unwrap();
        tensors.push(("model.norm.weight".into(), other));
    });
    assert!(refusal(&folder).contains("`model.norm.weight` of type I8 (F32, BF16 and F16 are read)"));
}

fn path() -> PathBuf {
    Path::new("model.safetensors").to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What a header lists lies inside the file.
    #[test]
    fn no_bytes_make_a_header_panic(at in 0.0..1.0f64, byte in any::<u8>(), bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let zeros = [0; 64];
        let view = || TensorView::new(Dtype::F32, vec![4, 4], &zeros).unwrap();
        let whole = safetensors::serialize([("a", view()), ("b", view())], None).unwrap();
        let mut changed = whole.clone();
        changed[(at * whole.len() as f64) as usize] = byte;
        for bytes in [&changed, &bytes, &whole[..(at * whole.len() as f64) as usize].to_vec()] {
            let Ok(tensors) = header(&path(), bytes.as_slice(), bytes.len() as u64) else { continue };
            for (_, info, begin) in tensors {
                let (from, to) = info.data_offsets;
                prop_assert!(begin as usize + (to - from) <= bytes.len());
            }
        }
    }

    #[test]
    fn no_json_makes_a_configuration_panic(at in 0.0..1.0f64, byte in any::<u8>(), number in any::<i64>()) {
        let text = json!({
            "model_type": "gemma3_text", "hidden_size": 64, "num_attention_heads": 4, "num_hidden_layers": 2,
            "intermediate_size": 96, "vocab_size": 11, "max_position_embeddings": 32, "head_dim": 32,
            "layer_types": ["full_attention"], "rope_parameters": { "rope_type": "linear", "factor": 2 },
        });
        let mut bytes = text.to_string().into_bytes();
        let length = bytes.len() as f64;
        bytes[(at * length) as usize] = byte;
        if let Ok(json) = serde_json::from_slice::<Json>(&bytes) {
            let _ = configuration::read(&path(), &json);
        }
        for key in text.as_object().unwrap().keys() {
            let mut other = text.clone();
            other[key] = json!(number);
            let read = configuration::read(&path(), &other);
            let known = matches!(read, Ok(_) | Err(ExportError::Json { .. } | ExportError::UnsupportedFeature { .. }));
            prop_assert!(known, "{:?}", read);
        }
    }
}
