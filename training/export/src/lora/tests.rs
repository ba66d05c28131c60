//! Adapters on tiny models: at rank 0 nothing changes, at rank 3 a model computes what one with merged weights does,
//! and what is no plain LoRA of the model is refused.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::{Value as Json, json};

use super::{PeftAdapter, import_lora};
use crate::decoder::interleaved_row;
use crate::decoder::tests::interpreter::{Interpreter, Tensor};
use crate::decoder::tests::{compare, kept, models, reference};
use crate::gguf::tiny::{HEAD, Tiny, noise};
use crate::{ExportError, ExportOptions, Quantisation, gguf_to_onnx, inspect_folder};

const RANK: usize = 3;
const ALPHA: f32 = 6.0;
const MODULES: [(&str, &str); 7] = [
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
];
const WITH_ADAPTERS: ExportOptions = ExportOptions { quantisation: Quantisation::Fp32, adapters: true };

/// Name → shape and numbers, as PEFT has them.
pub(crate) type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// A small adapter of every linear layer, and the model with it merged.
pub(crate) fn adapter(tiny: &Tiny) -> (Tensors, Tiny) {
    let (mut tensors, mut merged) = (Tensors::new(), tiny.clone());
    let interleaved = tiny.tensors.iter().all(|tensor| !tensor.0.contains("attn_q_norm"))
        && tiny.pairs.iter().any(|(key, _)| key.starts_with("llama."));
    for (name, shape, _, bytes) in &mut merged.tensors {
        let found =
            name.strip_prefix("blk.").and_then(|rest| rest.split_once('.')).and_then(|(layer, rest)| {
                let tensor = rest.strip_suffix(".weight")?;
                let (module, _) = MODULES.iter().find(|(_, known)| *known == tensor)?;
                Some((tensor.to_owned(), format!("base_model.model.model.layers.{layer}.{module}")))
            });
        let Some((tensor, module)) = found else { continue };
        let (columns, rows) = (shape[0] as usize, shape[1] as usize);
        let small = |end: &str, length: usize| {
            noise(&format!("{module}.{end}"), length).iter().map(|v| v * 0.2).collect::<Vec<_>>()
        };
        let (a, b) = (small("a", RANK * columns), small("b", rows * RANK));
        for row in 0..rows {
            let turned = interleaved && matches!(tensor.as_str(), "attn_q" | "attn_k");
            let at = if turned { interleaved_row(row, HEAD) } else { row };
            for column in 0..columns {
                let place = &mut bytes[(at * columns + column) * 4..][..4];
                let product = (0..RANK).map(|r| b[row * RANK + r] * a[r * columns + column]).sum::<f32>();
                let weight = f32::from_le_bytes([place[0], place[1], place[2], place[3]]);
                place.copy_from_slice(&(weight + ALPHA / RANK as f32 * product).to_le_bytes());
            }
        }
        tensors.insert(format!("{module}.lora_A.weight"), (vec![RANK, columns], a));
        tensors.insert(format!("{module}.lora_B.weight"), (vec![rows, RANK], b));
    }
    (tensors, merged)
}

fn safetensors(tensors: &Tensors) -> Vec<u8> {
    let bytes = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>();
    let data = tensors.iter().map(|(name, (shape, values))| (name.clone(), shape.clone(), bytes(values)));
    let data = data.collect::<Vec<_>>();
    let views = data.iter().map(|(name, shape, bytes)| {
        (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

pub(crate) fn config() -> Json {
    json!({
        "peft_type": "LORA", "r": RANK, "lora_alpha": ALPHA, "bias": "none", "use_dora": false,
        "target_modules": ["q_proj"], "modules_to_save": null, "base_model_name_or_path": "tiny",
    })
}

pub(crate) fn write_peft(folder: &Path, config: &Json, tensors: &Tensors) {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("adapter_config.json"), config.to_string()).unwrap();
    std::fs::write(folder.join("adapter_model.safetensors"), safetensors(tensors)).unwrap();
}

fn export(folder: &Path, tiny: &Tiny, options: ExportOptions) {
    let source = folder.with_extension("gguf");
    tiny.write(&source);
    gguf_to_onnx(&source, folder, options, &mut |_| ()).unwrap();
}

/// Reads a flatbuffer of the adapter schema: offsets of fields, from tables to what they name.
fn read_adapter(bytes: &[u8]) -> Vec<(String, Tensor)> {
    let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let follow = |at: usize| at + u32_at(at);
    let field = |table: usize, index: usize| {
        // The one offset that is signed, and counts backwards.
        let vtable = (table as i64 - i64::from(u32_at(table) as u32 as i32)) as usize;
        let at = vtable + 4 + 2 * index;
        table + usize::from(u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()))
    };
    assert_eq!(&bytes[4..8], b"TORT");
    let root = follow(0);
    assert_eq!(u32_at(field(root, 0)), 1, "format version");
    let list = follow(field(root, 3));
    let parameter = |number: usize| {
        let table = follow(list + 4 + 4 * number);
        let (name, dims, data) = (follow(field(table, 0)), follow(field(table, 1)), follow(field(table, 3)));
        assert_eq!((u32_at(field(table, 2)), (data + 4) % 8), (1, 0), "type and alignment");
        let name = String::from_utf8(bytes[name + 4..][..u32_at(name)].to_vec()).unwrap();
        let dims = (0..u32_at(dims)).map(|i| u32_at(dims + 4 + 8 * i)).collect::<Vec<_>>();
        let values = bytes[data + 4..][..u32_at(data)].as_chunks::<4>().0;
        (name, Tensor::Floats(dims, values.iter().map(|&b| f32::from_le_bytes(b)).collect()))
    };
    (0..u32_at(list)).map(parameter).collect()
}

#[test]
fn an_adapter_computes_what_merged_weights_do() {
    for (name, tiny) in models() {
        let temporary = tempfile::tempdir().unwrap();
        let keep = kept().map(|folder| folder.join(name));
        let folder = keep.as_deref().unwrap_or(temporary.path());
        std::fs::create_dir_all(folder).unwrap();
        let (tensors, merged) = adapter(&tiny);
        write_peft(&folder.join("peft"), &config(), &tensors);
        export(&folder.join("adapters"), &tiny, WITH_ADAPTERS);
        export(&folder.join("merged"), &merged, Quantisation::Fp32.into());
        let file = folder.join("model.onnx_adapter");
        let summary = import_lora(&folder.join("peft"), &folder.join("adapters"), &file).unwrap();
        assert_eq!((summary.layers, summary.rank), (tensors.len() / 2, RANK));

        let seen = inspect_folder(&folder.join("adapters")).unwrap();
        assert_eq!((seen.adapted_layers, seen.inputs.len()), (tensors.len() / 2, 3));

        let (tokens, base) = reference(name);
        let model = Interpreter::load(&folder.join("adapters"));
        let (difference, _) = compare(&model.logits(&[&tokens], &[]), &base);
        assert!(difference < 1e-3, "{name} without an adapter differs by {difference}");
        let adapted = model.logits(&[&tokens], &read_adapter(&std::fs::read(&file).unwrap()));
        let expected = Interpreter::load(&folder.join("merged")).logits(&[&tokens], &[]);
        let (difference, same) = compare(&adapted, &expected);
        assert!(difference < 1e-4 && same, "{name} with an adapter differs by {difference}");
        assert!(compare(&adapted, &base).0 > 0.05, "{name}: the adapter changes something");
    }
}

/// Imports after a change to the configuration and the tensors.
fn imported(change: impl FnOnce(&mut Json, &mut Tensors)) -> Result<Vec<(String, Tensor)>, ExportError> {
    let folder = tempfile::tempdir().unwrap();
    let tiny = Tiny::decoder("llama", 0);
    export(&folder.path().join("model"), &tiny, WITH_ADAPTERS);
    let (mut config, (mut tensors, _)) = (config(), adapter(&tiny));
    change(&mut config, &mut tensors);
    write_peft(&folder.path().join("peft"), &config, &tensors);
    let target = folder.path().join("out.onnx_adapter");
    let result = import_lora(&folder.path().join("peft"), &folder.path().join("model"), &target);
    assert_eq!(result.is_ok(), target.exists(), "a refused adapter leaves nothing");
    result.map(|_| read_adapter(&std::fs::read(&target).unwrap()))
}

#[test]
fn the_factor_is_alpha_by_rank_or_its_root_module_by_module() {
    let sum = |values: &[(String, Tensor)], name: &str| {
        let (_, tensor) = values.iter().find(|(found, _)| found == name).unwrap();
        tensor.floats().iter().map(|v| v.abs()).sum::<f32>()
    };
    let plain = imported(|_, _| ()).unwrap();
    let changed = imported(|config, _| {
        config["use_rslora"] = json!(true);
        config["alpha_pattern"] = json!({ "layers.1.mlp.up_proj": 2.0 * ALPHA });
    })
    .unwrap();
    let ratio = |name: &str| sum(&changed, name) / sum(&plain, name);
    let root = (RANK as f32).sqrt();
    assert!((ratio("layers.0.feed_forward.up.lora_B") - root).abs() < 1e-4);
    assert!((ratio("layers.1.feed_forward.up.lora_B") - 2.0 * root).abs() < 1e-4);
    assert!((ratio("layers.1.feed_forward.up.lora_A") - 1.0).abs() < 1e-6);
}

#[test]
fn what_is_no_plain_lora_of_the_model_is_refused_by_name() {
    type Change = fn(&mut Json, &mut Tensors);
    const Q: &str = "base_model.model.model.layers.0.self_attn.q_proj";
    let cases: [(&str, Change); 12] = [
        ("its type is `IA3`", |c, _| c["peft_type"] = json!("IA3")),
        ("`use_dora` is set", |c, _| c["use_dora"] = json!(true)),
        ("changes the base model", |c, _| c["init_lora_weights"] = json!("pissa_niter_16")),
        ("`modules_to_save` is set", |c, _| c["modules_to_save"] = json!(["lm_head"])),
        ("`bias` is `all`", |c, _| c["bias"] = json!("all")),
        ("the pattern `.*q_proj` is no name", |c, _| c["rank_pattern"] = json!({ ".*q_proj": 8 })),
        ("for a rank of 8", |c, _| c["r"] = json!(8)),
        ("has one of `lora_A` and `lora_B` only", |_, t| drop(t.remove(&format!("{Q}.lora_B.weight")))),
        ("`base_model.model.lm_head.weight` is no part of a LoRA", |_, t| {
            t.insert("base_model.model.lm_head.weight".into(), (vec![1], vec![0.0]));
        }),
        ("`base_model.model.lm_head`, which is no layer", |_, t| {
            t.insert("base_model.model.lm_head.lora_A.weight".into(), (vec![RANK, 1], vec![0.0; RANK]));
            t.insert("base_model.model.lm_head.lora_B.weight".into(), (vec![1, RANK], vec![0.0; RANK]));
        }),
        ("is from 1 to 64 numbers, in the model from 64 to 64", |_, t| {
            t.insert(format!("{Q}.lora_A.weight"), (vec![RANK, 1], vec![0.0; RANK]));
        }),
        ("holds numbers that are not finite", |_, t| {
            t.get_mut(&format!("{Q}.lora_A.weight")).unwrap().1[0] = f32::NAN;
        }),
    ];
    for (expected, change) in cases {
        let message = imported(change).unwrap_err().to_string();
        assert!(message.contains(expected), "{message} does not say {expected}");
    }
    let folder = tempfile::tempdir().unwrap();
    export(&folder.path().join("model"), &Tiny::llama(), Quantisation::Fp32.into());
    let result = import_lora(folder.path(), &folder.path().join("model"), &folder.path().join("out"));
    assert!(matches!(result, Err(ExportError::NoAdapterInputs { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Bytes that are no adapter are an error, never a panic.
    #[test]
    fn changed_files_do_not_panic(at in 0.0..1.0f64, byte in any::<u8>(), cut in 0.0..1.0f64) {
        let (tensors, _) = adapter(&Tiny::llama());
        let bytes = safetensors(&tensors.into_iter().take(4).collect());
        let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let mut changed = bytes.clone();
        changed[(at * header as f64) as usize] = byte;
        let config = config().to_string();
        for tensors in [changed.as_slice(), &bytes[..(bytes.len() as f64 * cut) as usize]] {
            if let Ok(adapter) = PeftAdapter::parse(Path::new("adapter"), config.as_bytes(), tensors) {
                for change in adapter.changes() {
                    prop_assert_eq!(change.down().len(), change.rank * change.columns);
                    prop_assert_eq!(change.up().len(), change.rank * change.rows);
                }
            }
        }
        let mut config = config.into_bytes();
        let at = (at * config.len() as f64) as usize;
        config[at] = byte;
        let _ = PeftAdapter::parse(Path::new("adapter"), &config, &bytes);
    }

    #[test]
    fn any_bytes_are_an_error_at_worst(config in proptest::collection::vec(any::<u8>(), 0..200), tensors in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = PeftAdapter::parse(Path::new("adapter"), &config, &tensors);
    }
}
