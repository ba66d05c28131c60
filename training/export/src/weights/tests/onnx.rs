//! GGUF → weights folder → ONNX gives what GGUF → ONNX gives, for each architecture and each way of storing weights.

use std::fs;
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde_json::{Value as Json, json};

use super::convert;
use crate::decoder::tests::interpreter::Interpreter;
use crate::decoder::tests::{compare, models, reference};
use crate::decoder::{Llama3, Rotary};
use crate::gguf::tiny::{HEAD, Tiny};
use crate::weights::{Element, weights_to_onnx, weights_to_onnx_checked};
use crate::{Candidate, ExportOptions, Manifest, Quantisation, gguf_to_onnx, inspect_folder};

const ALL: [Quantisation; 4] =
    [Quantisation::Fp32, Quantisation::Fp16, Quantisation::Int8, Quantisation::Int4];

fn logits(folder: &Path, tokens: &[i64]) -> Vec<Vec<f32>> {
    Interpreter::load(folder).logits(&[tokens], &[])
}

#[test]
fn the_graph_of_weights_is_the_graph_of_the_gguf_file() {
    for (name, mut tiny) in models() {
        tiny.tensors.retain(|(name, ..)| name != "rope_freqs.weight");
        let (folder, written) = convert(&tiny, Element::F32);
        let written = written.unwrap();
        let at = |name: &str| folder.path().join(name);
        for quantisation in ALL {
            if (name, quantisation) == ("gemma3", Quantisation::Fp16) {
                continue;
            }
            gguf_to_onnx(&at("tiny.gguf"), &at("direct"), quantisation, &mut |_| ()).unwrap();
            let manifest = weights_to_onnx(&at("weights"), &at("onnx"), quantisation, &mut |_| ()).unwrap();
            assert_eq!(manifest.source.sha256, written.model_sha256, "one hash of the same weights");
            assert!(manifest.is_current(&written.model_sha256, quantisation));
            if name == "gemma3" {
                // Norms lose a bit on their way.
                let tokens = reference(name).0;
                let (difference, _) = compare(&logits(&at("onnx"), &tokens), &logits(&at("direct"), &tokens));
                assert!(difference < 1e-4, "{name} as {quantisation} differs by {difference}");
                continue;
            }
            for file in ["model.onnx", "model.onnx.data", "tokenizer.json", "genai_config.json"] {
                let same =
                    fs::read(at("onnx").join(file)).unwrap() == fs::read(at("direct").join(file)).unwrap();
                assert!(same, "{file} of {name} as {quantisation}");
            }
        }
    }
}

#[test]
fn adapters_and_shorter_types_are_taken() {
    let tiny = Tiny::llama();
    let (folder, _) = convert(&tiny, Element::Bf16);
    let at = |name: &str| folder.path().join(name);
    let options = ExportOptions { quantisation: Quantisation::Fp32, adapters: true };
    weights_to_onnx(&at("weights"), &at("onnx"), options, &mut |_| ()).unwrap();
    assert_eq!(inspect_folder(&at("onnx")).unwrap().adapted_layers, 14);
    gguf_to_onnx(&at("tiny.gguf"), &at("direct"), Quantisation::Fp32, &mut |_| ()).unwrap();
    let (difference, _) = compare(&logits(&at("onnx"), &[0, 8, 9, 3]), &logits(&at("direct"), &[0, 8, 9, 3]));
    assert!(difference > 0.0 && difference < 0.02, "bfloat16 differs by {difference}");
    let config: Json = serde_json::from_slice(&fs::read(at("onnx/config.json")).unwrap()).unwrap();
    assert_eq!(config["torch_dtype"], "float32", "what the graph computes in");
    assert_eq!(Manifest::read(&at("onnx")).unwrap().unwrap().source.file, "weights");
}

#[test]
fn llama_3_scaling_goes_there_and_back() {
    let mut tiny = Tiny::decoder("llama", 37);
    let rotary = Rotary { base: 500_000.0, scale: 1.0 };
    let llama3 = Llama3 { factor: 8.0, low: 1.0, high: 4.0, original: 8192 };
    tiny.floats("rope_freqs.weight", &[HEAD / 2], &llama3.factors(HEAD, rotary));
    tiny.set("llama.rope.freq_base", crate::gguf::Value::Float(rotary.base));
    let (folder, written) = convert(&tiny, Element::F32);
    written.unwrap();
    let at = |name: &str| folder.path().join(name);
    let config: Json = serde_json::from_slice(&fs::read(at("weights/config.json")).unwrap()).unwrap();
    assert_eq!(config["rope_scaling"]["rope_type"], "llama3");
    assert_eq!(config["rope_scaling"]["original_max_position_embeddings"], 8192);
    gguf_to_onnx(&at("tiny.gguf"), &at("direct"), Quantisation::Fp32, &mut |_| ()).unwrap();
    weights_to_onnx(&at("weights"), &at("onnx"), Quantisation::Fp32, &mut |_| ()).unwrap();
    let tokens = reference("llama").0;
    let (difference, _) = compare(&logits(&at("onnx"), &tokens), &logits(&at("direct"), &tokens));
    assert!(difference < 1e-5, "{difference}");
    // The same, as version 5 of transformers puts it.
    let mut newer = config.clone();
    let mut parameters = newer["rope_scaling"].take();
    parameters["rope_theta"] = newer["rope_theta"].take();
    newer["rope_parameters"] = parameters;
    newer["dtype"] = newer["torch_dtype"].take();
    fs::write(at("weights/config.json"), newer.to_string()).unwrap();
    weights_to_onnx(&at("weights"), &at("newer"), Quantisation::Fp32, &mut |_| ()).unwrap();
    assert_eq!(fs::read(at("newer/model.onnx.data")).unwrap(), fs::read(at("onnx/model.onnx.data")).unwrap());
}

/// Writes the tensors of a weights folder as two files with an index.
fn split(folder: &Path) {
    let whole = fs::read(folder.join("model.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&whole).unwrap();
    let mut map = serde_json::Map::new();
    for part in [0, 1] {
        let file = format!("model-0000{}-of-00002.safetensors", part + 1);
        let own = tensors.tensors().into_iter().enumerate().filter(|(at, _)| at % 2 == part);
        let own = own.map(|(_, (name, view))| (name, view)).collect::<Vec<_>>();
        map.extend(own.iter().map(|(name, _)| (name.clone(), json!(file))));
        fs::write(folder.join(&file), safetensors::serialize(own, None).unwrap()).unwrap();
    }
    fs::remove_file(folder.join("model.safetensors")).unwrap();
    let index = json!({ "metadata": {}, "weight_map": map });
    fs::write(folder.join("model.safetensors.index.json"), index.to_string()).unwrap();
}

#[test]
fn several_files_are_one_model() {
    let (folder, _) = convert(&Tiny::llama(), Element::F32);
    let at = |name: &str| folder.path().join(name);
    weights_to_onnx(&at("weights"), &at("onnx"), Quantisation::Int8, &mut |_| ()).unwrap();
    split(&at("weights"));
    weights_to_onnx(&at("weights"), &at("shards"), Quantisation::Int8, &mut |_| ()).unwrap();
    assert_eq!(
        fs::read(at("onnx/model.onnx.data")).unwrap(),
        fs::read(at("shards/model.onnx.data")).unwrap()
    );
    let index = at("weights/model.safetensors.index.json");
    let text = fs::read_to_string(&index).unwrap();
    fs::write(&index, text.replace("model-00001-of-00002", "../model-00001-of-00002")).unwrap();
    let error = weights_to_onnx(&at("weights"), &at("other"), Quantisation::Int8, &mut |_| ()).unwrap_err();
    assert!(error.to_string().contains("is no name of a file in this folder"), "{error}");
}

#[test]
fn what_says_nothing_new_is_left_out() {
    let (folder, _) = convert(&Tiny::llama(), Element::F32);
    let at = |name: &str| folder.path().join(name);
    weights_to_onnx(&at("weights"), &at("onnx"), Quantisation::Fp32, &mut |_| ()).unwrap();
    let path = at("weights/model.safetensors");
    let whole = fs::read(&path).unwrap();
    let mut tensors = SafeTensors::deserialize(&whole).unwrap().tensors();
    let zeros = [0; 11 * 64 * 4];
    tensors.push(("lm_head.weight".into(), TensorView::new(Dtype::F32, vec![11, 64], &zeros).unwrap()));
    let derived = TensorView::new(Dtype::F32, vec![8], &zeros[..32]).unwrap();
    tensors.push(("model.layers.0.self_attn.rotary_emb.inv_freq".into(), derived));
    fs::write(&path, safetensors::serialize(tensors, None).unwrap()).unwrap();
    weights_to_onnx(&at("weights"), &at("older"), Quantisation::Fp32, &mut |_| ()).unwrap();
    assert_eq!(fs::read(at("older/model.onnx.data")).unwrap(), fs::read(at("onnx/model.onnx.data")).unwrap());
}

#[test]
fn what_a_check_refuses_is_not_put_in_place_and_what_it_adds_is_listed() {
    let (folder, _) = convert(&Tiny::llama(), Element::F32);
    let at = |name: &str| folder.path().join(name);
    let run = |refuse: bool| {
        let check = &mut |candidate: Candidate<'_>| {
            assert_eq!(logits(candidate.folder, &[0, 8]).len(), 2, "it can be opened");
            fs::write(candidate.folder.join("README.md"), &candidate.manifest.model_sha256)?;
            fs::write(candidate.folder.join(".seen"), "now")?;
            if refuse { Err("it differs by 7".into()) } else { Ok(()) }
        };
        weights_to_onnx_checked(&at("weights"), &at("onnx"), Quantisation::Int8, check, &mut |_| ())
    };
    let manifest = run(false).unwrap();
    assert_eq!(fs::read_to_string(at("onnx/README.md")).unwrap(), manifest.model_sha256);
    assert_eq!(manifest.files[0].name, "README.md");
    assert!(manifest.verify(&at("onnx"), true, &mut |_| ()).unwrap().is_empty());
    fs::write(at("onnx/.seen"), "later").unwrap();
    assert!(manifest.verify(&at("onnx"), true, &mut |_| ()).unwrap().is_empty());
    assert_eq!(Manifest::read(&at("onnx")).unwrap(), Some(manifest));
    fs::write(at("onnx/older"), "as it was").unwrap();
    let error = run(true).unwrap_err().to_string();
    assert!(error.ends_with("is not put in place: it differs by 7"), "{error}");
    assert_eq!(fs::read_to_string(at("onnx/older")).unwrap(), "as it was");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "nothing is left over");
}
