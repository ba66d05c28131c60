//! Groups, channels and who is in them, the bot included.

use serde_json::json;

use crate::Telegram;
use crate::refusal::Refusal;
use crate::shape::member;
use crate::world::{Author, Kind, Standing, User, World, now};

impl Telegram {
    /// A group or channel of these people, the first of whom made it, with the bot as a member (in a channel, as an administrator,
    /// because it can be nothing else there). The bot is told nothing of it.
    pub fn group(&self, kind: Kind, title: &str, members: &[&User]) -> i64 {
        let ids: Vec<i64> = members.iter().map(|user| user.id).collect();
        let standing = if kind == Kind::Channel { Standing::Administrator } else { Standing::Member };
        self.shared.world().add_chat(kind, title, &ids, standing)
    }

    /// Like [`group`](Self::group), but the bot is not in it yet.
    pub fn group_without_bot(&self, kind: Kind, title: &str, members: &[&User]) -> i64 {
        let ids: Vec<i64> = members.iter().map(|user| user.id).collect();
        self.shared.world().add_chat(kind, title, &ids, Standing::Left)
    }

    /// Gives a chat a name for `@name`.
    ///
    /// # Errors
    /// When there is no such chat.
    pub fn name_chat(&self, chat: i64, name: &str) -> anyhow::Result<()> {
        self.change(|world| {
            world.chat_mut(chat)?.username = Some(name.to_owned());
            Ok(())
        })
    }

    /// Somebody opens a topic in a forum; returns its number.
    ///
    /// # Errors
    /// When there is no such forum.
    pub fn open_topic(&self, chat: i64, name: &str, user: &User) -> anyhow::Result<i64> {
        self.change(|world| {
            if world.chat(chat)?.kind != Kind::Forum {
                return Err(Refusal::bad("the chat is not a forum"));
            }
            world.open_topic(chat, name, Author::User(user.id))
        })
    }

    /// Somebody changes what the bot is in a chat: adds it, makes it an administrator, throws it out. Returns the update of
    /// `my_chat_member`; one of the service message that people see may come after it.
    ///
    /// # Errors
    /// When there is no such chat.
    pub fn set_bot(&self, chat: i64, standing: Standing, by: &User) -> anyhow::Result<Option<i64>> {
        self.change(|world| {
            let before = world.chat(chat)?.bot;
            let told = world.change_bot(chat, standing, by.id)?;
            let there = |standing: Standing| matches!(standing, Standing::Member | Standing::Administrator);
            let me = world.user_json(world.bot.id);
            if world.chat(chat)?.kind.is_group() && there(before) != there(standing) {
                let (name, value) = match there(standing) {
                    true => ("new_chat_members", json!([me])),
                    false => ("left_chat_member", me),
                };
                world.service(chat, Author::User(by.id), name, value)?;
            }
            Ok(told)
        })
    }

    /// Somebody blocks the bot.
    ///
    /// # Errors
    /// When they have no chat with it.
    pub fn block(&self, user: &User) -> anyhow::Result<Option<i64>> {
        self.set_bot(user.id, Standing::Kicked, user)
    }

    /// Somebody unblocks the bot.
    ///
    /// # Errors
    /// When they have no chat with it.
    pub fn unblock(&self, user: &User) -> anyhow::Result<Option<i64>> {
        self.set_bot(user.id, Standing::Member, user)
    }

    /// Somebody joins a group.
    ///
    /// # Errors
    /// When there is no such chat.
    pub fn join(&self, chat: i64, user: &User) -> anyhow::Result<Option<i64>> {
        self.change(|world| {
            world.chat_mut(chat)?.members.insert(user.id);
            let shape = world.user_json(user.id);
            tell_member(world, chat, user.id, "left", "member")?;
            Ok(world.service(chat, Author::User(user.id), "new_chat_members", json!([shape]))?.1)
        })
    }

    /// Somebody leaves a group.
    ///
    /// # Errors
    /// When there is no such chat.
    pub fn leave(&self, chat: i64, user: &User) -> anyhow::Result<Option<i64>> {
        self.change(|world| {
            world.chat_mut(chat)?.members.remove(&user.id);
            let shape = world.user_json(user.id);
            tell_member(world, chat, user.id, "member", "left")?;
            Ok(world.service(chat, Author::User(user.id), "left_chat_member", shape)?.1)
        })
    }

    /// Makes a supergroup of a group. The old one takes no messages any more, and says where it went; returns the new one.
    ///
    /// # Errors
    /// When there is no such group.
    pub fn migrate(&self, chat: i64) -> anyhow::Result<i64> {
        self.change(|world| {
            let old = world.chat(chat)?.clone();
            if old.kind != Kind::Group {
                return Err(Refusal::bad("method is available only for basic group chats"));
            }
            let members: Vec<i64> = old.members.iter().copied().collect();
            let new = world.add_chat(Kind::Supergroup, &old.title, &members, old.bot);
            world.chat_mut(new)?.administrators = old.administrators.clone();
            let owner = old.administrators.first().copied().unwrap_or_default();
            world.service(chat, Author::User(owner), "migrate_to_chat_id", new.into())?;
            world.chat_mut(chat)?.migrated_to = Some(new);
            world.service(new, Author::Chat(new), "migrate_from_chat_id", chat.into())?;
            Ok(new)
        })
    }

    /// Switches the bot's privacy mode, as its owner does with BotFather. As with the real one, it holds for groups that the bot
    /// is added to from now on; here for all.
    pub fn set_privacy_mode(&self, on: bool) {
        self.shared.world().privacy = on;
    }
}

/// `chat_member`, which only administrators get.
fn tell_member(world: &mut World, chat: i64, user: i64, old: &str, new: &str) -> Result<(), Refusal> {
    if world.chat(chat)?.bot != Standing::Administrator {
        return Ok(());
    }
    let shape = world.user_json(user);
    let body = json!({
        "chat": world.chat_json(chat),
        "from": shape,
        "date": now(),
        "old_chat_member": member(old, &shape),
        "new_chat_member": member(new, &shape),
    });
    world.queue.push("chat_member", body);
    Ok(())
}
