//! The whole decoder, small: gradients, equivalences, files.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::files::{Tensor, write};
use super::*;
use crate::backend::Cpu;
use crate::batch::{Batch, Row};
use crate::layer::check::{read, values};
use crate::trainee::{Trainee, Update};

const UPDATE: Update =
    Update { step: 1, rate: 1e-2, betas: (0.9, 0.99), epsilon: 1e-8, decay: 0.1, gradient_scale: 0.1 };

fn shape() -> Value {
    json!({
        "model_type": "llama", "hidden_size": 10, "intermediate_size": 14, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "head_dim": 6, "vocab_size": 19, "max_position_embeddings": 12, "rms_norm_eps": 1e-5,
        "rope_theta": 100.0, "tie_word_embeddings": true,
    })
}

/// A weights folder with numbers at random; `change` is put over the shape.
fn folder(change: &Value) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut config = shape();
    config.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    let mut tensors = vec![
        ("model.embed_tokens.weight".to_owned(), vec![19, 10]),
        ("model.norm.weight".to_owned(), vec![10]),
    ];
    for block in 0..2 {
        let mut add = |name: &str, shape: &[usize]| {
            tensors.push((format!("model.layers.{block}.{name}"), shape.to_vec()))
        };
        add("input_layernorm.weight", &[10]);
        add("post_attention_layernorm.weight", &[10]);
        for (name, rows) in [("q", 24), ("k", 12), ("v", 12)] {
            add(&format!("self_attn.{name}_proj.weight"), &[rows, 10]);
            if config["model_type"] == "qwen2" {
                add(&format!("self_attn.{name}_proj.bias"), &[rows]);
            }
        }
        add("self_attn.o_proj.weight", &[10, 24]);
        add("mlp.gate_proj.weight", &[14, 10]);
        add("mlp.up_proj.weight", &[14, 10]);
        add("mlp.down_proj.weight", &[10, 14]);
    }
    if config["tie_word_embeddings"] == false {
        tensors.push(("lm_head.weight".to_owned(), vec![19, 10]));
    }
    let tensors: Vec<_> = tensors.into_iter().map(|(name, shape)| Tensor { name, shape }).collect();
    write(&folder.path().join("model.safetensors"), &tensors, HashMap::new(), |tensor, start, into| {
        let vector = tensors[tensor].shape.len() == 1;
        let numbers = values(tensor as u64 + 1, start + into.len());
        for (into, number) in into.iter_mut().zip(&numbers[start..]) {
            *into = if vector { 1.0 + 0.3 * number } else { 0.6 * number };
        }
        Ok(())
    })
    .unwrap();
    folder
}

fn lora(dropout: f32, targets: &[Target], last_blocks: Option<usize>) -> Learn {
    Learn::Lora(LoraOptions { rank: 3, alpha: 6.0, dropout, targets: targets.to_vec(), last_blocks })
}

fn load(folder: &Path, learn: Learn) -> Decoder<Cpu> {
    Decoder::load(Cpu::new(2).unwrap(), folder, Options { learn, checkpointing: false, seed: 4 }).unwrap()
}

/// Two rows: one document, of which some tokens are learnt, and three with a prefix in common.
fn batch() -> Batch {
    let row = |tokens: &[u32], weights: &[f32], prefix, documents: &[usize]| Row {
        targets: tokens.iter().map(|token| (token * 7 + 3) % 19).collect(),
        tokens: tokens.to_vec(),
        weights: weights.to_vec(),
        prefix,
        documents: documents.to_vec(),
        ..Row::default()
    };
    let one = row(&[3, 1, 4, 1, 5], &[0.0, 1.0, 0.5, 0.0, 1.0], 0, &[0]);
    let other = row(&[2, 7, 1, 8, 2, 8, 1, 8], &[0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 2.0], 2, &[2, 4, 5]);
    Batch { rows: vec![one, other] }
}

/// Every gradient against central differences, of the whole model.
fn check_gradients(mut decoder: Decoder<Cpu>, batch: &Batch) {
    decoder.accumulate(batch).unwrap();
    let count = decoder.split().1.len();
    let mut checked = 0;
    for index in 0..count {
        let (backend, mut parameters) = decoder.split();
        let parameter = &mut parameters[index];
        let name = parameter.parts[0].name.clone();
        let Some(gradient) = parameter.gradient() else { continue };
        let gradient = read(backend, gradient).unwrap();
        let numbers = read(backend, &parameter.value).unwrap();
        let largest = gradient.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
        assert!(largest > 0.0, "{name} has no gradient");
        for place in (0..numbers.len()).step_by(numbers.len().div_ceil(20)) {
            let mut at = |step: f32| {
                let (backend, mut parameters) = decoder.split();
                backend.upload(&mut parameters[index].value, place, &[numbers[place] + step]).unwrap();
                let loss = decoder.evaluate(batch).unwrap().sum;
                let (backend, mut parameters) = decoder.split();
                backend.upload(&mut parameters[index].value, place, &[numbers[place]]).unwrap();
                (loss, f64::from((numbers[place] + step) - numbers[place]))
            };
            let h = 1.0 / 64.0;
            let ((far, a), (near, b), (back, c), (further, d)) = (at(2.0 * h), at(h), at(-h), at(-2.0 * h));
            let expected = (4.0 / 3.0) * (near - back) / (b - c) - (far - further) / (a - d) / 3.0;
            let difference = (expected - f64::from(gradient[place])).abs();
            let allowed = 1e-3 * f64::from(largest.max(0.1));
            assert!(difference < allowed, "{name}[{place}]: {} instead of {expected}", gradient[place]);
            checked += 1;
        }
    }
    assert!(checked > 50);
}

#[test]
fn gradients_are_those_of_finite_differences() {
    check_gradients(load(folder(&json!({})).path(), Learn::Full), &batch());
    let other = folder(&json!({ "tie_word_embeddings": false, "model_type": "qwen2" }));
    check_gradients(load(other.path(), Learn::Full), &batch());
}

/// Numbers into LoRA's matrices B, which are zeros at first.
fn stir(decoder: &mut Decoder<Cpu>) {
    let (backend, parameters) = decoder.split();
    for (seed, parameter) in
        parameters.into_iter().enumerate().filter(|(_, parameter)| parameter.learning.is_some())
    {
        let numbers: Vec<f32> =
            values(seed as u64, parameter.length()).iter().map(|number| 0.2 * number).collect();
        backend.upload(&mut parameter.value, 0, &numbers).unwrap();
    }
}

#[test]
fn gradients_of_lora_are_those_of_finite_differences() {
    let folder = folder(&json!({}));
    for (targets, last) in
        [(&Target::ALL[..], None), (&[Target::K, Target::Up], None), (&[Target::Q, Target::Down], Some(1))]
    {
        let mut decoder = load(folder.path(), lora(0.0, targets, last));
        stir(&mut decoder);
        let (learnt, all) = decoder.counts();
        assert!(learnt > 0 && learnt < all);
        check_gradients(decoder, &batch());
    }
}

/// The second row of the batch, of which the last document and some tokens of the one before are learnt from the base.
fn distilled() -> Batch {
    let mut batch = batch();
    batch.rows[1].distilled = [0, 0, 0, 0, 0, 1, 1, 1].map(|distilled| distilled == 1).to_vec();
    batch
}

#[test]
fn gradients_of_what_is_distilled_are_those_of_finite_differences() {
    let mut decoder = load(folder(&json!({})).path(), lora(0.0, &Target::ALL, None));
    stir(&mut decoder);
    check_gradients(decoder, &distilled());
}

#[test]
fn what_is_distilled_is_what_the_model_was_without_its_adapters() {
    let folder = folder(&json!({}));
    let mut batch = distilled();
    batch.rows.remove(0);
    batch.rows[0].weights[2..5].fill(0.0);
    // Adapters that change nothing yet differ in nothing.
    let mut decoder = load(folder.path(), lora(0.4, &Target::ALL, None));
    assert!(decoder.evaluate(&batch).unwrap().mean().abs() < 1e-6);
    stir(&mut decoder);
    let places = [5, 6, 7];
    let own = decoder.logits(&batch.rows[0], &places).unwrap();
    let base = load(folder.path(), Learn::Nothing).logits(&batch.rows[0], &places).unwrap();
    let shares = |logits: &[f32]| -> Vec<f64> {
        let all: f64 = logits.iter().map(|logit| f64::from(*logit).exp()).sum();
        logits.iter().map(|logit| f64::from(*logit).exp() / all).collect()
    };
    let expected: f64 = own
        .iter()
        .zip(&base)
        .zip([1.0, 1.0, 2.0])
        .map(|((own, base), weight)| {
            let (own, base) = (shares(own), shares(base));
            weight * own.iter().zip(base).map(|(own, base)| base * (base / own).ln()).sum::<f64>()
        })
        .sum();
    let loss = decoder.evaluate(&batch).unwrap();
    assert!(expected > 0.01 && (loss.sum - expected).abs() < 1e-5, "{loss:?} instead of {expected}");
    assert_eq!(loss.weight, 4.0);
    // Who learns all has no base any more.
    let error = load(folder.path(), Learn::Full).evaluate(&batch).unwrap_err().to_string();
    assert!(error.contains("use LoRA"), "{error}");
}

fn gradients(decoder: &mut Decoder<Cpu>) -> Vec<Vec<f32>> {
    let (backend, parameters) = decoder.split();
    parameters
        .into_iter()
        .filter_map(|parameter| Some(read(backend, parameter.gradient()?).unwrap()))
        .collect()
}

#[test]
fn checkpointing_changes_no_number() {
    let folder = folder(&json!({}));
    for learn in [Learn::Full, lora(0.4, &Target::ALL, None), lora(0.4, &[Target::V], Some(1))] {
        let load = |checkpointing| {
            let options = Options { learn: learn.clone(), checkpointing, seed: 4 };
            let mut decoder = Decoder::load(Cpu::new(2).unwrap(), folder.path(), options).unwrap();
            if learn != Learn::Full {
                stir(&mut decoder);
            }
            let loss = decoder.accumulate(&batch()).unwrap();
            (loss, gradients(&mut decoder))
        };
        assert_eq!(load(false), load(true));
    }
}

#[test]
fn documents_in_a_row_lose_what_each_loses_alone() {
    let mut decoder = load(folder(&json!({})).path(), Learn::Full);
    let together = batch();
    let loss = decoder.accumulate(&together).unwrap();
    let expected = gradients(&mut decoder);
    decoder.forget().unwrap();
    let row = &together.rows[1];
    let mut rows = vec![together.rows[0].clone()];
    for (number, &first) in row.documents.iter().enumerate() {
        let end = row.documents.get(number + 1).copied().unwrap_or(row.tokens.len());
        let part = |numbers: &[u32]| [&numbers[..2], &numbers[first..end]].concat();
        let weights = [&row.weights[..2], &row.weights[first..end]].concat();
        rows.push(Row {
            tokens: part(&row.tokens),
            targets: part(&row.targets),
            weights,
            prefix: 0,
            documents: vec![0],
            ..Row::default()
        });
    }
    let mut sum = 0.0;
    for row in rows {
        sum += decoder.accumulate(&Batch { rows: vec![row] }).unwrap().sum;
    }
    assert!((sum - loss.sum).abs() < 1e-4, "{sum} instead of {}", loss.sum);
    for (found, expected) in gradients(&mut decoder).iter().zip(&expected) {
        assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-4));
    }
}

#[test]
fn logits_are_what_the_loss_is_made_of() {
    let mut decoder = load(folder(&json!({})).path(), Learn::Nothing);
    let row = &batch().rows[1];
    let loss = decoder.evaluate(&Batch { rows: vec![row.clone()] }).unwrap();
    assert_eq!(loss.weight, 6.0);
    let logits = decoder.logits(row, &[7, 2, 3, 5, 6]).unwrap();
    let mut sum = 0.0;
    for (logits, position) in logits.iter().zip([7, 2, 3, 5, 6]) {
        let total: f64 = logits.iter().map(|logit| f64::from(*logit).exp()).sum();
        sum += f64::from(row.weights[position])
            * (total.ln() - f64::from(logits[row.targets[position] as usize]));
    }
    assert!((sum - loss.sum).abs() < 1e-4, "{sum} instead of {}", loss.sum);
    assert!(decoder.logits(row, &[8]).unwrap_err().to_string().contains("token 8"));
}

fn steps(decoder: &mut Decoder<Cpu>, steps: std::ops::Range<u64>) -> Vec<f64> {
    steps
        .map(|step| {
            let loss = decoder.accumulate(&batch()).unwrap().sum;
            assert!(decoder.gradient_norm().unwrap() > 0.0);
            decoder.update(&Update { step: step + 1, ..UPDATE }).unwrap();
            assert_eq!(decoder.gradient_norm().unwrap(), 0.0);
            loss
        })
        .collect()
}

#[test]
fn a_restored_run_loses_the_very_same() {
    let folder = folder(&json!({}));
    for learn in [Learn::Full, lora(0.3, &Target::ALL, None)] {
        let kept = tempfile::tempdir().unwrap();
        let mut decoder = load(folder.path(), learn.clone());
        let first = steps(&mut decoder, 0..3);
        decoder.keep(kept.path()).unwrap();
        let rest = steps(&mut decoder, 3..6);
        assert!(rest[2] < first[0], "it learns");
        let mut other = load(folder.path(), learn);
        // What lies about in the gradient is no part of the state.
        other.accumulate(&batch()).unwrap();
        other.restore(kept.path()).unwrap();
        assert_eq!(steps(&mut other, 3..6), rest);
    }
}

#[test]
fn what_is_published_is_the_model_that_was_trained() {
    let folder = folder(&json!({}));
    let out = tempfile::tempdir().unwrap();
    let mut decoder = load(folder.path(), Learn::Full);
    steps(&mut decoder, 0..2);
    decoder.publish(out.path()).unwrap();
    fs::copy(folder.path().join("config.json"), out.path().join("config.json")).unwrap();
    let mut other = load(out.path(), Learn::Nothing);
    assert_eq!(decoder.evaluate(&batch()).unwrap(), other.evaluate(&batch()).unwrap());

    let learn = lora(0.1, &[Target::Q, Target::V, Target::Gate, Target::O], Some(1));
    let mut decoder = load(folder.path(), learn.clone());
    steps(&mut decoder, 0..2);
    decoder.publish(out.path()).unwrap();
    let config: Value =
        serde_json::from_slice(&fs::read(out.path().join("adapter_config.json")).unwrap()).unwrap();
    assert_eq!(config["target_modules"], json!(["q_proj", "v_proj", "gate_proj", "o_proj"]));
    assert_eq!((&config["r"], &config["layers_to_transform"]), (&json!(3), &json!([1])));
    let bytes = fs::read(out.path().join("adapter_model.safetensors")).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let name = "base_model.model.model.layers.1.self_attn.v_proj.lora_B.weight";
    assert_eq!((tensors.len(), tensors.tensor(name).unwrap().shape()), (8, &[12, 3][..]));
    let mut other = load(folder.path(), learn);
    assert_ne!(decoder.evaluate(&batch()).unwrap(), other.evaluate(&batch()).unwrap());
    other.adopt(out.path()).unwrap();
    assert_eq!(decoder.evaluate(&batch()).unwrap(), other.evaluate(&batch()).unwrap());
}

#[test]
fn shards_and_half_precision_are_read() {
    let folder = folder(&json!({}));
    let mut whole = load(folder.path(), Learn::Nothing);
    let bytes = fs::read(folder.path().join("model.safetensors")).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let half: Vec<_> = tensors
        .iter()
        .enumerate()
        .map(|(number, (name, tensor))| {
            let numbers = tensor.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
            let (dtype, bytes): (_, Vec<u8>) = if number % 2 == 0 {
                (
                    safetensors::Dtype::F16,
                    numbers.flat_map(|x| half::f16::from_f32(x).to_le_bytes()).collect(),
                )
            } else {
                (
                    safetensors::Dtype::BF16,
                    numbers.flat_map(|x| half::bf16::from_f32(x).to_le_bytes()).collect(),
                )
            };
            (name.to_owned(), dtype, tensor.shape().to_vec(), bytes)
        })
        .collect();
    let mut map = serde_json::Map::new();
    for (number, part) in half.chunks(7).enumerate() {
        let name = format!("model-{number}.safetensors");
        let views = part.iter().map(|(name, dtype, shape, bytes)| {
            (name, safetensors::tensor::TensorView::new(*dtype, shape.clone(), bytes).unwrap())
        });
        safetensors::serialize_to_file(views, None, &folder.path().join(&name)).unwrap();
        map.extend(part.iter().map(|(tensor, ..)| (tensor.clone(), json!(name))));
    }
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    let index = folder.path().join("model.safetensors.index.json");
    fs::write(&index, json!({ "weight_map": map }).to_string()).unwrap();
    let mut sharded = load(folder.path(), Learn::Nothing);
    let (one, other) = (whole.evaluate(&batch()).unwrap().mean(), sharded.evaluate(&batch()).unwrap().mean());
    assert!(one != other && (one - other).abs() < 0.02, "{one} and {other}");
}

#[test]
fn what_cannot_be_used_is_named() {
    let refused = |folder: &Path, learn| {
        let options = Options { learn, checkpointing: false, seed: 0 };
        Decoder::load(Cpu::new(1).unwrap(), folder, options).unwrap_err().to_string()
    };
    let unknown = folder(&json!({ "model_type": "mamba" }));
    let message = refused(unknown.path(), Learn::Full);
    assert!(message.contains("mamba") && message.contains("llama, mistral, qwen2"), "{message}");
    let message = refused(folder(&json!({ "hidden_act": "gelu" })).path(), Learn::Full);
    assert!(message.contains("gelu"), "{message}");
    let message = refused(folder(&json!({ "vocab_size": 20 })).path(), Learn::Full);
    assert!(message.contains("embed_tokens") && message.contains("[20, 10]"), "{message}");
    let good = folder(&json!({}));
    let none = LoraOptions { rank: 0, ..LoraOptions::default() };
    assert!(refused(good.path(), Learn::Lora(none)).contains("`rank`"));
    let path = good.path().join("model.safetensors");
    let bytes = fs::read(&path).unwrap();
    // The file is as long as it should be, and a tensor's shape is another.
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let text = String::from_utf8(bytes[8..header].to_vec()).unwrap();
    let at = text.find("\"shape\":[").unwrap() + 9;
    let mut other = bytes.clone();
    other[8 + at] = b'9';
    fs::write(&path, &other).unwrap();
    let message = refused(good.path(), Learn::Full);
    assert!(message.contains("damaged"), "{message}");
    fs::write(good.path().join("model.safetensors"), &bytes[..bytes.len() - 4]).unwrap();
    let message = refused(good.path(), Learn::Full);
    assert!(message.contains("damaged"), "{message}");
    fs::remove_file(good.path().join("model.safetensors")).unwrap();
    let message = refused(good.path(), Learn::Full);
    assert!(message.contains("no model.safetensors"), "{message}");
}

#[test]
fn a_state_of_another_model_changes_nothing() {
    let folder = folder(&json!({}));
    let kept = tempfile::tempdir().unwrap();
    load(folder.path(), lora(0.0, &Target::ALL, None)).keep(kept.path()).unwrap();
    let mut decoder = load(folder.path(), Learn::Full);
    let before = decoder.evaluate(&batch()).unwrap();
    assert!(decoder.restore(kept.path()).unwrap_err().to_string().contains("value.model.embed_tokens"));
    assert_eq!(decoder.evaluate(&batch()).unwrap(), before);
    // One that has learnt more than this one could keep is another one's, too.
    let mut last = load(folder.path(), lora(0.0, &[Target::Q], Some(1)));
    let told = last.restore(kept.path()).unwrap_err().to_string();
    assert!(told.contains("which this model does not learn"), "{told}");
}

#[test]
fn a_write_that_fails_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    fs::write(&path, "before").unwrap();
    let tensors = [Tensor { name: "a".to_owned(), shape: vec![3_000_000] }];
    let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
    let error = write(&path, &tensors, HashMap::new(), |_, start, _| {
        if start > 0 { Err(ModelError::Write { path: path.clone(), source: full() }) } else { Ok(()) }
    })
    .unwrap_err();
    assert!(error.to_string().contains("make room on the disk"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "before");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
