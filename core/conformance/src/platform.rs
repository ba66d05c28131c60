//! What the kit asks of a connector's author: a fake of the platform, and how to connect to it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use loquat_contract::{Egress, Ingress};

/// A connector and the fake that it is tried out on.
pub trait Fixture: Send + Sync + 'static {
    /// The platform's name, as in conversation ids.
    const PLATFORM: &'static str;

    /// The fake of the platform.
    type Platform: Platform;

    /// The connector, to be connected to the fake at this [`Platform::address`]. Called in the bot's process, inside a tokio
    /// runtime; `bot` is the bot's name for conversation ids.
    ///
    /// # Errors
    /// When it cannot be made.
    fn connect(address: &str, bot: &str) -> anyhow::Result<Connector>;
}

/// The two halves of a connector.
pub struct Connector {
    /// The receiving half.
    pub ingress: Arc<dyn Ingress>,
    /// The sending half.
    pub egress: Arc<dyn Egress>,
}

/// A fake of the platform. It lives in the test's process, and goes on while the bot is killed and started again.
pub trait Platform: Send + Sync + Sized + 'static {
    /// Starts the fake on a free port of 127.0.0.1.
    fn start() -> impl Future<Output = anyhow::Result<Self>> + Send;

    /// What [`Fixture::connect`] needs to find it.
    fn address(&self) -> String;

    /// Returns once a bot is connected, or can be reached: the next [`act`](Self::act) will get to it.
    fn ready(&self) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Somebody does something. Returns once the bot is told, and where the platform gets an acknowledgement, once that is
    /// there or will not come any more because the bot is gone.
    fn act(&self, act: &Act) -> impl Future<Output = Heard> + Send;

    /// What people in this channel see of the bot, in order. With an idempotency key, as the platform shows it: once.
    fn shown(&self, channel: &str) -> Vec<Shown>;

    /// Makes the next delivery of the bot end in this way. `false` where that cannot happen on this platform.
    fn arm(&self, fault: &Fault) -> bool;

    /// Whether an act of an [`Act::id`] that was used before reaches the bot as the same message, as platforms do that deliver
    /// again what was not acknowledged.
    fn keeps_ids(&self) -> bool {
        true
    }

    /// Whether messages of one channel reach the bot in the order in which they were said, also where nobody waits for the one
    /// before. Acts of one channel that are begun one after the other are then in that order.
    fn keeps_order(&self) -> bool {
        true
    }

    /// Whether several people can talk in one channel, and the platform says who says what.
    fn tells_people_apart(&self) -> bool {
        true
    }

    /// Somebody presses a button. Returns like [`act`](Self::act): [`Heard::Acknowledged`] once the platform was told that the press
    /// arrived, be it with a refusal, and [`Heard::NotAcknowledged`] where there is no such button. `None` where there are no buttons.
    fn press(&self, press: &Press) -> impl Future<Output = Option<Heard>> + Send {
        let _ = press;
        async { None }
    }

    /// Somebody uses a command of the platform's menu. Returns like [`act`](Self::act). `None` where there is no menu.
    fn command(&self, command: &Command) -> impl Future<Output = Option<Heard>> + Send {
        let _ = command;
        async { None }
    }

    /// Whether messages that were said while no bot was connected get to the next one without being asked for. Where they have to be asked
    /// for, the connector says so itself (`Capabilities::backfill`).
    fn keeps_for_absent(&self) -> bool {
        false
    }

    /// How many connections of the bot's have ended so far, where the fake counts them. Without acknowledgements, a message may be
    /// lost with its connection; any other that is lost is held against the connector.
    fn broken_connections(&self) -> usize {
        0
    }

    /// Whether the platform can do this to a message; `false` skips the checks that need it.
    fn knows(&self, deed: &Deed) -> bool {
        matches!(deed, Deed::Say(_))
    }
}

/// Somebody presses a button below a message of the bot's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Press {
    /// Where, as [`Act::channel`].
    pub channel: String,
    /// Who, as [`Act::sender`].
    pub sender: String,
    /// A word that the message has; the newest of several is meant.
    pub on: String,
    /// What the button says.
    pub label: String,
}

/// Somebody uses a command of the platform's menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Where, as [`Act::channel`].
    pub channel: String,
    /// Who, as [`Act::sender`].
    pub sender: String,
    /// An id, as [`Act::id`].
    pub id: String,
    /// Its name, without slash: one that the bot has offered.
    pub name: String,
    /// What stands behind it.
    pub argument: String,
}

/// Something that somebody does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// Where: a plain word of letters and digits, from which the fake makes its own kind of channel.
    pub channel: String,
    /// The message's id: a plain word. Where the platform's fake makes ids itself, it may ignore it; for acts of the same id
    /// the bot has to get the same id.
    pub id: String,
    /// Who: a plain word.
    pub sender: String,
    /// What.
    pub deed: Deed,
}

/// What somebody does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// They say this, to the bot.
    Say(String),
    /// They change the message of this id.
    Edit {
        /// The message's [`Act::id`].
        message: String,
        /// What it says now.
        text: String,
    },
    /// They take back the message of this id.
    Delete {
        /// The message's [`Act::id`].
        message: String,
    },
}

/// What the platform knows of the bot having heard an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The bot said that it has it. From now on it must not be lost.
    Acknowledged,
    /// The bot did not say so: it could not keep it, or it is gone. Where the platform has answers for that, also a refusal.
    NotAcknowledged,
    /// The platform has no acknowledgements.
    Unknowable,
}

/// A message of the bot's as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its words, without markup where the platform shows none of it.
    pub text: String,
    /// The idempotency key, where the platform was given one.
    pub key: Option<String>,
    /// Whom the platform would notify because of it, such as `everyone`.
    pub notified: Vec<String>,
    /// Why the platform would have refused or mangled it, such as being too long; `None` where it is fine.
    pub fault: Option<String>,
}

/// How a delivery can end badly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Refused: too many messages (429); with or without saying how long to wait.
    TooMany(Option<Duration>),
    /// Refused: the platform has a fault of its own (5xx), and did not take it.
    ServerError,
    /// The platform took it and never answers.
    TakenWithoutAnswer,
    /// The connection breaks in the middle of the message; the platform does not take it.
    BrokenOff,
    /// The connection looks alive, and nothing gets through in either direction.
    HalfOpen,
}
