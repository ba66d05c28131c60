//! Keeps a connector receiving. In: its receiving half. Out: one run after another, until the bot stops or a person has to act; and, before
//! each, what was missed.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use loquat_contract::{ConnectorError, Ingress, Sink, Timestamp};
use tokio::time::Instant;

use crate::commands::offered;
use crate::dispatch::{Platform, Shared};
use crate::sink::PlatformSink;

/// A connection that lived this long was a good one: pauses begin anew after it.
const GOOD: Duration = Duration::from_secs(60);
/// How many missed messages are asked for at once.
const MISSED: usize = 100;
/// How long a platform may take to say what was missed.
const PATIENCE: Duration = Duration::from_secs(60);

impl Shared {
    pub(crate) async fn supervise(
        self: &Arc<Self>,
        platform: &Arc<Platform>,
        ingress: &dyn Ingress,
    ) -> Result<(), ConnectorError> {
        let mut pauses = self.pauses();
        tokio::select! {
            () = self.catch_up(platform) => {}
            () = self.stop.cancelled() => return Ok(()),
        }
        loop {
            tokio::select! {
                () = self.offer(platform) => {}
                () = self.stop.cancelled() => return Ok(()),
            }
            let begun = Instant::now();
            let sink: Arc<dyn Sink> =
                Arc::new(PlatformSink { shared: self.clone(), platform: platform.clone() });
            let ended = tokio::select! {
                ended = ingress.run(sink, self.stop.clone()) => ended,
                silence = dead(platform) => Err(ConnectorError::Lost(format!("nothing was heard for {} s", silence.as_secs()))),
                () = platform.halt.cancelled() => {
                    let reason = platform.halted_because.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    return Err(ConnectorError::Stop(reason.unwrap_or_default()));
                }
            };
            match ended {
                Err(ConnectorError::Lost(reason)) if !self.stop.is_cancelled() => {
                    tracing::warn!(platform = platform.name, reason, "connecting again");
                }
                Err(ConnectorError::Lost(_)) => return Ok(()),
                ended => return ended,
            }
            if begun.elapsed() > GOOD {
                pauses = self.pauses();
            }
            tokio::select! {
                () = tokio::time::sleep(pauses.next().unwrap_or_default()) => {}
                () = self.stop.cancelled() => return Ok(()),
            }
        }
    }

    /// Puts the commands into the platform's menu. Where that fails, people can still type them, and it is tried again with the next
    /// connection.
    async fn offer(&self, platform: &Platform) {
        let Some(interactions) = platform.egress.interactions() else { return };
        if platform.has_commands.load(Ordering::SeqCst) {
            return;
        }
        let commands = offered(&self.languages(), self.bot.settings.human.is_some());
        match tokio::time::timeout(PATIENCE, interactions.offer(&commands)).await {
            Ok(Ok(())) => platform.has_commands.store(true, Ordering::SeqCst),
            Ok(Err(error)) => {
                tracing::warn!(platform = platform.name, %error, "the commands are not in the menu")
            }
            Err(_) => {
                tracing::warn!(platform = platform.name, "the menu of commands did not get through in time")
            }
        }
    }

    /// What a connection that was made anew calls for.
    pub(crate) async fn reconnected(self: &Arc<Self>, platform: &Arc<Platform>) {
        self.offer(platform).await;
        self.catch_up(platform).await;
    }

    /// Accepts what was said in the platform's recent conversations while nobody listened. What is too old to be answered is
    /// accepted all the same, and expires on record.
    pub(crate) async fn catch_up(self: &Arc<Self>, platform: &Arc<Platform>) {
        let Some(backfill) = platform.egress.backfill().filter(|_| platform.egress.capabilities().backfill)
        else {
            return;
        };
        let reach = u64::try_from(self.bot.settings.catch_up().as_millis()).unwrap_or(u64::MAX);
        let since = Timestamp(Timestamp::now().0.saturating_sub(reach));
        let conversations = match self.journal.conversations(&platform.name, since).await {
            Ok(conversations) => conversations,
            Err(error) => return tracing::error!(platform = platform.name, %error, "nothing is caught up"),
        };
        let sink = PlatformSink { shared: self.clone(), platform: platform.clone() };
        for (conversation, mut newest) in conversations {
            loop {
                let asked = backfill.missed(&conversation, &newest, MISSED);
                let missed = match tokio::time::timeout(PATIENCE, asked).await {
                    Ok(Ok(missed)) => missed,
                    Ok(Err(error)) => {
                        break tracing::warn!(%conversation, %error, "missed messages cannot be had");
                    }
                    Err(_) => break tracing::warn!(%conversation, "missed messages did not come in time"),
                };
                let last = missed.last().map(|last| last.id.clone());
                // A platform that says the same again would be asked for ever.
                let is_all = missed.len() < MISSED || last.as_ref() == Some(&newest);
                newest = last.unwrap_or(newest);
                for inbound in missed {
                    // They were not sent all at once, so no limit counts them.
                    if let Err(refusal) = sink.take(inbound, false).await {
                        tracing::warn!(%conversation, %refusal, "a missed message was not accepted");
                    }
                }
                if is_all {
                    break;
                }
            }
        }
    }
}

/// Returns once the platform has been silent for longer than its connector allows; never where it allows any silence.
async fn dead(platform: &Platform) -> Duration {
    let Some(silence) = platform.egress.capabilities().silence else { return std::future::pending().await };
    let mut heard = platform.heard.subscribe();
    loop {
        match tokio::time::timeout(silence, heard.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => std::future::pending().await,
            Err(_) => return silence,
        }
    }
}
