//! A Telegram of our own, for tests: a server of the Bot API over HTTP, and people who use it. In go the calls of a bot, whatever
//! library it is written with, and the deeds of people; out come updates, answers, and what people see. It is written from the
//! documentation of the Bot API, and knows nothing of any bot.
//!
//! ```
//! # fn main() -> anyhow::Result<()> {
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use loquat_fake_telegram::{Options, Telegram};
//!
//! let telegram = Telegram::start(Options::default()).await?;
//! let ann = telegram.user("Ann");
//! let chat = telegram.private(&ann);
//! let told = telegram.say(chat, &ann, "hello")?;
//! // A bot that is pointed at `telegram.url()` with `telegram.token()` gets the update now.
//! assert!(!telegram.is_acknowledged(told.update.unwrap_or_default()));
//! assert_eq!(telegram.messages(chat)[0].text, "hello");
//! # anyhow::Ok(())
//! # })
//! # }
//! ```

mod people;

mod connection;
mod server;

mod faults;
mod limits;
mod request;

mod entities;
mod methods;
mod refusal;

mod updates;
mod webhook;

mod shape;
mod world;

mod seen;
mod view;

use std::sync::Arc;
use std::time::Duration;

pub use crate::entities::Entity;
pub use crate::faults::{Calls, Fault, Plan};
pub use crate::people::{Heard, Pressed, Saying, Sent, Told};
pub use crate::request::{Params, Upload};
pub use crate::seen::{Button, Seen, SeenFile};
pub use crate::world::{Call, CallbackAnswer, Draft, Kind, Standing, User};

/// How a [`Telegram`] is.
#[derive(Clone)]
pub struct Options {
    /// The bot's token.
    pub token: String,
    /// The bot's name.
    pub bot_name: String,
    /// The name after the `@`.
    pub bot_username: String,
    /// What version of the Bot API it speaks; methods that came later are not found.
    pub bot_api_version: (u8, u8),
    /// Whether the bot sees in groups only what is meant for it.
    pub privacy_mode: bool,
    /// The documented rate limits, this many times as fast; `None` for no limits.
    pub faster_limits: Option<f64>,
    /// For how long a draft is shown.
    pub draft_lifetime: Duration,
    /// Until when a pressed button can be answered.
    pub callback_lifetime: Duration,
    /// For how long the webhook may take to answer.
    pub webhook_timeout: Duration,
    /// After how long a refused update goes to the webhook again, at first.
    pub webhook_retry: Duration,
    /// After how long without any connection a bot that polls counts as gone.
    pub gone_after: Duration,
    /// How long [`Telegram::until`] waits.
    pub patience: Duration,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("bot_username", &self.bot_username)
            .field("bot_api_version", &self.bot_api_version)
            .finish_non_exhaustive()
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            token: "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw".to_owned(),
            bot_name: "Loquat".to_owned(),
            bot_username: "loquat_test_bot".to_owned(),
            bot_api_version: (9, 6),
            privacy_mode: true,
            faster_limits: None,
            draft_lifetime: Duration::from_secs(30),
            callback_lifetime: Duration::from_secs(60),
            webhook_timeout: Duration::from_secs(60),
            webhook_retry: Duration::from_millis(500),
            gone_after: Duration::from_secs(1),
            patience: Duration::from_secs(120),
        }
    }
}

/// A server of the Bot API with one bot, and the people around it. It ends when it is dropped.
pub struct Telegram {
    pub(crate) shared: Arc<server::Shared>,
    serving: tokio::task::JoinHandle<()>,
}

impl Telegram {
    /// Starts it on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let (shared, serving) = server::start(options).await?;
        Ok(Self { shared, serving })
    }

    /// Where it is: what a client puts in place of the real server's scheme and host.
    pub fn url(&self) -> String {
        format!("http://{}", self.shared.address)
    }

    /// The bot's token.
    pub fn token(&self) -> String {
        self.shared.options.token.clone()
    }

    /// The bot itself.
    pub fn bot(&self) -> User {
        self.shared.world().bot.clone()
    }

    /// Lets the next call of this kind end badly. Armed faults happen in the order in which they were armed.
    pub fn arm(&self, calls: Calls, fault: Fault) {
        self.shared.faults().arm(calls, fault);
    }

    /// Lets calls end badly at random from now on.
    pub fn plan(&self, plan: Plan) {
        self.shared.faults().plan(plan);
    }

    /// Forgets what is armed and planned, and lets everything through again; connections on which nothing got through break.
    pub fn calm(&self) {
        self.shared.faults().clear();
        self.shared.wires.calm();
    }

    /// Breaks all connections that are there now.
    pub fn break_connections(&self) {
        self.shared.wires.break_all();
    }

    /// How many calls have ended badly on purpose.
    pub fn faults(&self) -> usize {
        self.shared.faults().happened
    }

    /// How many connections were opened so far.
    pub fn opened_connections(&self) -> usize {
        self.shared.wires.opened()
    }

    /// How many connections have ended so far.
    pub fn ended_connections(&self) -> usize {
        self.shared.wires.ended()
    }

    /// How many polls lost their connection before they were answered.
    pub fn abandoned_polls(&self) -> usize {
        self.shared.world().queue.abandoned
    }
}

impl Drop for Telegram {
    fn drop(&mut self) {
        self.serving.abort();
        self.shared.wires.break_all();
        // A webhook's task ends when it sees that its webhook is gone.
        self.shared.world().webhook = None;
    }
}

impl std::fmt::Debug for Telegram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Telegram").field("address", &self.shared.address).finish_non_exhaustive()
    }
}
