//! Headers good and bad, and every block format against values from the reference implementation.

use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::TempDir;

use super::tiny::Tiny;
use super::{Gguf, TensorKind, Value, blocks};
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
