//! Interactions: somebody uses a command or clicks a button, and the bot has a few seconds to answer.

use std::time::Instant;

use serde_json::{Value, json};

use super::World;
use super::events::Event;
use super::guild::Member;
use crate::ids::Id;

/// What was done, with Discord's number.
pub(crate) const COMMAND: u8 = 2;
pub(crate) const COMPONENT: u8 = 3;

/// An interaction and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Interaction {
    pub(crate) id: Id,
    pub(crate) token: String,
    pub(crate) kind: u8,
    pub(crate) name: String,
    pub(crate) channel: Id,
    pub(crate) user: Id,
    /// The message with the button.
    pub(crate) message: Option<Id>,
    pub(crate) begun: Instant,
    /// The kind of the first answer.
    pub(crate) answer: Option<u8>,
    /// The message that `@original` is.
    pub(crate) original: Option<Id>,
    /// Whether what was deferred is to be for one pair of eyes only.
    pub(crate) is_ephemeral: bool,
}

impl World {
    pub(crate) fn interaction_metadata(&self, interaction: &Interaction) -> Value {
        let mut json = json!({
            "id": interaction.id,
            "type": interaction.kind,
            "user": self.user_json(interaction.user),
            "authorizing_integration_owners": self.installed(interaction.channel),
        });
        if interaction.kind == COMMAND {
            json["name"] = json!(interaction.name);
            json["command_type"] = 1.into();
        }
        if let Some(message) = interaction.message {
            json["interacted_message_id"] = json!(message);
        }
        json
    }

    fn installed(&self, channel: Id) -> Value {
        let guild = self.channels.get(&channel).and_then(|channel| channel.guild);
        json!({"0": guild.map_or_else(|| "0".into(), |guild| guild.to_string())})
    }

    /// Somebody does something that the bot is to answer: it is told, whatever its intents.
    pub(crate) fn interact(&mut self, interaction: Interaction, data: Value) -> Id {
        let (id, channel, user) = (interaction.id, interaction.channel, interaction.user);
        let Some(place) = self.channels.get(&channel) else { return id };
        let guild = place.guild;
        let mut event = json!({
            "id": id,
            "application_id": self.app.id,
            "type": interaction.kind,
            "token": interaction.token,
            "version": 1,
            "data": data,
            "channel_id": channel,
            "channel": self.channel_json(place),
            "locale": self.users.get(&user).map_or("en-US", |user| &user.locale),
            "app_permissions": self.permissions(self.bot(), channel).to_string(),
            "entitlements": [],
            "entitlement_sku_ids": [],
            "authorizing_integration_owners": self.installed(channel),
            "context": if guild.is_some() { 0 } else { 1 },
            "attachment_size_limit": super::attachment::MAX_BYTES,
        });
        match guild.and_then(|guild| self.guilds.get(&guild)) {
            Some(guild) => {
                let member: Option<&Member> = guild.members.get(&user);
                let mut member = member.map_or(Value::Null, |member| self.member_json(member));
                member["permissions"] = self.permissions(user, channel).to_string().into();
                event["member"] = member;
                event["guild_id"] = json!(guild.id);
                event["guild"] = json!({"id": guild.id, "features": [], "locale": guild.locale});
                event["guild_locale"] = json!(guild.locale);
                event["channel"]["permissions"] = self.permissions(user, channel).to_string().into();
            }
            None => event["user"] = self.user_json(user),
        }
        if let Some(message) = interaction.message.and_then(|id| self.messages.get(&id)) {
            event["message"] = self.message_json(message);
        }
        self.interactions.insert(id, interaction);
        // It is for the application, so that no channel has to be seen for it.
        self.tell(&Event {
            name: "INTERACTION_CREATE",
            guild,
            channel: None,
            intents: 0,
            data: event,
            closed: None,
        });
        id
    }
}
