//! How events are handled. In: the `delivery` table of a bot's file. Out: checked [`Settings`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::buttons::Action;

/// What happens to a message that comes while an earlier one of its conversation is being answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Overlap {
    /// It waits for its turn.
    #[default]
    Queue,
    /// Messages that follow one another quickly are answered together.
    Debounce,
    /// The earlier one is given up, unless its reply is made already.
    Interrupt,
}

/// How events are handled.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What happens to a message that comes while an earlier one is being answered: `queue`, `debounce` or `interrupt`.
    /// Default: `queue`.
    pub overlap: Overlap,
    /// With `debounce`: how long a person has to be silent before they are answered. Default: 1500.
    pub debounce_ms: u64,
    /// A message older than this is not answered any more when its turn comes, such as after a long downtime. Default: a day.
    pub answer_within_s: u64,
    /// A reply that could not be delivered for this long is given up. Default: a day.
    pub deliver_within_s: u64,
    /// The longest pause between two tries to deliver. Default: 30.
    pub longest_pause_s: u64,
    /// How long a platform may take to answer a delivery. Default: 30.
    pub delivery_timeout_s: u64,
    /// How long replies in flight are waited for at a stop; what is left is answered after the next start. Default: 10.
    pub stop_within_s: u64,
    /// How far back missed messages are asked for, where a platform keeps them. Default: a day.
    pub catch_up_s: u64,
    /// Buttons below replies, where a platform has buttons, in this order: `why`, `good`, `bad`, `retry`, `human`. Each is shown only where
    /// it is of use. Default: `why`, `good`, `bad`, `retry`.
    pub actions: Vec<Action>,
    /// What is said to somebody who wants to talk to a person: how to reach one. Without it, nobody is sent to a person. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub human: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        const DAY: u64 = 86_400;
        Self {
            overlap: Overlap::Queue,
            debounce_ms: 1500,
            answer_within_s: DAY,
            deliver_within_s: DAY,
            longest_pause_s: 30,
            delivery_timeout_s: 30,
            stop_within_s: 10,
            catch_up_s: DAY,
            actions: vec![Action::Why, Action::Good, Action::Bad, Action::Retry],
            human: None,
        }
    }
}

impl Settings {
    pub(crate) fn debounce(&self) -> Duration {
        Duration::from_millis(self.debounce_ms)
    }

    pub(crate) fn answer_within(&self) -> Duration {
        Duration::from_secs(self.answer_within_s)
    }

    pub(crate) fn deliver_within(&self) -> Duration {
        Duration::from_secs(self.deliver_within_s)
    }

    pub(crate) fn longest_pause(&self) -> Duration {
        Duration::from_secs(self.longest_pause_s)
    }

    pub(crate) fn delivery_timeout(&self) -> Duration {
        Duration::from_secs(self.delivery_timeout_s)
    }

    /// How long replies in flight are waited for at a stop.
    pub fn stop_within(&self) -> Duration {
        Duration::from_secs(self.stop_within_s)
    }

    pub(crate) fn catch_up(&self) -> Duration {
        Duration::from_secs(self.catch_up_s)
    }
}

/// The `delivery` table with every key at its default, as TOML.
pub fn sample() -> &'static str {
    r#"# How messages are handled and replies delivered, on every platform.
[delivery]
# What happens to a message that comes while an earlier one of its conversation is being answered:
#   queue      it waits for its turn;
#   debounce   messages that follow one another quickly are answered together;
#   interrupt  the earlier one is given up, unless its reply is made already.
overlap = "queue"
# With debounce: how long a person has to be silent before they are answered.
debounce_ms = 1500
# A message older than this is not answered any more when its turn comes, such as after a long downtime.
answer_within_s = 86400
# A reply that could not be delivered for this long is given up.
deliver_within_s = 86400
# The longest pause between two tries to deliver.
longest_pause_s = 30
# How long a platform may take to answer a delivery.
delivery_timeout_s = 30
# How long replies in flight are waited for at a stop; what is left is answered after the next start.
stop_within_s = 10
# How far back missed messages are asked for, where a platform keeps them.
catch_up_s = 86400
# Buttons below replies, where a platform has buttons, in this order: why, good, bad, retry, human. Each is shown only where it is of use.
actions = ["why", "good", "bad", "retry"]
# What is said to somebody who wants to talk to a person: how to reach one. Without it, nobody is sent to a person.
# human = "Write to support@example.org, and name the number of your order."
"#
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_says_the_defaults() {
        let table: toml::Table = sample().parse().unwrap();
        assert_eq!(table["delivery"].clone().try_into::<Settings>().unwrap(), Settings::default());
    }
}
