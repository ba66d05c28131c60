//! Events go to the sink, one after the other. In: events. Out: accepted events, `received` for the server, and notices for people
//! whose message was not accepted. Knows nothing of reading.

use loquat_contract::{ConnectorError, Receipt, Refusal, Sink};
use tokio::sync::mpsc;

use super::understand::understand;
use crate::deliver::{Connection, Link};
use crate::wire::{BotLine, Happened, Post};

/// What it takes to hand events on.
pub(super) struct HandOn<'a> {
    /// The bot's name in conversation ids.
    pub(super) bot: &'a str,
    pub(super) link: &'a Link,
    pub(super) connection: &'a Connection,
    pub(super) sink: &'a dyn Sink,
}

impl HandOn<'_> {
    /// Hands on until there are no more events, or the connection is gone.
    pub(super) async fn run(&self, mut events: mpsc::Receiver<Happened>) -> Result<(), ConnectorError> {
        while let Some(event) = events.recv().await {
            self.hand_on(event).await?;
        }
        Ok(())
    }

    async fn hand_on(&self, event: Happened) -> Result<(), ConnectorError> {
        let id = event.id.clone();
        let inbound = understand(self.bot, event);
        let to = inbound.address();
        // Before the sink has it, since the reply may be faster than the next line of this function.
        if inbound.text().is_some() {
            self.link.owes(&to);
        }
        let taken = self.sink.accept(inbound).await;
        if !matches!(taken, Ok(Receipt::Accepted)) {
            self.link.settled(&to);
        }
        let notice = match &taken {
            Ok(Receipt::Answered(text)) => Some(text.clone()),
            Err(refusal) if refusal.is_final() => Some(refusal.to_string()),
            // The server sends what is refused for now again, so the person need not.
            Ok(_) | Err(_) => None,
        };
        if let Some(text) = notice {
            // By this key it is shown once, should the event come again.
            let (key, channel) = (format!("notice-{id}"), to.conversation.channel);
            let post = Post { key, channel, in_reply_to: to.in_reply_to.0, text };
            self.connection.write(&BotLine::Send(post)).await?;
        }
        // Only now, and only where the event is done with: the server forgets it.
        if taken.as_ref().err().is_none_or(Refusal::is_final) {
            self.connection.write(&BotLine::Received(id)).await?;
        }
        Ok(())
    }
}
