//! Exported graphs against llama.cpp: a tiny model of each architecture is converted, its graph is run by the
//! interpreter below, and its logits are compared with those that llama.cpp gave for the same file.
//!
//! The logits are in `fixtures/logits`. `LOQUAT_TINY_MODELS=FOLDER` makes these tests leave the models there, as GGUF
//! and as ONNX, for `fixtures/logits.py`, which writes them anew and compares ONNX Runtime too.

mod attention;
mod grid;
pub(crate) mod interpreter;
mod operators;

use std::path::{Path, PathBuf};

use crate::gguf::Value;
use crate::gguf::tiny::Tiny;
use crate::{ExportOptions, Quantisation, gguf_to_onnx};
use interpreter::Interpreter;

/// Tokens beyond those that the tiny vocabulary needs.
const MORE: usize = 37;

pub(crate) fn models() -> [(&'static str, Tiny); 5] {
    [
        ("llama", Tiny::decoder("llama", MORE)),
        ("llama-options", Tiny::llama_with_options(MORE)),
        ("qwen2", Tiny::decoder("qwen2", MORE)),
        ("qwen3", Tiny::decoder("qwen3", MORE)),
        ("gemma3", Tiny::decoder("gemma3", MORE)),
    ]
}

/// Where the models are to be left, if anywhere.
pub(crate) fn kept() -> Option<PathBuf> {
    std::env::var_os("LOQUAT_TINY_MODELS").map(PathBuf::from)
}

/// What llama.cpp computed: the tokens, and the logits at each of them.
pub(crate) fn reference(name: &str) -> (Vec<i64>, Vec<Vec<f32>>) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/logits/{name}.tsv"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let rows = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let (token, logits) = line.split_once('\t').unwrap();
        (token.parse::<i64>().unwrap(), logits.split(' ').map(|v| v.parse().unwrap()).collect())
    });
    rows.unzip()
}

/// The largest difference in units of the spread of the reference, and whether the best tokens are the same.
pub(crate) fn compare(found: &[Vec<f32>], expected: &[Vec<f32>]) -> (f32, bool) {
    assert_eq!(found.len(), expected.len());
    let best = |row: &[f32]| row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
    let (mut largest, mut same) = (0.0f32, true);
    for (found, expected) in found.iter().zip(expected) {
        let (low, high) = expected.iter().fold((f32::MAX, f32::MIN), |(l, h), &v| (l.min(v), h.max(v)));
        let difference = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        largest = largest.max(difference / (high - low));
        same &= best(found) == best(expected);
    }
    (largest, same)
}

fn convert(folder: &Path, tiny: &Tiny, options: impl Into<ExportOptions>) -> Interpreter {
    let source = folder.join("model.gguf");
    tiny.write(&source);
    let target = folder.join("onnx");
    gguf_to_onnx(&source, &target, options, &mut |_| ()).unwrap();
    Interpreter::load(&target)
}

/// A chunk of many tokens, then single ones, as a prompt and its answer are run.
fn chunks(tokens: &[i64]) -> Vec<&[i64]> {
    let (prompt, answer) = tokens.split_at(tokens.len() - 3);
    std::iter::once(prompt).chain(answer.chunks(1)).collect()
}

#[test]
fn logits_are_those_of_llama_cpp() {
    let keep = kept();
    for (name, tiny) in models() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = match &keep {
            Some(folder) => folder.join(name),
            None => temporary.path().to_owned(),
        };
        std::fs::create_dir_all(&folder).unwrap();
        let model = convert(&folder, &tiny, Quantisation::Fp32);
        if keep.is_some() {
            let options = [
                ("int8", Quantisation::Int8.into()),
                ("fp16", Quantisation::Fp16.into()),
                ("adapters", ExportOptions { quantisation: Quantisation::Fp32, adapters: true }),
            ];
            for (part, options) in options {
                let written =
                    gguf_to_onnx(&folder.join("model.gguf"), &folder.join(part), options, &mut |_| ());
                assert!(written.is_ok() || (name, part) == ("gemma3", "fp16"), "{written:?}");
            }
            continue;
        }
        let (tokens, expected) = reference(name);
        let whole = model.logits(&[&tokens], &[]);
        let (difference, same) = compare(&whole, &expected);
        assert!(difference < 1e-3 && same, "{name} differs by {difference}");
        let (difference, _) = compare(&model.logits(&chunks(&tokens), &[]), &whole);
        assert!(difference < 1e-5, "{name}, run in chunks, differs by {difference}");
    }
}

#[test]
fn quantised_graphs_err_by_their_steps_only() {
    for (name, tiny) in models() {
        let folder = tempfile::tempdir().unwrap();
        let (tokens, expected) = reference(name);
        let bounds = [(Quantisation::Int8, 0.06), (Quantisation::Int4, 0.5), (Quantisation::Fp16, 0.005)];
        for (quantisation, bound) in bounds {
            if (name, quantisation) == ("gemma3", Quantisation::Fp16) {
                continue;
            }
            let found = convert(folder.path(), &tiny, quantisation).logits(&[&tokens], &[]);
            let (difference, _) = compare(&found, &expected);
            assert!(difference < bound, "{name} as {quantisation} differs by {difference}");
        }
    }
}

#[test]
fn settings_that_would_change_the_arithmetic_are_refused_by_name() {
    let text = |s: &str| Value::Text(s.to_owned());
    let cases = [
        ("llama", "rope.scaling.type", text("longrope"), "rotary scaling `longrope`"),
        ("llama", "rope.scaling.factor", Value::Float(-1.0), "`llama.rope.scaling.factor` is -1"),
        ("llama", "rope.scaling.attn_factor", Value::Float(1.5), "`llama.rope.scaling.attn_factor` of 1.5"),
        ("llama", "rope.dimension_count", Value::Unsigned(8), "`llama.rope.dimension_count` of 8"),
        ("llama", "attention.head_count_kv", Value::Unsigned(3), "3, which does not divide 4 heads"),
        ("llama", "block_count", Value::Unsigned(1 << 20), "more than there are tensors"),
        ("qwen2", "attention.sliding_window", Value::Unsigned(4), "`qwen2.attention.sliding_window` of 4"),
        ("qwen2", "attention.causal", Value::Bool(false), "`qwen2.attention.causal` of false"),
        ("qwen3", "rope.scaling.type", text("yarn"), "rotary scaling `yarn`"),
        ("gemma3", "final_logit_softcapping", Value::Float(30.0), "`gemma3.final_logit_softcapping` of 30"),
    ];
    for (architecture, key, value, expected) in cases {
        let mut tiny = Tiny::decoder(architecture, 0);
        tiny.set(&format!("{architecture}.{key}"), value);
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("model.gguf");
        tiny.write(&source);
        let written = gguf_to_onnx(&source, &folder.path().join("onnx"), Quantisation::Int8, &mut |_| ());
        let message = written.unwrap_err().to_string();
        assert!(message.contains(expected), "{message} does not say {expected}");
    }
}

#[test]
fn gemma3_is_not_written_as_float16() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("model.gguf");
    Tiny::decoder("gemma3", 0).write(&source);
    let written = gguf_to_onnx(&source, &folder.path().join("onnx"), Quantisation::Fp16, &mut |_| ());
    assert!(written.unwrap_err().to_string().contains("fp16 of `gemma3_text`"));
}
