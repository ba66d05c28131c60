//! Who may do what where: roles, and what a channel allows and denies beyond them.

use super::World;
use super::channel::{Kind, Thread};
use crate::ids::Id;

/// A set of permissions, as Discord's bits.
pub type Permissions = u64;

/// Add reactions.
pub const ADD_REACTIONS: Permissions = 1 << 6;
/// See a channel.
pub const VIEW_CHANNEL: Permissions = 1 << 10;
/// Say something in a channel that is no thread.
pub const SEND_MESSAGES: Permissions = 1 << 11;
/// Delete and pin others' messages.
pub const MANAGE_MESSAGES: Permissions = 1 << 13;
/// Have embeds shown.
pub const EMBED_LINKS: Permissions = 1 << 14;
/// Send files.
pub const ATTACH_FILES: Permissions = 1 << 15;
/// Read what was said before.
pub const READ_MESSAGE_HISTORY: Permissions = 1 << 16;
/// Notify everyone, and roles that are not mentionable.
pub const MENTION_EVERYONE: Permissions = 1 << 17;
/// Change channels.
pub const MANAGE_CHANNELS: Permissions = 1 << 4;
/// Everything.
pub const ADMINISTRATOR: Permissions = 1 << 3;
/// Change the guild.
pub const MANAGE_GUILD: Permissions = 1 << 5;
/// Use slash commands.
pub const USE_APPLICATION_COMMANDS: Permissions = 1 << 31;
/// Change others' threads.
pub const MANAGE_THREADS: Permissions = 1 << 34;
/// Make threads that all can see.
pub const CREATE_PUBLIC_THREADS: Permissions = 1 << 35;
/// Make threads for some.
pub const CREATE_PRIVATE_THREADS: Permissions = 1 << 36;
/// Say something in a thread.
pub const SEND_MESSAGES_IN_THREADS: Permissions = 1 << 38;
/// Voice messages.
pub const SEND_VOICE_MESSAGES: Permissions = 1 << 46;
/// Pin messages.
pub const PIN_MESSAGES: Permissions = 1 << 51;

/// What all may do in a new guild.
pub const EVERYONE: Permissions = VIEW_CHANNEL
    | SEND_MESSAGES
    | SEND_MESSAGES_IN_THREADS
    | CREATE_PUBLIC_THREADS
    | EMBED_LINKS
    | ATTACH_FILES
    | ADD_REACTIONS
    | READ_MESSAGE_HISTORY
    | USE_APPLICATION_COMMANDS;

/// What there is to allow.
pub const ALL: Permissions = (1 << 53) - 1;

/// What one may do in a direct message.
const DIRECT: Permissions = VIEW_CHANNEL
    | SEND_MESSAGES
    | EMBED_LINKS
    | ATTACH_FILES
    | ADD_REACTIONS
    | READ_MESSAGE_HISTORY
    | USE_APPLICATION_COMMANDS
    | PIN_MESSAGES;

impl World {
    /// What somebody's roles allow them in a guild.
    pub(crate) fn guild_permissions(&self, user: Id, guild: Id) -> Permissions {
        let Some(guild) = self.guilds.get(&guild) else { return 0 };
        let Some(member) = guild.members.get(&user) else { return 0 };
        if guild.owner == user {
            return ALL;
        }
        let everyone = guild.roles.get(&guild.id).map_or(0, |role| role.permissions);
        let own = member.roles.iter().filter_map(|role| guild.roles.get(role));
        let all = own.fold(everyone, |all, role| all | role.permissions);
        if all & ADMINISTRATOR != 0 { ALL } else { all }
    }

    /// What somebody may do in a channel.
    pub(crate) fn permissions(&self, user: Id, channel: Id) -> Permissions {
        let Some(place) = self.channels.get(&channel) else { return 0 };
        let Some(guild) = place.guild else {
            return if place.recipients.contains(&user) { DIRECT } else { 0 };
        };
        let base = self.guild_permissions(user, guild);
        if base == ALL {
            return ALL;
        }
        // A thread has no overwrites: its parent's count.
        let overwrites = match (&place.thread, place.parent) {
            (Some(_), Some(parent)) => self.channels.get(&parent).map(|parent| &parent.overwrites),
            _ => Some(&place.overwrites),
        };
        let roles =
            self.guilds.get(&guild).and_then(|guild| guild.members.get(&user)).map(|member| &member.roles);
        let (Some(overwrites), Some(roles)) = (overwrites, roles) else { return base };
        let mut all = base;
        for overwrite in overwrites.iter().filter(|overwrite| overwrite.of == guild) {
            all = all & !overwrite.deny | overwrite.allow;
        }
        let own = overwrites.iter().filter(|overwrite| roles.contains(&overwrite.of));
        let (allow, deny) =
            own.fold((0, 0), |(allow, deny), overwrite| (allow | overwrite.allow, deny | overwrite.deny));
        all = all & !deny | allow;
        for overwrite in overwrites.iter().filter(|overwrite| overwrite.of == user) {
            all = all & !overwrite.deny | overwrite.allow;
        }
        // A private thread is for those that are in it, and for whoever looks after threads.
        let is_in = |thread: &Thread| thread.members.iter().any(|(member, _)| *member == user);
        let is_closed = place.kind == Kind::PrivateThread && !place.thread.as_ref().is_some_and(is_in);
        // Who cannot see a channel can do nothing there.
        if all & VIEW_CHANNEL == 0 || is_closed && all & MANAGE_THREADS == 0 { 0 } else { all }
    }

    /// Whether somebody may do all of this in a channel.
    pub(crate) fn can(&self, user: Id, channel: Id, what: Permissions) -> bool {
        self.permissions(user, channel) & what == what
    }

    /// What it takes to say something in a channel.
    pub(crate) fn to_speak(&self, channel: Id) -> Permissions {
        match self.channels.get(&channel) {
            Some(place) if place.thread.is_some() => SEND_MESSAGES_IN_THREADS,
            Some(place) if place.kind == Kind::Direct => 0,
            _ => SEND_MESSAGES,
        }
    }
}
