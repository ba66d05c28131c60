//! Whether a backend gives what the processor's gives, operation by operation: on an emulated device everywhere, on a GPU where there is one.
//!
//! Sizes are chosen to be no multiples of a block, a warp or a tile.

use crate::backend::cpu::Cpu;
use crate::backend::{Backend, CrossEntropy, Heads, Layout, Mask, Role, Targets, Turn, View, ViewMut};
use crate::batch::{Batch, Row};
use crate::trainee::Update;

/// The two, and random numbers.
pub(super) struct Both<B: Backend> {
    cpu: Cpu,
    other: B,
    random: u64,
    /// How far results may be from each other, measured by their root mean square: what rounding takes.
    tolerance: f32,
}

/// A buffer of each.
struct Pair<B: Backend> {
    cpu: <Cpu as Backend>::Buffer,
    other: B::Buffer,
    length: usize,
}

impl<B: Backend> Both<B> {
    pub(super) fn new(other: B, tolerance: f32) -> Self {
        Self { cpu: Cpu::new(1).unwrap(), other, random: 1, tolerance }
    }

    /// From −1 to 1; 16 bits hold it.
    fn number(&mut self) -> f32 {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let number = (self.random >> 40) as f32 / (1_u64 << 23) as f32 - 1.0;
        half::bf16::from_f32(number).to_f32()
    }

    fn below(&mut self, end: usize) -> u32 {
        ((f64::from(self.number()) + 1.0) / 2.0 * end as f64).min(end as f64 - 1.0) as u32
    }

    fn given(&mut self, role: Role, values: &[f32]) -> Pair<B> {
        let length = values.len();
        let mut pair = Pair {
            cpu: self.cpu.allocate(role, length).unwrap(),
            other: self.other.allocate(role, length).unwrap(),
            length,
        };
        self.cpu.upload(&mut pair.cpu, 0, values).unwrap();
        self.other.upload(&mut pair.other, 0, values).unwrap();
        pair
    }

    fn random(&mut self, role: Role, length: usize) -> Pair<B> {
        let values: Vec<f32> = (0..length).map(|_| self.number()).collect();
        self.given(role, &values)
    }

    /// Both hold the same, to what rounding takes.
    fn same(&mut self, pair: &Pair<B>, what: &str) {
        let (mut expected, mut found) = (vec![0.0; pair.length], vec![0.0; pair.length]);
        self.cpu.download(&pair.cpu, 0, &mut expected).unwrap();
        self.other.download(&pair.other, 0, &mut found).unwrap();
        let squares: f64 = expected.iter().map(|value| f64::from(*value).powi(2)).sum();
        let scale = (squares / pair.length.max(1) as f64).sqrt() as f32;
        for (at, (expected, found)) in expected.iter().zip(&found).enumerate() {
            let near = (expected - found).abs() <= self.tolerance * (scale + expected.abs());
            assert!(near, "{what}: {found} at {at} instead of {expected}");
        }
    }

    /// Both go on from what the other one found, so that its rounding is not counted twice.
    fn shared(&mut self, pair: &mut Pair<B>) {
        let mut found = vec![0.0; pair.length];
        self.other.download(&pair.other, 0, &mut found).unwrap();
        self.cpu.upload(&mut pair.cpu, 0, &found).unwrap();
    }

    fn layout(rows: &[(usize, usize, &[usize])]) -> Layout {
        let rows = rows.iter().map(|(length, prefix, documents)| Row {
            tokens: vec![0; *length],
            targets: vec![0; *length],
            weights: vec![0.0; *length],
            prefix: *prefix,
            documents: documents.to_vec(),
            ..Row::default()
        });
        Layout::new(&Batch { rows: rows.collect() }, 100_000, 1).unwrap()
    }

    pub(super) fn products(&mut self) {
        for (rows, columns, inner) in [(1, 1, 1), (5, 7, 3), (16, 8, 24)] {
            for number in 0..32 {
                let [turn_left, turn_right, keep, state, inside] =
                    [0, 1, 2, 3, 4].map(|bit| number >> bit & 1 == 1);
                // With a margin around each matrix, or without.
                let margin = if inside { 3 } else { 0 };
                let size = |turned: bool, rows: usize, columns: usize| {
                    if turned { (columns, rows) } else { (rows, columns) }
                };
                let ((left_rows, left_columns), (right_rows, right_columns)) =
                    (size(turn_left, rows, inner), size(turn_right, inner, columns));
                let left = self.random(Role::Activation, (left_rows + margin) * (left_columns + margin));
                let right = self.random(Role::Frozen, (right_rows + margin) * (right_columns + margin));
                let role = if state { Role::State } else { Role::Activation };
                let mut out = self.random(role, (rows + margin) * (columns + margin));
                let (scale, kept) = (0.5, if keep { 1.0 } else { 0.0 });
                macro_rules! views {
                    ($which:ident) => {{
                        let mut left = View::of(&left.$which, left_rows + margin, left_columns + margin)
                            .columns(margin, left_columns)
                            .rows(margin, left_rows);
                        left.transposed = turn_left;
                        let mut right = View::of(&right.$which, right_rows + margin, right_columns + margin)
                            .columns(margin, right_columns)
                            .rows(margin, right_rows);
                        right.transposed = turn_right;
                        let out = ViewMut::of(&mut out.$which, rows + margin, columns + margin)
                            .columns(margin, columns)
                            .rows(margin, rows);
                        self.$which.product(out, kept, scale, left, right).unwrap();
                    }};
                }
                views!(cpu);
                views!(other);
                self.same(&out, &format!("product {rows} × {inner} × {columns}, {number:05b}"));
            }
        }
    }

    pub(super) fn tables(&mut self) {
        for (count, width) in [(1, 1), (70, 5), (9, 300)] {
            let rows: Vec<u32> = (0..count).map(|_| self.below(11)).collect();
            let (of_cpu, of_other) = (self.cpu.indices(&rows).unwrap(), self.other.indices(&rows).unwrap());
            for role in [Role::Parameter, Role::Frozen] {
                let table = self.random(role, 11 * width);
                let mut out = self.random(Role::Activation, count * width);
                self.cpu.gather(&mut out.cpu, &table.cpu, &of_cpu, width).unwrap();
                self.other.gather(&mut out.other, &table.other, &of_other, width).unwrap();
                self.same(&out, "gather");
            }
            for role in [Role::State, Role::Activation] {
                let mut table = self.random(role, 11 * width);
                let from = self.random(Role::Activation, count * width);
                self.cpu.scatter_add(&mut table.cpu, &from.cpu, &of_cpu, width).unwrap();
                self.other.scatter_add(&mut table.other, &from.other, &of_other, width).unwrap();
                self.same(&table, "scatter_add");
            }
        }
    }

    pub(super) fn norms(&mut self) {
        for (rows, width) in [(1, 1), (3, 4), (37, 6), (70, 132), (2, 1030)] {
            let length = rows * width;
            for role in [Role::Parameter, Role::Frozen] {
                let weight = self.random(role, width);
                let x = self.random(Role::Activation, length);
                let delta = self.random(Role::Activation, length);
                let mut out = self.random(Role::Activation, length);
                let mut sum = self.random(Role::Activation, length);
                let mut inverse = self.random(Role::State, rows);
                macro_rules! forward {
                    ($($which:ident),*) => {$(
                        self.$which
                            .norm(&mut out.$which, &mut inverse.$which, &x.$which, &weight.$which, rows, width, 1e-5)
                            .unwrap();
                    )*};
                }
                forward!(cpu, other);
                self.same(&out, "norm");
                self.same(&inverse, "norm's inverse");
                macro_rules! add_forward {
                    ($($which:ident),*) => {$(
                        self.$which
                            .add_norm(
                                &mut out.$which, &mut inverse.$which, &mut sum.$which, &x.$which, &delta.$which, &weight.$which,
                                rows, width, 1e-5,
                            )
                            .unwrap();
                    )*};
                }
                add_forward!(cpu, other);
                self.same(&sum, "add_norm's sum");
                self.same(&out, "add_norm");
                forward!(cpu, other);
                for with_weight in [true, false] {
                    let d_out = self.random(Role::Activation, length);
                    let mut d_x = self.random(Role::Activation, length);
                    let mut d_weight = self.random(Role::State, width);
                    macro_rules! backward {
                        ($($which:ident),*) => {$(
                            self.$which
                                .norm_backward(
                                    &mut d_x.$which, with_weight.then_some(&mut d_weight.$which), &d_out.$which, &x.$which,
                                    &inverse.$which, &weight.$which, rows, width,
                                )
                                .unwrap();
                        )*};
                    }
                    backward!(cpu, other);
                    self.same(&d_x, "norm_backward");
                    self.same(&d_weight, "norm_backward of the weight");
                }
            }
        }
    }

    /// Over rows that are longer than a tile of tensor cores, with prefixes and documents that end within tiles, at their ends, and after
    /// them.
    pub(super) fn attention(&mut self, dimensions: &[usize]) {
        let layout =
            Self::layout(&[(150, 40, &[40, 70, 128]), (64, 0, &[0]), (65, 64, &[64]), (70, 0, &[0, 64, 66])]);
        for &dimension in dimensions {
            self.attention_of(Heads { query: 2, key: 1, dimension }, &layout);
        }
    }

    /// Over short rows.
    pub(super) fn attention_of_short_rows(&mut self, dimensions: &[usize]) {
        let layout = Self::layout(&[(1, 0, &[0]), (9, 3, &[3, 5]), (4, 4, &[]), (20, 0, &[0, 7])]);
        for &dimension in dimensions {
            self.attention_of(Heads { query: 6, key: 3, dimension }, &layout);
        }
    }

    /// Over one row with documents: for wide heads, which take long where they are emulated.
    pub(super) fn attention_of_a_row(&mut self, dimensions: &[usize]) {
        let layout = Self::layout(&[(100, 20, &[20, 70])]);
        for &dimension in dimensions {
            self.attention_of(Heads { query: 2, key: 1, dimension }, &layout);
        }
    }

    fn attention_of(&mut self, heads: Heads, layout: &Layout) {
        let tokens = layout.tokens();
        let (of_cpu, of_other) = (self.cpu.place(layout).unwrap(), self.other.place(layout).unwrap());
        let frequencies: Vec<f32> =
            (0..heads.dimension / 2).map(|place| 0.7_f32.powi(place as i32)).collect();
        let frequencies = self.given(Role::State, &frequencies);
        for turn in [Turn::Forward, Turn::Backward] {
            let mut qkv = self.random(Role::Activation, tokens * heads.fused());
            self.cpu.rotate(&mut qkv.cpu, &of_cpu, &frequencies.cpu, heads, turn).unwrap();
            self.other.rotate(&mut qkv.other, &of_other, &frequencies.other, heads, turn).unwrap();
            self.same(&qkv, "rotate");
        }
        // Larger than usual, so that some tokens are looked at much more than others.
        let qkv: Vec<f32> = (0..tokens * heads.fused()).map(|_| 2.0 * self.number()).collect();
        let qkv = self.given(Role::Activation, &qkv);
        let mut out = self.random(Role::Activation, tokens * heads.output());
        let mut logsumexp = self.random(Role::State, tokens * heads.query);
        self.cpu.attend(&mut out.cpu, &mut logsumexp.cpu, &qkv.cpu, &of_cpu, heads).unwrap();
        self.other.attend(&mut out.other, &mut logsumexp.other, &qkv.other, &of_other, heads).unwrap();
        self.same(&out, &format!("attend, {heads:?}"));
        self.same(&logsumexp, &format!("attend's logsumexp, {heads:?}"));
        self.shared(&mut out);
        self.shared(&mut logsumexp);
        let d_out = self.random(Role::Activation, tokens * heads.output());
        let mut d_qkv = self.random(Role::Activation, tokens * heads.fused());
        self.cpu
            .attend_backward(&mut d_qkv.cpu, &d_out.cpu, &out.cpu, &logsumexp.cpu, &qkv.cpu, &of_cpu, heads)
            .unwrap();
        self.other
            .attend_backward(
                &mut d_qkv.other,
                &d_out.other,
                &out.other,
                &logsumexp.other,
                &qkv.other,
                &of_other,
                heads,
            )
            .unwrap();
        self.same(&d_qkv, &format!("attend_backward, {heads:?}"));
    }

    pub(super) fn elements(&mut self) {
        for (rows, width) in [(1, 1), (3, 4), (37, 31), (300, 20)] {
            let length = rows * width;
            for with_out in [true, false] {
                let mut gate_up = self.random(Role::Activation, 2 * length);
                let mut out = self.random(Role::Activation, length);
                let d_out = self.random(Role::Activation, length);
                macro_rules! both {
                    ($($which:ident),*) => {$(
                        self.$which.swiglu(&mut out.$which, &gate_up.$which, rows, width).unwrap();
                    )*};
                }
                both!(cpu, other);
                self.same(&out, "swiglu");
                let mut out = self.random(Role::Activation, length);
                macro_rules! both {
                    ($($which:ident),*) => {$(
                        self.$which
                            .swiglu_backward(
                                &mut gate_up.$which, with_out.then_some(&mut out.$which), &d_out.$which, rows, width,
                            )
                            .unwrap();
                    )*};
                }
                both!(cpu, other);
                self.same(&gate_up, "swiglu_backward");
                self.same(&out, "swiglu_backward's out");
            }
            for role in [Role::Parameter, Role::Frozen] {
                let bias = self.random(role, width);
                let mut out = self.random(Role::Activation, length);
                self.cpu.add_bias(&mut out.cpu, &bias.cpu, rows, width).unwrap();
                self.other.add_bias(&mut out.other, &bias.other, rows, width).unwrap();
                self.same(&out, "add_bias");
            }
            let mut d_bias = self.random(Role::State, width);
            let mut x = self.random(Role::Activation, length);
            self.cpu.bias_backward(&mut d_bias.cpu, &x.cpu, rows, width).unwrap();
            self.other.bias_backward(&mut d_bias.other, &x.other, rows, width).unwrap();
            self.same(&d_bias, "bias_backward");
            for (keep, probability) in [(0.0, 0.25), (1.0, 0.5), (1.0, 0.0)] {
                let mask = Mask { probability, seed: 0xFEDC_BA98_7654_3210 };
                let mut out = self.random(Role::Activation, length);
                self.cpu.dropout(&mut out.cpu, keep, &x.cpu, mask, length).unwrap();
                self.other.dropout(&mut out.other, keep, &x.other, mask, length).unwrap();
                self.same(&out, "dropout");
            }
            let more = self.random(Role::Activation, length);
            self.cpu.add(&mut x.cpu, &more.cpu, length).unwrap();
            self.other.add(&mut x.other, &more.other, length).unwrap();
            self.same(&x, "add");
            self.cpu.clear(&mut x.cpu, length / 2).unwrap();
            self.other.clear(&mut x.other, length / 2).unwrap();
            self.same(&x, "clear");
        }
    }

    pub(super) fn losses(&mut self) {
        // The second has more tokens than there is room for logits at once, where room is scarce.
        for (tokens, width, vocabulary) in [(1, 1, 1), (140, 3, 7), (5, 8, 1500)] {
            for (gradient, with_weight) in [(false, false), (true, false), (true, true)] {
                let hidden = self.random(Role::Activation, tokens * width);
                let weight =
                    self.random(if with_weight { Role::Parameter } else { Role::Frozen }, vocabulary * width);
                let mut weights = vec![0.0; tokens];
                let mut targets = vec![0; tokens];
                for token in 0..tokens {
                    if token % 3 != 1 {
                        weights[token] = 0.5 + token as f32 / tokens as f32;
                        targets[token] = self.below(vocabulary);
                    }
                }
                let weights = self.given(Role::State, &weights);
                let mut d_hidden = self.random(Role::Activation, tokens * width);
                let mut d_weight = self.random(Role::State, vocabulary * width);
                let states = self.random(Role::Activation, tokens * width);
                for distilled in [false, true] {
                    macro_rules! loss {
                        ($which:ident) => {{
                            let targets = self.$which.indices(&targets).unwrap();
                            let of = CrossEntropy {
                                tokens,
                                width,
                                vocabulary,
                                hidden: &hidden.$which,
                                weight: &weight.$which,
                                targets: match distilled {
                                    false => Targets::Tokens(&targets),
                                    true => Targets::States(&states.$which),
                                },
                                weights: &weights.$which,
                            };
                            let into = gradient.then_some((
                                &mut d_hidden.$which,
                                with_weight.then_some(&mut d_weight.$which),
                            ));
                            self.$which.cross_entropy(of, into).unwrap()
                        }};
                    }
                    let (expected, found) = (loss!(cpu), loss!(other));
                    let near =
                        (expected - found).abs() <= f64::from(self.tolerance) * expected.abs().max(1e-3);
                    assert!(near, "cross_entropy: {found} instead of {expected}");
                    self.same(&d_hidden, "cross_entropy of the hidden state");
                    self.same(&d_weight, "cross_entropy of the output layer");
                }
            }
        }
    }

    pub(super) fn steps(&mut self) {
        for length in [1, 1030] {
            let mut parameter = self.random(Role::Parameter, length);
            let [mut gradient, mut first] = [0, 1].map(|_| self.random(Role::State, length));
            let second: Vec<f32> = (0..length).map(|_| self.number().abs()).collect();
            let mut second = self.given(Role::State, &second);
            let expected = self.cpu.sum_of_squares(&gradient.cpu, length).unwrap();
            let found = self.other.sum_of_squares(&gradient.other, length).unwrap();
            assert!(
                (expected - found).abs() <= 1e-6 * expected,
                "sum_of_squares: {found} instead of {expected}"
            );
            for (step, decays) in [(1, true), (2, false), (1000, true)] {
                let update = Update {
                    step,
                    rate: 0.01,
                    betas: (0.9, 0.95),
                    epsilon: 1e-8,
                    decay: 0.1,
                    gradient_scale: 0.3,
                };
                macro_rules! both {
                    ($($which:ident),*) => {$(
                        self.$which
                            .adamw(
                                &mut parameter.$which, &mut gradient.$which, &mut first.$which, &mut second.$which, length, &update,
                                decays,
                            )
                            .unwrap();
                    )*};
                }
                both!(cpu, other);
                for (pair, what) in [
                    (&parameter, "parameter"),
                    (&gradient, "gradient"),
                    (&first, "first"),
                    (&second, "second"),
                ] {
                    self.same(pair, what);
                }
                // What products read follows.
                let mut out = self.random(Role::Activation, length);
                let rows: Vec<u32> = (0..length as u32).collect();
                let (of_cpu, of_other) =
                    (self.cpu.indices(&rows).unwrap(), self.other.indices(&rows).unwrap());
                self.cpu.gather(&mut out.cpu, &parameter.cpu, &of_cpu, 1).unwrap();
                self.other.gather(&mut out.other, &parameter.other, &of_other, 1).unwrap();
                self.same(&out, "the parameter as products read it");
                gradient = self.random(Role::State, length);
            }
        }
    }
}
