//! People and bots.

use serde_json::{Value, json};

use super::World;
use crate::ids::Id;

/// Somebody.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) is_bot: bool,
    /// Whether it is a webhook's: no account, and in no guild.
    pub(crate) is_webhook: bool,
    /// The language of their client.
    pub(crate) locale: String,
    /// Whether they take direct messages from bots.
    pub(crate) takes_messages: bool,
}

impl User {
    pub(crate) fn person(id: Id, name: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            is_bot: false,
            is_webhook: false,
            locale: "en-US".into(),
            takes_messages: true,
        }
    }

    /// As others see them.
    pub(crate) fn json(&self) -> Value {
        let mut user = json!({
            "id": self.id,
            "username": self.name.to_lowercase(),
            "global_name": (!self.is_bot).then_some(&self.name),
            "discriminator": if self.is_bot { "4242" } else { "0" },
            "avatar": null,
            "avatar_decoration_data": null,
            "banner": null,
            "accent_color": null,
            "collectibles": null,
            "primary_guild": null,
            "clan": null,
            "public_flags": 0,
            "flags": 0,
        });
        if self.is_bot {
            user["bot"] = true.into();
            user["username"] = self.name.clone().into();
            if self.is_webhook {
                user["discriminator"] = "0000".into();
            }
        }
        user
    }

    /// As they see themselves.
    pub(crate) fn own_json(&self) -> Value {
        let mut user = self.json();
        for (key, value) in [
            ("verified", json!(true)),
            ("mfa_enabled", json!(true)),
            ("email", Value::Null),
            ("locale", json!(self.locale)),
            ("bio", json!("")),
            ("premium_type", json!(0)),
        ] {
            user[key] = value;
        }
        user
    }
}

impl World {
    /// A user's JSON; for one that was never there, as Discord shows those that are gone.
    pub(crate) fn user_json(&self, id: Id) -> Value {
        self.users.get(&id).map_or_else(|| User::person(id, "Deleted User").json(), User::json)
    }

    /// The name by which people see somebody in a guild.
    pub(crate) fn shown_name(&self, guild: Option<Id>, id: Id) -> String {
        let nick = guild
            .and_then(|guild| self.guilds.get(&guild))
            .and_then(|guild| guild.members.get(&id))
            .and_then(|member| member.nick.clone());
        nick.or_else(|| self.users.get(&id).map(|user| user.name.clone())).unwrap_or_else(|| id.to_string())
    }
}
