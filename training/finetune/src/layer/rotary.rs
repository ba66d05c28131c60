//! Rotary positions: Su et al., "RoFormer", 2021; with the stretched frequencies of Llama 3.

use crate::backend::{Backend, BackendError, Heads, Role, Turn};

/// How frequencies differ from RoFormer's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stretch {
    /// They do not.
    None,
    /// Positions are divided by a number: Chen et al., "Extending Context Window of Large Language Models via Position Interpolation", 2023.
    Linear(f64),
    /// Llama 3's: low frequencies are divided by `factor`, high ones stay, those between are blended.
    Llama3 {
        /// What low frequencies are divided by.
        factor: f64,
        /// A wave longer than `original / low` is low.
        low: f64,
        /// A wave shorter than `original / high` is high.
        high: f64,
        /// Positions that the model had first.
        original: f64,
    },
}

/// Turns pairs of numbers by their token's position.
#[derive(Debug)]
pub struct Rotary<B: Backend> {
    frequencies: B::Buffer,
}

impl<B: Backend> Rotary<B> {
    /// With `theta^(-2j / dimension)` for pair `j`, stretched.
    ///
    /// # Errors
    /// When the backend has no room.
    pub fn new(
        backend: &mut B,
        dimension: usize,
        theta: f64,
        stretch: Stretch,
    ) -> Result<Self, BackendError> {
        let frequencies: Vec<f32> = (0..dimension / 2)
            .map(|pair| theta.powf(-2.0 * pair as f64 / dimension as f64))
            .map(|frequency| stretched(frequency, stretch) as f32)
            .collect();
        let mut buffer = backend.allocate(Role::State, frequencies.len())?;
        backend.upload(&mut buffer, 0, &frequencies)?;
        Ok(Self { frequencies: buffer })
    }

    /// Turns queries and keys in place; backward, their gradients.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn turn(
        &self,
        backend: &mut B,
        qkv: &mut B::Buffer,
        placement: &B::Placement,
        heads: Heads,
        turn: Turn,
    ) -> Result<(), BackendError> {
        backend.rotate(qkv, placement, &self.frequencies, heads, turn)
    }
}

fn stretched(frequency: f64, stretch: Stretch) -> f64 {
    match stretch {
        Stretch::None => frequency,
        Stretch::Linear(factor) => frequency / factor,
        Stretch::Llama3 { factor, low, high, original } => {
            let wave = std::f64::consts::TAU / frequency;
            if wave < original / high {
                frequency
            } else if wave > original / low {
                frequency / factor
            } else {
                let blend = (original / wave - low) / (high - low);
                (1.0 - blend) * frequency / factor + blend * frequency
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{Cpu, Layout};
    use crate::batch::{Batch, Row};
    use crate::layer::check::{Case, buffer, read};

    fn layout() -> Layout {
        let row = |length: usize, prefix, documents: &[usize]| Row {
            tokens: vec![0; length],
            targets: vec![0; length],
            weights: vec![1.0; length],
            prefix,
            documents: documents.to_vec(),
            ..Row::default()
        };
        Layout::new(&Batch { rows: vec![row(3, 0, &[0]), row(5, 1, &[1, 3])] }, 10, 1).unwrap()
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        let heads = Heads { query: 4, key: 2, dimension: 6 };
        let length = 8 * heads.fused();
        Case::new(&[("qkv", length)], length).check(|backend, inputs, probe| {
            let placement = backend.place(&layout())?;
            let rotary = Rotary::new(backend, 6, 100.0, Stretch::None)?;
            let (mut qkv, mut d_qkv) = (buffer(backend, &inputs[0])?, buffer(backend, probe)?);
            rotary.turn(backend, &mut qkv, &placement, heads, Turn::Forward)?;
            rotary.turn(backend, &mut d_qkv, &placement, heads, Turn::Backward)?;
            Ok((read(backend, &qkv)?, vec![read(backend, &d_qkv)?]))
        });
    }

    #[test]
    fn a_pair_turns_by_position_times_frequency() {
        let mut backend = Cpu::new(1).unwrap();
        let heads = Heads { query: 1, key: 1, dimension: 4 };
        let rotary = Rotary::new(&mut backend, 4, 10_000.0, Stretch::Linear(2.0)).unwrap();
        let placement = backend.place(&layout()).unwrap();
        let row = [1.0, 2.0, 3.0, 4.0];
        let mut qkv = buffer(&mut backend, &row.repeat(3 * 8)).unwrap();
        rotary.turn(&mut backend, &mut qkv, &placement, heads, Turn::Forward).unwrap();
        let qkv = read(&mut backend, &qkv).unwrap();
        let (sine, cosine) = (2.0f32 * 0.5).sin_cos();
        let third = &qkv[2 * 12..];
        assert!(
            (third[0] - (cosine - 3.0 * sine)).abs() < 1e-6
                && (third[2] - (3.0 * cosine + sine)).abs() < 1e-6
        );
        let (sine, cosine) = (2.0f32 * 0.005).sin_cos();
        assert!(
            (third[1] - (2.0 * cosine - 4.0 * sine)).abs() < 1e-6
                && (third[3] - (4.0 * cosine + 2.0 * sine)).abs() < 1e-6
        );
        assert_eq!(third[8..12], row, "values do not turn");
    }

    #[test]
    fn llama3_stretches_low_frequencies_alone() {
        let stretch = Stretch::Llama3 { factor: 32.0, low: 1.0, high: 4.0, original: 8192.0 };
        assert_eq!(stretched(1.0, stretch), 1.0);
        assert_eq!(stretched(1e-5, stretch), 1e-5 / 32.0);
        let between = stretched(std::f64::consts::TAU / 4096.0, stretch) * 4096.0 / std::f64::consts::TAU;
        assert!((between - (2.0 / 3.0 / 32.0 + 1.0 / 3.0)).abs() < 1e-12);
    }
}
