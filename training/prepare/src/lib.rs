//! Makes training sets. In: a graph seen through the engine, dialogues, plain text. Out: a folder of examples, split by entity, with statistics.
//! It must not know how a model is trained, ONNX, or how the graph is stored.

mod dice;
mod error;
pub mod example;
pub mod settings;

mod asker;
mod bot;
mod case;
mod prompt;
mod question;
mod recorder;
mod wordings;

pub use asker::Fate;
pub use bot::Bot;
pub use error::PrepareError;
pub use example::{Example, Kind, Message, Role};
pub use question::Question;
pub use recorder::Recorder;
pub use settings::Settings;
pub use wordings::Wordings;
