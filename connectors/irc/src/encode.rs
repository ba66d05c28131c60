//! A part of a reply as a line of IRC. In: an envelope. Out: the bytes to write, within what others see whole. Knows no
//! connection.

use loquat_contract::{Envelope, MessageId};

use crate::Config;
use crate::names::is_channel;

/// A line with its end (RFC 2812, section 2.3).
const LINE: usize = 512;
/// The longest nick, user name (with `~` before it) and host that servers in use give out.
const NICK: usize = 30;
const USER: usize = 11;
const HOST: usize = 64;
/// The longest channel name that servers in use allow.
const CHANNEL: usize = 64;
/// What the first part of an answer in a channel begins with at most: a nick, a colon and a space.
const ADDRESSED: usize = NICK + 2;

/// How many bytes of text fit into a message.
///
/// Servers cut what is behind 512 bytes, and they count the line as others get it: `:nick!user@host PRIVMSG #channel :text` and
/// the line's end. The host that they give the bot is not known before, and may change; so the longest of everything is
/// taken, and room is left for the nick of the person who is addressed.
pub(crate) fn room(config: &Config) -> usize {
    // Where the nick is in use, up to five `_` are added.
    let nick = NICK.max(config.nickname.len() + 5);
    let longest = config.channels.iter().map(String::len).max().unwrap_or(0).max(CHANNEL);
    let around = ":!@ ".len() + nick + USER + HOST + "PRIVMSG ".len() + longest + " :".len() + "\r\n".len();
    LINE.saturating_sub(around + ADDRESSED).max(100)
}

/// One line's worth of a text: line breaks become spaces, and control characters go, so that no text can end its line, begin
/// another command, or pass for CTCP.
pub(crate) fn line(text: &str) -> String {
    let visible = |c: char| match c {
        '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => Some(' '),
        c if c.is_control() => None,
        c => Some(c),
    };
    text.chars().filter_map(visible).collect::<String>().trim().to_owned()
}

/// The same, cut where it is longer than `room`, for what the host does not cut.
pub(crate) fn cut(text: &str, room: usize) -> String {
    let line = line(text);
    match line.len() > room {
        true => line[..line.floor_char_boundary(room.saturating_sub(3))].to_owned() + "…",
        false => line,
    }
}

/// The id of a message that `nick` sent, which an answer can be addressed by.
pub(crate) fn message_id(id: &str, nick: &str) -> MessageId {
    MessageId(format!("{id} {nick}"))
}

/// Who sent the message of this id.
pub(crate) fn asker(id: &MessageId) -> Option<&str> {
    id.0.rsplit_once(' ').map(|(_, nick)| nick).filter(|nick| !nick.is_empty() && nick.len() <= NICK)
}

/// A part as it goes over the wire.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Encoded {
    /// The channel or nick that it goes to.
    pub(crate) target: String,
    /// The line, with its end.
    pub(crate) line: String,
}

/// The part for a channel or nick, or why there is no way to say it on IRC.
pub(crate) fn encode(envelope: &Envelope, target: String, room: usize) -> Result<Encoded, &'static str> {
    // A comma would make it several targets.
    if target.is_empty() || target.starts_with(':') || target.contains([' ', ',', '\r', '\n', '\0']) {
        return Err("the conversation's channel is no channel or nick of IRC");
    }
    let text = line(&envelope.part.text);
    if text.is_empty() {
        return Err("nothing is left of the text without control characters");
    }
    if text.len() > room {
        return Err("the text is longer than a line of IRC");
    }
    let text = match asker(&envelope.to.in_reply_to) {
        Some(nick) if is_channel(&target) && envelope.number == 1 => format!("{}: {text}", line(nick)),
        _ => text,
    };
    let line = format!("PRIVMSG {target} :{text}\r\n");
    Ok(Encoded { target, line })
}
