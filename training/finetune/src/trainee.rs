//! What a training run asks of a model, wherever it computes. In: batches. Out: losses, and changed parameters.

use std::path::Path;

use crate::batch::Batch;

/// The loss over the tokens that count: cross-entropy, and where they are distilled, the divergence from the base.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Loss {
    /// The weighted sum, in nats.
    pub sum: f64,
    /// The sum of the weights.
    pub weight: f64,
}

impl Loss {
    /// The weighted mean, in nats; where nothing is distilled, its exponential is the perplexity.
    pub fn mean(self) -> f64 {
        self.sum / self.weight
    }
}

/// One step of AdamW with decoupled decay: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Update {
    /// Which step it is, from 1: the moments' bias is corrected by it.
    pub step: u64,
    /// The learning rate.
    pub rate: f32,
    /// Decay of the first and second moments.
    pub betas: (f32, f32),
    /// What is added to the root of the second moment.
    pub epsilon: f32,
    /// Decay of matrices for each unit of learning rate; vectors (norms) do not decay.
    pub decay: f32,
    /// What gradients are multiplied by before they are used: clipping, and the mean of accumulated batches.
    pub gradient_scale: f32,
}

/// A model that learns. Which of its parameters do (all, or LoRA's) was settled when it was made.
pub trait Trainee {
    /// What computing can fail with.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Forward and backward: adds the gradient of the *summed* loss to what is there.
    ///
    /// # Errors
    /// When the backend fails, or a row is longer than the model's context.
    fn accumulate(&mut self, batch: &Batch) -> Result<Loss, Self::Error>;

    /// Forward alone, without dropout.
    ///
    /// # Errors
    /// As [`accumulate`](Self::accumulate).
    fn evaluate(&mut self, batch: &Batch) -> Result<Loss, Self::Error>;

    /// The 2-norm of the gradient, over all parameters that learn.
    ///
    /// # Errors
    /// When the backend fails.
    fn gradient_norm(&mut self) -> Result<f64, Self::Error>;

    /// Changes the parameters and clears the gradient.
    ///
    /// # Errors
    /// When the backend fails.
    fn update(&mut self, update: &Update) -> Result<(), Self::Error>;

    /// Clears the gradient without a change.
    ///
    /// # Errors
    /// When the backend fails.
    fn forget(&mut self) -> Result<(), Self::Error>;

    /// Writes what [`restore`](Self::restore) needs for the very same losses from here on: parameters that learn, moments, the state of
    /// dropout's random numbers; as `state.safetensors` in a folder that is there.
    ///
    /// # Errors
    /// When it cannot be written.
    fn keep(&mut self, folder: &Path) -> Result<(), Self::Error>;

    /// Reads what [`keep`](Self::keep) wrote.
    ///
    /// # Errors
    /// When it cannot be read, or was kept by a model of another shape.
    fn restore(&mut self, folder: &Path) -> Result<(), Self::Error>;

    /// Writes what was learnt for others to read: `model.safetensors` in Hugging Face's names where all parameters learn, else PEFT's
    /// `adapter_model.safetensors` and `adapter_config.json`; in a folder that is there.
    ///
    /// # Errors
    /// When it cannot be written.
    fn publish(&mut self, folder: &Path) -> Result<(), Self::Error>;
}
