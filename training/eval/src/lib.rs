//! Measures a bot. In: question sets and a [`Dialogue`](loquat_contract::Dialogue). Out: results, and reports of them.
//!
//! The modules stand in the order of a run: a set is read into `item`s, some are chosen (`sample`) and reworded (`paraphrase`);
//! a `system` is asked (`run`), its replies are graded (`grade`) and audited (`audit`), each result is kept at once (`results`),
//! and what they amount to (`measure`) is written down (`report`).
//! What a model does by itself, before anything is verified, is measured beside that (`first`, `around`, `refusal`) and compared (`compare`). The bot is seen through the traits of `loquat-contract`
//! alone: this crate knows no engine, no store, no ONNX and no platform, so that what it finds is a second opinion.
//!
#![doc = include_str!("../README.md")]

mod error;
mod item;
mod read;

mod paraphrase;
mod sample;

mod alone;
mod hidden;
mod system;

mod audit;
mod grade;
mod normal;
mod quantity;
mod stage;

mod results;
mod run;

mod around;
mod refusal;
mod topics;

mod compare;
mod first;
mod measure;
mod report;

pub use alone::{Alone, NoModel};
pub use around::{Listener, unanswerable};
pub use audit::{Finding, FindingKind, audit};
pub use compare::{Comparison, MeasureRow, Number, Target};
pub use error::EvalError;
pub use first::{FirstAttempts, Perplexity, Rate, RawClaims};
pub use grade::{Graded, grade};
pub use hidden::{Hidden, expect_abstention};
pub use item::{Expect, Item, Turn};
pub use measure::{Group, Latency, Measures, OwnWords};
pub use paraphrase::Paraphrases;
pub use read::{Format, read};
pub use refusal::{Answered, Unanswerable, ask_unanswerable};
pub use report::{Report, write_report};
pub use results::{Record, Results, RunIdentity, SentSentence, TurnRecord};
pub use run::{RunOptions, run};
pub use sample::{Stratum, sample};
pub use stage::Stage;
pub use system::{Mode, System};
pub use topics::topics;
