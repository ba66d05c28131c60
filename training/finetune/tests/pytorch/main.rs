//! Layers, decoders and AdamW beside PyTorch's: `fixtures/make.py` writes what its autograd and optimizers give.

#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

mod decoder;
mod fixture;
mod gpu;
mod modules;
mod optimiser;
