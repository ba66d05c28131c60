//! The layers of a decoder, each with its forward and backward pass written out. In: activations. Out: activations, or their gradients;
//! gradients of weights are added where those learn. They must not know files, architectures, or where the backend computes.

pub mod attention;
pub mod block;
#[cfg(test)]
pub(crate) mod check;
pub mod embedding;
pub mod head;
pub mod linear;
pub mod lora;
pub mod mlp;
pub mod norm;
pub mod parameter;
pub mod room;
pub mod rotary;

pub use attention::Attention;
pub use block::Block;
pub use embedding::Embedding;
pub use head::Head;
pub use linear::Linear;
pub use lora::Lora;
pub use mlp::Mlp;
pub use norm::RmsNorm;
pub use parameter::{Parameter, Part};
pub use room::{Kept, Room};
pub use rotary::Rotary;
