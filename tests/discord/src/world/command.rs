//! Application commands: those of all guilds, and those of one.

use serde_json::{Value, json};

use super::World;
use crate::ids::Id;

/// A command as it was registered.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) id: Id,
    pub(crate) guild: Option<Id>,
    pub(crate) version: Id,
    pub(crate) body: Value,
}

impl Command {
    pub(crate) fn name(&self) -> &str {
        self.body["name"].as_str().unwrap_or_default()
    }

    /// 1 is a slash command, 2 one of a user's menu, 3 of a message's.
    pub(crate) fn kind(&self) -> u64 {
        self.body["type"].as_u64().unwrap_or(1)
    }

    /// Whether people can use it where a guild is, or in direct messages.
    pub(crate) fn is_shown(&self, guild: Option<Id>) -> bool {
        match guild {
            Some(guild) => self.guild.is_none_or(|only| only == guild) && self.is_in(0),
            None => self.guild.is_none() && self.body["dm_permission"] != false && self.is_in(1),
        }
    }

    fn is_in(&self, context: u64) -> bool {
        self.body["contexts"].as_array().is_none_or(|contexts| contexts.iter().any(|there| there == context))
    }
}

impl World {
    pub(crate) fn command_json(&self, command: &Command) -> Value {
        let given = |key: &str, otherwise: Value| match &command.body[key] {
            Value::Null => otherwise,
            value => value.clone(),
        };
        let mut json = json!({
            "id": command.id,
            "application_id": self.app.id,
            "version": command.version,
            "type": command.kind(),
            "name": command.name(),
            "name_localizations": given("name_localizations", Value::Null),
            "description": given("description", json!("")),
            "description_localizations": given("description_localizations", Value::Null),
            "default_member_permissions": given("default_member_permissions", Value::Null),
            "dm_permission": given("dm_permission", json!(true)),
            "contexts": given("contexts", Value::Null),
            "integration_types": given("integration_types", json!([0])),
            "nsfw": given("nsfw", json!(false)),
        });
        if let Some(options) = command.body.get("options") {
            json["options"] = options.clone();
        }
        if let Some(guild) = command.guild {
            json["guild_id"] = json!(guild);
        }
        json
    }

    /// Registers a command; one of the same name, kind and place is replaced and keeps its id. Says whether it is new.
    pub(crate) fn register(&mut self, guild: Option<Id>, body: Value) -> (Id, bool) {
        let kind = body["type"].as_u64().unwrap_or(1);
        let there = self.commands.values().find(|command| {
            command.guild == guild && command.kind() == kind && body["name"] == command.name()
        });
        let there = there.map(|command| command.id);
        let (id, version) = (there.unwrap_or_else(|| self.ids.next()), self.ids.next());
        self.commands.insert(id, Command { id, guild, version, body });
        (id, there.is_none())
    }
}
