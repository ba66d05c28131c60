//! What goes over the wire: a line of JSON for everything that either side says. In: a value. Out: its line, and the other way
//! round. Knows neither sockets nor Loquat.

use serde::{Deserialize, Serialize};

/// What the server says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ServerLine {
    /// Somebody did something.
    Event(Happened),
    /// The message of this key is there, under this id.
    Sent {
        key: String,
        id: String,
    },
    /// The message of this key is not there.
    Refused {
        key: String,
        /// Why, in the codes of HTTP: 400, 403, 413, 429, 500.
        code: u16,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    },
    /// Asks for a `pong` of the same number.
    Ping(u64),
    Pong(u64),
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Happened {
    /// The event's own id; for a new message it is the message's id.
    pub(crate) id: String,
    pub(crate) channel: String,
    pub(crate) sender: String,
    #[serde(default)]
    pub(crate) text: String,
    /// The message that is changed to this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) edit_of: Option<String>,
    /// The message that is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delete_of: Option<String>,
}

/// What the bot says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BotLine {
    /// The event of this id is safe; the server may forget it.
    Received(String),
    Send(Post),
    /// Asks for a `pong` of the same number.
    Ping(u64),
    Pong(u64),
}

/// A message of the bot's.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Post {
    pub(crate) key: String,
    pub(crate) channel: String,
    pub(crate) in_reply_to: String,
    pub(crate) text: String,
}

/// The line, with its end. JSON escapes line breaks, so no text can end its line.
pub(crate) fn line(said: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(said)?;
    line.push(b'\n');
    Ok(line)
}
