//! A reply while it is being written. In: drafts. Out: in private a draft of Telegram's (`sendMessageDraft`, Bot API 9.5), which vanishes by
//! itself; in groups a message that is changed, and becomes the reply. That one begins without words: Telegram has no key by which it would be
//! found again after a crash before its number is on record, and words would then stand there twice.

use loquat_contract::{Address, BoxFuture, Delivery, Draft, Drafts, IdempotencyKey, MessageId, Part};
use serde::de::IgnoredAny;
use serde_json::json;
use teloxide_core::payloads::DeleteMessage;
use teloxide_core::types::ChatId;

use super::text::number;
use super::{Shared, TelegramEgress, has, has_not, is_the_same};
use crate::api::Failure;
use crate::encode::encode;
use crate::place::{Place, replied_to};

/// What a draft says in a group before its number is on record.
const NO_WORDS_YET: &str = "…";

impl Shared {
    async fn show(&self, draft: &Draft) -> Option<MessageId> {
        let place = Place::of(&draft.to.conversation)?;
        if !place.is_group() && !has(&self.has_drafts) {
            return draft.message.clone();
        }
        let pause = self.config.draft_pause(place.is_group());
        tokio::time::sleep_until(self.memory.next_draft(place.chat, pause)).await;
        if self.memory.hushed(place.chat).is_some() {
            return draft.message.clone();
        }
        if !place.is_group() {
            self.show_in_private(place, draft).await;
            return None;
        }
        let Some(message) = draft.message.as_ref().and_then(number) else {
            return self.begin(place, draft).await;
        };
        if let Err(failure) = self.change(place, message, &draft.part).await {
            tracing::debug!(%failure, "a draft was not changed");
        }
        draft.message.clone()
    }

    /// Sends the message that the reply will be. A reply of one sentence needs none: it is there as soon.
    async fn begin(&self, place: Place, draft: &Draft) -> Option<MessageId> {
        if draft.sentences.len() < 2 || self.memory.is_lost(&draft.key.0) {
            return None;
        }
        let part = Part { text: NO_WORDS_YET.to_owned(), ..Part::default() };
        match self.post(place, &part, replied_to(&draft.to.in_reply_to)).await {
            Ok(id) => Some(MessageId(id.to_string())),
            Err(failure) => {
                tracing::debug!(%failure, "a draft was not shown");
                if matches!(failure.delivery(), Delivery::Ambiguous { .. }) {
                    self.memory.lost_draft(&draft.key.0);
                }
                None
            }
        }
    }

    async fn show_in_private(&self, place: Place, draft: &Draft) {
        let encoded = encode(&draft.part);
        let mut body = json!({
            "chat_id": place.chat,
            "draft_id": draft_id(&draft.key),
            "text": encoded.text,
            "entities": encoded.entities,
        });
        if let Some(topic) = place.topic {
            body["message_thread_id"] = topic.into();
        }
        let shown =
            self.at(place, |_| Box::pin(self.api.named::<IgnoredAny>("SendMessageDraft", &body))).await;
        match shown {
            Ok(_) => {}
            Err(Failure::Refused { code: 404, .. }) => has_not(&self.has_drafts, "drafts"),
            // Before Bot API 9.5, only bots with topics in private chats had them.
            Err(failure) if failure.says(&["TEXTDRAFT_PEER_INVALID"]) => has_not(&self.has_drafts, "drafts"),
            Err(failure) => tracing::debug!(%failure, "a draft was not shown"),
        }
    }
}

/// The draft's number: the same for each draft of one reply, and never 0.
fn draft_id(key: &IdempotencyKey) -> u32 {
    let digits = key.0.get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    (digits.unwrap_or_default() & 0x7fff_ffff).max(1)
}

impl Drafts for TelegramEgress {
    fn draft<'a>(&'a self, draft: &'a Draft) -> BoxFuture<'a, Option<MessageId>> {
        Box::pin(self.shared.show(draft))
    }

    fn withdraw<'a>(&'a self, to: &'a Address, message: Option<&'a MessageId>) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let (Some(place), Some(message)) = (Place::of(&to.conversation), message.and_then(number)) else {
                return;
            };
            let message = teloxide_core::types::MessageId(message);
            let deleted = self
                .shared
                .at(place, |at| {
                    let delete = DeleteMessage::new(ChatId(at.chat), message);
                    Box::pin(async move {
                        is_the_same(place, at)?;
                        self.shared.api.call::<_, IgnoredAny>(&delete).await
                    })
                })
                .await;
            if let Err(failure) = deleted {
                tracing::debug!(%failure, "a draft was not taken back");
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reply_has_a_draft_of_its_own_that_telegram_takes() {
        let id = |key: &str| draft_id(&IdempotencyKey(key.to_owned()));
        assert_ne!(id("0123456789abcdef01234567"), id("1123456789abcdef01234567"));
        assert_eq!(id("00000000ffffffffffffffff"), 1);
        assert_eq!(id("ffffffff0000000000000000"), 0x7fff_ffff);
    }
}
