//! Long polling. In: the answers to `getUpdates`. Out: updates, one after the other. An offset tells Telegram that everything before it is
//! done with, so it moves past an update only once that is.

use std::sync::atomic::Ordering;
use std::time::Duration;

use loquat_contract::{CancellationToken, ConnectorError, Sink};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{TelegramIngress, WANTED};
use crate::api::{Failure, Me};
use crate::deliver::LATE;

/// How long is waited before polling again beside another program.
const AGAIN: Duration = Duration::from_secs(2);
/// For how long there has to be no other program for it to count as gone.
const GONE: Duration = Duration::from_secs(90);
/// How long the last word to Telegram may take.
const FAREWELL: Duration = Duration::from_secs(3);
/// How often Telegram counts as alive while it wants to be left alone.
const SIGN: Duration = Duration::from_secs(5);
/// An answer with nothing new in it that comes sooner than this was not waited for.
const TOO_SOON: Duration = Duration::from_millis(500);

/// Another program that polls with the same token.
struct Rival {
    since: Instant,
    last: Instant,
}

impl TelegramIngress {
    /// Polls until `stop`, or until something is in the way.
    pub(super) async fn poll(
        &self,
        me: &Me,
        sink: &dyn Sink,
        stop: &CancellationToken,
    ) -> Result<(), ConnectorError> {
        self.remove_webhook().await?;
        let config = &self.shared.config;
        let mut rival: Option<Rival> = None;
        loop {
            let mut body = json!({
                "limit": 100,
                "timeout": config.poll().as_secs(),
                "allowed_updates": WANTED,
            });
            let offset = self.offset.load(Ordering::SeqCst);
            if offset > 0 {
                body["offset"] = offset.into();
            }
            let asked = Instant::now();
            let answer = tokio::select! {
                biased;
                () = stop.cancelled() => return self.farewell().await,
                answer = self.shared.api.raw::<Vec<Value>>("GetUpdates", &body, config.poll() + LATE) => answer,
            };
            match answer {
                Ok(updates) => {
                    sink.alive();
                    for update in updates {
                        let Some(id) = update.get("update_id").and_then(Value::as_i64) else { continue };
                        match self.take(update, me, sink).await {
                            Ok(()) => self.offset.store(id.saturating_add(1), Ordering::SeqCst),
                            Err(_) if stop.is_cancelled() => return self.farewell().await,
                            Err(reason) => return Err(ConnectorError::Lost(reason)),
                        }
                    }
                    // A server that does not wait is not asked without end.
                    if self.offset.load(Ordering::SeqCst) == offset && asked.elapsed() < TOO_SOON {
                        wait(AGAIN, sink, stop).await;
                    }
                }
                Err(Failure::Refused { code: 409, description }) => {
                    sink.alive();
                    if description.to_lowercase().contains("webhook") {
                        self.remove_webhook().await?;
                    }
                    rival = Some(self.put_up_with(rival, &description)?);
                    wait(AGAIN, sink, stop).await;
                }
                Err(Failure::TooMany(after)) => {
                    let after = after.unwrap_or(AGAIN);
                    tracing::warn!(?after, "Telegram wants fewer requests");
                    wait(after, sink, stop).await;
                }
                Err(failure) => return Err(failure.into()),
            }
        }
    }

    /// Bears with another program for a while, which may be an earlier process that is ending.
    fn put_up_with(&self, rival: Option<Rival>, description: &str) -> Result<Rival, ConnectorError> {
        let now = Instant::now();
        let rival = rival.filter(|rival| now.duration_since(rival.last) < GONE);
        let is_new = rival.is_none();
        let since = rival.map_or(now, |rival| rival.since);
        if is_new {
            tracing::warn!(
                description,
                "another program receives the messages of this bot; waiting for it to end"
            );
        }
        if now.duration_since(since) >= self.shared.config.conflict() && !is_new {
            let secs = self.shared.config.conflict_secs;
            return Err(ConnectorError::Stop(format!(
                "another program has received the messages of this bot for {secs} s (Telegram: {description}); stop it, or give this bot a token of its own with @BotFather (/newbot, or /revoke where the other one is unknown)"
            )));
        }
        Ok(Rival { since, last: now })
    }

    /// Tells Telegram what is done with, which the next process would be told again else.
    async fn farewell(&self) -> Result<(), ConnectorError> {
        let offset = self.offset.load(Ordering::SeqCst);
        if offset > 0 {
            let body = json!({ "offset": offset, "limit": 1, "timeout": 0, "allowed_updates": WANTED });
            if let Err(failure) = self.shared.api.raw::<Vec<Value>>("GetUpdates", &body, FAREWELL).await {
                tracing::debug!(%failure, "the last updates will come again");
            }
        }
        Ok(())
    }
}

/// Waits, which Telegram asked for, so that its silence meanwhile is no sign of death.
async fn wait(time: Duration, sink: &dyn Sink, stop: &CancellationToken) {
    let until = Instant::now() + time;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(left.min(SIGN)) => sink.alive(),
        }
    }
}
