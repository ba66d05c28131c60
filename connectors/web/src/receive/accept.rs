//! The last step on the way in. In: an event of a conversation. Out: 202 once it is durable, or why not.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use loquat_contract::{Address, Inbound, MessageId, Receipt, Refusal, Sender};

use super::address::Channel;
use crate::encode;
use crate::serve::{Site, problem};

/// Hands an event to the sink, and says 202 only when the sink has it.
pub(super) async fn accept(
    site: Arc<Site>,
    channel: Channel,
    id: MessageId,
    event: loquat_contract::Event,
) -> Response {
    // Nobody signs in with a name, so a conversation is one person.
    let sender = Sender::new(channel.0.clone());
    let inbound =
        Inbound { id, conversation: site.conversation(channel), sender, sent_at: None, ticket: None, event };
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
        if text.trim().is_empty() {
            return Err(Refusal::Empty);
        }
        let (length, limit) = (text.chars().count(), site.config.max_message_chars);
        if length > limit {
            return Err(Refusal::TooLong { length, limit });
        }
    }
    let address = inbound.address();
    let withdrawn = match &inbound.event {
        loquat_contract::Event::Deletion { message } => {
            Some(Address { conversation: inbound.conversation.clone(), in_reply_to: message.clone() })
        }
        _ => None,
    };
    // Before the sink has it, because the reply may come before the sink returns. Whether a change is answered, only the host
    // knows.
    let expected =
        matches!(inbound.event, loquat_contract::Event::Message(_)) && site.mailboxes.expect(&address);
    let accepted = site.sink.accept(inbound).await;
    match &accepted {
        Ok(Receipt::Accepted) => {
            if let Some(withdrawn) = withdrawn {
                site.mailboxes.forget(&withdrawn);
            }
        }
        Ok(Receipt::Answered(text)) => {
            let notice = encode::Event::notice(&address.in_reply_to, text);
            site.mailboxes.post(&address.conversation.channel, notice);
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
    let status = match refusal {
        Refusal::Empty => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::NotAllowed => StatusCode::FORBIDDEN,
        Refusal::TooFast { after } => {
            let response = problem(StatusCode::TOO_MANY_REQUESTS, "too_fast", refusal);
            return ([(header::RETRY_AFTER, whole_seconds(*after).to_string())], response).into_response();
        }
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    problem(status, "refused", refusal)
}

/// Rounded up, because asking too early is refused again.
fn whole_seconds(time: Duration) -> u64 {
    (time.as_secs() + u64::from(time.subsec_nanos() > 0)).max(1)
}
