//! Compares gradients with central differences of fourth order: `(8 (f(x+h) − f(x−h)) − (f(x+2h) − f(x−2h))) / 12h`. The function is a
//! layer's output times a probe, summed in double precision; the gradient is the layer's own, of the probe as the output's gradient.

use crate::backend::{Backend, BackendError, Cpu, Role};

/// Numbers from -1 to 1, the same for the same seed.
pub(crate) fn values(seed: u64, length: usize) -> Vec<f32> {
    let number = |index: usize| {
        let mut hash = (seed << 32 | index as u64).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((hash >> 40) as f32 / (1u64 << 24) as f32) * 2.0 - 1.0
    };
    (0..length).map(number).collect()
}

pub(crate) fn buffer<B: Backend>(backend: &mut B, values: &[f32]) -> Result<B::Buffer, BackendError> {
    let mut buffer = backend.allocate(Role::State, values.len())?;
    backend.upload(&mut buffer, 0, values)?;
    Ok(buffer)
}

pub(crate) fn read(backend: &mut Cpu, buffer: &<Cpu as Backend>::Buffer) -> Result<Vec<f32>, BackendError> {
    let mut values = vec![0.0; buffer.len()];
    backend.download(buffer, 0, &mut values)?;
    Ok(values)
}

/// A layer's output, and its gradients by each input.
pub(crate) type Passes = Result<(Vec<f32>, Vec<Vec<f32>>), BackendError>;

pub(crate) struct Case {
    names: Vec<&'static str>,
    inputs: Vec<Vec<f32>>,
    probe: Vec<f32>,
}

impl Case {
    /// Inputs by name and length, and the output's length.
    pub(crate) fn new(inputs: &[(&'static str, usize)], output: usize) -> Self {
        let numbers = inputs.iter().zip(1..).map(|((_, length), seed)| values(seed, *length)).collect();
        Self {
            names: inputs.iter().map(|(name, _)| *name).collect(),
            inputs: numbers,
            probe: values(99, output),
        }
    }

    /// The output's gradient is this number everywhere.
    pub(crate) fn probe_with(&mut self, number: f32) {
        self.probe.fill(number);
    }

    /// `passes` runs forward, then backward of the probe. At most 300 numbers of each input are moved.
    pub(crate) fn check(&self, mut passes: impl FnMut(&mut Cpu, &[Vec<f32>], &[f32]) -> Passes) {
        let mut backend = Cpu::new(2).unwrap();
        let (_, gradients) = passes(&mut backend, &self.inputs, &self.probe).unwrap();
        let mut inputs = self.inputs.clone();
        let mut of = |inputs: &[Vec<f32>]| -> f64 {
            let (out, _) = passes(&mut backend, inputs, &self.probe).unwrap();
            assert_eq!(out.len(), self.probe.len());
            out.iter().zip(&self.probe).map(|(out, probe)| f64::from(*out) * f64::from(*probe)).sum()
        };
        assert_eq!(gradients.len(), inputs.len());
        for (input, gradient) in gradients.iter().enumerate() {
            assert_eq!(gradient.len(), inputs[input].len(), "{}", self.names[input]);
            let largest = gradient.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
            assert!(largest > 0.0, "the gradient of {} is nothing", self.names[input]);
            for index in (0..gradient.len()).step_by(gradient.len().div_ceil(300)) {
                let middle = inputs[input][index];
                let mut at = |step: f32| {
                    inputs[input][index] = middle + step;
                    let value = of(&inputs);
                    inputs[input][index] = middle;
                    // What the addition really made of the step.
                    (value, f64::from((middle + step) - middle))
                };
                let h = 1.0 / 32.0;
                let ((far, a), (near, b), (back, c), (further, d)) =
                    (at(2.0 * h), at(h), at(-h), at(-2.0 * h));
                let expected = (4.0 / 3.0) * (near - back) / (b - c) - (far - further) / (a - d) / 3.0;
                let difference = (expected - f64::from(gradient[index])).abs();
                let allowed = 2e-4 * f64::from(largest.max(0.1));
                assert!(
                    difference < allowed,
                    "{}[{index}]: {} instead of {expected}",
                    self.names[input],
                    gradient[index]
                );
            }
        }
    }
}
