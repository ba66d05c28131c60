//! Whether a part is there already. In: a part that may have been sent longer ago than its nonce is good for. Out: the message that it is, out
//! of what the bot has said since the question.
//!
//! The answers of one conversation are delivered one after the other, and the first part of each is a reply to its question. So what the
//! bot says behind that reply are the further parts, and a part is one of them that stands far enough behind and says the same.

use std::time::Duration;

use loquat_contract::Envelope;
use serde_json::Value;
use serenity::model::id::ChannelId;

use super::{DiscordEgress, Target, code};
use crate::encode::Encoded;
use crate::receive::understand::{sent_at, snowflake};
use crate::rest::{Call, Failure, Route};
use crate::shared::id_in;

/// Up to this age of the question, no try can be older than a nonce is good for: “the past few minutes”.
const NONCE: Duration = Duration::from_secs(90);
/// The most messages that Discord gives at once.
const PAGE: usize = 100;
/// How far the channel is looked through.
const PAGES: usize = 10;
/// Kinds of messages that somebody wrote: an ordinary one, a reply, an answer to a command.
const WRITTEN: [u64; 3] = [0, 19, 20];

impl DiscordEgress {
    /// The message that this part is already, where it is that, or the draft that it takes the place of.
    pub(super) async fn earlier(
        &self,
        envelope: &Envelope,
        target: &Target,
        encoded: &Encoded,
    ) -> Result<Option<Value>, Failure> {
        let Some(question) = snowflake(&envelope.to.in_reply_to) else { return Ok(None) };
        if self.shared.rest.age(sent_at(question)).is_some_and(|age| age < NONCE) {
            return Ok(None);
        }
        let own = match self.own_since(target.channel, question).await {
            // The thread is not open; the answer may stand in its channel.
            Err(failure) if failure.is_code(&[code::UNKNOWN_CHANNEL]) => match target.parent {
                Some(parent) => self.own_since(parent, question).await,
                None => return Ok(None),
            },
            own => own,
        };
        let own = match own {
            // It may speak, and not read: then nobody can tell, and it is most likely the first try.
            Err(Failure::Refused { .. }) => return Ok(None),
            own => own?,
        };
        Ok(find(&own, envelope.number, target, encoded).cloned())
    }

    /// What the bot has said since, oldest first.
    async fn own_since(&self, channel: ChannelId, question: u64) -> Result<Vec<Value>, Failure> {
        let me = self.shared.me().await?.id.get();
        let mut own = Vec::new();
        let mut before = None;
        for _ in 0..PAGES {
            let mut call = Call::get(Route::messages(channel));
            call.query = vec![("limit", PAGE.to_string())];
            call.query.extend(before.map(|before: u64| ("before", before.to_string())));
            let mut page: Vec<Value> = self.shared.rest.ask(call).await?;
            // Newest first, as Discord has it.
            page.sort_by_key(|message| std::cmp::Reverse(id_in(message, "id")));
            let oldest = page.last().and_then(|message| id_in(message, "id"));
            let is_last = page.len() < PAGE || oldest.is_none_or(|oldest| oldest <= question);
            let is_own = |message: &Value| {
                let is_written =
                    message.get("type").and_then(Value::as_u64).is_none_or(|kind| WRITTEN.contains(&kind));
                let author = message.get("author").and_then(|author| id_in(author, "id"));
                is_written && author == Some(me) && id_in(message, "id").is_some_and(|id| id > question)
            };
            own.extend(page.into_iter().filter(is_own));
            if is_last {
                break;
            }
            before = oldest;
        }
        own.reverse();
        Ok(own)
    }
}

fn find<'a>(own: &'a [Value], number: u16, target: &Target, encoded: &Encoded) -> Option<&'a Value> {
    let asked = target.below.or(target.opens_at).map(|message| message.get());
    let is_first = |message: &Value| {
        let replies_to =
            message.get("message_reference").and_then(|reference| id_in(reference, "message_id"));
        asked.is_some() && replies_to == asked
    };
    // In a thread that was opened for the question, the first words are the answer's.
    let first = own.iter().position(is_first).or_else(|| target.opens_at.and(own.first()).map(|_| 0));
    match (first, number) {
        (Some(first), 1) => own.get(first),
        (Some(first), _) => {
            let behind = first + usize::from(number) - 1;
            own.iter().skip(behind).find(|message| encoded.says(message))
        }
        (None, _) if asked.is_some() => None,
        // An answer to a command is a reply to nothing.
        (None, _) => own.iter().skip(usize::from(number) - 1).find(|message| encoded.says(message)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::encode;
    use crate::tests::part;

    fn message(id: u64, replies_to: Option<u64>, content: &str) -> Value {
        let mut message = json!({ "id": id.to_string(), "content": content });
        if let Some(to) = replies_to {
            message["message_reference"] = json!({ "message_id": to.to_string() });
        }
        message
    }

    fn found(own: &[Value], number: u16, text: &str) -> Option<u64> {
        let target = Target {
            channel: ChannelId::new(1),
            parent: None,
            below: Some(serenity::model::id::MessageId::new(10)),
            opens_at: None,
        };
        find(own, number, &target, &encode::draft(&part(text))).and_then(|message| id_in(message, "id"))
    }

    #[test]
    fn a_part_is_found_behind_its_own_answer_only() {
        // Another answer that says the same was delivered after the question was asked, and before its answer.
        let own = [
            message(20, Some(9), "first"),
            message(21, None, "second"),
            message(22, Some(10), "draft"),
            message(23, None, "same"),
        ];
        assert_eq!(found(&own, 1, "first"), Some(22), "the draft, which becomes the first part");
        assert_eq!(found(&own, 2, "second"), None);
        assert_eq!(found(&own, 2, "same"), Some(23));
        assert_eq!(found(&own, 3, "same"), None, "two parts that say the same are two");
        assert_eq!(found(&own[..2], 1, "first"), None);
    }
}
