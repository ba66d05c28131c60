//! The dialogue engine: a message in, a reply that can be proved out.
//!
//! The modules stand in the order of a message's way: `understand` links names and finds what is asked, `ground` chooses
//! the facts that answer, `respond` has a model put them into words, and `verify` checks each sentence before it is shown. What
//! the model cannot say within the facts, `realise` says with the predicate's template. `recheck` looks later whether a reply would
//! still hold. Everything that depends on a
//! language stands in the files under `lexicon/`.
//!
//! The engine sees the graph and the model through the traits of `loquat-contract` alone: it knows no platform, no ONNX and no
//! store. The host sees it as a [`Dialogue`](loquat_contract::Dialogue).

mod conclusion;
mod engine;
mod error;
mod ground;
mod lexicon;
mod memory;
mod phrases;
mod quantity;
mod realise;
mod recheck;
mod respond;
mod session;
mod turn;
mod understand;
mod values;
mod verify;
mod words;

pub use engine::{Bot, Engine};
pub use error::EngineError;
pub use recheck::{Doubt, Looked, Problem, Recheck};
pub use verify::{Evidence, Finding, Reason, Verifier};
