//! Each operation that a layer is made of, forward and backward.

use loquat_finetune::backend::cpu::{Cpu, Memory};
use loquat_finetune::backend::{CrossEntropy, Heads, Layout, Role, Targets, Turn, View, ViewMut};
use loquat_finetune::{Backend, Batch, Row};

use super::fixture::{Tensors, near};

const TOLERANCE: f32 = 2e-6;

/// A backend with buffers.
struct Bench(Cpu);

impl Bench {
    fn new() -> Self {
        Self(Cpu::new(2).unwrap())
    }

    fn buffer(&mut self, role: Role, numbers: &[f32]) -> Memory {
        let mut buffer = self.0.allocate(role, numbers.len()).unwrap();
        self.0.upload(&mut buffer, 0, numbers).unwrap();
        buffer
    }

    fn zeros(&mut self, role: Role, length: usize) -> Memory {
        self.0.allocate(role, length).unwrap()
    }

    fn numbers(&mut self, buffer: &Memory, length: usize) -> Vec<f32> {
        let mut numbers = vec![0.0; length];
        self.0.download(buffer, 0, &mut numbers).unwrap();
        numbers
    }

    #[track_caller]
    fn near(&mut self, tensors: &Tensors, name: &str, buffer: &Memory) {
        let wanted = tensors.numbers(name);
        let got = self.numbers(buffer, wanted.len());
        near(name, &got, &wanted, TOLERANCE);
    }
}

/// The rows of `make.py`.
fn layout() -> Layout {
    let row = |length: usize, prefix, documents: &[usize]| Row {
        tokens: vec![0; length],
        targets: vec![0; length],
        weights: vec![1.0; length],
        prefix,
        documents: documents.to_vec(),
        ..Row::default()
    };
    let batch = Batch { rows: vec![row(23, 5, &[5, 11, 18]), row(9, 0, &[0])] };
    Layout::new(&batch, 64, 61).unwrap()
}

#[test]
fn norm() {
    let (tensors, mut bench) = (Tensors::of("norm"), Bench::new());
    let (rows, width) = (7, 33);
    let x = bench.buffer(Role::Activation, &tensors.numbers("x"));
    let weight = bench.buffer(Role::Parameter, &tensors.numbers("weight"));
    let d_out = bench.buffer(Role::Activation, &tensors.numbers("d_out"));
    let (mut out, mut inverse) =
        (bench.zeros(Role::Activation, rows * width), bench.zeros(Role::State, rows));
    bench.0.norm(&mut out, &mut inverse, &x, &weight, rows, width, 1e-5).unwrap();
    bench.near(&tensors, "out", &out);
    let (mut d_x, mut d_weight) =
        (bench.zeros(Role::Activation, rows * width), bench.zeros(Role::State, width));
    bench.0.norm_backward(&mut d_x, Some(&mut d_weight), &d_out, &x, &inverse, &weight, rows, width).unwrap();
    bench.near(&tensors, "d_x", &d_x);
    bench.near(&tensors, "d_weight", &d_weight);

    // The same where half of x comes as a residual.
    let half: Vec<f32> = tensors.numbers("x").iter().map(|x| x / 2.0).collect();
    let half = bench.buffer(Role::Activation, &half);
    let mut sum = bench.zeros(Role::Activation, rows * width);
    bench.0.add_norm(&mut out, &mut inverse, &mut sum, &half, &half, &weight, rows, width, 1e-5).unwrap();
    bench.near(&tensors, "x", &sum);
    bench.near(&tensors, "out", &out);
}

#[test]
fn linear() {
    let (tensors, mut bench) = (Tensors::of("linear"), Bench::new());
    let (rows, inputs, outputs) = (7, 24, 40);
    let x = bench.buffer(Role::Activation, &tensors.numbers("x"));
    let weight = bench.buffer(Role::Parameter, &tensors.numbers("weight"));
    let bias = bench.buffer(Role::Parameter, &tensors.numbers("bias"));
    let d_out = bench.buffer(Role::Activation, &tensors.numbers("d_out"));
    let mut out = bench.zeros(Role::Activation, rows * outputs);
    let (of_x, of_weight) = (|| View::of(&x, rows, inputs), || View::of(&weight, outputs, inputs));
    bench.0.product(ViewMut::of(&mut out, rows, outputs), 0.0, 1.0, of_x(), of_weight().transpose()).unwrap();
    bench.0.add_bias(&mut out, &bias, rows, outputs).unwrap();
    bench.near(&tensors, "out", &out);
    let of_d_out = || View::of(&d_out, rows, outputs);
    let mut d_x = bench.zeros(Role::Activation, rows * inputs);
    bench.0.product(ViewMut::of(&mut d_x, rows, inputs), 0.0, 1.0, of_d_out(), of_weight()).unwrap();
    bench.near(&tensors, "d_x", &d_x);
    let mut d_weight = bench.zeros(Role::State, outputs * inputs);
    let target = ViewMut::of(&mut d_weight, outputs, inputs);
    bench.0.product(target, 1.0, 1.0, of_d_out().transpose(), of_x()).unwrap();
    bench.near(&tensors, "d_weight", &d_weight);
    let mut d_bias = bench.zeros(Role::State, outputs);
    bench.0.bias_backward(&mut d_bias, &d_out, rows, outputs).unwrap();
    bench.near(&tensors, "d_bias", &d_bias);
}

#[test]
fn swiglu() {
    let (tensors, mut bench) = (Tensors::of("swiglu"), Bench::new());
    let (rows, width) = (7, 37);
    let beside = |one: &[f32], other: &[f32]| -> Vec<f32> {
        let rows = one.chunks(width).zip(other.chunks(width));
        rows.flat_map(|(one, other)| one.iter().chain(other).copied().collect::<Vec<_>>()).collect()
    };
    let mut gate_up =
        bench.buffer(Role::Activation, &beside(&tensors.numbers("gate"), &tensors.numbers("up")));
    let d_out = bench.buffer(Role::Activation, &tensors.numbers("d_out"));
    let mut out = bench.zeros(Role::Activation, rows * width);
    bench.0.swiglu(&mut out, &gate_up, rows, width).unwrap();
    bench.near(&tensors, "out", &out);
    let mut again = bench.zeros(Role::Activation, rows * width);
    bench.0.swiglu_backward(&mut gate_up, Some(&mut again), &d_out, rows, width).unwrap();
    bench.near(&tensors, "out", &again);
    let wanted = beside(&tensors.numbers("d_gate"), &tensors.numbers("d_up"));
    let got = bench.numbers(&gate_up, wanted.len());
    near("gradient of gate and up", &got, &wanted, TOLERANCE);
}

#[test]
fn rotary() {
    let (tensors, mut bench) = (Tensors::of("rotary"), Bench::new());
    let (layout, heads) = (layout(), Heads { query: 2, key: 1, dimension: 8 });
    assert_eq!(layout.positions, tensors.integers("positions"));
    let placement = bench.0.place(&layout).unwrap();
    let frequencies: Vec<f32> = (0..4).map(|index| 10_000f64.powf(-f64::from(index) / 4.0) as f32).collect();
    let frequencies = bench.buffer(Role::State, &frequencies);
    // Behind the three heads that turn are values, which do not.
    let widened = |x: &[f32]| -> Vec<f32> {
        x.chunks(24).flat_map(|row| row.iter().copied().chain([7.0; 8]).collect::<Vec<_>>()).collect()
    };
    for (from, to, turn) in [("x", "out", Turn::Forward), ("d_out", "d_x", Turn::Backward)] {
        let mut qkv = bench.buffer(Role::Activation, &widened(&tensors.numbers(from)));
        bench.0.rotate(&mut qkv, &placement, &frequencies, heads, turn).unwrap();
        let wanted = widened(&tensors.numbers(to));
        let got = bench.numbers(&qkv, wanted.len());
        near(to, &got, &wanted, TOLERANCE);
    }
}

#[test]
fn attention() {
    let (tensors, mut bench) = (Tensors::of("attention"), Bench::new());
    let (layout, heads) = (layout(), Heads { query: 6, key: 2, dimension: 4 });
    let tokens = layout.tokens();
    let placement = bench.0.place(&layout).unwrap();
    let fused = |prefix: &str| -> Vec<f32> {
        let [q, k, v] = ["q", "k", "v"].map(|part| tensors.numbers(&format!("{prefix}{part}")));
        let row = |at: usize| [&q[24 * at..][..24], &k[8 * at..][..8], &v[8 * at..][..8]].concat();
        (0..tokens).flat_map(row).collect()
    };
    let qkv = bench.buffer(Role::Activation, &fused(""));
    let d_out = bench.buffer(Role::Activation, &tensors.numbers("d_out"));
    let mut out = bench.zeros(Role::Activation, tokens * heads.output());
    let mut logsumexp = bench.zeros(Role::State, tokens * heads.query);
    bench.0.attend(&mut out, &mut logsumexp, &qkv, &placement, heads).unwrap();
    bench.near(&tensors, "out", &out);
    let mut d_qkv = bench.zeros(Role::Activation, tokens * heads.fused());
    bench.0.attend_backward(&mut d_qkv, &d_out, &out, &logsumexp, &qkv, &placement, heads).unwrap();
    let wanted = fused("d_");
    let got = bench.numbers(&d_qkv, wanted.len());
    near("gradient of queries, keys and values", &got, &wanted, TOLERANCE);
}

#[test]
fn cross_entropy() {
    let (tensors, mut bench) = (Tensors::of("cross_entropy"), Bench::new());
    let (tokens, width, vocabulary) = (19, 24, 61);
    let hidden = bench.buffer(Role::Activation, &tensors.numbers("hidden"));
    let weight = bench.buffer(Role::Parameter, &tensors.numbers("weight"));
    let weights = bench.buffer(Role::State, &tensors.numbers("weights"));
    let targets = bench.0.indices(&tensors.integers("targets")).unwrap();
    let of = || CrossEntropy {
        tokens,
        width,
        vocabulary,
        hidden: &hidden,
        weight: &weight,
        targets: Targets::Tokens(&targets),
        weights: &weights,
    };
    let mut d_hidden = bench.zeros(Role::Activation, tokens * width);
    let mut d_weight = bench.zeros(Role::State, vocabulary * width);
    let wanted = tensors.numbers("loss");
    let loss = bench.0.cross_entropy(of(), Some((&mut d_hidden, Some(&mut d_weight)))).unwrap();
    near("loss", &[loss as f32], &wanted, TOLERANCE);
    bench.near(&tensors, "d_hidden", &d_hidden);
    bench.near(&tensors, "d_weight", &d_weight);
    let loss = bench.0.cross_entropy(of(), None).unwrap();
    near("loss without gradients", &[loss as f32], &wanted, TOLERANCE);
}
