//! The last step on the way in. In: an event of a conversation. Out: 202 once it is durable, or why not.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use loquat_contract::{Address, Event, Inbound, MessageId, Receipt, Refusal};

use super::address::Channel;
use crate::encode;
use crate::serve::{Person, Site, problem};

/// Hands an event to the sink, and says 202 only when the sink has it.
pub(super) async fn accept(
    site: Arc<Site>,
    channel: Channel,
    person: Person,
    id: MessageId,
    event: Event,
) -> Response {
    let (conversation, sender) = (site.conversation(channel), person.sender());
    let inbound = Inbound { id, conversation, sender, sent_at: None, ticket: None, event };
    // A task of its own, because a page that leaves in between would stop the sink half-way.
    match tokio::spawn(async move { hand_over(&site, inbound).await }).await {
        Ok(Ok(())) => StatusCode::ACCEPTED.into_response(),
        Ok(Err(refusal)) => refuse(&refusal),
        Err(_) => {
            problem(StatusCode::INTERNAL_SERVER_ERROR, "failed", "the bot failed; send the message again")
        }
    }
}

async fn hand_over(site: &Site, inbound: Inbound) -> Result<(), Refusal> {
    if site.stop.is_cancelled() {
        return Err(Refusal::Stopping);
    }
    if let Some(text) = inbound.text() {
        let has_files = matches!(&inbound.event, Event::Message(message) if !message.attachments.is_empty());
        if text.trim().is_empty() && !has_files {
            return Err(Refusal::Empty);
        }
        let (length, limit) = (text.chars().count(), site.config.max_message_chars);
        if length > limit {
            return Err(Refusal::TooLong { length, limit });
        }
    }
    let address = inbound.address();
    let conversation = inbound.conversation.clone();
    let taken_back = match &inbound.event {
        Event::Deletion { message } => Some(message.clone()),
        _ => None,
    };
    // What others who read the conversation are told at once; of what else is answered, they hear with its answer.
    let is_shown = matches!(inbound.event, Event::Message(_) | Event::Edit { .. });
    let is_press = matches!(inbound.event, Event::Button { .. });
    let id = inbound.id.clone();
    // Before the sink has it, because the reply may come before the sink returns. Whether a change is answered, only the host
    // knows.
    let expected = matches!(inbound.event, Event::Message(_)) && site.mailboxes.expect(&address);
    let accepted = site.sink.accept(inbound).await;
    match &accepted {
        Ok(Receipt::Accepted) => {
            if let Some(in_reply_to) = taken_back {
                site.mailboxes.forget(&Address { conversation: conversation.clone(), in_reply_to });
            }
            if is_press {
                site.mailboxes.follow_up(&conversation, &id);
            }
            if is_shown {
                let mailboxes = site.mailboxes.clone();
                tokio::spawn(async move { mailboxes.announce(&conversation, &id).await });
            }
        }
        Ok(Receipt::Answered(text)) => {
            if expected {
                site.mailboxes.forget(&address);
            }
            let answer = encode::Answer::notice(&address.in_reply_to.0, text);
            site.mailboxes.post_loose(&address.conversation, encode::Event::answer(&answer));
        }
        // One that came before is answered already, or still owed by an earlier process, or expected since it came first.
        Ok(Receipt::Duplicate | Receipt::Ignored) | Err(_) => {
            if expected {
                site.mailboxes.forget(&address);
            }
        }
    }
    accepted.map(|_| ())
}

fn refuse(refusal: &Refusal) -> Response {
    let (status, code) = match refusal {
        Refusal::Empty => (StatusCode::UNPROCESSABLE_ENTITY, "empty"),
        Refusal::TooLong { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "too_long"),
        Refusal::NotAllowed => (StatusCode::FORBIDDEN, "not_allowed"),
        Refusal::NotYours => (StatusCode::FORBIDDEN, "not_yours"),
        Refusal::TooOld => (StatusCode::GONE, "too_old"),
        Refusal::TooFast { after } => {
            let response = problem(StatusCode::TOO_MANY_REQUESTS, "too_fast", refusal);
            return ([(header::RETRY_AFTER, whole_seconds(*after).to_string())], response).into_response();
        }
        Refusal::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        Refusal::NotKept(_) => (StatusCode::SERVICE_UNAVAILABLE, "not_kept"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "refused"),
    };
    problem(status, code, refusal)
}

/// Rounded up, because asking too early is refused again.
fn whole_seconds(time: Duration) -> u64 {
    (time.as_secs() + u64::from(time.subsec_nanos() > 0)).max(1)
}
