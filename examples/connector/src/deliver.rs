//! The sending half: one message out, and the server's word on it. In: envelopes. Out: what became of each. It does not retry, wait or
//! cut, and knows nothing of how events are received.

mod link;

use std::sync::Arc;
use std::time::Duration;

use loquat_contract::{BoxFuture, Capabilities, Delivery, Egress, Envelope, Idempotency};
use tokio::time::timeout;

use crate::PLATFORM;
use crate::encode::{LONGEST, encode};
use crate::wire::BotLine;

pub(crate) use link::{Connection, Link, Unwritten};

/// The sending half of Postbox.
pub struct PostboxEgress {
    link: Arc<Link>,
}

impl PostboxEgress {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self { link }
    }

    async fn send(&self, envelope: &Envelope) -> Delivery {
        let post = match encode(envelope) {
            Ok(post) => post,
            Err(reason) => return Delivery::Permanent { reason: reason.to_owned() },
        };
        match timeout(self.link.silence, self.exchange(&envelope.key.0, BotLine::Send(post))).await {
            Ok(Ok(delivery)) => delivery,
            // Here it is certain that the server has nothing, and nowhere else.
            Ok(Err(error @ Unwritten::NotConnected)) => {
                Delivery::Retry { after: None, reason: error.to_string() }
            }
            Ok(Err(error @ Unwritten::Broken(_))) => Delivery::Ambiguous { reason: error.to_string() },
            Err(_) => {
                let waited = self.link.silence.as_secs();
                Delivery::Ambiguous { reason: format!("the server did not answer within {waited} seconds") }
            }
        }
    }

    /// Writes a message, and waits for the server's answer to it.
    async fn exchange(&self, key: &str, message: BotLine) -> Result<Delivery, Unwritten> {
        let connection = self.link.connection().ok_or(Unwritten::NotConnected)?;
        // Before the write, since the answer may be faster than the next line of this function.
        let answer = connection.answer_to(key)?;
        connection.write(&message).await?;
        let gone = || Delivery::Ambiguous { reason: "the connection broke before the answer".to_owned() };
        Ok(answer.await.unwrap_or_else(|_| gone()))
    }
}

impl Egress for PostboxEgress {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            max_length: Some(LONGEST),
            idempotency: Idempotency::Key,
            outlives_process: true,
            silence: Some(self.link.silence),
            ..Capabilities::default()
        }
    }

    fn deliver<'a>(&'a self, envelope: &'a Envelope) -> BoxFuture<'a, Delivery> {
        Box::pin(async move {
            let delivery = self.send(envelope).await;
            if envelope.is_last() && !matches!(delivery, Delivery::Retry { .. }) {
                self.link.settled(&envelope.to);
            }
            delivery
        })
    }
}

/// What a refusal means for the message: may it be delivered again?
pub(crate) fn refused(code: u16, retry_after_ms: Option<u64>) -> Delivery {
    let reason = format!("the server refused it ({code})");
    match code {
        // Too many messages, or a fault of the server's own: the next try may do.
        429 | 500..=599 => Delivery::Retry { after: retry_after_ms.map(Duration::from_millis), reason },
        403 => Delivery::Unauthorised {
            reason: format!(
                "{reason}: it does not let the bot write; ask its operator, or set {PLATFORM}.address to another"
            ),
        },
        // It says the same of this message each time.
        _ => Delivery::Permanent { reason },
    }
}
