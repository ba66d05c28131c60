//! A part of a reply as the platform's message. In: an envelope. Out: what goes over the wire. Knows no connection.

use loquat_contract::{Envelope, Length, LengthUnit};

use crate::wire::Post;

/// The longest message that the server takes.
pub(crate) const LONGEST: Length = Length { limit: 500, unit: LengthUnit::Utf16 };

/// The part, or why it cannot be said here.
pub(crate) fn encode(envelope: &Envelope) -> Result<Post, &'static str> {
    let text = envelope.part.text.trim();
    if text.is_empty() {
        return Err("the text is empty");
    }
    // The host cuts replies to this length, so one that is longer is a fault. Cutting it here would hide that.
    if LONGEST.unit.measure(text) > LONGEST.limit {
        return Err("the text is longer than 500 UTF-16 units");
    }
    // The text may hold whatever a person or a graph wrote. The server shows it as it is: nothing in it is markup, or calls
    // anybody. On another platform, this is the place to escape it.
    Ok(Post {
        key: envelope.key.0.clone(),
        channel: envelope.to.conversation.channel.clone(),
        in_reply_to: envelope.to.in_reply_to.0.clone(),
        text: text.to_owned(),
    })
}
