//! A reply reaches the platform. In: its parts and how far each is. Out: each part at most once, or once where the platform has an
//! idempotency key, and every step in the journal before it is taken.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use loquat_contract::{
    Delivery, Entry, Envelope, Idempotency, IdempotencyKey, Inbound, JournalError, PartState, Prepared,
    Sequence, Settlement, Step, Timestamp,
};
use sha2::{Digest, Sha256};
use tracing::{Instrument, debug_span, instrument};

use crate::count;
use crate::dispatch::{Platform, Shared};
use crate::lane::Handled;

/// The pause after the first try that failed; each further one doubles it, and some chance is added.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Why nobody knows of a part that was being sent.
const STOPPED: &str = "the bot stopped while it was being sent";

/// How delivering a part ended.
enum Ended {
    Sent,
    Unknown(String),
    Failed(String),
    Expired(String),
    /// The next run goes on.
    Left,
}

/// What is known of the tries to send a part.
struct Tries {
    /// When the first one began that the platform may have taken.
    since: Option<Timestamp>,
}

impl Tries {
    /// Whether the part may be sent though the platform may have it.
    fn may_repeat(&self, idempotency: Idempotency) -> bool {
        match (idempotency, self.since) {
            (_, None) | (Idempotency::Key, _) => true,
            (Idempotency::None, Some(_)) => false,
            (Idempotency::Window(window), Some(since)) => {
                let now = Timestamp::now();
                // A clock that was put back says nothing of how long ago it was.
                since <= now && since.age_at(now) < window
            }
        }
    }
}

impl Shared {
    /// Pauses between tries.
    pub(crate) fn pauses(&self) -> impl Iterator<Item = Duration> + use<> {
        ExponentialBuilder::default()
            .with_min_delay(FIRST_PAUSE)
            .with_max_delay(self.bot.settings.longest_pause().max(FIRST_PAUSE))
            .with_jitter()
            .without_max_times()
            .build()
    }

    /// Delivers the parts that the platform does not have yet, and settles the event.
    #[instrument(level = "debug", skip_all, fields(parts = prepared.parts.len()))]
    pub(crate) async fn deliver(
        &self,
        platform: &Platform,
        entry: &Entry,
        prepared: &Prepared,
        states: &[PartState],
    ) -> Result<Handled, JournalError> {
        let mut unknown: Option<String> = None;
        let of = u16::try_from(prepared.parts.len()).unwrap_or(u16::MAX);
        for (number, part) in (1..=of).zip(&prepared.parts) {
            if self.abort.is_cancelled() {
                return Ok(Handled::StaysOwed);
            }
            let state = states.get(usize::from(number) - 1).unwrap_or(&PartState::Prepared);
            let mut tries = Tries { since: None };
            match state {
                PartState::Prepared => {}
                PartState::Sent { .. } => continue,
                PartState::Unknown { reason } | PartState::Failed { reason } => {
                    unknown.get_or_insert(reason.clone());
                    continue;
                }
                PartState::Sending { at } => tries.since = Some(*at),
            }
            let envelope = Envelope {
                key: key(&entry.inbound, number),
                to: entry.inbound.address(),
                ticket: entry.inbound.ticket.clone(),
                draft: entry.draft.clone().filter(|_| number == 1),
                is_private: prepared.is_private,
                number,
                of,
                part: part.clone(),
                reply: prepared.reply.clone(),
            };
            match self.deliver_part(platform, entry, &envelope, tries).await? {
                Ended::Sent => {}
                // What follows is still worth having; that something may be missing stays on record.
                Ended::Unknown(reason) => unknown = unknown.or(Some(reason)),
                Ended::Failed(reason) => {
                    tracing::error!(sequence = %entry.sequence, reason, "not delivered");
                    self.withdraw_draft(entry, number).await;
                    self.settle(entry.sequence, Settlement::Failed { reason }).await?;
                    return Ok(Handled::Settled);
                }
                Ended::Expired(reason) => {
                    self.withdraw_draft(entry, number).await;
                    self.settle(entry.sequence, Settlement::Expired { reason }).await?;
                    return Ok(Handled::Settled);
                }
                Ended::Left => return Ok(Handled::StaysOwed),
            }
        }
        let settlement = match (unknown, &prepared.failure) {
            (Some(reason), _) => {
                tracing::warn!(sequence = %entry.sequence, reason, "nobody knows whether it was delivered; see `loquat ledger --state unknown`");
                Settlement::Unknown { reason }
            }
            (None, Some(reason)) => Settlement::Failed { reason: reason.clone() },
            (None, None) => Settlement::Delivered,
        };
        // Before it is settled, so that a stop in between does not leave it undone.
        self.after_delivery(platform, entry).await;
        let is_delivered = settlement == Settlement::Delivered;
        self.settle(entry.sequence, settlement).await?;
        if is_delivered {
            let since = entry.reopened_at.unwrap_or(entry.accepted_at);
            count::delivered(since.age_at(Timestamp::now()));
        }
        Ok(Handled::Settled)
    }

    /// Takes a draft back whose place the reply will not take.
    async fn withdraw_draft(&self, entry: &Entry, number: u16) {
        if number == 1 && entry.draft.is_some() {
            self.withdraw(entry).await;
        }
    }

    /// Delivers one part, again and again while that is safe and the platform does not have it.
    async fn deliver_part(
        &self,
        platform: &Platform,
        entry: &Entry,
        envelope: &Envelope,
        mut tries: Tries,
    ) -> Result<Ended, JournalError> {
        let (sequence, number) = (entry.sequence, envelope.number);
        let begun = tokio::time::Instant::now();
        let waited_before = entry.reopened_at.unwrap_or(entry.accepted_at).age_at(Timestamp::now());
        let mut pauses = self.pauses();
        loop {
            let capabilities = platform.egress.capabilities();
            if !tries.may_repeat(capabilities.idempotency) {
                return self.unknown(sequence, number, STOPPED).await;
            }
            let limit = self.bot.settings.deliver_within();
            let left = limit.saturating_sub(waited_before + begun.elapsed());
            if left.is_zero() {
                let reason = format!("it could not be delivered within {} s", limit.as_secs());
                if tries.since.is_some() {
                    return self.unknown(sequence, number, &reason).await;
                }
                return Ok(Ended::Expired(reason));
            }
            let pause = platform.egress.pause(&envelope.to.conversation);
            tokio::select! {
                biased;
                () = self.abort.cancelled() => return Ok(Ended::Left),
                () = platform.halt.cancelled() => return Ok(Ended::Left),
                () = platform.throttle.turn(&envelope.to.conversation, pause) => {}
            }
            // Waiting may have taken long: asked again at the last moment.
            if !tries.may_repeat(capabilities.idempotency) {
                continue;
            }
            let at = Timestamp::now();
            self.record(sequence, vec![step(number, PartState::Sending { at: tries.since.unwrap_or(at) })])
                .await?;
            let send = debug_span!("send", number, platform = platform.name);
            let delivery =
                tokio::time::timeout(self.bot.settings.delivery_timeout(), platform.egress.deliver(envelope))
                    .instrument(send);
            let outcome = tokio::select! {
                outcome = delivery => outcome.unwrap_or_else(|_| Delivery::Ambiguous { reason: "the platform did not answer in time".to_owned() }),
                () = self.abort.cancelled() => Delivery::Ambiguous { reason: STOPPED.to_owned() },
            };
            let wait = match outcome {
                Delivery::Sent { id } => {
                    self.record(sequence, vec![step(number, PartState::Sent { id })]).await?;
                    return Ok(Ended::Sent);
                }
                Delivery::Permanent { reason } => {
                    self.record(sequence, vec![step(number, PartState::Failed { reason: reason.clone() })])
                        .await?;
                    return Ok(Ended::Failed(reason));
                }
                Delivery::Unauthorised { reason } => {
                    self.record(sequence, vec![step(number, self.undone(&tries))]).await?;
                    platform.stop_because(reason);
                    return Ok(Ended::Left);
                }
                Delivery::Ambiguous { reason } => {
                    tries.since.get_or_insert(at);
                    if !tries.may_repeat(capabilities.idempotency) {
                        return self.unknown(sequence, number, &reason).await;
                    }
                    tracing::warn!(%sequence, reason, "delivering again, by the same key");
                    None
                }
                Delivery::Retry { after, reason } => {
                    tracing::warn!(%sequence, reason, ?after, "not delivered yet");
                    self.record(sequence, vec![step(number, self.undone(&tries))]).await?;
                    after
                }
            };
            // No longer than until it is given up.
            let pause = pauses.next().unwrap_or_default().max(wait.unwrap_or_default()).min(left);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.abort.cancelled() => return Ok(Ended::Left),
                () = platform.halt.cancelled() => return Ok(Ended::Left),
            }
        }
    }

    /// The state of a part after a try that surely failed: as before it.
    fn undone(&self, tries: &Tries) -> PartState {
        tries.since.map_or(PartState::Prepared, |at| PartState::Sending { at })
    }

    async fn unknown(&self, sequence: Sequence, number: u16, reason: &str) -> Result<Ended, JournalError> {
        let reason = reason.to_owned();
        self.record(sequence, vec![step(number, PartState::Unknown { reason: reason.clone() })]).await?;
        Ok(Ended::Unknown(reason))
    }
}

impl Platform {
    /// Stops speaking to the platform until a person has acted and the bot is started again.
    fn stop_because(&self, reason: String) {
        tracing::error!(
            platform = self.name,
            reason,
            "the platform does not let the bot in; replies to it stay owed"
        );
        self.halted_because.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_or_insert(reason);
        self.halt.cancel();
    }
}

fn step(number: u16, state: PartState) -> Step {
    Step::Part { number, state }
}

/// The key that the first part of the reply to an event has.
pub(crate) fn first_key(inbound: &Inbound) -> IdempotencyKey {
    key(inbound, 1)
}

/// The key of a part: a digest of the event and the part's number, the same after every restart.
fn key(inbound: &Inbound, number: u16) -> IdempotencyKey {
    let mut hash = Sha256::new();
    for text in [&inbound.conversation.to_string(), &inbound.id.0] {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    hash.update(number.to_le_bytes());
    IdempotencyKey(hash.finalize()[..12].iter().map(|byte| format!("{byte:02x}")).collect())
}
