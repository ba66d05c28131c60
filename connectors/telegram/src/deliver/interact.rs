//! Buttons, commands, and what the bot does beside talking. In: what the host wants done. Out: requests to the Bot API.

use std::collections::{BTreeSet, HashSet};

use loquat_contract::{
    Acknowledgement, Administration, BoxFuture, CommandSpec, ConnectorError, ConversationId, Event, Inbound,
    Interactions, Language, MessageId,
};
use serde::de::IgnoredAny;
use teloxide_core::payloads::{
    AnswerCallbackQuery, AnswerCallbackQuerySetters, DeleteMessage, LeaveChat, SetMyCommands,
    SetMyCommandsSetters,
};
use teloxide_core::types::{BotCommand, CallbackQueryId, ChatId};

use super::text::number;
use super::{Shared, TelegramEgress, is_the_same};
use crate::api::Failure;
use crate::encode::notice;
use crate::place::Place;

/// The longest description of a command.
const LONGEST_DESCRIPTION: usize = 256;
/// What Telegram says where a button was pressed too long ago to be answered.
const TOO_LATE: [&str; 2] = ["query is too old", "query ID is invalid"];

impl Shared {
    /// Tells Telegram that a button arrived: it shows that it waits until then. Too late does no harm.
    pub(crate) async fn answer_press(
        &self,
        query: &str,
        text: Option<&str>,
        is_alert: bool,
    ) -> Result<(), Failure> {
        let mut answer = AnswerCallbackQuery::new(CallbackQueryId(query.to_owned()));
        if let Some(text) = text {
            answer = answer.text(notice(text)).show_alert(is_alert);
        }
        match self.api.call::<_, IgnoredAny>(&answer).await {
            Err(failure) if failure.says(&TOO_LATE) => Ok(()),
            outcome => outcome.map(drop),
        }
    }

    /// The public commands in one language; those for operators are in no menu that everybody sees.
    fn menu_in(commands: &[CommandSpec], language: Option<&Language>) -> Vec<BotCommand> {
        let shown = commands.iter().filter(|command| !command.is_for_operators);
        let described = shown.map(|command| {
            let words = &command.description;
            let words = match language {
                Some(language) => words.of(language),
                None => words.0.first().map_or("", |(_, words)| words),
            };
            let description: String = words.chars().take(LONGEST_DESCRIPTION).collect();
            let is_blank = description.trim().is_empty();
            BotCommand::new(command.name.clone(), if is_blank { command.name.clone() } else { description })
        });
        described.collect()
    }
}

impl Interactions for TelegramEgress {
    fn acknowledge<'a>(
        &'a self,
        inbound: &'a Inbound,
        how: Acknowledgement<'a>,
    ) -> BoxFuture<'a, Result<(), ConnectorError>> {
        Box::pin(async move {
            let (Event::Button { .. }, Some(query)) = (&inbound.event, &inbound.ticket) else {
                return Ok(());
            };
            let text = match how {
                Acknowledgement::Working { .. } => None,
                Acknowledgement::Done { notice } => notice,
            };
            Ok(self.shared.answer_press(&query.0, text, false).await?)
        })
    }

    fn offer<'a>(&'a self, commands: &'a [CommandSpec]) -> BoxFuture<'a, Result<(), ConnectorError>> {
        Box::pin(async move {
            let names: HashSet<String> = commands.iter().map(|command| command.name.clone()).collect();
            self.shared.set_menu(names);
            let languages: BTreeSet<&str> = commands
                .iter()
                .flat_map(|command| &command.description.0)
                .map(|(language, _)| language.primary())
                .collect();
            let everybody = SetMyCommands::new(Shared::menu_in(commands, None));
            self.shared.api.call::<_, IgnoredAny>(&everybody).await?;
            // Telegram has languages by their two letters.
            for code in languages.into_iter().filter(|code| code.len() == 2) {
                let language = Language::new(code);
                let menu = SetMyCommands::new(Shared::menu_in(commands, Some(&language)));
                self.shared.api.call::<_, IgnoredAny>(&menu.language_code(code)).await?;
            }
            Ok(())
        })
    }
}

impl Administration for TelegramEgress {
    fn leave<'a>(&'a self, conversation: &'a ConversationId) -> BoxFuture<'a, Result<(), ConnectorError>> {
        Box::pin(async move {
            let place = known(conversation)?;
            let leave = |at: Place| -> BoxFuture<'_, Result<IgnoredAny, Failure>> {
                Box::pin(async move { self.shared.api.call(&LeaveChat::new(ChatId(at.chat))).await })
            };
            self.shared.at(place, leave).await?;
            Ok(())
        })
    }

    fn remove<'a>(
        &'a self,
        conversation: &'a ConversationId,
        message: &'a MessageId,
    ) -> BoxFuture<'a, Result<(), ConnectorError>> {
        Box::pin(async move {
            let place = known(conversation)?;
            let Some(message) = number(message) else {
                return Err(ConnectorError::Lost(format!("{:?} is no message of Telegram's", message.0)));
            };
            let message = teloxide_core::types::MessageId(message);
            let remove = |at: Place| -> BoxFuture<'_, Result<IgnoredAny, Failure>> {
                Box::pin(async move {
                    is_the_same(place, at)?;
                    self.shared.api.call(&DeleteMessage::new(ChatId(at.chat), message)).await
                })
            };
            self.shared.at(place, remove).await?;
            Ok(())
        })
    }
}

fn known(conversation: &ConversationId) -> Result<Place, ConnectorError> {
    Place::of(conversation)
        .ok_or_else(|| ConnectorError::Lost(format!("{conversation} is no conversation of Telegram's")))
}
