//! Discord's REST API and gateway, as a test needs them: what people do goes in, what they see and what the bot asked for comes out.
//!
//! It is written from Discord's documentation, and must know nothing of any bot's framework: what it is trusted for is that clients
//! which know nothing of it either work with it.
//!
#![doc = include_str!("../README.md")]
#![recursion_limit = "256"]

mod doorway;

mod ids;
mod world;

mod faults;
mod limits;
mod record;

mod gateway;
mod rest;

mod people;
mod seen;
mod view;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::faults::Faults;
use crate::limits::Limits;
use crate::world::World;

pub use crate::faults::{Fault, Plan};
pub use crate::ids::Id;
pub use crate::people::Say;
pub use crate::record::Request;
pub use crate::seen::{Answer, Reaction, Shown, Typing};
pub use crate::world::channel::Overwrite;
pub use crate::world::permissions;

/// How the server is to be: the defaults are the real one's, but that its clock for limits runs faster.
#[derive(Clone)]
pub struct Options {
    /// The bot's token.
    pub token: String,
    /// The bot's name.
    pub bot: String,
    /// Whether the application may have the intent to read what messages say.
    pub message_content: bool,
    /// Whether the application may have the intents for members and presences.
    pub members_and_presences: bool,
    /// How many times faster than the real one's the windows of the rate limits pass; `None` for no limits at all.
    pub pace: Option<f64>,
    /// How often a client has to send a heartbeat.
    pub heartbeat: Duration,
    /// How many shards are recommended.
    pub shards: u32,
    /// How long an interaction waits for its first answer.
    pub interaction_wait: Duration,
    /// How long an interaction's token is good for follow-ups.
    pub token_life: Duration,
    /// How long a session can be resumed after its connection is gone.
    pub session_life: Duration,
    /// How long [`Discord::until`] waits.
    pub patience: Duration,
    /// Where clients are told that the gateway is, such as a proxy with TLS before it; without it, its own address.
    pub gateway: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            token: "MTAwMDAwMDAwMDAwMDAwMDAx.GfakeX.a-token-for-tests-only-0123456789abcdef".into(),
            bot: "Mira".into(),
            message_content: true,
            members_and_presences: false,
            pace: Some(50.0),
            heartbeat: Duration::from_millis(41_250),
            shards: 1,
            interaction_wait: Duration::from_secs(3),
            token_life: Duration::from_secs(15 * 60),
            session_life: Duration::from_secs(180),
            patience: Duration::from_secs(60),
            gateway: None,
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the token: what prints options may be a log.
        f.debug_struct("Options").field("bot", &self.bot).field("pace", &self.pace).finish_non_exhaustive()
    }
}

/// The server. It ends with its last use.
pub struct Discord {
    pub(crate) shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl Drop for Discord {
    fn drop(&mut self) {
        self.serving.abort();
        self.shared.doorway.break_all();
    }
}

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) options: Options,
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    world: Mutex<World>,
    changed: watch::Sender<u64>,
    pub(crate) doorway: doorway::Lines,
    pub(crate) faults: Faults,
    pub(crate) limits: Limits,
    pub(crate) requests: record::Requests,
}

impl Shared {
    /// Where clients are told that the gateway is.
    pub(crate) fn gateway(&self) -> String {
        self.options.gateway.clone().unwrap_or_else(|| format!("ws://{}", self.address))
    }

    /// To look only.
    pub(crate) fn look(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To change something; whoever waits looks again then.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let outcome = change(&mut self.look());
        self.changed.send_modify(|count| *count += 1);
        outcome
    }
}

impl Discord {
    /// Starts one on a free port.
    ///
    /// # Errors
    /// When there is no free port.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let listener =
            TcpListener::bind("127.0.0.1:0").await.context("no free port for the fake of Discord")?;
        let address = listener.local_addr()?.to_string();
        let shared = Arc::new(Shared {
            world: Mutex::new(World::new(&options, &address)),
            limits: Limits::new(options.pace),
            options,
            address,
            changed: watch::Sender::new(0),
            doorway: doorway::Lines::default(),
            faults: Faults::default(),
            requests: record::Requests::default(),
        });
        let app = rest::router(shared.clone());
        let door = doorway::Doorway::new(listener, shared.doorway.clone());
        let serving = tokio::spawn(async move {
            let service = app.into_make_service_with_connect_info::<doorway::Line>();
            if let Err(error) = axum::serve(door, service).await {
                tracing::warn!(%error, "the fake of Discord ended");
            }
        });
        Ok(Self { shared, serving })
    }

    /// Where it is: `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.shared.address
    }

    /// What stands in for `https://discord.com`.
    pub fn url(&self) -> String {
        format!("http://{}", self.shared.address)
    }

    /// The bot's token.
    pub fn token(&self) -> &str {
        &self.shared.options.token
    }

    /// Where a channel is drawn as people see it, for a browser.
    pub fn view(&self, channel: Id) -> String {
        format!("{}/view/{channel}", self.url())
    }

    /// Waits until there is something to see.
    ///
    /// # Errors
    /// When there is nothing to see for [`Options::patience`]; it says what was waited for.
    pub async fn until<T>(&self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> anyhow::Result<T> {
        let mut changed = self.shared.changed.subscribe();
        let waiting = async {
            loop {
                changed.mark_unchanged();
                if let Some(seen) = look(self) {
                    return seen;
                }
                // The sender lives as long as `self`, so this fails never.
                let _ = changed.changed().await;
            }
        };
        tokio::time::timeout(self.shared.options.patience, waiting)
            .await
            .with_context(|| format!("waited {:?} in vain for: {what}", self.shared.options.patience))
    }
}
