//! Models whose weights have 4 bits in the file: what `int4` makes of them against the same weights as floats.

use std::path::Path;

use super::interpreter::Interpreter;
use super::{chunks, compare, convert, models, reference};
use crate::gguf::tiny::{HEAD, Tiny};
use crate::gguf::{TensorKind, Value};
use crate::onnx::{GRAPH_FILE, load};
use crate::{ExportOptions, Quantisation};

/// With its matrices in `kind`, or where their rows are too short for it in `Q4_1`, and tokens in 8 bits.
fn quantised(mut tiny: Tiny, kind: TensorKind) -> Tiny {
    tiny.quantise("blk.", kind);
    tiny.quantise("blk.", TensorKind::Q4_1);
    tiny.quantise("token_embd", TensorKind::Q8_0);
    tiny.quantise("output", TensorKind::Q8_0);
    tiny
}

/// How far `int4` is from `fp32` of the same file, which has the same values.
fn difference(tiny: &Tiny, tokens: &[i64], adapters: bool) -> f32 {
    let folder = tempfile::tempdir().unwrap();
    let expected = convert(folder.path(), tiny, Quantisation::Fp32).logits(&[tokens], &[]);
    let options = ExportOptions { quantisation: Quantisation::Int4, adapters };
    let model = convert(folder.path(), tiny, options);
    let found = model.logits(&[tokens], &[]);
    let (apart, _) = compare(&model.logits(&chunks(tokens), &[]), &found);
    assert!(apart < 1e-5, "run in chunks, it differs by {apart}");
    compare(&found, &expected).0
}

/// The bits of each matrix product but the last, which makes the logits, and its columns.
fn products(tiny: &Tiny, folder: &Path) -> Vec<(String, i64, i64)> {
    convert(folder, tiny, Quantisation::Int4);
    let graph = load(&folder.join("onnx").join(GRAPH_FILE)).unwrap().graph.unwrap();
    let products = graph.node.iter().filter(|n| n.op_type() == "MatMulNBits" && n.output[0] != "logits");
    let number = |n: &crate::onnx::schema::NodeProto, name: &str| n.attribute(name).unwrap().i();
    products.map(|n| (n.output[0].clone(), number(n, "bits"), number(n, "K"))).collect()
}

#[test]
fn four_bits_keep_what_has_four_bits() {
    for (name, tiny) in models() {
        let (tokens, _) = reference(name);
        for kind in [TensorKind::Q4_0, TensorKind::Q4_1] {
            for adapters in [false, true] {
                let difference = difference(&quantised(tiny.clone(), kind), &tokens, adapters);
                let bound = if kind == TensorKind::Q4_0 { 1e-5 } else { 0.03 };
                assert!(difference < bound, "{name} in {kind} differs by {difference}");
            }
        }
    }
}

#[test]
fn four_bits_keep_super_blocks() {
    let mut wide = Tiny::sized("llama", 37, 256, 512);
    for key in ["llama.attention.key_length", "llama.attention.value_length"] {
        wide.set(key, Value::Unsigned(HEAD as u64));
    }
    let tiny = quantised(wide, TensorKind::Q4_K);
    let kinds = tiny.tensors.iter().map(|(.., kind, _)| TensorKind(*kind)).collect::<Vec<_>>();
    assert!(kinds.contains(&TensorKind::Q4_K) && kinds.contains(&TensorKind::Q4_1));
    let (tokens, _) = reference("llama");
    let difference = difference(&tiny, &tokens, false);
    assert!(difference < 0.03, "differs by {difference}");
}

/// Floats that lie on a grid are found there, as those of a model are that was quantised once. Others are an order of magnitude further
/// away: the bounds tell the two apart.
#[test]
fn floats_on_a_grid_are_found_there_and_others_are_rounded() {
    let tiny = quantised(Tiny::decoder("llama", 37), TensorKind::Q4_1);
    let folder = tempfile::tempdir().unwrap();
    let (tokens, _) = reference("llama");
    let expected = convert(folder.path(), &tiny, Quantisation::Fp32).logits(&[&tokens], &[]);
    // The same values as floats, which `int4` fits.
    let mut floats = tiny.clone();
    let opened = crate::gguf::Gguf::open(&folder.path().join("model.gguf")).unwrap();
    for (name, _, kind, bytes) in floats.tensors.iter_mut().filter(|t| t.0.contains("blk.") && t.2 != 0) {
        let data = opened.read(opened.tensor(name).unwrap()).unwrap();
        let mut row = vec![0.0; data.columns()];
        *bytes = (0..data.rows())
            .flat_map(|index| {
                data.row(index, &mut row);
                crate::onnx::float_bytes(&row)
            })
            .collect();
        *kind = TensorKind::F32.0;
    }
    let fitted: Interpreter = convert(folder.path(), &floats, Quantisation::Int4);
    let (difference, _) = compare(&fitted.logits(&[&tokens], &[]), &expected);
    assert!(difference < 0.03, "differs by {difference}");

    let plain = Tiny::decoder("llama", 37);
    let expected = convert(folder.path(), &plain, Quantisation::Fp32).logits(&[&tokens], &[]);
    let rounded = convert(folder.path(), &plain, Quantisation::Int4).logits(&[&tokens], &[]);
    let (difference, _) = compare(&rounded, &expected);
    assert!(difference > 0.03, "differs by {difference} only");
}

#[test]
fn sums_are_there_where_offsets_are() {
    let folder = tempfile::tempdir().unwrap();
    let plain = products(&quantised(Tiny::decoder("llama", 0), TensorKind::Q4_0), folder.path());
    assert!(plain.iter().all(|(_, bits, columns)| *bits == 4 && columns % 32 == 0), "{plain:?}");
    let shifted = products(&quantised(Tiny::decoder("llama", 0), TensorKind::Q4_1), folder.path());
    let of = |list: &[(String, i64, i64)], part: &str| {
        let found = list.iter().find(|(name, ..)| name == &format!("layers.1.{part}"));
        found.map(|(_, bits, columns)| (*bits, *columns)).unwrap()
    };
    assert_eq!(of(&shifted, "attention.qkv"), (4, 64 + 2));
    assert_eq!(of(&shifted, "feed_forward.output"), (4, 96 + 3));

    // What 4 bits would round a second time has 8, and so has what is stored beside it.
    let mut mixed = Tiny::decoder("llama", 0);
    mixed.quantise("attn_v", TensorKind::Q8_0);
    mixed.quantise("ffn_down", TensorKind::Q8_0);
    let mixed = products(&quantised(mixed, TensorKind::Q4_1), folder.path());
    assert_eq!(of(&mixed, "attention.qkv"), (8, 64));
    assert_eq!(of(&mixed, "attention.output"), (4, 64 + 2));
    assert_eq!(of(&mixed, "feed_forward.output"), (8, 96));

    // Gate and up share their input and its sums.
    convert(folder.path(), &quantised(Tiny::decoder("llama", 0), TensorKind::Q4_1), Quantisation::Int4);
    let graph = load(&folder.path().join("onnx").join(GRAPH_FILE)).unwrap().graph.unwrap();
    let sums = graph.node.iter().filter(|n| n.op_type() == "Concat").count();
    assert_eq!(sums, 2 * 4, "one for each of four inputs of two layers");
}
