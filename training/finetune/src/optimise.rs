//! How far a step goes. In: the number of the step, the norm of its gradient. Out: an [`Update`]. Must not know: models,
//! data, files.

mod clip;
mod schedule;

use serde::{Deserialize, Serialize};

use crate::trainee::Update;

pub use clip::clip_scale;
pub use schedule::{Schedule, Shape};

/// What stays the same in all steps of AdamW: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019, algorithm 2.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdamW {
    /// Decay of the first and second moments, β₁ and β₂.
    pub betas: (f32, f32),
    /// What is added to the root of the second moment.
    pub epsilon: f32,
    /// Decay of matrices for each unit of learning rate.
    pub decay: f32,
    /// The greatest norm of the gradient of the mean loss; 0 lets any pass.
    pub clip: f64,
}

impl Default for AdamW {
    fn default() -> Self {
        Self { betas: (0.9, 0.999), epsilon: 1e-8, decay: 0.01, clip: 1.0 }
    }
}

impl AdamW {
    /// The update of one step, whose batches have a summed weight and a summed loss whose gradient has a norm.
    ///
    /// Batches add up the gradients of *summed* losses; divided by the sum of all their weights they are the gradient of the mean over
    /// the step's tokens, whichever batch a token is in.
    pub fn update(&self, step: u64, rate: f64, weight: f64, gradient_norm: f64) -> Update {
        let mean = 1.0 / weight;
        Update {
            step,
            rate: rate as f32,
            betas: self.betas,
            epsilon: self.epsilon,
            decay: self.decay,
            gradient_scale: (mean * clip_scale(gradient_norm * mean, self.clip)) as f32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accumulated_gradients_are_averaged_and_then_clipped() {
        let optimiser = AdamW { clip: 1.0, ..AdamW::default() };
        // A summed gradient of norm 5 over 10 tokens: the mean's norm is a half, below the limit.
        let update = optimiser.update(3, 1e-3, 10.0, 5.0);
        assert_eq!((update.step, update.rate, update.gradient_scale), (3, 1e-3, 0.1));
        // Norm 40 over 10 tokens: the mean's is 4, and what is used has norm 1.
        let scale = optimiser.update(3, 1e-3, 10.0, 40.0).gradient_scale;
        assert!((f64::from(scale) * 40.0 - 1.0).abs() < 1e-6, "{scale}");
        let free = AdamW { clip: 0.0, ..AdamW::default() };
        assert_eq!(free.update(3, 1e-3, 10.0, 40.0).gradient_scale, 0.1);
    }
}
