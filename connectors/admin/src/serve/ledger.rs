//! The ledger. In: which entries. Out: pages of them, newest first; news of them as they come; one as a whole; and what is to be done about it.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Path, Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{Stream, StreamExt};
use loquat_contract::{
    Change, ConversationId, Entry, Journal, JournalError, Person, Query as Wanted, Sequence, State as Reached,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::row::{Row, what, whole};
use super::{Answer, Desk, answer, asked, failed};
use crate::operations::{Action, Problem};

/// Rows of a page.
const PAGE: usize = 50;
/// How many entries are read at once where a text is looked for.
const READ: usize = 200;
/// How many entries are looked through for one page; the next page goes on from there.
const LOOKED_THROUGH: usize = 5_000;
/// How often a quiet stream gives a sign of life.
const QUIET: Duration = Duration::from_secs(15);

/// Which entries.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Filter {
    state: Option<Reached>,
    platform: Option<String>,
    conversation: Option<String>,
    person: Option<String>,
    /// What was said or answered.
    text: Option<String>,
    before: Option<u64>,
    limit: Option<usize>,
}

/// A page of the ledger.
#[derive(Serialize)]
pub(super) struct Page {
    entries: Vec<Row>,
    /// Where the next page begins; `None` at the end.
    before: Option<Sequence>,
}

/// A filter that was understood.
#[derive(Clone)]
struct Sieve {
    wanted: Wanted,
    text: Option<String>,
}

impl Filter {
    fn sieve(&self) -> Result<Sieve, Problem> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let conversation: Option<ConversationId> = given(&self.conversation)
            .map(|text| text.parse().map_err(|error| Problem::Wrong(format!("{error}"))))
            .transpose()?;
        let person: Option<Person> = given(&self.person)
            .map(|text| text.parse().map_err(|error| Problem::Wrong(format!("{error}"))))
            .transpose()?;
        let wanted = Wanted {
            conversation,
            person,
            platform: given(&self.platform),
            state: self.state,
            before: self.before.map(Sequence),
            ..Wanted::default()
        };
        Ok(Sieve { wanted, text: given(&self.text).map(|text| text.to_lowercase()) })
    }
}

impl Sieve {
    /// Whether an entry passes, its state aside: that changes.
    fn passes(&self, entry: &Entry) -> bool {
        let Wanted { conversation, person, platform, .. } = &self.wanted;
        let inbound = &entry.inbound;
        conversation.as_ref().is_none_or(|conversation| *conversation == inbound.conversation)
            && person.as_ref().is_none_or(|person| *person == inbound.person())
            && platform.as_ref().is_none_or(|platform| *platform == inbound.conversation.platform)
            && self.text.as_ref().is_none_or(|text| says(entry, text))
    }
}

fn says(entry: &Entry, text: &str) -> bool {
    let has = |said: &str| said.to_lowercase().contains(text);
    let prepared = entry.prepared.as_ref();
    let reply = prepared.and_then(|prepared| prepared.reply.as_ref());
    has(&what(&entry.inbound.event).1)
        || reply.is_some_and(|reply| has(&reply.answer))
        || prepared.is_some_and(|prepared| prepared.parts.iter().any(|part| has(&part.text)))
}

pub(super) async fn list(
    State(desk): State<Desk>,
    query: Result<Query<Filter>, QueryRejection>,
) -> Answer<Page> {
    let filter = asked(query)?;
    let sieve = filter.sieve()?;
    let limit = filter.limit.unwrap_or(PAGE).clamp(1, READ);
    answer(page(desk.operations.journal().as_ref(), &sieve, limit).await.map_err(failed)?)
}

async fn page(journal: &dyn Journal, sieve: &Sieve, limit: usize) -> Result<Page, JournalError> {
    let mut found = Vec::new();
    let mut before = sieve.wanted.before;
    let mut looked = 0;
    let read = if sieve.text.is_some() { READ } else { limit };
    loop {
        let wanted = Wanted { before, limit: Some(read), ..sieve.wanted.clone() };
        let entries = journal.entries(wanted).await?;
        looked += entries.len();
        let is_last = entries.len() < read;
        for entry in entries.iter().rev() {
            before = Some(entry.sequence);
            if sieve.passes(entry) {
                found.push(Row::of(entry));
            }
            if found.len() == limit {
                return Ok(Page { entries: found, before });
            }
        }
        if is_last {
            return Ok(Page { entries: found, before: None });
        }
        if looked >= LOOKED_THROUGH {
            return Ok(Page { entries: found, before });
        }
    }
}

/// Entries as they come and change: `entry` with a row, `many` where the page had better be read anew. Their state is for the page to look at: one that
/// leaves it has to go from the list.
pub(super) async fn events(
    State(desk): State<Desk>,
    query: Result<Query<Filter>, QueryRejection>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let sieve = asked(query)?.sieve()?;
    let journal = desk.operations.journal();
    let changes = journal.changes();
    let told = changes.filter_map(move |change| {
        let event = match change {
            Change::Many => Some(Event::default().event("many").data("{}")),
            Change::Entry(_) => None,
        };
        let (journal, sieve) = (journal.clone(), sieve.clone());
        async move {
            let Change::Entry(sequence) = change else { return event };
            // One that is gone already is told of by what removed it.
            let entry = journal.entry(sequence).await.ok().filter(|entry| sieve.passes(entry))?;
            Event::default().event("entry").json_data(Row::of(&entry)).ok()
        }
    });
    Ok(Sse::new(told.map(Ok)).keep_alive(KeepAlive::new().interval(QUIET)))
}

pub(super) async fn one(State(desk): State<Desk>, Path(sequence): Path<u64>) -> Answer<Value> {
    let entry = desk.operations.journal().entry(Sequence(sequence)).await.map_err(failed)?;
    answer(json!({ "row": Row::of(&entry), "entry": whole(&entry) }))
}

pub(super) async fn retry(
    State(desk): State<Desk>,
    operator: Option<Extension<Person>>,
    Path(sequence): Path<u64>,
) -> Answer<Value> {
    act(&desk, operator, Action::Retry(Sequence(sequence))).await
}

pub(super) async fn discard(
    State(desk): State<Desk>,
    operator: Option<Extension<Person>>,
    Path(sequence): Path<u64>,
) -> Answer<Value> {
    act(&desk, operator, Action::Discard(Sequence(sequence))).await
}

/// Does what is wanted; who wanted it, and what it was, is in the log, and of a person's erasure no name.
pub(super) async fn act(desk: &Desk, operator: Option<Extension<Person>>, action: Action) -> Answer<Value> {
    let operator = operator.map(|Extension(person)| person.id);
    let (what, sequence) = match &action {
        Action::Retry(sequence) => ("retry", Some(sequence.0)),
        Action::Discard(sequence) => ("discard", Some(sequence.0)),
        Action::Erase(_) => ("erase", None),
        Action::Compact => ("compact", None),
    };
    let said = desk.operations.act(action).await;
    tracing::info!(operator, what, sequence, is_done = said.is_ok(), "asked by an operator");
    answer(json!({ "said": said? }))
}
