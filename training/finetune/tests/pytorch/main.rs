//! Layers, decoders and AdamW beside PyTorch's: `fixtures/make.py` writes what its autograd and optimizers give.

mod decoder;
mod fixture;
mod modules;
mod optimiser;
