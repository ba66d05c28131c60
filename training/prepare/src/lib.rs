//! Makes training sets. In: a graph seen through the engine, dialogues, plain text. Out: a folder of examples, split by entity, with statistics.
//! It must not know how a model is trained, ONNX, or how the graph is stored.

mod dice;
mod error;
pub mod example;
pub mod settings;

mod recorder;

mod bot;
mod prompt;
mod question;
mod wordings;

mod asker;
mod case;
mod kept;
mod lines;

mod chat;
mod clean;
pub mod dialogues;
pub mod journal;
pub mod rehearsal;
pub mod text;

mod duplicates;
mod split;

mod compose;

mod report;
mod set;
mod statistics;

pub use asker::Fate;
pub use bot::Bot;
pub use chat::Chat;
pub use clean::Cleaner;
pub use duplicates::Removed;
pub use error::PrepareError;
pub use example::{Example, Kind, Message, Role};
pub use question::Question;
pub use recorder::Recorder;
pub use set::{GraphSource, Progress, Sources, Spawn, here, prepare};
pub use settings::Settings;
pub use split::{Division, Part};
pub use statistics::{Lengths, Shared, Statistics};
pub use wordings::Wordings;
