//! Headers good and bad, and every block format against values from the reference implementation.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;

use super::tiny::Tiny;
use super::{Gguf, TensorKind, Value, blocks, grid};
use crate::error::ExportError;

fn open(bytes: &[u8]) -> (TempDir, Result<Gguf, ExportError>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    std::fs::write(&path, bytes).unwrap();
    let opened = Gguf::open(&path);
    (folder, opened)
}

#[test]
fn blocks_decode_to_the_reference_values() {
    let table = include_str!("../../fixtures/blocks.tsv");
    let mut kinds = 0;
    for line in table.lines().filter(|l| !l.starts_with('#')) {
        let [name, number, hex, values] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let kind = TensorKind(number.parse().unwrap());
        assert_eq!(kind.to_string(), name);
        let bytes = (0..hex.len() / 2)
            .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
            .collect::<Vec<_>>();
        let expected = values.split(' ').map(|v| v.parse::<f32>().unwrap()).collect::<Vec<_>>();
        assert_eq!(kind.row_bytes(expected.len()), bytes.len(), "{name}");
        let mut found = vec![f32::NAN; expected.len()];
        blocks::dequantise(kind, &bytes, &mut found);
        for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let close = (found - expected).abs() <= expected.abs() * 1e-6 + 1e-7;
            assert!(close, "{name}[{i}]: {found} is not {expected}");
        }
        let grid = grid::blocks(kind, &bytes);
        assert_eq!(grid.len() * 32, if kind.is_grid() { expected.len() } else { 0 }, "{name}");
        for (block, values) in grid.iter().zip(found.chunks(32)) {
            for (code, value) in block.codes.iter().zip(values) {
                let decoded = block.scale * f32::from(*code) + block.offset;
                assert!(*code < 16 && (decoded - value).abs() <= value.abs() * 1e-6 + 1e-7, "{name}");
            }
        }
        assert!(kind.is_supported());
        assert!(super::SUPPORTED_KINDS.contains(name));
        kinds += 1;
    }
    assert_eq!(kinds, super::SUPPORTED_KINDS.split(", ").count(), "every supported type has a fixture");
}

#[test]
fn header_is_read_back() {
    let mut tiny = Tiny::empty();
    tiny.set("a.text", Value::Text("grüß".into()));
    tiny.set("a.list", Value::Array(vec![Value::Unsigned(3), Value::Unsigned(4)]));
    tiny.set("a.flag", Value::Bool(true));
    tiny.floats("first", &[3], &[1.0, 2.0, 3.0]);
    tiny.floats("second", &[2, 2], &[4.0, 5.0, 6.0, 7.0]);
    let (_folder, gguf) = open(&tiny.bytes());
    let gguf = gguf.unwrap();
    assert_eq!(gguf.version(), 3);
    assert_eq!(gguf.metadata().text("a.text").unwrap(), Some("grüß"));
    assert_eq!(gguf.metadata().integers("a.list").unwrap(), Some(vec![3, 4]));
    assert!(gguf.metadata().text("a.flag").is_err(), "a wrong type is named, not ignored");
    let second = gguf.read(gguf.tensor("second").unwrap()).unwrap();
    let mut row = [0.0; 2];
    second.row(1, &mut row);
    assert_eq!((second.rows(), row), (2, [6.0, 7.0]));
}

/// A file of one long array of bytes would take 32 times its size in memory.
#[test]
fn arrays_and_tables_of_absurd_length_are_refused() {
    let head = |tensors: u64, pairs: u64| {
        [b"GGUF".as_slice(), &3u32.to_le_bytes(), &tensors.to_le_bytes(), &pairs.to_le_bytes()].concat()
    };
    let count = (1u64 << 23) + 1;
    let mut bytes = head(0, 1);
    bytes.extend(1u64.to_le_bytes());
    bytes.extend(b"k\x09\0\0\0\0\0\0\0");
    bytes.extend(count.to_le_bytes());
    bytes.resize(bytes.len() + count as usize, 0);
    let message = Gguf::from_bytes(Path::new("long.gguf"), bytes).unwrap_err().to_string();
    assert!(message.contains("its arrays hold more than"), "{message}");

    let mut bytes = head((1 << 18) + 1, 0);
    bytes.resize(1 << 23, 0);
    let message = Gguf::from_bytes(Path::new("many.gguf"), bytes).unwrap_err().to_string();
    assert!(message.contains("it states 262145 tensors"), "{message}");
}

#[test]
fn damaged_files_are_refused_by_name() {
    let good = Tiny::llama().bytes();
    let (_folder, gguf) = open(&good);
    gguf.unwrap();

    let (_folder, empty) = open(b"");
    assert!(matches!(empty, Err(ExportError::NotGguf { .. })));
    let (_folder, html) = open(b"<html>404</html>");
    assert!(html.unwrap_err().to_string().contains("it begins with \"<htm\""));

    let mut old = Tiny::llama();
    old.version = 1;
    let (_folder, old) = open(&old.bytes());
    assert!(matches!(old, Err(ExportError::GgufVersion { version: 1, .. })));
    let mut swapped = Tiny::llama();
    swapped.version = 3u32.swap_bytes();
    let (_folder, swapped) = open(&swapped.bytes());
    assert!(swapped.unwrap_err().to_string().contains("big-endian"));

    let (_folder, truncated) = open(&good[..good.len() - 1]);
    let message = truncated.unwrap_err().to_string();
    assert!(message.contains("`output_norm.weight` ends past the end"), "{message}");

    let mut absurd = good.clone();
    absurd[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
    let (_folder, absurd) = open(&absurd);
    assert!(matches!(absurd, Err(ExportError::CorruptGguf { .. })));

    let mut twice = Tiny::empty();
    twice.floats("same", &[1], &[0.0]);
    twice.floats("same", &[1], &[0.0]);
    let (_folder, twice) = open(&twice.bytes());
    assert!(twice.unwrap_err().to_string().contains("`same` occurs twice"));

    let mut unknown = Tiny::empty();
    unknown.tensors.push(("odd".into(), vec![32], 77, vec![0; 32]));
    let (_folder, unknown) = open(&unknown.bytes());
    assert!(unknown.unwrap_err().to_string().contains("ggml type 77"));

    let missing = Gguf::open(&PathBuf::from("/nonexistent/model.gguf")).unwrap_err();
    assert!(matches!(missing, ExportError::Io { action: "open", .. }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A file cut anywhere is refused; nothing panics and nothing huge is allocated.
    #[test]
    fn every_truncation_is_an_error(cut in 0.0..1.0f64) {
        let bytes = Tiny::llama().bytes();
        let length = (bytes.len() as f64 * cut) as usize;
        let (_folder, opened) = open(&bytes[..length]);
        prop_assert!(opened.is_err());
    }

    /// What a damaged header leaves is read, checked and converted, or refused; in memory as from a file.
    #[test]
    fn changed_headers_convert_or_are_refused(
        changes in proptest::collection::vec((0.0..1.0f64, any::<u8>()), 1..4),
        architecture in proptest::sample::select(vec!["llama", "qwen2", "qwen3", "gemma3"]),
    ) {
        let mut bytes = Tiny::decoder(architecture, 0).bytes();
        // Beyond come the tensors, whose numbers decide nothing.
        let header = bytes.windows(18).position(|w| w == b"output_norm.weight").unwrap() + 18 + 32;
        for (at, byte) in changes {
            bytes[(at * header as f64) as usize] = byte;
        }
        let path = Path::new("model.gguf");
        let (folder, opened) = open(&bytes);
        let memory = Gguf::from_bytes(path, bytes);
        prop_assert_eq!(opened.is_ok(), memory.is_ok());
        let Ok(gguf) = memory else { return Ok(()) };
        for tensor in gguf.tensors() {
            let _ = gguf.read(tensor);
        }
        let checked = crate::check_gguf(&gguf).is_ok();
        // Long contexts make large tables, which prove nothing more.
        let context = gguf.metadata().integer(&format!("{architecture}.context_length"));
        if context.is_ok_and(|n| n.is_some_and(|n| n < 5000)) {
            let (source, target) = (folder.path().join("model.gguf"), folder.path().join("onnx"));
            let written = crate::gguf_to_onnx(&source, &target, crate::Quantisation::Fp32, &mut |_| ());
            prop_assert!(checked || written.is_err());
            prop_assert_eq!(written.is_ok(), target.exists());
        }
    }

    #[test]
    fn any_bytes_are_an_error_at_worst(mut bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let path = Path::new("model.gguf");
        let _ = Gguf::from_bytes(path, bytes.clone());
        if bytes.len() > 8 {
            bytes[..8].copy_from_slice(b"GGUF\x03\0\0\0");
            let _ = Gguf::from_bytes(path, bytes);
        }
    }

    /// A changed byte in the header is an error or another valid file, never a panic.
    #[test]
    fn changed_headers_do_not_panic(at in 0..1500usize, byte in any::<u8>()) {
        let mut bytes = Tiny::llama().bytes();
        bytes[at] = byte;
        let (_folder, opened) = open(&bytes);
        if let Ok(gguf) = opened {
            for tensor in gguf.tensors().to_vec() {
                let _ = gguf.read(&tensor);
            }
        }
    }
}
