//! Commands and buttons. In: an event that is kept, and the commands of the host. Out: a sign within seconds, and Discord's menu.

use loquat_contract::{
    Acknowledgement, BoxFuture, CommandSpec, ConnectorError, Document, Event, Format, Inbound, Interactions,
};
use reqwest::Method;
use serde_json::{Value, json};
use serenity::all::MessageFlags;

use super::{DiscordEgress, code};
use crate::encode;
use crate::receive::understand::Answer;
use crate::rest::{Call, Failure, Patience, Route};

/// A message follows.
const THINKING: u8 = 5;
/// The message that the button is on stays as it is.
const NOTED: u8 = 6;

impl DiscordEgress {
    async fn sign(&self, inbound: &Inbound, how: Acknowledgement<'_>) -> Result<(), Failure> {
        let Some(answer) = inbound.ticket.as_ref().and_then(Answer::read) else { return Ok(()) };
        let is_button = matches!(inbound.event, Event::Button { .. });
        let body = match how {
            Acknowledgement::Working { is_private } => {
                let flags = if is_private { MessageFlags::EPHEMERAL } else { MessageFlags::empty() };
                json!({ "type": THINKING, "data": { "flags": flags.bits() } })
            }
            Acknowledgement::Done { notice: None } if is_button => json!({ "type": NOTED }),
            Acknowledgement::Done { notice } => {
                let text = Document::plain(notice.unwrap_or("✓")).render(Format::ChatMarkdown);
                encode::whisper(&text)
            }
        };
        let call = Call::new(Method::POST, Route::callback(answer.id, &answer.token)).json(body);
        match self.shared.rest.call(call).await {
            Err(failure) if failure.is_code(&[code::ALREADY_ACKNOWLEDGED]) => Ok(()),
            Err(failure) => Err(failure),
            Ok(_) => Ok(()),
        }
    }

    async fn put(&self, commands: &[CommandSpec]) -> Result<(), Failure> {
        let application = self.shared.me().await?.application;
        let wanted = encode::menu(commands);
        let mut call = Call::get(Route::commands(application));
        call.query = vec![("with_localizations", "true".to_owned())];
        let there: Vec<Value> = self.shared.rest.ask(call).await?;
        if encode::is_same(&wanted, &there) {
            return Ok(());
        }
        let call = Call::new(Method::PUT, Route::commands(application)).json(Value::Array(wanted));
        self.shared.rest.call(call.patient(Patience::LONG)).await?;
        tracing::info!(commands = commands.len(), "Discord: the menu has new commands");
        Ok(())
    }
}

impl Interactions for DiscordEgress {
    fn acknowledge<'a>(
        &'a self,
        inbound: &'a Inbound,
        how: Acknowledgement<'a>,
    ) -> BoxFuture<'a, Result<(), ConnectorError>> {
        Box::pin(async move { self.sign(inbound, how).await.map_err(ConnectorError::from) })
    }

    fn offer<'a>(&'a self, commands: &'a [CommandSpec]) -> BoxFuture<'a, Result<(), ConnectorError>> {
        Box::pin(async move { self.put(commands).await.map_err(ConnectorError::from) })
    }
}
