//! Whole decoders: the loss, all gradients, and the first 50 steps.

use std::collections::HashMap;
use std::path::Path;

use loquat_finetune::backend::cpu::Cpu;
use loquat_finetune::backend::cpu::packed::Precision;
use loquat_finetune::{
    AdamW, Backend, Batch, Decoder, Learn, LoraOptions, Options, Schedule, Shape, Target, Trainee, Update,
};
use serde::Deserialize;

use super::fixture::{Tensors, Written, folder, json, near};

fn cpu(precision: Precision) -> Cpu {
    Cpu::with_precision(2, precision).unwrap()
}

fn load<B: Backend>(backend: B, name: &str, learn: Learn, checkpointing: bool) -> Decoder<B> {
    Decoder::load(backend, &folder().join(name), Options { learn, checkpointing, seed: 1 }).unwrap()
}

/// The gradients: with β₁ = 0 they are the first moments, and with a rate of 0 nothing else changes.
fn gradients<B: Backend>(model: &mut Decoder<B>, scratch: &Path) -> HashMap<String, Vec<f32>> {
    let update =
        Update { step: 1, rate: 0.0, betas: (0.0, 0.0), epsilon: 1.0, decay: 0.0, gradient_scale: 1.0 };
    model.update(&update).unwrap();
    model.keep(scratch).unwrap();
    let state = Tensors::read(&scratch.join("state.safetensors"));
    let names = state.names().into_iter();
    names.filter_map(|name| Some((name.strip_prefix("first.")?.to_owned(), state.numbers(&name)))).collect()
}

#[derive(Deserialize)]
struct Judged {
    rows: Vec<Written>,
    loss: f64,
    weight: f64,
}

/// The loss and all gradients are PyTorch's, to a share of the largest of each tensor.
pub(crate) fn check<B: Backend>(backend: B, name: &str, checkpointing: bool, tolerance: f32) {
    let judged: Judged = json(&format!("{name}/rows.json"));
    let batch = Batch { rows: judged.rows.into_iter().map(Into::into).collect() };
    let mut model = load(backend, name, Learn::Full, checkpointing);
    let scratch = tempfile::tempdir().unwrap();
    let evaluated = model.evaluate(&batch).unwrap();
    let loss = model.accumulate(&batch).unwrap();
    assert_eq!(loss, evaluated);
    assert_eq!(loss.weight, judged.weight);
    near("loss", &[loss.sum as f32], &[judged.loss as f32], tolerance);
    let gradients = gradients(&mut model, scratch.path());
    let wanted = Tensors::of(&format!("{name}/gradients"));
    assert_eq!(gradients.len(), wanted.names().len());
    for name in wanted.names() {
        near(&name, &gradients[&name], &wanted.numbers(&name), tolerance);
    }
}

#[test]
fn gradients_are_pytorchs() {
    for name in ["tied", "untied"] {
        for checkpointing in [false, true] {
            check(cpu(Precision::F32), name, checkpointing, 1e-5);
        }
    }
}

#[test]
fn gradients_in_bf16_are_near_them() {
    if !Precision::Bf16.supported() {
        assert!(
            std::env::var_os("LOQUAT_TEST_BF16").is_none(),
            "LOQUAT_TEST_BF16 is set, but this processor has no instructions for it"
        );
        eprintln!("SKIPPED: this processor has no instructions for bf16");
        return;
    }
    for name in ["tied", "untied"] {
        check(cpu(Precision::Bf16), name, false, 5e-2);
    }
}

#[derive(Deserialize)]
struct Training {
    batches: Vec<Vec<Written>>,
    adamw: Settings,
    runs: HashMap<String, Run>,
}

#[derive(Deserialize)]
struct Settings {
    peak: f64,
    warmup: u64,
    betas: (f32, f32),
    epsilon: f32,
    decay: f32,
    clip: f64,
}

#[derive(Deserialize)]
struct Run {
    rank: usize,
    alpha: f32,
    rate_factor: f64,
    losses: Vec<f64>,
    norms: Vec<f64>,
}

impl Training {
    /// Trains as `make.py` did, and compares each step.
    fn follow<B: Backend>(&self, run: &Run, model: &mut Decoder<B>) {
        let Settings { peak, warmup, betas, epsilon, decay, clip } = self.adamw;
        let optimiser = AdamW { betas, epsilon, decay, clip };
        let total = run.losses.len() as u64;
        let peak = peak * run.rate_factor;
        let schedule = Schedule { shape: Shape::InverseSqrt, peak, warmup, total, floor: 0.0 };
        for (step, (wanted, norm)) in (1..=total).zip(run.losses.iter().zip(&run.norms)) {
            let (mut sum, mut weight) = (0.0, 0.0);
            // Two batches are accumulated, of two rows each; they repeat after four steps.
            for part in 0..2 {
                let rows = &self.batches[(2 * step as usize + part) % self.batches.len()];
                let rows = rows.iter().cloned().map(Into::into).collect();
                let loss = model.accumulate(&Batch { rows }).unwrap();
                sum += loss.sum;
                weight += loss.weight;
            }
            assert!(
                (sum / weight - wanted).abs() <= 1e-3,
                "step {step}: {} instead of {wanted}",
                sum / weight
            );
            let got = model.gradient_norm().unwrap();
            assert!(
                (got / weight / norm - 1.0).abs() <= 1e-2,
                "step {step}: a norm of {} not {norm}",
                got / weight
            );
            model.update(&optimiser.update(step, schedule.rate(step), weight, got)).unwrap();
        }
        let (first, last) = (run.losses[0], run.losses[run.losses.len() - 1]);
        assert!(last < first - 0.5, "the fixture learnt something");
    }
}

/// The losses and norms of 50 steps are PyTorch's.
pub(crate) fn follow_full<B: Backend>(backend: B) {
    let training: Training = json("training.json");
    let mut model = load(backend, "tied", Learn::Full, false);
    training.follow(&training.runs["full"], &mut model);
}

/// Those of LoRA, from the same first matrices.
pub(crate) fn follow_lora<B: Backend>(backend: B) {
    let training: Training = json("training.json");
    let run = &training.runs["lora"];
    let lora = LoraOptions {
        rank: run.rank,
        alpha: run.alpha,
        targets: Target::ALL.to_vec(),
        ..LoraOptions::default()
    };
    let mut model = load(backend, "tied", Learn::Lora(lora), false);
    model.adopt(&folder().join("adapter")).unwrap();
    training.follow(run, &mut model);
}

#[test]
fn fifty_losses_are_pytorchs() {
    follow_full(cpu(Precision::F32));
}

#[test]
fn fifty_losses_of_lora_are_pytorchs() {
    follow_lora(cpu(Precision::F32));
}
