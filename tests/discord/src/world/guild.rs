//! Guilds, what Discord's people call servers: their roles and members.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::World;
use super::permissions::{self, Permissions};
use crate::ids::Id;

/// A guild.
#[derive(Clone, Debug)]
pub(crate) struct Guild {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) owner: Id,
    pub(crate) roles: BTreeMap<Id, Role>,
    pub(crate) members: BTreeMap<Id, Member>,
    pub(crate) locale: String,
}

/// A role. The one of all (`@everyone`) has the guild's id.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) permissions: Permissions,
    pub(crate) position: usize,
    pub(crate) is_mentionable: bool,
    /// Whose own role it is.
    pub(crate) bot: Option<Id>,
}

/// Somebody in a guild.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) user: Id,
    pub(crate) nick: Option<String>,
    pub(crate) roles: Vec<Id>,
    pub(crate) joined: String,
}

impl Role {
    pub(crate) fn json(&self) -> Value {
        let mut role = json!({
            "id": self.id,
            "name": self.name,
            "description": null,
            "permissions": self.permissions.to_string(),
            "position": self.position,
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": null, "tertiary_color": null},
            "hoist": false,
            "managed": self.bot.is_some(),
            "mentionable": self.is_mentionable,
            "icon": null,
            "unicode_emoji": null,
            "flags": 0,
        });
        if let Some(bot) = self.bot {
            role["tags"] = json!({"bot_id": bot});
        }
        role
    }
}

impl Member {
    /// Without the user, as it stands beside one.
    pub(crate) fn partial_json(&self) -> Value {
        json!({
            "nick": self.nick,
            "avatar": null,
            "banner": null,
            "roles": self.roles,
            "joined_at": self.joined,
            "premium_since": null,
            "deaf": false,
            "mute": false,
            "flags": 0,
            "pending": false,
            "communication_disabled_until": null,
        })
    }
}

impl Guild {
    /// The guild with its roles.
    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "icon": null,
            "icon_hash": null,
            "splash": null,
            "discovery_splash": null,
            "owner_id": self.owner,
            "region": "deprecated",
            "afk_channel_id": null,
            "afk_timeout": 300,
            "widget_enabled": false,
            "widget_channel_id": null,
            "verification_level": 0,
            "default_message_notifications": 0,
            "explicit_content_filter": 0,
            "roles": self.roles.values().map(Role::json).collect::<Vec<_>>(),
            "emojis": [],
            "features": [],
            "mfa_level": 0,
            "application_id": null,
            "system_channel_id": null,
            "system_channel_flags": 0,
            "rules_channel_id": null,
            "max_presences": null,
            "max_members": 500_000,
            "vanity_url_code": null,
            "description": null,
            "banner": null,
            "premium_tier": 0,
            "premium_subscription_count": 0,
            "preferred_locale": self.locale,
            "public_updates_channel_id": null,
            "max_video_channel_users": 25,
            "max_stage_video_channel_users": 50,
            "nsfw_level": 0,
            "nsfw": false,
            "stickers": [],
            "premium_progress_bar_enabled": false,
            "safety_alerts_channel_id": null,
            "incidents_data": null,
            "hub_type": null,
            "latest_onboarding_question_id": null,
            "home_header": null,
            "inventory_settings": null,
        })
    }
}

impl World {
    /// Makes a guild with the bot in it. The bot has a role of its own with these permissions.
    pub(crate) fn make_guild(&mut self, name: &str, bot_permissions: Permissions) -> Id {
        let id = self.ids.next();
        let everyone = Role {
            id,
            name: "@everyone".into(),
            permissions: permissions::EVERYONE,
            position: 0,
            is_mentionable: false,
            bot: None,
        };
        let owner = self.app.owner;
        let guild = Guild {
            id,
            name: name.to_owned(),
            owner,
            roles: BTreeMap::from([(id, everyone)]),
            members: BTreeMap::new(),
            locale: "en-US".into(),
        };
        self.guilds.insert(id, guild);
        self.add_member(id, owner);
        self.add_bot(id, bot_permissions);
        id
    }

    /// The bot joins with a role of its own.
    pub(crate) fn add_bot(&mut self, guild: Id, permissions: Permissions) {
        let (bot, role) = (self.bot(), self.ids.next());
        let name = self.shown_name(None, bot);
        let Some(place) = self.guilds.get_mut(&guild) else { return };
        let own = Role {
            id: role,
            name,
            permissions,
            position: place.roles.len(),
            is_mentionable: false,
            bot: Some(bot),
        };
        place.roles.insert(role, own);
        self.add_member(guild, bot);
        if let Some(member) = self.guilds.get_mut(&guild).and_then(|place| place.members.get_mut(&bot)) {
            member.roles.push(role);
        }
    }

    /// Somebody joins, if they are not there yet; says whether they were not.
    pub(crate) fn add_member(&mut self, guild: Id, user: Id) -> bool {
        let joined = self.ids.next().written_time();
        let Some(guild) = self.guilds.get_mut(&guild) else { return false };
        if guild.members.contains_key(&user) {
            return false;
        }
        guild.members.insert(user, Member { user, nick: None, roles: Vec::new(), joined });
        true
    }

    /// A member with their user.
    pub(crate) fn member_json(&self, member: &Member) -> Value {
        let mut json = member.partial_json();
        json["user"] = self.user_json(member.user);
        json
    }

    /// The guild as GUILD_CREATE tells of it, to a session that hears of members or not.
    pub(crate) fn guild_create_json(&self, guild: &Guild, with_members: bool) -> Value {
        let mut json = guild.json();
        let bot = self.bot();
        let members: Vec<_> = guild
            .members
            .values()
            .filter(|member| with_members || member.user == bot)
            .map(|member| self.member_json(member))
            .collect();
        let visible = |id: Id| self.can(bot, id, permissions::VIEW_CHANNEL);
        let (mut channels, mut threads) = (Vec::new(), Vec::new());
        for channel in self.channels.values().filter(|channel| channel.guild == Some(guild.id)) {
            match &channel.thread {
                None => channels.push(self.channel_json(channel)),
                Some(thread) if !thread.is_archived && visible(channel.id) => {
                    threads.push(self.channel_json(channel))
                }
                Some(_) => {}
            }
        }
        let joined = guild.members.get(&bot).map(|member| member.joined.clone());
        for (key, value) in [
            ("joined_at", json!(joined)),
            ("large", json!(false)),
            ("unavailable", json!(false)),
            ("member_count", json!(guild.members.len())),
            ("voice_states", json!([])),
            ("members", json!(members)),
            ("channels", json!(channels)),
            ("threads", json!(threads)),
            ("presences", json!([])),
            ("stage_instances", json!([])),
            ("guild_scheduled_events", json!([])),
            ("soundboard_sounds", json!([])),
            ("activity_instances", json!([])),
        ] {
            json[key] = value;
        }
        json
    }
}
