//! What the bot does to conversations beside talking. In: a conversation, or a message of the bot's in it. Out: it is left, or gone.

use loquat_contract::{Administration, BoxFuture, ConnectorError, ConversationId, MessageId};
use reqwest::Method;

use super::{DiscordEgress, channels, code};
use crate::receive::understand::message_of;
use crate::rest::{Call, Failure, Patience, Route};

impl DiscordEgress {
    /// Deletes it; `false` where it is gone already.
    async fn delete(&self, route: Route) -> Result<bool, ConnectorError> {
        match self.shared.rest.call(Call::new(Method::DELETE, route).patient(Patience::LONG)).await {
            Err(failure) if failure.is_code(&[code::UNKNOWN_MESSAGE, code::UNKNOWN_CHANNEL]) => Ok(false),
            Err(Failure::Refused { words, .. }) => {
                Err(ConnectorError::Lost(format!("Discord refuses it: {words}")))
            }
            Err(failure) => Err(failure.into()),
            Ok(_) => Ok(true),
        }
    }
}

fn no_ids() -> ConnectorError {
    ConnectorError::Lost("the conversation has no ids of Discord's".to_owned())
}

impl Administration for DiscordEgress {
    /// Leaves the thread; of a channel the server, since a bot cannot leave a channel alone; direct messages are closed.
    fn leave<'a>(&'a self, conversation: &'a ConversationId) -> BoxFuture<'a, Result<(), ConnectorError>> {
        Box::pin(async move {
            let (channel, thread) = channels(conversation).ok_or_else(no_ids)?;
            let route = match thread {
                Some(thread) => Route::my_thread(thread),
                None => match self.shared.place(channel).await?.guild {
                    Some(guild) => Route::my_guild(guild),
                    None => Route::channel(channel),
                },
            };
            self.delete(route).await.map(|_| ())
        })
    }

    fn remove<'a>(
        &'a self,
        conversation: &'a ConversationId,
        message: &'a MessageId,
    ) -> BoxFuture<'a, Result<(), ConnectorError>> {
        Box::pin(async move {
            let (channel, thread) = channels(conversation).ok_or_else(no_ids)?;
            let message = message_of(message).ok_or_else(no_ids)?;
            if let Some(thread) = thread
                && self.delete(Route::message(thread, message)).await?
            {
                return Ok(());
            }
            // Where the thread could not be opened, it stands in its channel.
            self.delete(Route::message(channel, message)).await.map(|_| ())
        })
    }
}
