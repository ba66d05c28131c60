//! Which conversation a message belongs to. In: what a platform calls a chat. Out: one canonical key.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The bot, the platform, the channel on it and, where the platform has them, the thread.
///
/// Sessions, queues and journal entries are keyed by this; two conversations never share state. Its text is
/// `bot/platform/channel` or `bot/platform/channel/thread`; a `/` or `%` inside a part is written `%2F` or `%25`, so
/// the text says which conversation it is without doubt, and parses back to it.
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
        write!(f, "{}/{}/{}", escape(&self.bot), escape(&self.platform), escape(&self.channel))?;
        match &self.thread {
            Some(thread) => write!(f, "/{}", escape(thread)),
            None => Ok(()),
        }
    }
}

/// A text that names no conversation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names no conversation; write bot/platform/channel or bot/platform/channel/thread, as `loquat ledger` prints it"
)]
pub struct NoConversation(pub String);

impl FromStr for ConversationId {
    type Err = NoConversation;

    fn from_str(text: &str) -> Result<Self, NoConversation> {
        let parts: Vec<&str> = text.split('/').collect();
        let (bot, platform, channel, thread) = match parts[..] {
            [bot, platform, channel] => (bot, platform, channel, None),
            [bot, platform, channel, thread] => (bot, platform, channel, Some(thread)),
            _ => return Err(NoConversation(text.to_owned())),
        };
        let part = unescape;
        Ok(Self {
            bot: part(bot),
            platform: part(platform),
            channel: part(channel),
            thread: thread.map(part),
        })
    }
}

fn escape(part: &str) -> String {
    part.replace('%', "%25").replace('/', "%2F")
}

fn unescape(part: &str) -> String {
    part.replace("%2F", "/").replace("%25", "%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_an_id_is_read_back_as_the_same_id() {
        for (channel, thread) in [("#rust", None), ("a/b%2F", Some("t/1")), ("%", Some(""))] {
            let id = ConversationId {
                bot: "My Bot".into(),
                platform: "irc".into(),
                channel: channel.into(),
                thread: thread.map(str::to_owned),
            };
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert!("bot/irc".parse::<ConversationId>().unwrap_err().to_string().contains("loquat ledger"));
    }
}
