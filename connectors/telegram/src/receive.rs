//! The receiving half: updates in, events out. In: what Telegram tells, by long polling or a webhook. Out: events for the sink, and to
//! Telegram that an update is done with, once it is. What replies look like is `encode`'s matter.

mod poll;
mod webhook;

mod update;

mod trigger;
mod understand;

mod hand_on;

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use loquat_contract::{BoxFuture, CancellationToken, ConnectorError, Ingress, Sink};
use serde_json::{Value, json};

use crate::api::{Me, Webhook};
use crate::config::Mode;
use crate::deliver::Shared;

pub(crate) use understand::{Heard, Whither, understand};
pub(crate) use update::Update;

use hand_on::Refusals;

/// The updates that the bot wants; some come only to those who name them.
const WANTED: [&str; 5] =
    ["message", "edited_message", "callback_query", "message_reaction", "my_chat_member"];

/// The receiving half of Telegram.
pub struct TelegramIngress {
    shared: Arc<Shared>,
    /// The first update that is not done with; 0 where none is known.
    offset: AtomicI64,
    /// Whether it was run before, be it in vain: what is done for a connection may have failed then.
    was_run: AtomicBool,
    refusals: Mutex<Refusals>,
}

impl TelegramIngress {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            offset: AtomicI64::new(0),
            was_run: AtomicBool::new(false),
            refusals: Mutex::default(),
        }
    }

    async fn connected(&self, sink: Arc<dyn Sink>, stop: CancellationToken) -> Result<(), ConnectorError> {
        let was_run = self.was_run.swap(true, Ordering::Relaxed);
        let nothing = json!({});
        let me: Me = tokio::select! {
            me = self.shared.api.named("GetMe", &nothing) => me?,
            () = stop.cancelled() => return Ok(()),
        };
        sink.alive();
        let name = &me.username;
        tracing::info!(bot = %name, privacy_mode = !me.can_read_all_group_messages, "on Telegram");
        if was_run {
            sink.reconnected().await;
        }
        match self.shared.config.mode {
            Mode::Polling => self.poll(&me, &*sink, &stop).await,
            Mode::Webhook => self.serve(&me, sink, stop).await,
        }
    }

    /// Takes away the webhook that an earlier program left: while there is one, Telegram lets nobody poll. What waits stays.
    async fn remove_webhook(&self) -> Result<(), ConnectorError> {
        let webhook: Webhook = self.shared.api.named("GetWebhookInfo", &json!({})).await?;
        if webhook.url.is_empty() {
            return Ok(());
        }
        let waiting = webhook.pending_update_count;
        tracing::warn!(
            waiting,
            "a webhook is left over from another program; it is removed, since the bot polls"
        );
        let body = json!({ "drop_pending_updates": false });
        let _gone: bool = self.shared.api.named("DeleteWebhook", &body).await?;
        Ok(())
    }

    /// Hands on what is in an update.
    ///
    /// # Errors
    /// Why the update is not done with, and has to come again.
    pub(crate) async fn take(&self, update: Value, me: &Me, sink: &dyn Sink) -> Result<(), String> {
        let kinds = update.as_object().map(|object| {
            object.keys().filter(|key| *key != "update_id").map(String::as_str).collect::<Vec<_>>().join(", ")
        });
        let kinds = kinds.unwrap_or_default();
        let update: Update = match serde_json::from_value(update) {
            Ok(update) => update,
            Err(_) => {
                // The error may quote what somebody wrote, so it is not told.
                tracing::warn!(kinds, "an update cannot be read, and is passed over");
                return Ok(());
            }
        };
        let press = update.callback_query.as_ref().map(|query| query.id.clone());
        let heard = understand(update, me, &self.shared);
        if heard.is_empty() {
            tracing::debug!(kinds, "an update has nothing for the bot");
            if let Some(query) = press {
                self.answer_press(&query, None).await;
            }
        }
        for heard in heard {
            self.hand_on(heard, sink).await?;
        }
        Ok(())
    }
}

impl Ingress for TelegramIngress {
    fn run<'a>(
        &'a self,
        sink: Arc<dyn Sink>,
        stop: CancellationToken,
    ) -> BoxFuture<'a, Result<(), ConnectorError>> {
        Box::pin(self.connected(sink, stop))
    }
}
