//! Merged weights of tiny models are those that the adapter's arithmetic gives; what does not fit is refused.

use std::fs;
use std::path::Path;

use safetensors::SafeTensors;
use serde_json::json;

use super::merge_lora;
use crate::decoder::tests::{compare, interpreter::Interpreter};
use crate::decoder::tests::{models, reference};
use crate::gguf::tiny::Tiny;
use crate::lora::tests::{RANK, Tensors, adapter, config, write_peft};
use crate::weights::{Element, gguf_to_weights, weights_to_onnx};
use crate::{Quantisation, WeightsManifest};

fn weights(folder: &Path, tiny: &Tiny, element: Element) -> WeightsManifest {
    let source = folder.with_extension("gguf");
    tiny.write(&source);
    gguf_to_weights(&source, folder, element, &mut |_| ()).unwrap()
}

#[test]
fn merged_weights_compute_what_the_formula_says() {
    for (name, mut tiny) in models() {
        tiny.tensors.retain(|(name, ..)| name != "rope_freqs.weight");
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (tensors, changed) = adapter(&tiny);
        let base = weights(&at("base"), &tiny, Element::F32);
        weights(&at("expected"), &changed, Element::F32);
        write_peft(&at("peft"), &config(), &tensors);
        let manifest =
            merge_lora(&at("base"), &at("peft"), &at("merged"), Element::F32, &mut |_| ()).unwrap();
        assert_eq!(manifest.source.sha256, base.model_sha256);
        assert_eq!(manifest.adapter.as_ref().unwrap().file, "peft");
        assert!(!manifest.is_current(&base.model_sha256, Element::F32), "it is no longer the base");

        let bytes = ["merged", "expected"].map(|name| fs::read(at(name).join("model.safetensors")).unwrap());
        let [merged, expected] = bytes.each_ref().map(|bytes| SafeTensors::deserialize(bytes).unwrap());
        assert_eq!(merged.len(), expected.len());
        for (tensor, view) in merged.tensors() {
            let floats = |bytes: &[u8]| {
                bytes.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect::<Vec<_>>()
            };
            let wanted = expected.tensor(&tensor).unwrap();
            for (found, wanted) in floats(view.data()).iter().zip(floats(wanted.data())) {
                assert!((found - wanted).abs() < 1e-5, "{tensor} of {name}: {found}, not {wanted}");
            }
        }
        let tokens = reference(name).0;
        let logits = ["merged", "expected"].map(|name| {
            weights_to_onnx(&at(name), &at("onnx"), Quantisation::Fp32, &mut |_| ()).unwrap();
            Interpreter::load(&at("onnx")).logits(&[&tokens], &[])
        });
        assert!(compare(&logits[0], &logits[1]).0 < 1e-4, "{name}");
    }
}

#[test]
fn what_does_not_fit_the_weights_is_refused() {
    type Change = fn(&mut Tensors);
    const Q: &str = "base_model.model.model.layers.0.self_attn.q_proj";
    let cases: [(&str, Change); 4] = [
        ("changes `model.layers.9.mlp.up_proj`, which the weights do not have", |t| {
            t.insert(
                "base_model.model.model.layers.9.mlp.up_proj.lora_A.weight".into(),
                (vec![RANK, 1], vec![0.0; RANK]),
            );
            t.insert(
                "base_model.model.model.layers.9.mlp.up_proj.lora_B.weight".into(),
                (vec![1, RANK], vec![0.0; RANK]),
            );
        }),
        ("it changes `lm_head`, which the weights do not have", |t| {
            t.insert("base_model.model.lm_head.lora_A.weight".into(), (vec![RANK, 1], vec![0.0; RANK]));
            t.insert("base_model.model.lm_head.lora_B.weight".into(), (vec![1, RANK], vec![0.0; RANK]));
        }),
        ("of shape [64, 1], which is [64, 64] in the weights", |t| {
            t.insert(format!("{Q}.lora_A.weight"), (vec![RANK, 1], vec![0.0; RANK]));
        }),
        ("makes numbers of `model.layers.0.self_attn.q_proj.weight` infinite", |t| {
            t.get_mut(&format!("{Q}.lora_A.weight")).unwrap().1[0] = f32::INFINITY;
        }),
    ];
    for (expected, change) in cases {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let tiny = Tiny::llama();
        weights(&at("base"), &tiny, Element::F32);
        let mut tensors = adapter(&tiny).0;
        change(&mut tensors);
        write_peft(&at("peft"), &config(), &tensors);
        let message = merge_lora(&at("base"), &at("peft"), &at("merged"), Element::F32, &mut |_| ())
            .unwrap_err()
            .to_string();
        assert!(message.contains(expected), "{message} does not say {expected}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "nothing is left: {message}");
    }
    let folder = tempfile::tempdir().unwrap();
    weights(&folder.path().join("base"), &Tiny::llama(), Element::F32);
    let mut dora = config();
    dora["use_dora"] = json!(true);
    write_peft(&folder.path().join("peft"), &dora, &adapter(&Tiny::llama()).0);
    let merged = merge_lora(
        &folder.path().join("base"),
        &folder.path().join("peft"),
        &folder.path().join("m"),
        Element::F32,
        &mut |_| (),
    );
    assert!(merged.unwrap_err().to_string().contains("`use_dora` is set"));
}
