//! An event of the server's becomes one of the host's. In: what came over the wire. Out: what the engine and the journal know. Knows no
//! connection.

use loquat_contract::{ConversationId, Event, Inbound, MessageId, Sender};

use crate::PLATFORM;
use crate::wire::Happened;

/// What happened, as the host knows it. The ids are the platform's own, so that what comes twice is recognised.
pub(crate) fn understand(bot: &str, happened: Happened) -> Inbound {
    let Happened { id, channel, sender, text, edit_of, delete_of } = happened;
    let (bot, platform) = (bot.to_owned(), PLATFORM.to_owned());
    let event = match (edit_of, delete_of) {
        (_, Some(message)) => Event::Deletion { message: MessageId(message) },
        (Some(message), None) => Event::Edit { message: MessageId(message), now: text.into() },
        (None, None) => Event::Message(text.into()),
    };
    Inbound {
        id: MessageId(id),
        conversation: ConversationId { bot, platform, channel, thread: None },
        sender: Sender::new(sender),
        sent_at: None,
        ticket: None,
        event,
    }
}
