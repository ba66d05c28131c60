//! The fake by itself, where the clients that judge it do not reach: refusals, limits, permissions, intents, shards, compression,
//! faults, and the page that draws a channel.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

#[path = "server/asking.rs"]
mod asking;
#[path = "server/client.rs"]
mod client;
#[path = "server/events.rs"]
mod events;
#[path = "server/faults.rs"]
mod faults;
#[path = "server/gateway.rs"]
mod gateway;
#[path = "server/limits.rs"]
mod limits;
#[path = "server/mentions.rs"]
mod mentions;
#[path = "server/refusals.rs"]
mod refusals;
#[path = "server/view.rs"]
mod view;
