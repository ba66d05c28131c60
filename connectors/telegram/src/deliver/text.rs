//! The text of a part becomes one message, new or in place of a draft. In: an envelope. Out: the message's number, or the report on what went
//! wrong.

use loquat_contract::{Delivery, Envelope, MessageId, Part};
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use teloxide_core::payloads::{EditMessageText, EditMessageTextSetters, SendMessage, SendMessageSetters};
use teloxide_core::types::{ChatId, LinkPreviewOptions, ReplyParameters};

use super::{Shared, has, has_not, is_the_same, topic_id};
use crate::api::{Failure, Posted};
use crate::encode::{Encoded, bare, encode, is_refusal_of_entities, keyboard, rich};
use crate::place::{Place, replied_to};

/// What Telegram says where a draft that was to be changed is gone.
const GONE: [&str; 4] =
    ["message to edit not found", "message can't be edited", "MESSAGE_ID_INVALID", "message not found"];
/// What it says where a draft says already what it is to say.
const UNCHANGED: [&str; 1] = ["message is not modified"];
/// What a server says that knows no rich messages, or not these; one that does not know the field finds no text.
const NOT_RICH: [&str; 5] = ["rich", "can't parse", "block", "message text is empty", "unsupported"];

impl Shared {
    /// Sends the text of a part, or puts it in place of the draft.
    pub(super) async fn say(&self, place: Place, envelope: &Envelope) -> Result<i32, Delivery> {
        let reply = (envelope.number == 1).then(|| replied_to(&envelope.to.in_reply_to)).flatten();
        let draft = envelope.draft.as_ref().and_then(number);
        if let Some(draft) = draft {
            match self.change(place, draft, &envelope.part).await {
                Ok(()) => return Ok(draft),
                Err(failure) if failure.says(&UNCHANGED) => return Ok(draft),
                Err(failure) if failure.says(&GONE) => {
                    tracing::debug!(%failure, "the draft is gone; the reply is sent anew");
                }
                Err(failure) => {
                    return Err(match failure.delivery() {
                        // The same change once more does no harm.
                        Delivery::Ambiguous { reason } => Delivery::Retry { after: None, reason },
                        delivery => delivery,
                    });
                }
            }
        }
        self.post(place, &envelope.part, reply).await.map_err(Failure::delivery)
    }

    /// Sends a part as a new message.
    pub(crate) async fn post(&self, place: Place, part: &Part, reply: Option<i32>) -> Result<i32, Failure> {
        if let Some(rich) = self.rich(part) {
            let sent = self.at(place, |at| {
                let reply = reply.filter(|_| is_the_same(place, at).is_ok());
                Box::pin(self.post_rich(at, part, &rich, reply))
            });
            match sent.await {
                Err(failure) if self.is_not_rich(&failure) => {}
                outcome => return outcome,
            }
        }
        let mut encoded = encode(part);
        loop {
            let sent = self.at(place, |at| {
                let reply = reply.filter(|_| is_the_same(place, at).is_ok());
                Box::pin(self.post_text(at, part, encoded.clone(), reply))
            });
            match sent.await {
                Err(failure) if !encoded.entities.is_empty() && is_refusal_of_entities(&failure) => {
                    tracing::warn!(%failure, "a message is sent without its formatting");
                    encoded = bare(part);
                }
                outcome => return outcome,
            }
        }
    }

    async fn post_text(
        &self,
        at: Place,
        part: &Part,
        encoded: Encoded,
        reply: Option<i32>,
    ) -> Result<i32, Failure> {
        let mut message = SendMessage::new(ChatId(at.chat), encoded.text);
        message.link_preview_options = Some(no_preview());
        message.message_thread_id = at.topic.map(topic_id);
        if !encoded.entities.is_empty() {
            message = message.entities(encoded.entities);
        }
        if let Some(reply) = reply {
            let reply = ReplyParameters::new(teloxide_core::types::MessageId(reply));
            message = message.reply_parameters(reply.allow_sending_without_reply());
        }
        if let Some(keyboard) = keyboard(part) {
            message = message.reply_markup(keyboard);
        }
        Ok(self.api.call::<_, Posted>(&message).await?.message_id)
    }

    /// Changes a message of the bot's into a part.
    pub(super) async fn change(&self, place: Place, message: i32, part: &Part) -> Result<(), Failure> {
        if let Some(rich) = self.rich(part) {
            let changed = self.at(place, |at| {
                let change = self.change_rich(at, message, part, &rich);
                Box::pin(async move {
                    is_the_same(place, at)?;
                    change.await
                })
            });
            match changed.await {
                Err(failure) if self.is_not_rich(&failure) => {}
                outcome => return outcome,
            }
        }
        let mut encoded = encode(part);
        loop {
            let changed = self.at(place, |at| {
                let change = self.change_text(at, message, part, encoded.clone());
                Box::pin(async move {
                    is_the_same(place, at)?;
                    change.await
                })
            });
            match changed.await {
                Err(failure) if !encoded.entities.is_empty() && is_refusal_of_entities(&failure) => {
                    encoded = bare(part);
                }
                outcome => return outcome,
            }
        }
    }

    async fn change_text(
        &self,
        at: Place,
        message: i32,
        part: &Part,
        encoded: Encoded,
    ) -> Result<(), Failure> {
        let message = teloxide_core::types::MessageId(message);
        let mut edit = EditMessageText::new(ChatId(at.chat), message, encoded.text);
        edit.link_preview_options = Some(no_preview());
        edit.reply_markup = keyboard(part);
        if !encoded.entities.is_empty() {
            edit = edit.entities(encoded.entities);
        }
        self.api.call::<_, IgnoredAny>(&edit).await.map(drop)
    }

    /// The part as a rich message, where that is wanted, worth it, and known to the server.
    fn rich(&self, part: &Part) -> Option<Value> {
        (self.config.rich && has(&self.has_rich)).then(|| rich(part)).flatten()
    }

    /// Whether a failure says that the server takes no rich messages, or not this one.
    fn is_not_rich(&self, failure: &Failure) -> bool {
        if matches!(failure, Failure::Refused { code: 404, .. }) {
            has_not(&self.has_rich, "rich messages");
            return true;
        }
        failure.says(&NOT_RICH)
    }

    async fn post_rich(
        &self,
        at: Place,
        part: &Part,
        rich: &Value,
        reply: Option<i32>,
    ) -> Result<i32, Failure> {
        let mut body = json!({ "chat_id": at.chat, "rich_message": rich });
        if let Some(topic) = at.topic {
            body["message_thread_id"] = topic.into();
        }
        if let Some(reply) = reply {
            body["reply_parameters"] = json!({ "message_id": reply, "allow_sending_without_reply": true });
        }
        if let Some(keyboard) = keyboard(part) {
            body["reply_markup"] = json!(keyboard);
        }
        Ok(self.api.named::<Posted>("SendRichMessage", &body).await?.message_id)
    }

    async fn change_rich(&self, at: Place, message: i32, part: &Part, rich: &Value) -> Result<(), Failure> {
        let mut body = json!({ "chat_id": at.chat, "message_id": message, "rich_message": rich });
        if let Some(keyboard) = keyboard(part) {
            body["reply_markup"] = json!(keyboard);
        }
        self.api.named::<IgnoredAny>("EditMessageText", &body).await.map(drop)
    }
}

/// The number of a message.
pub(super) fn number(id: &MessageId) -> Option<i32> {
    id.0.parse().ok()
}

fn no_preview() -> LinkPreviewOptions {
    LinkPreviewOptions {
        is_disabled: true,
        url: None,
        prefer_small_media: false,
        prefer_large_media: false,
        show_above_text: false,
    }
}
