//! How the bot is. In: nothing. Out: what it is, what is counted, the last hour, what is found when its parts are looked at.

use axum::extract::{Extension, State};
use loquat_contract::{Check, Person};
use serde::Serialize;
use serde_json::{Value, json};

use super::ledger::act;
use super::{Answer, Desk, answer};
use crate::exposition::read;
use crate::operations::{About, Action};
use crate::sampler::Point;

pub(super) async fn about(State(desk): State<Desk>) -> Answer<About> {
    answer(desk.operations.about())
}

/// What was found.
#[derive(Serialize)]
pub(super) struct Found {
    name: String,
    what: String,
    advice: Option<String>,
}

pub(super) async fn checks(State(desk): State<Desk>) -> Answer<Vec<Found>> {
    let found = desk.operations.checks().await.into_iter();
    answer(found.map(|Check { name, what, advice }| Found { name, what, advice }).collect())
}

pub(super) async fn compact(State(desk): State<Desk>, operator: Option<Extension<Person>>) -> Answer<Value> {
    act(&desk, operator, Action::Compact).await
}

/// The values as they are now; those of histograms are in the history.
pub(super) async fn gauges(State(desk): State<Desk>) -> Answer<Value> {
    let values = read(&desk.operations.metrics());
    let shown = values.iter().filter(|one| !one.labels.contains_key("le") && one.value.is_finite());
    let shown: Vec<Value> =
        shown.map(|one| json!({ "name": one.name, "labels": one.labels, "value": one.value })).collect();
    answer(json!({ "values": shown }))
}

pub(super) async fn history(State(desk): State<Desk>) -> Answer<Vec<Point>> {
    answer(desk.history.points())
}
