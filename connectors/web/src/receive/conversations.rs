//! A person's conversations, and what was said in them. In: who asks. Out: lists out of the journal; an id for a new one.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use loquat_contract::{ConversationId, Entry, JournalError, Query, Sequence};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::address::Channel;
use super::body::{Asked, bad_limit, page_size};
use crate::encode::{Exchange, rfc3339};
use crate::serve::{Person, Site, problem};

/// How much of its first question is a conversation's title, in characters.
const TITLE: usize = 80;
/// How far is looked for the first question.
const FIRST: usize = 5;
/// How many entries are read at once.
const PAGE: usize = 50;

/// A new conversation.
#[derive(Serialize, ToSchema)]
pub(crate) struct Begun {
    /// Its id, which is good for this person alone.
    id: String,
}

/// How many are listed.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listing {
    /// At most so many.
    #[param(nullable = false, minimum = 1, maximum = 100, default = 20)]
    limit: Option<usize>,
}

/// One conversation in a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct Conversation {
    /// Its id.
    id: String,
    /// When it began (RFC 3339).
    #[schema(format = DateTime)]
    began: String,
    /// When something was last said in it.
    #[schema(format = DateTime)]
    last: String,
    /// The beginning of its first question.
    title: String,
}

/// A person's conversations.
#[derive(Serialize, ToSchema)]
pub(crate) struct Conversations {
    /// The newest first.
    conversations: Vec<Conversation>,
    /// Whether there are older ones.
    more: bool,
}

/// Which exchanges are listed.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paging {
    /// Those before the one of this sequence.
    #[param(nullable = false, minimum = 0)]
    before: Option<u64>,
    /// At most so many.
    #[param(nullable = false, minimum = 1, maximum = 100, default = 50)]
    limit: Option<usize>,
}

/// What was said in a conversation.
#[derive(Serialize, ToSchema)]
pub(crate) struct Exchanges {
    /// The oldest first.
    exchanges: Vec<Exchange>,
    /// Whether there are older ones.
    more: bool,
}

/// Begins a conversation.
#[utoipa::path(
    post, path = "/api/conversations", operation_id = "begin_conversation", tag = "conversations",
    responses((status = 201, description = "It can be talked in.", body = Begun), crate::openapi::Refusals),
    security(("bearer" = []))
)]
pub(super) async fn begin(State(site): State<Arc<Site>>, person: Person) -> Response {
    let id = site.guests.sign_conversation(&person, &Uuid::new_v4().to_string());
    (StatusCode::CREATED, Json(Begun { id })).into_response()
}

/// Lists the person's conversations, the newest first.
#[utoipa::path(
    get, path = "/api/conversations", operation_id = "list_conversations", tag = "conversations",
    params(Listing),
    responses((status = 200, description = "Those in which something was said.", body = Conversations), crate::openapi::Refusals),
    security(("bearer" = []))
)]
pub(super) async fn list(
    State(site): State<Arc<Site>>,
    person: Person,
    Asked(listing): Asked<Listing>,
) -> Response {
    let Some(limit) = page_size(listing.limit, 20) else { return bad_limit() };
    listed(&site, &person, limit).await.map_or_else(unreadable, |list| Json(list).into_response())
}

async fn listed(site: &Site, person: &Person, limit: usize) -> Result<Conversations, JournalError> {
    let own = Query {
        person: Some(person.known_as()),
        newest_of_each: true,
        limit: Some(limit + 1),
        ..Query::default()
    };
    let newest = site.sink.history(own).await?;
    let more = newest.len() > limit;
    let mut conversations = Vec::new();
    for last in newest.iter().rev().take(limit) {
        let channel = &last.inbound.conversation;
        let first = Query {
            conversation: Some(channel.clone()),
            after: Some(Sequence(0)),
            limit: Some(FIRST),
            ..Query::default()
        };
        let first = site.sink.history(first).await?;
        let began = first.first().unwrap_or(last).accepted_at;
        let words = |entry: &Entry| {
            let exchange = Exchange::of(entry)?;
            let words = exchange.text().split_whitespace().collect::<Vec<_>>().join(" ");
            (!words.is_empty()).then_some(words)
        };
        let title = first.iter().find_map(words).unwrap_or_default();
        conversations.push(Conversation {
            id: site.guests.sign_conversation(person, &channel.channel),
            began: rfc3339(began.0),
            last: rfc3339(last.accepted_at.0),
            title: title.chars().take(TITLE).collect(),
        });
    }
    Ok(Conversations { conversations, more })
}

/// Lists what was said in a conversation, the oldest first.
#[utoipa::path(
    get, path = "/api/conversations/{conversation}/exchanges", operation_id = "list_exchanges", tag = "conversations",
    params(("conversation" = String, Path, description = "The conversation's id."), Paging),
    responses((status = 200, description = "The newest, or those before the one that was named.", body = Exchanges), crate::openapi::Refusals),
    security(("bearer" = []))
)]
pub(super) async fn exchanges(
    State(site): State<Arc<Site>>,
    channel: Channel,
    Asked(paging): Asked<Paging>,
) -> Response {
    let Some(limit) = page_size(paging.limit, 50) else { return bad_limit() };
    // No journal has more than a signed number can count.
    if paging.before.is_some_and(|before| i64::try_from(before).is_err()) {
        return problem(StatusCode::BAD_REQUEST, "bad_query", "before is the sequence of an exchange");
    }
    let conversation = site.conversation(channel);
    let before = paging.before.map(Sequence);
    read(&site, conversation, before, limit).await.map_or_else(unreadable, |page| Json(page).into_response())
}

async fn read(
    site: &Site,
    conversation: ConversationId,
    mut before: Option<Sequence>,
    limit: usize,
) -> Result<Exchanges, JournalError> {
    let mut exchanges: VecDeque<Exchange> = VecDeque::new();
    loop {
        let conversation = Some(conversation.clone());
        let query = Query { conversation, before, limit: Some(PAGE), ..Query::default() };
        let entries = site.sink.history(query).await?;
        let is_all = entries.len() < PAGE;
        before = entries.first().map(|entry| entry.sequence);
        for exchange in entries.iter().rev().filter_map(Exchange::of) {
            if exchanges.len() == limit {
                return Ok(Exchanges { exchanges: exchanges.into(), more: true });
            }
            exchanges.push_front(exchange);
        }
        if is_all {
            return Ok(Exchanges { exchanges: exchanges.into(), more: false });
        }
    }
}

/// A journal that cannot be read may be readable in a moment.
pub(super) fn unreadable(error: JournalError) -> Response {
    problem(StatusCode::SERVICE_UNAVAILABLE, "journal", error)
}
