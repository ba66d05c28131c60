//! What people do that the bot is to answer: they use commands and click buttons.

use std::time::Instant;

use anyhow::{Context, ensure};
use serde_json::{Map, Value, json};

use crate::Discord;
use crate::ids::Id;
use crate::seen::Answer;
use crate::world::World;
use crate::world::interaction::{COMMAND, COMPONENT, Interaction};
use crate::world::permissions::USE_APPLICATION_COMMANDS;

/// Discord's numbers for kinds of options.
const SUB_COMMAND: u64 = 1;
const SUB_COMMAND_GROUP: u64 = 2;
const USER: u64 = 6;
const CHANNEL: u64 = 7;
const ROLE: u64 = 8;
const ATTACHMENT: u64 = 11;

impl Discord {
    /// Somebody uses a slash command: its name, with those of its subcommand behind blanks, and its options.
    ///
    /// # Errors
    /// When it is not there for them: not registered, not for this place, not with these options, or not allowed.
    pub fn slash(&self, channel: Id, user: Id, name: &str, options: &[(&str, Value)]) -> anyhow::Result<Id> {
        self.shared.change(|world| {
            let place =
                world.channels.get(&channel).with_context(|| format!("there is no channel {channel}"))?;
            let guild = place.guild;
            if let Some(guild) = guild {
                world.join(guild, user);
                ensure!(
                    world.can(user, channel, USE_APPLICATION_COMMANDS),
                    "{user} may use no commands in {channel}"
                );
            }
            let mut words = name.split(' ');
            let first = words.next().unwrap_or_default();
            // A guild's own command goes before one of all guilds.
            let mut all: Vec<_> = world
                .commands
                .values()
                .filter(|command| command.kind() == 1 && command.name() == first && command.is_shown(guild))
                .collect();
            all.sort_by_key(|command| command.guild.is_none());
            let command = *all.first().with_context(|| format!("people see no command /{first} there"))?;
            let needed =
                command.body["default_member_permissions"].as_str().and_then(|bits| bits.parse::<u64>().ok());
            if let Some(needed) = needed.filter(|_| guild.is_some()) {
                let is_allowed = world.permissions(user, channel) & needed == needed && needed != 0
                    || world.permissions(user, channel) == crate::world::permissions::ALL;
                ensure!(is_allowed, "{user} is not shown /{first}, which needs the permissions {needed}");
            }
            let mut resolved = Map::new();
            let given = world.given(&command.body["options"], words.collect(), options, &mut resolved)?;
            let mut data = json!({"id": command.id, "name": first, "type": 1});
            if !given.is_empty() {
                data["options"] = given.into();
            }
            if !resolved.is_empty() {
                data["resolved"] = resolved.into();
            }
            if let Some(guild) = command.guild {
                data["guild_id"] = json!(guild);
            }
            Ok(world.begin(COMMAND, name, channel, user, None, data))
        })
    }

    /// Somebody clicks a button, by its `custom_id`.
    ///
    /// # Errors
    /// When they see no such button, or it is disabled.
    pub fn click(&self, message: Id, user: Id, custom_id: &str) -> anyhow::Result<Id> {
        self.interact_with(message, user, custom_id, &[])
    }

    /// Somebody chooses from a menu, by its `custom_id`.
    ///
    /// # Errors
    /// When they see no such menu, or it is disabled.
    pub fn choose(&self, message: Id, user: Id, custom_id: &str, values: &[&str]) -> anyhow::Result<Id> {
        self.interact_with(message, user, custom_id, values)
    }

    fn interact_with(&self, message: Id, user: Id, custom_id: &str, values: &[&str]) -> anyhow::Result<Id> {
        self.shared.change(|world| {
            let there = world.there(message)?;
            ensure!(there.only_for.is_none_or(|only| only == user), "{user} does not see message {message}");
            let all = there.components.iter().filter_map(|row| row["components"].as_array()).flatten();
            let mut all = all.filter(|component| component["custom_id"] == custom_id);
            let component =
                all.next().with_context(|| format!("there is no {custom_id} on message {message}"))?;
            ensure!(component["disabled"] != true, "{custom_id} is disabled");
            let mut data = json!({
                "custom_id": custom_id,
                "component_type": component["type"],
                "id": component["id"],
            });
            if component["type"] != 2 {
                data["values"] = json!(values);
            }
            let channel = there.channel;
            if let Some(guild) = world.channels.get(&channel).and_then(|channel| channel.guild) {
                world.join(guild, user);
            }
            Ok(world.begin(COMPONENT, custom_id, channel, user, Some(message), data))
        })
    }

    /// The button with this label on a message: its `custom_id`.
    pub fn button(&self, message: Id, label: &str) -> Option<String> {
        let world = self.shared.look();
        let there = world.there(message).ok()?;
        let all = there.components.iter().filter_map(|row| row["components"].as_array()).flatten();
        let shown = |component: &&Value| {
            let name = component["emoji"]["name"].as_str();
            component["label"] == label || name == Some(label)
        };
        all.filter(shown).find_map(|component| component["custom_id"].as_str().map(str::to_owned))
    }

    /// What became of an interaction so far.
    pub fn answer(&self, interaction: Id) -> Option<Answer> {
        let world = self.shared.look();
        let interaction = world.interactions.get(&interaction)?;
        Some(Answer {
            kind: interaction.answer?,
            message: interaction.original,
            is_ephemeral: interaction.is_ephemeral,
        })
    }

    /// An interaction's token, as the bot was told it: to try out what it is good for.
    pub fn interaction_token(&self, interaction: Id) -> Option<String> {
        self.shared.look().interactions.get(&interaction).map(|interaction| interaction.token.clone())
    }

    /// Waits until the bot has answered an interaction for the first time, if only to say that it will.
    ///
    /// # Errors
    /// When it does not.
    pub async fn answered(&self, interaction: Id) -> anyhow::Result<Answer> {
        self.until("the bot answers an interaction", |discord| discord.answer(interaction)).await
    }
}

impl World {
    fn begin(&mut self, kind: u8, name: &str, channel: Id, user: Id, message: Option<Id>, data: Value) -> Id {
        let id = self.ids.next();
        // As long as real ones, and nothing that could be guessed from what is in them.
        let token = format!(
            "aW50ZXJhY3Rpb246{:032x}{:016x}",
            u128::from(id.0).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835),
            id.0
        );
        let interaction = Interaction {
            id,
            token,
            kind,
            name: name.to_owned(),
            channel,
            user,
            message,
            begun: Instant::now(),
            answer: None,
            original: None,
            is_ephemeral: false,
        };
        self.interact(interaction, data)
    }

    /// The options as Discord hands them on, and what they name.
    fn given(
        &self,
        known: &Value,
        mut words: Vec<&str>,
        options: &[(&str, Value)],
        resolved: &mut Map<String, Value>,
    ) -> anyhow::Result<Vec<Value>> {
        let known = known.as_array().map(Vec::as_slice).unwrap_or_default();
        if !words.is_empty() {
            let word = words.remove(0);
            let is_sub = |option: &&Value| {
                option["name"] == word
                    && matches!(option["type"].as_u64(), Some(SUB_COMMAND | SUB_COMMAND_GROUP))
            };
            let sub = known.iter().find(is_sub).with_context(|| format!("there is no subcommand {word}"))?;
            let inside = self.given(&sub["options"], words, options, resolved)?;
            return Ok(vec![json!({"name": word, "type": sub["type"], "options": inside})]);
        }
        for option in known.iter().filter(|option| option["required"] == true) {
            let is_given = options.iter().any(|(name, _)| option["name"] == *name);
            ensure!(is_given, "the option {} has to be given", option["name"]);
        }
        let mut given = Vec::new();
        for (name, value) in options {
            let option = known.iter().find(|option| option["name"] == *name);
            let option = option.with_context(|| format!("there is no option {name}"))?;
            if let Some(text) = value.as_str() {
                let longest = option["max_length"].as_u64().unwrap_or(6000);
                ensure!(text.chars().count() as u64 <= longest, "{name} is longer than {longest} characters");
            }
            // An empty list is none.
            if let Some(choices) = option["choices"].as_array().filter(|choices| !choices.is_empty()) {
                ensure!(
                    choices.iter().any(|choice| choice["value"] == *value),
                    "{value} is no choice of {name}"
                );
            }
            if let Some(id) = value.as_str().and_then(|id| id.parse().ok()) {
                self.resolve(option["type"].as_u64().unwrap_or_default(), id, resolved);
            }
            given.push(json!({"name": name, "type": option["type"], "value": value}));
        }
        Ok(given)
    }

    fn resolve(&self, kind: u64, id: Id, resolved: &mut Map<String, Value>) {
        let (key, value) = match kind {
            USER => ("users", self.user_json(id)),
            CHANNEL => ("channels", self.channels.get(&id).map(|channel| self.channel_json(channel)).into()),
            ROLE => {
                let role = self.guilds.values().find_map(|guild| guild.roles.get(&id));
                ("roles", role.map(crate::world::guild::Role::json).into())
            }
            ATTACHMENT => ("attachments", self.file_json(id)),
            _ => return,
        };
        resolved.entry(key).or_insert_with(|| json!({}))[id.to_string()] = value;
    }
}

impl Discord {
    /// A file that somebody picks for an option of a command; its id is the option's value.
    pub fn upload(&self, channel: Id, name: &str, content_type: &str, bytes: impl Into<Vec<u8>>) -> Id {
        let bytes: Vec<u8> = bytes.into();
        self.shared
            .change(|world| world.keep_file(channel, name, Some(content_type.to_owned()), bytes.into()))
    }

    /// The commands that people see in a guild, or in direct messages: as they were registered.
    pub fn commands(&self, guild: Option<Id>) -> Vec<Value> {
        let world = self.shared.look();
        let shown = world.commands.values().filter(|command| command.is_shown(guild));
        shown.map(|command| world.command_json(command)).collect()
    }
}
