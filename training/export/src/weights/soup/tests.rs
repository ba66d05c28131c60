//! Averages of tiny models: their numbers, of adapters as of what they change, and what is refused by name.

use std::fs;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::{average_adapters, average_weights};
use crate::gguf::tiny::Tiny;
use crate::lora::tests::{Tensors, adapter, config, write_peft};
use crate::{Element, ExportError, WeightsManifest, gguf_to_weights};

/// A weights folder of a tiny model.
fn weights(folder: &TempDir, name: &str, tiny: &Tiny) -> PathBuf {
    let source = folder.path().join(format!("{name}.gguf"));
    tiny.write(&source);
    let target = folder.path().join(name);
    gguf_to_weights(&source, &target, Element::F32, &mut |_| ()).unwrap();
    target
}

/// The same model after training: each number is another.
fn trained(tiny: &Tiny, by: f32) -> Tiny {
    let mut other = tiny.clone();
    for (name, _, _, bytes) in &mut other.tensors {
        for (at, place) in bytes.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let change = by * ((at + name.len()) % 7) as f32;
            *place = (f32::from_le_bytes(*place) + change).to_le_bytes();
        }
    }
    other
}

/// All tensors with their numbers.
fn tensors(folder: &Path) -> Vec<(String, Vec<f32>)> {
    let bytes = fs::read(folder.join("model.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let numbers = |name: &str| tensors.tensor(name).unwrap().data().as_chunks::<4>().0.to_vec();
    let mut names: Vec<&str> = tensors.names();
    names.sort_unstable();
    let of = |name: &str| numbers(name).into_iter().map(f32::from_le_bytes).collect();
    names.into_iter().map(|name| (name.to_owned(), of(name))).collect()
}

/// The greatest difference between two folders.
fn difference(a: &Path, b: &Path) -> f32 {
    let (a, b) = (tensors(a), tensors(b));
    assert_eq!(
        a.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        b.iter().map(|(name, _)| name).collect::<Vec<_>>()
    );
    let pairs = a.iter().zip(&b).flat_map(|((_, a), (_, b))| a.iter().zip(b));
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn an_average_has_the_mean_of_each_number_and_all_that_a_model_needs() {
    let folder = tempfile::tempdir().unwrap();
    let tiny = Tiny::llama();
    let paths = [0.0, 0.25, 0.5].map(|by| weights(&folder, &format!("run-{by}"), &trained(&tiny, by)));
    let target = folder.path().join("soup");
    let folders: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    let manifest = average_weights(&folders, &target, Element::F32, &mut |_| ()).unwrap();
    // The mean of the three changes is the middle one.
    assert!(difference(&target, &paths[1]) < 1e-6);
    assert!(difference(&target, &paths[0]) > 1.0);
    assert_eq!(WeightsManifest::read(&target).unwrap().unwrap(), manifest);
    assert_eq!(manifest.source.file, "run-0 + run-0.25 + run-0.5");
    let names = |folder: &Path| {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&target), names(&paths[0]));
    let alone = folder.path().join("alone");
    average_weights(&folders[..1], &alone, Element::F32, &mut |_| ()).unwrap();
    assert_eq!(difference(&alone, &paths[0]), 0.0);
    assert_eq!(
        fs::read(alone.join("tokenizer.json")).unwrap(),
        fs::read(paths[0].join("tokenizer.json")).unwrap()
    );
}

#[test]
fn numbers_are_written_in_the_type_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = weights(&folder, "run", &Tiny::llama());
    let target = folder.path().join("soup");
    let manifest = average_weights(&[&path, &path], &target, Element::Bf16, &mut |_| ()).unwrap();
    assert_eq!(manifest.element, Element::Bf16);
    let config: Json = serde_json::from_slice(&fs::read(target.join("config.json")).unwrap()).unwrap();
    assert!(config.get("dtype").or(config.get("torch_dtype")) == Some(&json!("bfloat16")), "{config}");
    let again = folder.path().join("again");
    // What was rounded once stays.
    average_weights(&[&target], &again, Element::F32, &mut |_| ()).unwrap();
    assert!(difference(&again, &path) < 0.02);
}

/// An adapter of the same shape as another, which changes other things.
fn second(first: &Tensors) -> Tensors {
    let mut second = first.clone();
    for (_, numbers) in second.values_mut() {
        numbers.rotate_left(5);
        numbers.iter_mut().step_by(2).for_each(|number| *number *= -0.5);
    }
    second
}

#[test]
fn adapters_are_averaged_as_what_they_change() {
    let folder = tempfile::tempdir().unwrap();
    let tiny = Tiny::llama();
    let (first, merged) = adapter(&tiny);
    let base = weights(&folder, "base", &tiny);
    let path = |name: &str| folder.path().join(name);
    write_peft(&path("a"), &config(), &first);
    write_peft(&path("b"), &config(), &second(&first));
    let soup = |adapters: &[&str], name: &str| {
        let paths: Vec<PathBuf> = adapters.iter().map(|name| path(name)).collect();
        let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
        average_adapters(&base, &paths, &path(name), Element::F32, &mut |_| ()).unwrap()
    };
    // One alone is merged.
    let manifest = soup(&["a"], "with-a");
    assert!(manifest.adapter.is_some());
    assert!(difference(&path("with-a"), &weights(&folder, "merged", &merged)) < 1e-5);
    soup(&["b"], "with-b");
    soup(&["a", "b"], "with-both");
    average_weights(&[&path("with-a"), &path("with-b")], &path("mean"), Element::F32, &mut |_| ()).unwrap();
    assert!(difference(&path("with-both"), &path("mean")) < 1e-6);
    // The average of A and of B is something else.
    let halves: Tensors = first
        .iter()
        .zip(second(&first).values())
        .map(|((name, (shape, a)), (_, b))| {
            (name.clone(), (shape.clone(), a.iter().zip(b).map(|(a, b)| (a + b) / 2.0).collect()))
        })
        .collect();
    write_peft(&path("halves"), &config(), &halves);
    soup(&["halves"], "with-halves");
    assert!(difference(&path("with-both"), &path("with-halves")) > 0.01);
}

/// Why an average is refused.
fn refused(folders: &[&Path]) -> String {
    let target = folders[0].with_file_name("refused");
    let error = average_weights(folders, &target, Element::F32, &mut |_| ()).unwrap_err();
    assert!(!target.exists(), "nothing is left");
    error.to_string()
}

#[test]
fn what_is_not_of_one_model_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let tiny = Tiny::llama();
    let path = weights(&folder, "run", &tiny);
    let larger = weights(&folder, "larger", &Tiny::sized("llama", 0, 64, 160));
    let error = refused(&[&path, &larger]);
    assert!(error.contains("larger") && error.contains("`intermediate_size` 160"), "{error}");

    let other = weights(&folder, "other", &tiny);
    let tokenizer = other.join("tokenizer.json");
    let text = fs::read_to_string(&tokenizer).unwrap();
    fs::write(&tokenizer, text + "\n").unwrap();
    let error = refused(&[&path, &other]);
    assert!(error.contains("another `tokenizer.json`"), "{error}");

    let error = average_weights(&[], &folder.path().join("none"), Element::F32, &mut |_| ()).unwrap_err();
    assert!(error.to_string().contains("average of nothing"), "{error}");
    let error = refused(&[&path, &folder.path().join("absent")]);
    assert!(error.contains("absent"), "{error}");
}

#[test]
fn an_adapter_of_another_model_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let tiny = Tiny::llama();
    let base = weights(&folder, "base", &tiny);
    let path = folder.path().join("adapter");
    let target = folder.path().join("soup");
    let refused = |tensors: &Tensors| {
        write_peft(&path, &config(), tensors);
        let error = average_adapters(&base, &[&path], &target, Element::F32, &mut |_| ()).unwrap_err();
        assert!(matches!(error, ExportError::UnsupportedAdapter { .. }) && !target.exists(), "{error}");
        error.to_string()
    };
    let (tensors, _) = adapter(&tiny);
    let renamed = |from: &str, to: &str| -> Tensors {
        tensors.iter().map(|(name, tensor)| (name.replace(from, to), tensor.clone())).collect()
    };
    let error = refused(&renamed("layers.0", "layers.70"));
    assert!(error.contains("layers.70") && error.contains("do not have"), "{error}");
    let error = refused(&renamed("gate_proj", "down_proj_"));
    assert!(error.contains("down_proj_"), "{error}");
    // Of queries what is of keys: another number of rows.
    let keys: Tensors = renamed("k_proj", "x_proj")
        .into_iter()
        .filter(|(name, _)| !name.contains("x_proj"))
        .map(|(name, tensor)| (name.replace("q_proj", "k_proj"), tensor))
        .collect();
    let error = refused(&keys);
    assert!(error.contains("k_proj") && error.contains("in the weights"), "{error}");
}
