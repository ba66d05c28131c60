//! What people do: they say things, change them, take them back, react, and send files.

mod interact;
mod places;

use anyhow::{Context, ensure};

use crate::Discord;
use crate::ids::Id;
use crate::world::World;
use crate::world::mentions::Allowed;
use crate::world::message::{Draft, Reference, SUPPRESS_NOTIFICATIONS, VOICE, kind};
use crate::world::permissions::{ADD_REACTIONS, READ_MESSAGE_HISTORY, VIEW_CHANNEL};
use crate::world::user::User;

/// What somebody says.
#[derive(Clone, Debug, Default)]
pub struct Say {
    text: String,
    reply_to: Option<Id>,
    pings_nobody: bool,
    is_silent: bool,
    files: Vec<(String, String, Vec<u8>)>,
    seconds: Option<f64>,
}

impl From<&str> for Say {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }
}

impl From<String> for Say {
    fn from(text: String) -> Self {
        Self { text, ..Self::default() }
    }
}

impl Say {
    /// In reply to this message.
    #[must_use]
    pub fn reply_to(mut self, message: Id) -> Self {
        self.reply_to = Some(message);
        self
    }

    /// A reply that does not notify whom it replies to.
    #[must_use]
    pub fn without_ping(mut self) -> Self {
        self.pings_nobody = true;
        self
    }

    /// As a `@silent` message.
    #[must_use]
    pub fn silent(mut self) -> Self {
        self.is_silent = true;
        self
    }

    /// As a voice message of so many seconds, with its Ogg file's bytes.
    #[must_use]
    pub fn voice(bytes: impl Into<Vec<u8>>, seconds: f64) -> Self {
        Self { seconds: Some(seconds), ..Self::default() }.file("voice-message.ogg", "audio/ogg", bytes)
    }

    /// With a file: its name, media type, and bytes.
    #[must_use]
    pub fn file(mut self, name: &str, content_type: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.push((name.to_owned(), content_type.to_owned(), bytes.into()));
        self
    }
}

impl World {
    /// A message that is there, wherever.
    pub(crate) fn there(&self, message: Id) -> anyhow::Result<&crate::world::message::Message> {
        let found = self.messages.get(&message).filter(|message| !message.is_deleted);
        found.with_context(|| format!("there is no message {message}"))
    }
}

impl Discord {
    /// Somebody of this name: the same one each time.
    pub fn person(&self, name: &str) -> Id {
        self.user(name, false)
    }

    /// Another bot of this name: the same one each time.
    pub fn other_bot(&self, name: &str) -> Id {
        self.user(name, true)
    }

    fn user(&self, name: &str, is_bot: bool) -> Id {
        self.shared.change(|world| {
            if let Some(user) = world.users.values().find(|user| user.name == name && user.is_bot == is_bot) {
                return user.id;
            }
            let id = world.ids.next();
            world.users.insert(id, User { is_bot, ..User::person(id, name) });
            id
        })
    }

    /// A webhook of this name, which says things and is nobody.
    pub fn webhook(&self, name: &str) -> Id {
        let id = self.user(name, true);
        self.shared.change(|world| {
            if let Some(user) = world.users.get_mut(&id) {
                user.is_webhook = true;
            }
        });
        id
    }

    /// The bot's id, which is also its application's.
    pub fn bot(&self) -> Id {
        self.shared.look().bot()
    }

    /// Sets the language of somebody's client, such as `de` or `zh-CN`.
    pub fn set_locale(&self, user: Id, locale: &str) {
        self.shared.change(|world| {
            if let Some(user) = world.users.get_mut(&user) {
                locale.clone_into(&mut user.locale);
            }
        });
    }

    /// Somebody takes direct messages from the bot, or does not.
    pub fn takes_messages(&self, user: Id, takes: bool) {
        self.shared.change(|world| {
            if let Some(user) = world.users.get_mut(&user) {
                user.takes_messages = takes;
            }
        });
    }

    /// Somebody says something. They join the guild first, if they are not in it.
    ///
    /// # Errors
    /// When there is no such channel or person.
    pub fn say(&self, channel: Id, user: Id, what: impl Into<Say>) -> anyhow::Result<Id> {
        let say = what.into();
        self.shared.change(|world| {
            ensure!(world.users.contains_key(&user), "there is no user {user}");
            let place =
                world.channels.get(&channel).with_context(|| format!("there is no channel {channel}"))?;
            ensure!(place.is_text(), "nothing can be said in {channel}: it is no text channel");
            let is_webhook = world.users.get(&user).is_some_and(|user| user.is_webhook);
            if let Some(guild) = place.guild.filter(|_| !is_webhook) {
                world.join(guild, user);
            }
            let reference = say.reply_to.map(|message| Reference { channel, message });
            let files = say.files.into_iter().map(|(name, content_type, bytes)| {
                world.keep_file(channel, &name, Some(content_type), bytes.into())
            });
            let files: Vec<Id> = files.collect();
            for file in &files {
                if let Some(file) = world.files.get_mut(file) {
                    file.seconds = say.seconds;
                }
            }
            let silent = if say.is_silent { SUPPRESS_NOTIFICATIONS } else { 0 };
            let voice = if say.seconds.is_some() { VOICE } else { 0 };
            Ok(world.post(Draft {
                kind: if reference.is_some() { kind::REPLY } else { kind::DEFAULT },
                reference,
                files,
                flags: silent | voice,
                allowed: Allowed { replied_user: !say.pings_nobody, ..Allowed::ALL },
                ..Draft::new(channel, user, &say.text)
            }))
        })
    }

    /// Whoever said this changes it.
    ///
    /// # Errors
    /// When there is no such message.
    pub fn edit(&self, message: Id, text: &str) -> anyhow::Result<()> {
        self.shared.change(|world| {
            world.there(message)?;
            world.edit_message(message, Some(text.to_owned()), &Allowed::ALL);
            Ok(())
        })
    }

    /// Whoever said this takes it back.
    ///
    /// # Errors
    /// When there is no such message.
    pub fn delete(&self, message: Id) -> anyhow::Result<()> {
        self.shared.change(|world| {
            world.there(message)?;
            world.delete_message(message);
            Ok(())
        })
    }

    /// Somebody reacts with an emoji.
    ///
    /// # Errors
    /// When they cannot, as it is not there for them.
    pub fn react(&self, message: Id, user: Id, emoji: &str) -> anyhow::Result<()> {
        self.shared.change(|world| {
            let channel = world.there(message)?.channel;
            if let Some(guild) = world.channels.get(&channel).and_then(|channel| channel.guild) {
                world.join(guild, user);
            }
            let needed = VIEW_CHANNEL | READ_MESSAGE_HISTORY | ADD_REACTIONS;
            ensure!(world.can(user, channel, needed), "{user} may not react in {channel}");
            world.react(message, user, emoji, true);
            Ok(())
        })
    }

    /// Somebody takes a reaction back.
    ///
    /// # Errors
    /// When there is no such message.
    pub fn take_back(&self, message: Id, user: Id, emoji: &str) -> anyhow::Result<()> {
        self.shared.change(|world| {
            world.there(message)?;
            world.react(message, user, emoji, false);
            Ok(())
        })
    }

    /// The bot is told once more of a message, as it is after a resume that goes back further than it had to.
    pub fn repeat(&self, message: Id) {
        self.shared.change(|world| world.tell_message("MESSAGE_CREATE", message));
    }

    /// Somebody types.
    pub fn types(&self, channel: Id, user: Id) {
        self.shared.change(|world| world.type_in(channel, user));
    }
}
