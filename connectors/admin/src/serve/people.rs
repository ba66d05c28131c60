//! People. In: who, as the ledger names them. Out: what is known of them, in numbers; or nothing of it any more.

use std::collections::BTreeMap;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use loquat_contract::{Person, Query as Wanted};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ledger::act;
use super::{Answer, Desk, answer, asked, failed};
use crate::operations::{Action, Problem};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Who {
    person: String,
    /// The same again, where they are to be erased.
    confirm: Option<String>,
}

impl Who {
    fn person(&self) -> Result<Person, Problem> {
        self.person.trim().parse().map_err(|error| Problem::Wrong(format!("{error}")))
    }
}

pub(super) async fn one(
    State(desk): State<Desk>,
    query: Result<Query<Who>, QueryRejection>,
) -> Answer<Value> {
    let person = asked(query)?.person()?;
    let wanted = Wanted { person: Some(person.clone()), ..Wanted::default() };
    let entries = desk.operations.journal().entries(wanted).await.map_err(failed)?;
    let mut conversations: BTreeMap<String, usize> = BTreeMap::new();
    for entry in &entries {
        *conversations.entry(entry.inbound.conversation.to_string()).or_default() += 1;
    }
    answer(json!({
        "person": person.to_string(),
        "name": entries.iter().rev().find_map(|entry| entry.inbound.sender.name.clone()),
        "messages": entries.len(),
        "first": entries.first().map(|entry| entry.accepted_at),
        "last": entries.last().map(|entry| entry.accepted_at),
        "conversations": conversations.into_iter().map(|(id, messages)| json!({ "id": id, "messages": messages })).collect::<Vec<_>>(),
    }))
}

pub(super) async fn erase(
    State(desk): State<Desk>,
    operator: Option<Extension<Person>>,
    query: Result<Query<Who>, QueryRejection>,
) -> Answer<Value> {
    let who = asked(query)?;
    let person = who.person()?;
    if who.confirm.as_deref().map(str::trim) != Some(who.person.trim()) {
        let problem = "this cannot be undone; say who it is once more, as `confirm`";
        return Err(Problem::Conflict(problem.to_owned()));
    }
    act(&desk, operator, Action::Erase(person)).await
}
