//! Makes training sets. In: a graph seen through the engine, dialogues, plain text. Out: a folder of examples, split by entity, with statistics.
//! It must not know how a model is trained, ONNX, or how the graph is stored.

pub mod example;

pub use example::{Example, Kind, Message, Role};
