//! AdamW, clipping and schedules.

use loquat_finetune::backend::Role;
use loquat_finetune::backend::cpu::{Cpu, Memory};
use loquat_finetune::{AdamW, Backend, Schedule};
use serde::Deserialize;

use super::fixture::{json, near};

#[derive(Deserialize)]
struct Steps {
    rate: f64,
    betas: (f32, f32),
    epsilon: f32,
    decay: f32,
    clip: f64,
    matrix: Vec<f32>,
    vector: Vec<f32>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    d_matrix: Vec<f32>,
    d_vector: Vec<f32>,
    norm: f64,
    matrix: Vec<f32>,
    vector: Vec<f32>,
}

struct Learning {
    value: Memory,
    gradient: Memory,
    first: Memory,
    second: Memory,
    length: usize,
    decays: bool,
}

impl Learning {
    fn new(backend: &mut Cpu, numbers: &[f32], decays: bool) -> Self {
        let length = numbers.len();
        let mut zeros = |role| backend.allocate(role, length).unwrap();
        let mut value = zeros(Role::Parameter);
        let [gradient, first, second] = [(); 3].map(|()| zeros(Role::State));
        backend.upload(&mut value, 0, numbers).unwrap();
        Self { value, gradient, first, second, length, decays }
    }

    fn norm(&self, backend: &mut Cpu) -> f64 {
        backend.sum_of_squares(&self.gradient, self.length).unwrap()
    }

    #[track_caller]
    fn step(&mut self, backend: &mut Cpu, update: &loquat_finetune::Update, wanted: &[f32]) {
        let Self { value, gradient, first, second, length, decays } = self;
        backend.adamw(value, gradient, first, second, *length, update, *decays).unwrap();
        let mut numbers = vec![0.0; *length];
        backend.download(value, 0, &mut numbers).unwrap();
        near(&format!("step {}", update.step), &numbers, wanted, 2e-6);
        backend.download(gradient, 0, &mut numbers).unwrap();
        assert!(numbers.iter().all(|gradient| *gradient == 0.0), "the gradient is cleared");
    }
}

#[test]
fn adamw_with_decay_and_clipping() {
    let file: Steps = json("adamw.json");
    let optimiser = AdamW { betas: file.betas, epsilon: file.epsilon, decay: file.decay, clip: file.clip };
    let mut backend = Cpu::new(2).unwrap();
    let mut matrix = Learning::new(&mut backend, &file.matrix, true);
    let mut vector = Learning::new(&mut backend, &file.vector, false);
    // As a run has them: gradients of a sum over tokens, which the mean is made of.
    let tokens = 8.0;
    let summed = |numbers: &[f32]| numbers.iter().map(|number| number * tokens as f32).collect::<Vec<_>>();
    let mut clipped = 0;
    for (index, step) in (1..).zip(&file.steps) {
        backend.upload(&mut matrix.gradient, 0, &summed(&step.d_matrix)).unwrap();
        backend.upload(&mut vector.gradient, 0, &summed(&step.d_vector)).unwrap();
        let norm = (matrix.norm(&mut backend) + vector.norm(&mut backend)).sqrt();
        near("norm", &[(norm / tokens) as f32], &[step.norm as f32], 1e-6);
        let update = optimiser.update(index, file.rate, tokens, norm);
        clipped += usize::from(f64::from(update.gradient_scale) * tokens < 0.999);
        matrix.step(&mut backend, &update, &step.matrix);
        vector.step(&mut backend, &update, &step.vector);
    }
    assert!(clipped > 2 && clipped < file.steps.len() - 2, "{clipped} steps were clipped");
}

#[derive(Deserialize)]
struct Rates {
    #[serde(flatten)]
    schedule: Schedule,
    rates: Vec<f64>,
}

#[test]
fn schedules() {
    let files: Vec<Rates> = json("schedules.json");
    assert_eq!(files.len(), 24);
    for Rates { schedule, rates } in files {
        for (step, wanted) in (1..).zip(rates) {
            let rate = schedule.rate(step);
            assert!(
                (rate - wanted).abs() <= 1e-12,
                "{schedule:?}: {rate} in step {step} instead of {wanted}"
            );
        }
    }
}
