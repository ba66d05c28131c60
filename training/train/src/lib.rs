//! From a graph and a few dialogues to a better model. In: a recipe. Out: a training set, a model, a report of how good it is, an ONNX
//! folder. What each step does is in the crates below `training/`; here they are put together with the bot's own parts.
//!
//! The modules stand in the order of a call: the command line (`cli`) names a `recipe`, and one of the `commands` does what it says. To train,
//! the `base` is made a weights folder, a `set` is read and becomes tokens (`encode`), a `device` computes, and `session` puts these
//! together, with a note of what an `adapter` is of; weights that are there already are `judge`d; a run is seen by those who `watch`, until it is done or somebody asks it to `stop`, and
//! told in a `report`. What is asked or measured is a `model` of the bot's engine; what is exported has a `card`.

pub mod cli;

pub mod recipe;

pub mod base;

pub mod model;

pub mod set;

pub mod encode;

pub mod device;

pub mod adapter;

pub mod session;

pub mod judge;

pub mod watch;

pub mod stop;

pub mod report;

pub mod card;

pub mod commands;
