//! Replies while they are being written. In: the sentences so far. Out: one message that grows. It waits for the limits, a little, and
//! leaves a call for the reply itself.

use std::time::Duration;

use loquat_contract::{Address, BoxFuture, Draft, Drafts, MessageId};
use reqwest::Method;

use super::{DiscordEgress, Target, id_of, is_gone};
use crate::encode;
use crate::receive::understand::{Answer, message_of};
use crate::rest::{Call, Failure, Patience, Route};

const PATIENCE: Patience = Patience { wait: Duration::from_secs(2), reserve: 1 };

impl DiscordEgress {
    async fn show(&self, draft: &Draft) -> Result<Option<MessageId>, Failure> {
        let encoded = encode::draft(&draft.part);
        let Some(target) = Target::of(&draft.to.conversation, &draft.to.in_reply_to) else { return Ok(None) };
        if draft.part.text.trim().is_empty() {
            return Ok(draft.message.clone());
        }
        if let Some(answer) =
            draft.ticket.as_ref().and_then(Answer::read).filter(|answer| self.is_fresh(answer))
        {
            let call = Call::new(Method::PATCH, Route::original(answer.application, &answer.token));
            return match self.shared.rest.call(call.json(encoded.edit()).patient(PATIENCE)).await {
                Ok(shown) => Ok(id_of(&shown)),
                // What cannot be shown there is not shown before it is ready.
                Err(failure) if is_gone(&failure) => Ok(None),
                Err(failure) => Err(failure),
            };
        }
        if let Some(message) = draft.message.as_ref().and_then(message_of) {
            let patch = |channel| {
                let call = Call::new(Method::PATCH, Route::message(channel, message));
                self.shared.rest.call(call.json(encoded.edit()).patient(PATIENCE))
            };
            self.at(&target, patch).await?;
            return Ok(draft.message.clone());
        }
        let shown = self.post(&target, &draft.key, &encoded, &[], PATIENCE).await?;
        Ok(id_of(&shown))
    }
}

impl Drafts for DiscordEgress {
    fn draft<'a>(&'a self, draft: &'a Draft) -> BoxFuture<'a, Option<MessageId>> {
        Box::pin(async move {
            self.show(draft).await.unwrap_or_else(|failure| {
                tracing::debug!(%failure, "Discord: a draft is not shown");
                draft.message.clone()
            })
        })
    }

    fn withdraw<'a>(&'a self, to: &'a Address, message: Option<&'a MessageId>) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let Some(target) = Target::of(&to.conversation, &to.in_reply_to) else { return };
            let Some(message) = message.and_then(message_of) else { return };
            let delete = |channel| {
                let call = Call::new(Method::DELETE, Route::message(channel, message));
                self.shared.rest.call(call.patient(PATIENCE))
            };
            if let Err(failure) = self.at(&target, delete).await {
                tracing::debug!(%failure, "Discord: a draft is not taken back");
            }
        })
    }
}
