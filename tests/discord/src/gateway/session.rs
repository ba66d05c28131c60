//! Sessions: what a bot was told, to tell it again when it resumes.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use crate::doorway::Line;
use crate::ids::Id;

/// How many events are kept for a client that resumes.
const KEPT: usize = 20_000;

/// What a connection is to do.
pub(crate) enum Order {
    /// Send this event.
    Dispatch(String),
    /// Close it with this code.
    Close(u16),
    /// Ask the client to connect anew.
    Reconnect,
    /// Say that the session is invalid, and whether it can be resumed.
    Invalidate(bool),
    /// Ask for a heartbeat.
    AskHeartbeat,
    /// Stay open, and neither hear nor say anything.
    Zombie,
    /// Acknowledge heartbeats or not.
    Acknowledge(bool),
}

/// The way to a connection.
#[derive(Clone)]
pub(crate) struct Outlet {
    pub(crate) sender: UnboundedSender<Order>,
    pub(crate) line: Line,
}

impl Outlet {
    pub(crate) fn order(&self, order: Order) {
        // A connection that is gone needs no orders.
        let _ = self.sender.send(order);
    }
}

/// A session of the bot.
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) shard: (u64, u64),
    pub(crate) intents: u64,
    pub(crate) sequence: u64,
    told: VecDeque<(u64, String)>,
    pub(crate) outlet: Option<Outlet>,
    pub(crate) lost: Option<Instant>,
    /// How often it was resumed.
    pub(crate) resumed: usize,
    /// Told READY or RESUMED on the connection that it has.
    pub(crate) is_ready: bool,
}

impl Session {
    pub(crate) fn new(id: String, shard: (u64, u64), intents: u64, outlet: Outlet) -> Self {
        Self {
            id,
            shard,
            intents,
            sequence: 0,
            told: VecDeque::new(),
            outlet: Some(outlet),
            lost: None,
            resumed: 0,
            is_ready: false,
        }
    }

    /// Whether a guild's events are this shard's. What belongs to no guild is the first one's.
    pub(crate) fn has(&self, guild: Option<Id>) -> bool {
        let (index, count) = self.shard;
        guild.map_or(0, |guild| (guild.0 >> 22) % count.max(1)) == index
    }

    /// Tells it something, or keeps it for when it comes back.
    pub(crate) fn dispatch(&mut self, name: &str, data: &Value) {
        self.sequence += 1;
        let text = json!({"op": 0, "t": name, "s": self.sequence, "d": data}).to_string();
        self.told.push_back((self.sequence, text.clone()));
        if self.told.len() > KEPT {
            self.told.pop_front();
        }
        if let Some(outlet) = &self.outlet {
            outlet.order(Order::Dispatch(text));
        }
    }

    /// Tells again what came after this number on a new connection. `false` where that is too long ago.
    pub(crate) fn replay(&mut self, after: u64, outlet: Outlet) -> bool {
        let oldest = self.told.front().map_or(self.sequence + 1, |(number, _)| *number);
        if after + 1 < oldest || after > self.sequence {
            return false;
        }
        for (_, text) in self.told.iter().filter(|(number, _)| *number > after) {
            outlet.order(Order::Dispatch(text.clone()));
        }
        self.outlet = Some(outlet);
        self.lost = None;
        self.resumed += 1;
        self.dispatch("RESUMED", &json!({"_trace": ["[\"fake\"]"]}));
        self.is_ready = true;
        true
    }

    /// Its connection is gone, if it was this one.
    pub(crate) fn lose(&mut self, outlet: &Outlet) {
        if self.outlet.as_ref().is_some_and(|own| own.sender.same_channel(&outlet.sender)) {
            self.outlet = None;
            self.is_ready = false;
            self.lost = Some(Instant::now());
        }
    }

    /// Whether it can still be resumed.
    pub(crate) fn lives(&self, life: Duration) -> bool {
        self.lost.is_none_or(|lost| lost.elapsed() < life)
    }
}
