//! Whole conversions of a tiny model: the graph is well formed, the weights are the right ones, the tokenizer
//! loads, a failure leaves nothing behind.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;
use tokenizers::Tokenizer;

use super::gguf_to_onnx;
use crate::gguf::Value;
use crate::gguf::tiny::{HEAD, HEADS, HIDDEN, KV_HEADS, Tiny};
use crate::onnx::schema::{GraphProto, TensorProto};
use crate::onnx::{self, GRAPH_FILE, load, tensor_bytes, tensor_floats};
use crate::{
    ExportError, ExportOptions, FileEntry, KvCache, Manifest, Quantisation, Source, Stage, inspect_folder,
    inspect_gguf, model_sha256,
};

fn convert(tiny: &Tiny, quantisation: Quantisation) -> (TempDir, Result<Manifest, ExportError>) {
    let folder = tempfile::tempdir().unwrap();
    tiny.write(&folder.path().join("tiny.gguf"));
    let manifest = gguf_to_onnx(&source(&folder), &target(&folder), quantisation, &mut |_| ());
    (folder, manifest)
}

fn source(folder: &TempDir) -> PathBuf {
    folder.path().join("tiny.gguf")
}

fn target(folder: &TempDir) -> PathBuf {
    folder.path().join("models/tiny")
}

fn graph(folder: &TempDir) -> (PathBuf, GraphProto) {
    let path = target(folder).join(GRAPH_FILE);
    let graph = load(&path).unwrap().graph.unwrap();
    (path, graph)
}

fn find<'a>(graph: &'a GraphProto, name: &str) -> &'a TensorProto {
    graph.initializer.iter().find(|t| t.name() == name).unwrap_or_else(|| panic!("no initializer {name}"))
}

/// Every value is made once, before it is read, and every initializer's bytes are there.
fn assert_well_formed(path: &Path, graph: &GraphProto) {
    let mut known = HashSet::new();
    for tensor in &graph.initializer {
        assert!(known.insert(tensor.name().to_owned()), "initializer {} occurs twice", tensor.name());
        tensor_bytes(path, tensor).unwrap();
    }
    known.extend(graph.input.iter().map(|v| v.name().to_owned()));
    for node in &graph.node {
        for name in node.input.iter().filter(|n| !n.is_empty()) {
            assert!(known.contains(name), "{} reads {name}, which nothing has made", node.name());
        }
        for name in node.output.iter().filter(|n| !n.is_empty()) {
            assert!(known.insert(name.clone()), "{name} is made twice");
        }
    }
    assert!(graph.output.iter().all(|v| known.contains(v.name())));
}

#[test]
fn graphs_are_well_formed_tied_and_untied() {
    let tied = Tiny::llama();
    let mut untied = tied.clone();
    let mut output = untied.tensors[0].clone();
    output.0 = "output.weight".into();
    untied.tensors.push(output);
    for tiny in [&tied, &untied] {
        for quantisation in [Quantisation::Int8, Quantisation::Int4, Quantisation::Fp32] {
            let (folder, manifest) = convert(tiny, quantisation);
            manifest.unwrap();
            let (path, graph) = graph(&folder);
            assert_well_formed(&path, &graph);
            let count = |operator: &str| graph.node.iter().filter(|n| n.op_type() == operator).count();
            assert_eq!((count("GroupQueryAttention"), count("SkipSimplifiedLayerNormalization")), (2, 4));
            let matrices = if quantisation == Quantisation::Fp32 { "FusedMatMul" } else { "MatMulNBits" };
            assert_eq!(count(matrices), 2 * 5 + 1);
        }
    }
}

#[test]
fn query_and_key_rows_are_put_back_in_halves() {
    let tiny = Tiny::llama();
    let (folder, manifest) = convert(&tiny, Quantisation::Fp32);
    manifest.unwrap();
    let (path, graph) = graph(&folder);
    let packed = tensor_floats(&path, find(&graph, "layers.1.attention.qkv.weight")).unwrap();
    let original = |name: &str| {
        let (.., bytes) = tiny.tensors.iter().find(|t| t.0 == name).unwrap();
        bytes.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect::<Vec<_>>()
    };
    let row = |values: &[f32], row: usize| values[row * HIDDEN..(row + 1) * HIDDEN].to_vec();
    let (query, key, value) =
        (original("blk.1.attn_q.weight"), original("blk.1.attn_k.weight"), original("blk.1.attn_v.weight"));
    // Head 1 of the queries: element 3 of the first half was row 2·3, of the second half row 2·3 + 1.
    assert_eq!(row(&packed, HEAD + 3), row(&query, HEAD + 6));
    assert_eq!(row(&packed, HEAD + HEAD / 2 + 3), row(&query, HEAD + 7));
    assert_eq!(row(&packed, HEADS * HEAD + 1), row(&key, 2));
    let values = (HEADS + KV_HEADS) * HEAD;
    assert_eq!(packed[values * HIDDEN..], value);
}

#[test]
fn a_tied_embedding_is_stored_once() {
    let (folder, manifest) = convert(&Tiny::llama(), Quantisation::Int8);
    manifest.unwrap();
    let (path, graph) = graph(&folder);
    let (rows, blocked) = (find(&graph, "embedding.rows"), find(&graph, "embedding.quantised"));
    assert_eq!(
        (rows.dims.as_slice(), blocked.dims.as_slice()),
        ([11, 64].as_slice(), [11, 2, 32].as_slice())
    );
    assert_eq!(tensor_bytes(&path, rows).unwrap(), tensor_bytes(&path, blocked).unwrap());
    assert_eq!(rows.external_data, blocked.external_data);
}

#[test]
fn the_tokenizer_loads_and_splits_digits() {
    let (folder, manifest) = convert(&Tiny::llama(), Quantisation::Int8);
    manifest.unwrap();
    let tokenizer = Tokenizer::from_file(target(&folder).join("tokenizer.json")).unwrap();
    let ids = |text: &str| tokenizer.encode(text, true).unwrap().get_ids().to_vec();
    assert_eq!(
        ids("<|im_start|>hi hi12<|im_end|>"),
        [0, 8, 9, 5, 6, 1],
        "12 is a token, but digits stay apart"
    );
    assert_eq!(ids("hi<extra>"), [8, 10]);
    assert_eq!(tokenizer.decode(&[8, 9, 10, 1], true).unwrap(), "hi hi<extra>");
    let template = std::fs::read_to_string(target(&folder).join("chat_template.jinja")).unwrap();
    assert_eq!(template, "{{ messages }}");
}

#[test]
fn the_manifest_tells_stale_from_current() {
    let (folder, written) = convert(&Tiny::llama(), Quantisation::Int8);
    let written = written.unwrap();
    let read = Manifest::read(&target(&folder)).unwrap().unwrap();
    assert_eq!(read, written);
    assert!(read.is_current(&written.source.sha256, Quantisation::Int8));
    assert!(!read.is_current(&written.source.sha256, Quantisation::Int4));
    let adapters = ExportOptions { quantisation: Quantisation::Int8, adapters: true };
    assert!(!read.is_current(&written.source.sha256, adapters));
    assert!(!read.is_current(&"0".repeat(64), Quantisation::Int8));
    assert_eq!(model_sha256(&target(&folder), &mut |_| ()).unwrap(), written.model_sha256);
    assert!(read.verify(&target(&folder), true, &mut |_| ()).unwrap().is_empty());

    let data = target(&folder).join(onnx::DATA_FILE);
    let mut bytes = std::fs::read(&data).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&data, bytes).unwrap();
    assert_eq!(read.verify(&target(&folder), true, &mut |_| ()).unwrap(), [onnx::DATA_FILE]);
    std::fs::remove_file(&data).unwrap();
    assert_eq!(read.verify(&target(&folder), false, &mut |_| ()).unwrap(), [onnx::DATA_FILE]);
}

#[test]
fn a_manifest_is_refused_when_it_names_files_elsewhere() {
    let (folder, written) = convert(&Tiny::llama(), Quantisation::Int8);
    written.unwrap();
    let text = std::fs::read_to_string(target(&folder).join("loquat.json")).unwrap();
    for name in ["../secret", "/etc/passwd", "", ".", "a/b"] {
        let changed = text.replace("\"config.json\"", &format!("\"{name}\""));
        let message =
            Manifest::from_json(Path::new("loquat.json"), changed.as_bytes()).unwrap_err().to_string();
        assert!(message.contains("is no name of a file in this folder"), "{name}: {message}");
    }
    let huge = with_numbers(&text, "\"bytes\": ", &u64::MAX.to_string());
    let manifest = Manifest::from_json(Path::new("loquat.json"), huge.as_bytes()).unwrap();
    assert!(!manifest.verify(&target(&folder), true, &mut |_| ()).unwrap().is_empty());
}

/// Puts `value` in place of every number that follows `key`.
fn with_numbers(text: &str, key: &str, value: &str) -> String {
    let mut parts = text.split(key);
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        out.extend([key, value, rest]);
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_bytes_make_a_manifest_panic(at in 0.0..1.0f64, byte in any::<u8>(), bytes in vec(any::<u8>(), 0..100)) {
        let source = Source { file: "a.gguf".into(), bytes: 1, sha256: "00".into() };
        let files = vec![FileEntry { name: "model.onnx".into(), bytes: u64::MAX, sha256: String::new() }; 2];
        let manifest = Manifest {
            export_version: 1,
            source,
            quantisation: "int8".into(),
            adapters: at < 0.5,
            kv_cache: KvCache::Shared,
            model_sha256: String::new(),
            files,
        };
        let mut text = serde_json::to_vec(&manifest).unwrap();
        prop_assert_eq!(&Manifest::from_json(Path::new("m"), &text).unwrap(), &manifest);
        let length = text.len() as f64;
        text[(at * length) as usize] = byte;
        for bytes in [&text, &bytes] {
            if let Ok(manifest) = Manifest::from_json(Path::new("m"), bytes) {
                let _ = manifest.verify(Path::new("/nonexistent"), true, &mut |_| ());
            }
        }
    }

    /// The files of a model folder, damaged.
    #[test]
    fn no_bytes_make_an_inspection_panic(at in 0.0..1.0f64, byte in any::<u8>(), bytes in vec(any::<u8>(), 0..100)) {
        let (folder, written) = convert(&Tiny::llama(), Quantisation::Int8);
        written.unwrap();
        for name in ["model.onnx", "config.json", "loquat.json"] {
            let path = target(&folder).join(name);
            let whole = std::fs::read(&path).unwrap();
            let mut changed = whole.clone();
            changed[(at * whole.len() as f64) as usize] = byte;
            for bytes in [&changed, &bytes] {
                std::fs::write(&path, bytes).unwrap();
                if inspect_folder(&target(&folder)).is_ok() {
                    let _ = model_sha256(&target(&folder), &mut |_| ());
                }
            }
            std::fs::write(&path, whole).unwrap();
        }
    }
}

#[test]
fn the_same_source_gives_the_same_bytes_and_replaces_an_older_folder() {
    let (folder, first) = convert(&Tiny::llama(), Quantisation::Int8);
    std::fs::write(target(&folder).join("stale.txt"), "old").unwrap();
    let second = gguf_to_onnx(&source(&folder), &target(&folder), Quantisation::Int8, &mut |_| ());
    assert_eq!(first.unwrap(), second.unwrap());
    assert!(!target(&folder).join("stale.txt").exists());
    let left = std::fs::read_dir(folder.path().join("models")).unwrap().count();
    assert_eq!(left, 1, "no temporary folder is left");
}

#[test]
fn what_is_not_understood_is_refused_and_leaves_nothing() {
    type Change = fn(&mut Tiny);
    let cases: [(&str, Change); 9] = [
        ("architecture `gemma`", |t| t.set("general.architecture", Value::Text("gemma".into()))),
        ("pre-tokenizer `martian`", |t| t.set("tokenizer.ggml.pre", Value::Text("martian".into()))),
        ("vocabulary type `bert`", |t| t.set("tokenizer.ggml.model", Value::Text("bert".into()))),
        ("no byte token `<0x00>`", |t| t.set("tokenizer.ggml.model", Value::Text("llama".into()))),
        ("rotary scaling `yarn`", |t| t.set("llama.rope.scaling.type", Value::Text("yarn".into()))),
        ("`llama.expert_count`", |t| t.set("llama.expert_count", Value::Unsigned(8))),
        ("`llama.block_count` is missing", |t| t.pairs.retain(|(k, _)| k != "llama.block_count")),
        ("`blk.0.attn_odd.bias` is not part", |t| t.floats("blk.0.attn_odd.bias", &[4], &[0.0; 4])),
        ("`blk.1.ffn_up.weight` is missing", |t| t.tensors.retain(|x| x.0 != "blk.1.ffn_up.weight")),
    ];
    for (expected, change) in cases {
        let mut tiny = Tiny::llama();
        change(&mut tiny);
        let (folder, result) = convert(&tiny, Quantisation::Int8);
        let message = result.unwrap_err().to_string();
        assert!(message.contains(expected), "{message} does not say {expected}");
        let models = folder.path().join("models");
        assert!(!models.exists() || std::fs::read_dir(models).unwrap().count() == 0, "{expected} left files");
    }
}

#[test]
fn an_unwritable_target_is_an_error_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    Tiny::llama().write(&source(&folder));
    let target = source(&folder).join("below-a-file/model");
    let error = gguf_to_onnx(&source(&folder), &target, Quantisation::Int8, &mut |_| ()).unwrap_err();
    assert!(error.to_string().contains("tiny.gguf/below-a-file"), "{error}");
}

#[test]
fn progress_runs_through_the_stages_to_the_end() {
    let folder = tempfile::tempdir().unwrap();
    Tiny::llama().write(&source(&folder));
    let mut seen = Vec::new();
    gguf_to_onnx(&source(&folder), &target(&folder), Quantisation::Int8, &mut |p| {
        seen.push((p.stage, p.done, p.total));
    })
    .unwrap();
    let mut stages = seen.iter().map(|s| s.0).collect::<Vec<_>>();
    stages.dedup();
    assert_eq!(stages, [Stage::Hash, Stage::Tensors, Stage::Finish]);
    for stage in stages {
        let last = seen.iter().rfind(|s| s.0 == stage).unwrap();
        assert_eq!(last.1, last.2, "{stage:?} ends complete");
    }
}

#[test]
fn inspection_reads_what_was_written() {
    let (folder, manifest) = convert(&Tiny::llama(), Quantisation::Int4);
    let gguf = inspect_gguf(&source(&folder)).unwrap();
    assert_eq!((gguf.name.as_str(), gguf.architecture.as_str(), gguf.problem), ("Tiny", "llama", None));
    assert_eq!((gguf.layers, gguf.vocabulary, gguf.quantisation.as_str()), (Some(2), Some(11), "F32"));
    let model = inspect_folder(&target(&folder)).unwrap();
    assert_eq!((model.layers, model.kv_heads, model.vocabulary), (Some(2), Some(2), Some(11)));
    assert_eq!(model.quantisation, "int4");
    assert_eq!(model.inputs, ["input_ids", "attention_mask", "logits_to_keep"]);
    assert_eq!(model.manifest, Some(manifest.unwrap()));
    assert!(matches!(inspect_folder(folder.path()), Err(ExportError::NoModel { .. })));
}
