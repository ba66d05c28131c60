//! What the parts of Loquat say to each other.
//!
//! An event comes in as an [`Inbound`] from a connector's [`Ingress`], is kept by a [`Journal`], answered by a [`Dialogue`]
//! that is grounded in [`Knowledge`] and worded by a [`LanguageModel`], and leaves as a [`Reply`], cut into [`Part`]s, in
//! [`Envelope`]s through the connector's [`Egress`]. The modules stand in that order. A connector's author needs this crate
//! and nothing else of Loquat: it knows no platform, no ONNX, no sled and no HTTP.
//!
//! The traits return [`BoxFuture`], because the host holds every part behind `dyn`: which model, graph and connectors run is
//! read from a file.

mod conversation;
mod message;
mod timestamp;

mod journal;

mod dialogue;
mod knowledge;
mod language;
mod language_model;
mod reply;
mod text_embedder;

mod capabilities;
mod connector;
mod document;
mod envelope;

#[cfg(feature = "testing")]
pub mod testing;

pub use capabilities::{Capabilities, Idempotency, Length, LengthUnit, Pace};
pub use connector::{
    Acknowledgement, Administration, ArgumentSpec, Backfill, BotCard, Check, CommandSpec, ConnectorError,
    Draft, Drafts, Egress, Ingress, Interactions, Localised, Receipt, Refusal, Sink,
};
pub use conversation::{ConversationId, NoConversation};
pub use dialogue::{Dialogue, DialogueError, Memory};
pub use document::{Block, Document, Format, Inline};
pub use envelope::{Button, Choice, Delivery, Envelope, IdempotencyKey, Part};
pub use futures::future::BoxFuture;
pub use futures::stream::BoxStream;
pub use journal::{
    Accepted, Change, Entry, Erased, Journal, JournalError, PartState, Prepared, Query, Sequence, Settlement,
    State, Step,
};
pub use knowledge::{
    Candidate, Entity, EntityId, Fact, FactId, Generation, Knowledge, KnowledgeError, Label, Mention,
    Predicate, PredicateId, Qualifier, Rank, Schema, Templates, Unit, Value, best_label,
};
pub use language::Language;
pub use language_model::{
    ChatMessage, Constraint, Finish, GenerateRequest, LanguageModel, Logprob, ModelError, ModelIdentity,
    Role, Sampling, StopReason, Token, TokenCount,
};
pub use message::{
    Address, Attachment, Event, Inbound, Mentioned, Message, MessageId, NoPerson, Person, Place, Sender,
    Ticket,
};
pub use reply::{
    Citation, Gap, LinkedEntity, Outcome, Policy, Reply, Sentence, Span, Timings, Verdict, Wording,
};
pub use text_embedder::{TextEmbedder, normalised};
pub use timestamp::Timestamp;
pub use tokio_util::sync::CancellationToken;
