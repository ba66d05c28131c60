//! Servers, channels and threads. In: events of the gateway, and objects of the API. Out: where a channel is. What is not known is not
//! guessed.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use serenity::model::id::{ChannelId, GuildId, RoleId, UserId};
use tokio::sync::Notify;
use tokio::time::timeout;

/// How long the servers may take that a new session begins with.
const SETTLING: Duration = Duration::from_secs(5);

/// Where a message is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// `None` for direct messages.
    pub(crate) guild: Option<GuildId>,
    /// The channel; for a thread the one that it is in.
    pub(crate) channel: ChannelId,
    pub(crate) thread: Option<ChannelId>,
    /// Whether it is a thread that the bot opened, or is a member of.
    pub(crate) is_ours: bool,
    /// Whether a thread can be opened at a message.
    pub(crate) opens_threads: bool,
}

impl Place {
    /// The channel of direct messages.
    pub(crate) fn direct(channel: ChannelId) -> Self {
        Self { guild: None, channel, thread: None, is_ours: false, opens_threads: false }
    }

    /// What a channel says of itself. Inside of a server's own event it does not name the server.
    pub(crate) fn read(object: &ChannelObject, guild: Option<GuildId>) -> Self {
        let (channel, thread) = match object.parent_id.filter(|_| is_thread(object.kind)) {
            Some(parent) => (parent, Some(object.id)),
            None => (object.id, None),
        };
        let opens_threads = matches!(object.kind, 0 | 5);
        Self { guild: object.guild_id.or(guild), channel, thread, is_ours: false, opens_threads }
    }
}

/// A channel as Discord writes it; of its many fields the few that matter.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ChannelObject {
    pub(crate) id: ChannelId,
    #[serde(rename = "type")]
    pub(crate) kind: u8,
    #[serde(default)]
    pub(crate) guild_id: Option<GuildId>,
    #[serde(default)]
    pub(crate) parent_id: Option<ChannelId>,
    #[serde(default)]
    owner_id: Option<UserId>,
    /// The bot's own membership.
    #[serde(default)]
    member: Option<Value>,
}

/// A role as Discord writes it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RoleObject {
    id: RoleId,
    #[serde(default)]
    tags: Option<RoleTags>,
}

#[derive(Clone, Debug, Deserialize)]
struct RoleTags {
    #[serde(default)]
    bot_id: Option<UserId>,
}

#[derive(Deserialize)]
struct GuildObject {
    id: GuildId,
    #[serde(default)]
    roles: Vec<RoleObject>,
    #[serde(default)]
    channels: Vec<ChannelObject>,
    #[serde(default)]
    threads: Vec<ChannelObject>,
}

#[derive(Default)]
struct State {
    channels: HashMap<ChannelId, Place>,
    own_roles: HashMap<GuildId, Option<RoleId>>,
    /// Servers that a session began with, and that are still to come.
    awaited: HashSet<GuildId>,
}

/// All that is known of places.
#[derive(Default)]
pub(crate) struct Places {
    state: Mutex<State>,
    came: Notify,
}

fn is_thread(kind: u8) -> bool {
    matches!(kind, 10..=12)
}

impl Places {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn find(&self, channel: ChannelId) -> Option<Place> {
        self.state().channels.get(&channel).cloned()
    }

    /// The outer `None`: it is not known.
    pub(crate) fn own_role(&self, guild: GuildId) -> Option<Option<RoleId>> {
        self.state().own_roles.get(&guild).copied()
    }

    /// Takes a channel in.
    pub(crate) fn keep(&self, object: ChannelObject, guild: Option<GuildId>, me: UserId) -> Place {
        let mut place = Place::read(&object, guild);
        let is_member = object.member.is_some_and(|member| !member.is_null());
        let mut state = self.state();
        // It may have opened a thread, and left it since.
        let was_ours = state.channels.get(&object.id).map(|known| known.is_ours);
        let is_ours = is_member || was_ours.unwrap_or(object.owner_id == Some(me));
        place.is_ours = place.thread.is_some() && is_ours;
        state.channels.insert(object.id, place.clone());
        place
    }

    pub(crate) fn keep_roles(&self, guild: GuildId, roles: &[RoleObject], me: UserId) -> Option<RoleId> {
        let is_own = |role: &&RoleObject| role.tags.as_ref().and_then(|tags| tags.bot_id) == Some(me);
        let own = roles.iter().find(is_own).map(|role| role.id);
        self.state().own_roles.insert(guild, own);
        own
    }

    fn set_ours(&self, thread: ChannelId, is_ours: bool) {
        if let Some(place) = self.state().channels.get_mut(&thread) {
            place.is_ours = is_ours && place.thread.is_some();
        }
    }

    /// A session began; these servers follow.
    pub(crate) fn await_guilds(&self, guilds: impl IntoIterator<Item = GuildId>) {
        self.state().awaited.extend(guilds);
    }

    /// Waits until they are there, or for a moment.
    pub(crate) async fn settled(&self) {
        let waiting = async {
            loop {
                let came = self.came.notified();
                if self.state().awaited.is_empty() {
                    return;
                }
                came.await;
            }
        };
        // What is not known then is asked for one by one.
        let _ = timeout(SETTLING, waiting).await;
    }

    /// Takes in an event of the gateway, where it is about places.
    pub(crate) fn learn(&self, name: &str, data: &Value, me: UserId) {
        let channel = || ChannelObject::deserialize(data).ok();
        match name {
            "GUILD_CREATE" => {
                let Ok(guild) = GuildObject::deserialize(data) else { return };
                self.keep_roles(guild.id, &guild.roles, me);
                for object in guild.channels.into_iter().chain(guild.threads) {
                    self.keep(object, Some(guild.id), me);
                }
                self.arrived(guild.id);
            }
            "GUILD_DELETE" => {
                let Some(guild) = id_in(data, "id").map(GuildId::new) else { return };
                self.arrived(guild);
                // An outage is no farewell.
                if data.get("unavailable").and_then(Value::as_bool) != Some(true) {
                    let mut state = self.state();
                    state.own_roles.remove(&guild);
                    state.channels.retain(|_, place| place.guild != Some(guild));
                }
            }
            "GUILD_ROLE_CREATE" | "GUILD_ROLE_UPDATE" | "GUILD_ROLE_DELETE" => {
                if let Some(guild) = id_in(data, "guild_id").map(GuildId::new) {
                    self.state().own_roles.remove(&guild);
                }
            }
            "CHANNEL_CREATE" | "CHANNEL_UPDATE" | "THREAD_CREATE" | "THREAD_UPDATE" => {
                if let Some(object) = channel() {
                    self.keep(object, None, me);
                }
            }
            "CHANNEL_DELETE" | "THREAD_DELETE" => {
                if let Some(channel) = id_in(data, "id").map(ChannelId::new) {
                    self.state().channels.remove(&channel);
                }
            }
            // Whoever says something in a thread is in it.
            "MESSAGE_CREATE" => {
                if data.get("author").and_then(|author| id_in(author, "id")) == Some(me.get())
                    && let Some(channel) = id_in(data, "channel_id").map(ChannelId::new)
                {
                    self.set_ours(channel, true);
                }
            }
            "THREAD_LIST_SYNC" => {
                let guild = id_in(data, "guild_id").map(GuildId::new);
                for thread in data.get("threads").and_then(Value::as_array).into_iter().flatten() {
                    if let Ok(object) = ChannelObject::deserialize(thread) {
                        self.keep(object, guild, me);
                    }
                }
            }
            "THREAD_MEMBERS_UPDATE" => {
                let Some(thread) = id_in(data, "id").map(ChannelId::new) else { return };
                let added = data.get("added_members").and_then(Value::as_array).into_iter().flatten();
                if added.filter_map(|member| id_in(member, "user_id")).any(|user| user == me.get()) {
                    self.set_ours(thread, true);
                }
                let mut removed =
                    data.get("removed_member_ids").and_then(Value::as_array).into_iter().flatten();
                if removed.any(|user| user.as_str().is_some_and(|id| id.parse() == Ok(me.get()))) {
                    self.set_ours(thread, false);
                }
            }
            _ => {}
        }
    }

    fn arrived(&self, guild: GuildId) {
        self.state().awaited.remove(&guild);
        self.came.notify_waiters();
    }
}

/// An id in an object.
pub(crate) fn id_in(data: &Value, key: &str) -> Option<u64> {
    data.get(key)?.as_str()?.parse().ok().filter(|id| *id > 0)
}
