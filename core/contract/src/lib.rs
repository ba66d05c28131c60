//! What the parts of Loquat say to each other.
//!
//! A message comes in as an [`Inbound`] from a connector's [`Ingress`], is kept by a [`Journal`], grounded in
//! [`Knowledge`], worded by a [`LanguageModel`], and leaves as a [`Reply`] through the connector's [`Egress`].
//! The modules stand in that order. A connector's author needs this crate and nothing else of Loquat: it knows no
//! platform, no ONNX, no sled and no HTTP.
//!
//! The traits return [`BoxFuture`], because the host holds every part behind `dyn`: which model, graph and connectors run is
//! read from a file.

mod connector;
mod conversation;
mod journal;
mod knowledge;
mod language;
mod language_model;
mod message;
mod reply;
#[cfg(feature = "testing")]
pub mod testing;

pub use connector::{BotCard, Capabilities, ConnectorError, Egress, Ingress, LengthUnit, Refusal, Sink};
pub use conversation::ConversationId;
pub use futures::future::BoxFuture;
pub use futures::stream::BoxStream;
pub use journal::{Accepted, Journal, JournalError, Pending, Sequence, Stage};
pub use knowledge::{
    Candidate, Entity, EntityId, Fact, FactId, Generation, Knowledge, KnowledgeError, Label, Mention,
    Predicate, PredicateId, Schema, Templates, Unit, Value, best_label,
};
pub use language::Language;
pub use language_model::{
    ChatMessage, Finish, GenerateRequest, LanguageModel, ModelError, ModelIdentity, Role, Sampling,
    StopReason, Token, TokenCount,
};
pub use message::{Address, Inbound, MessageId, Sender};
pub use reply::{Citation, LinkedEntity, Outcome, Policy, Reply, Sentence, Timings, Verdict};
pub use tokio_util::sync::CancellationToken;
