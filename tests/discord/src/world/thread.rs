//! Threads: of a message, of a channel, and posts in a forum.

use serde_json::json;

use super::World;
use super::channel::{Channel, Kind, Thread};
use super::events::{Event, intents};
use super::message::{Draft, HAS_THREAD, Reference, kind};
use crate::ids::{Id, written};

/// A thread to be.
pub(crate) struct NewThread<'a> {
    pub(crate) parent: Id,
    pub(crate) owner: Id,
    pub(crate) name: &'a str,
    pub(crate) kind: Kind,
    /// The message that it hangs on, and whose id it gets.
    pub(crate) message: Option<Id>,
    pub(crate) tags: Vec<Id>,
    pub(crate) auto_archive_minutes: u64,
}

impl World {
    /// Makes a thread and tells of it.
    pub(crate) fn make_thread(&mut self, new: NewThread<'_>) -> Id {
        let id = new.message.unwrap_or_else(|| self.ids.next());
        let parent = self.channels.get(&new.parent);
        let (guild, is_forum) =
            parent.map_or((None, false), |parent| (parent.guild, parent.kind == Kind::Forum));
        let mut thread = Channel::new(id, new.kind, guild, new.name);
        thread.parent = Some(new.parent);
        thread.thread = Some(Thread {
            owner: new.owner,
            is_archived: false,
            is_locked: false,
            auto_archive_minutes: new.auto_archive_minutes,
            members: vec![(new.owner, written(jiff::Timestamp::now()))],
            tags: new.tags,
        });
        self.channels.insert(id, thread);
        self.tell_channel("THREAD_CREATE", id);
        if let Some(message) = new.message.and_then(|id| self.messages.get_mut(&id)) {
            message.flags |= HAS_THREAD;
            let reference = Some(Reference { channel: new.parent, message: id });
            self.tell_message("MESSAGE_UPDATE", id);
            self.post(Draft { kind: kind::THREAD_STARTER, reference, ..Draft::new(id, new.owner, "") });
        } else if !is_forum && new.kind == Kind::PublicThread {
            let reference = Some(Reference { channel: id, message: id });
            let draft = Draft::new(new.parent, new.owner, new.name);
            self.post(Draft { kind: kind::THREAD_CREATED, reference, ..draft });
        }
        id
    }

    /// Somebody enters a thread, or leaves it.
    pub(crate) fn set_in_thread(&mut self, thread: Id, user: Id, is_in: bool) {
        let joined = written(jiff::Timestamp::now());
        let Some(channel) = self.channels.get_mut(&thread) else { return };
        let guild = channel.guild;
        let Some(members) = channel.thread.as_mut().map(|thread| &mut thread.members) else { return };
        let was_in = members.iter().any(|(member, _)| *member == user);
        if was_in == is_in {
            return;
        }
        members.retain(|(member, _)| *member != user);
        let mut data = json!({"id": thread, "guild_id": guild});
        if is_in {
            members.push((user, joined.clone()));
            data["added_members"] =
                json!([{"id": thread, "user_id": user, "join_timestamp": joined, "flags": 0}]);
        } else {
            data["removed_member_ids"] = json!([user]);
        }
        data["member_count"] = members.len().into();
        let is_private = channel.kind == Kind::PrivateThread;
        let is_own = user == self.bot();
        if is_own && is_in && is_private {
            self.tell_channel("THREAD_CREATE", thread);
        }
        // Of others only those hear that have the intent for members.
        let intents = if is_own { intents::GUILDS } else { intents::GUILD_MEMBERS };
        self.tell(&Event {
            name: "THREAD_MEMBERS_UPDATE",
            guild,
            channel: Some(thread),
            intents,
            data,
            closed: None,
        });
    }
}
