//! Decoders of the Llama family that learn. In: a folder of weights as Hugging Face writes it, batches. Out: losses, changed weights, files.
//! It must not know tokenizers, sets, schedules, or where the backend computes.

mod build;
pub mod config;
pub mod error;
mod files;
pub mod options;
mod pass;
#[cfg(test)]
mod tests;
mod train;

use crate::backend::Backend;
use crate::layer::room::{Input, Kept, Room, Sizes};
use crate::layer::{Block, Embedding, Head, Parameter, RmsNorm, Rotary};

pub use config::Config;
pub use error::ModelError;
pub use options::{Learn, LoraOptions, Options, Target};

/// What names of LoRA's tensors begin with.
const ADAPTER: &str = "base_model.";

/// A decoder: embedding, blocks, norm, output layer.
#[derive(Debug)]
pub struct Decoder<B: Backend> {
    backend: B,
    config: Config,
    options: Options,
    embedding: Embedding<B>,
    rotary: Rotary<B>,
    blocks: Vec<Block<B>>,
    norm: RmsNorm<B>,
    head: Head<B>,
    space: Option<Space<B>>,
    /// Batches that dropout was drawn for.
    draws: u64,
    /// What the base is called.
    base: String,
}

/// Activations, for as many tokens as a step ever had.
#[derive(Debug)]
struct Space<B: Backend> {
    tokens: usize,
    inputs: Vec<Input<B>>,
    kept: Vec<Kept<B>>,
    room: Room<B>,
}

impl<B: Backend> Decoder<B> {
    /// What computes.
    pub fn backend(&self) -> &B {
        &self.backend
    }

    /// Its shape.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// How many weights learn, and how many there are.
    pub fn counts(&mut self) -> (usize, usize) {
        self.split().1.iter().fold((0, 0), |(learnt, all), parameter| {
            let length = parameter.length();
            (learnt + if parameter.learning.is_some() { length } else { 0 }, all + length)
        })
    }

    /// The backend, and all parameters, always in this order.
    fn split(&mut self) -> (&mut B, Vec<&mut Parameter<B>>) {
        let Self { backend, embedding, blocks, norm, head, .. } = self;
        let mut all = vec![&mut embedding.table];
        all.extend(blocks.iter_mut().flat_map(Block::parameters));
        all.push(&mut norm.weight);
        all.extend(&mut head.weight);
        (backend, all)
    }

    fn sizes(&self) -> Sizes {
        let loras = self.blocks.iter().flat_map(|block| {
            let (attention, mlp) = (&block.attention, &block.mlp);
            [&attention.qkv, &attention.out, &mlp.gate_up, &mlp.down].map(|linear| &linear.lora)
        });
        Sizes {
            hidden: self.config.hidden_size,
            heads: self.config.heads(),
            intermediate: self.config.intermediate_size,
            rank: loras.flatten().map(|lora| lora.down.rows).max().unwrap_or(0),
        }
    }
}
