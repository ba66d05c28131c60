//! From a graph and a few dialogues to a better model. In: a recipe. Out: a training set, a model, a report of how good it is, an ONNX
//! folder. What each step does is in the crates below `training/`; here they are put together with the bot's own parts.
//!
//! The modules stand in the order of a call: the command line (`cli`) names a `recipe`, and one of the `commands` does what it says.

pub mod cli;

pub mod recipe;

pub mod commands;
