//! Commands of those who run the bot. In: such a command, from somebody who may. Out: how the bot is; a conversation that it has left, a message
//! that it has removed.

use std::time::Duration;

use loquat_contract::{Entry, JournalError, Language, MessageId, PartState, Query, State};

use super::{Order, Wanted};
use crate::dispatch::{COURTESY, Platform, Shared};
use crate::explain::{is_part, reply_of};
use crate::wish::Wish;
use crate::words::{self, Words};

impl Shared {
    /// How the bot is.
    pub(crate) async fn status(&self, entry: &Entry, language: &Language) -> Result<String, JournalError> {
        let words = words::of(language);
        let count = async |state| {
            let query = Query { state: Some(state), ..Query::default() };
            Ok::<_, JournalError>(self.journal.entries(query).await?.len())
        };
        // The command itself is owed an answer too.
        let owed = self.journal.owed().await?.len().saturating_sub(1);
        let at_work = self.lanes().len();
        let mut text = words
            .status
            .replace("{version}", env!("CARGO_PKG_VERSION"))
            .replace("{uptime}", &lasted(self.begun.elapsed(), language))
            .replace("{at_work}", &at_work.to_string())
            .replace("{owed}", &owed.to_string())
            .replace("{unknown}", &count(State::Unknown).await?.to_string())
            .replace("{failed}", &count(State::Failed).await?.to_string());
        let recent = self.recent(&entry.inbound.conversation).await?;
        if let Some(reply) = recent.iter().rev().find_map(reply_of) {
            text += &words.status_graph.replace("{generation}", &reply.graph.to_string());
        }
        Ok(text)
    }

    /// Removes a message of the bot's, or all of an answer; what is said to that.
    pub(crate) async fn remove(
        &self,
        platform: &Platform,
        entry: &Entry,
        wanted: &Wanted,
        words: &'static Words,
    ) -> Result<&'static str, JournalError> {
        let conversation = &entry.inbound.conversation;
        let Some(administration) = platform.egress.administration() else { return Ok(words.cannot_remove) };
        let messages = match wanted {
            Wanted::About(message) => {
                let recent = self.recent(conversation).await?;
                let is_ours = recent.iter().any(|earlier| is_part(earlier, message));
                if is_ours { vec![message.clone()] } else { Vec::new() }
            }
            Wanted::Number(sequence) => {
                self.entry_of(*sequence, conversation).await?.as_ref().map(sent).unwrap_or_default()
            }
            Wanted::Back(_) | Wanted::Unclear => return Ok(words.remove_usage),
        };
        if messages.is_empty() {
            return Ok(words.not_mine);
        }
        let mut is_done = true;
        for message in &messages {
            let removed = tokio::time::timeout(COURTESY, administration.remove(conversation, message)).await;
            if !matches!(removed, Ok(Ok(()))) {
                tracing::warn!(%conversation, ?removed, "a message was not removed");
                is_done = false;
            }
        }
        Ok(if is_done { words.removed } else { words.not_removed })
    }

    /// Does what comes after an answer: leaves, once people have seen the farewell.
    pub(crate) async fn after_delivery(&self, platform: &Platform, entry: &Entry) {
        let inbound = &entry.inbound;
        if Wish::of(inbound) != Wish::Order(Order::Leave) || !self.gate.is_operator(inbound) {
            return;
        }
        let Some(administration) = platform.egress.administration() else { return };
        let left = tokio::time::timeout(COURTESY, administration.leave(&inbound.conversation)).await;
        if !matches!(left, Ok(Ok(()))) {
            tracing::warn!(conversation = %inbound.conversation, ?left, "the conversation was not left");
        }
    }
}

/// The messages that an answer was sent as.
fn sent(entry: &Entry) -> Vec<MessageId> {
    let id = |part: &PartState| match part {
        PartState::Sent { id } => id.clone(),
        _ => None,
    };
    entry.parts.iter().filter_map(id).collect()
}

/// A duration in its two largest units.
fn lasted(duration: Duration, language: &Language) -> String {
    let is_chinese = language.matches(&Language::chinese());
    let minutes = duration.as_secs() / 60;
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours, is_chinese) {
        (0, 0, false) => format!("{minutes} min"),
        (0, _, false) => format!("{hours} h {minutes} min"),
        (_, _, false) => format!("{days} d {hours} h"),
        (0, 0, true) => format!("{minutes} 分钟"),
        (0, _, true) => format!("{hours} 小时 {minutes} 分钟"),
        (_, _, true) => format!("{days} 天 {hours} 小时"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_said_in_two_units() {
        let said = |minutes: u64| lasted(Duration::from_secs(minutes * 60 + 30), &Language::english());
        assert_eq!([said(0), said(59), said(61), said(1500)], ["0 min", "59 min", "1 h 1 min", "1 d 1 h"]);
        assert_eq!(lasted(Duration::from_secs(90_000), &Language::chinese()), "1 天 1 小时");
    }
}
