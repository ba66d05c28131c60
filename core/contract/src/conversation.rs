//! Which conversation a message belongs to. In: what a platform calls a chat. Out: one canonical key.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The bot, the platform, the channel on it and, where the platform has them, the thread.
///
/// Sessions, queues and journal entries are keyed by this; two conversations never share state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConversationId {
    /// The bot's name in its config.
    pub bot: String,
    /// The connector's name, such as `web`.
    pub platform: String,
    /// The platform's own id of the chat, room or direct message.
    pub channel: String,
    /// The platform's own id of the thread or topic inside the channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
}

impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.bot, self.platform, self.channel)?;
        if let Some(thread) = &self.thread {
            write!(f, "/{thread}")?;
        }
        Ok(())
    }
}
