//! What the bot says, as pages and programs read it. In: entries of the journal, envelopes, drafts, facts. Out: JSON, and the events of a
//! stream. It looks nothing up.

mod answer;
mod event;
mod exchange;
mod neighbourhood;

pub(crate) use answer::Answer;
pub(crate) use event::{Event, Kind};
pub(crate) use exchange::{Exchange, File, is_settled, rfc3339};
pub(crate) use neighbourhood::Neighbourhood;

/// What the id of an answer ends with; before it is the id of what it answers.
const ANSWER: &str = "~r";

/// The id of the answer to a message, as the journal has it.
pub(crate) fn answer_id(message: &str) -> loquat_contract::MessageId {
    loquat_contract::MessageId(format!("{message}{ANSWER}"))
}

/// The message that is answered by the one of this id.
pub(crate) fn answered_by(answer: &str) -> &str {
    answer.strip_suffix(ANSWER).unwrap_or(answer)
}
