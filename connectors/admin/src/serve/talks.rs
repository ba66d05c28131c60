//! Conversations. In: which. Out: those that were used last, and one as it was said, with what each answer rests on.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use loquat_contract::{ConversationId, Query as Wanted, Sequence};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::row::{Row, whole};
use super::{Answer, Desk, answer, asked, failed};
use crate::operations::Problem;

/// Conversations, or entries of one, on a page.
const PAGE: usize = 50;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Which {
    platform: Option<String>,
    person: Option<String>,
    before: Option<u64>,
}

#[derive(Serialize)]
pub(super) struct Talks {
    /// The newest entry of each, the newest first.
    conversations: Vec<Row>,
    before: Option<Sequence>,
}

pub(super) async fn list(
    State(desk): State<Desk>,
    query: Result<Query<Which>, QueryRejection>,
) -> Answer<Talks> {
    let Which { platform, person, before } = asked(query)?;
    let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let person = given(person)
        .map(|text| text.parse().map_err(|error| Problem::Wrong(format!("{error}"))))
        .transpose()?;
    let wanted = Wanted {
        platform: given(platform),
        person,
        before: before.map(Sequence),
        newest_of_each: true,
        limit: Some(PAGE),
        ..Wanted::default()
    };
    let entries = desk.operations.journal().entries(wanted).await.map_err(failed)?;
    let before = entries.first().filter(|_| entries.len() == PAGE).map(|oldest| oldest.sequence);
    answer(Talks { conversations: entries.iter().rev().map(Row::of).collect(), before })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Transcript {
    conversation: String,
    before: Option<u64>,
}

/// The newest entries of a conversation, oldest first.
pub(super) async fn transcript(
    State(desk): State<Desk>,
    query: Result<Query<Transcript>, QueryRejection>,
) -> Answer<Value> {
    let Transcript { conversation, before } = asked(query)?;
    let conversation: ConversationId =
        conversation.parse().map_err(|error| Problem::Wrong(format!("{error}")))?;
    let wanted = Wanted {
        conversation: Some(conversation),
        before: before.map(Sequence),
        limit: Some(PAGE),
        ..Wanted::default()
    };
    let entries = desk.operations.journal().entries(wanted).await.map_err(failed)?;
    let before = entries.first().filter(|_| entries.len() == PAGE).map(|oldest| oldest.sequence);
    let said: Vec<Value> =
        entries.iter().map(|entry| json!({ "row": Row::of(entry), "entry": whole(entry) })).collect();
    answer(json!({ "said": said, "before": before }))
}
