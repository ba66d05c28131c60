//! The host: config → parts → run.
//!
//! The modules stand in the order in which a bot comes to life: the command line and the bot's file are read, the `parts` are fetched,
//! converted and opened, the `connectors` are bound, and `run` carries messages between them through `loquat-dispatch`.
//! Platforms, models and the graph are known here and nowhere else all together.

pub mod cli;
pub mod config;
pub mod secrets;
pub mod telemetry;

pub mod parts;
pub mod progress;

pub mod connectors;
pub mod metrics;
pub mod operations;
pub mod operator;
pub mod run;
mod site;
pub mod webhooks;

pub mod commands;
