//! Where calls go. In: ids. Out: paths, and what rate limits call them. Paths hold tokens of interactions, so none is printed.

use reqwest::Method;
use serenity::model::id::{ApplicationId, ChannelId, GuildId, InteractionId, MessageId, UserId};

/// Discord's code for a token of an interaction that is over.
pub(crate) const INVALID_TOKEN: u64 = 50_027;

/// A path, and what limits go by: its form, and the parameter that makes it another bucket.
pub(crate) struct Route {
    form: &'static str,
    major: String,
    path: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// With the bot's token.
    Bot,
    /// With the interaction's token, and outside of the limit of the whole bot.
    Interaction,
}

impl Route {
    fn bot(form: &'static str, major: impl ToString, path: String) -> Self {
        Self { form, major: major.to_string(), path, kind: Kind::Bot }
    }

    fn interaction(form: &'static str, token: &str, path: String) -> Self {
        Self { form, major: token.to_owned(), path, kind: Kind::Interaction }
    }

    /// What limits call it.
    pub(super) fn name(&self, method: &Method) -> String {
        format!("{method} {}", self.form)
    }

    pub(super) fn major(&self) -> &str {
        &self.major
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn needs_token(&self) -> bool {
        self.kind == Kind::Bot
    }

    pub(super) fn is_limited_as_a_whole(&self) -> bool {
        self.kind == Kind::Bot
    }

    pub(crate) fn gateway() -> Self {
        Self::bot("/gateway/bot", "", "/gateway/bot".to_owned())
    }

    pub(crate) fn me() -> Self {
        Self::bot("/users/@me", "", "/users/@me".to_owned())
    }

    pub(crate) fn my_guilds() -> Self {
        Self::bot("/users/@me/guilds", "", "/users/@me/guilds".to_owned())
    }

    pub(crate) fn my_guild(guild: GuildId) -> Self {
        Self::bot("/users/@me/guilds/_", "", format!("/users/@me/guilds/{guild}"))
    }

    pub(crate) fn application() -> Self {
        Self::bot("/applications/@me", "", "/applications/@me".to_owned())
    }

    pub(crate) fn commands(application: ApplicationId) -> Self {
        Self::bot("/applications/_/commands", "", format!("/applications/{application}/commands"))
    }

    pub(crate) fn roles(guild: GuildId) -> Self {
        Self::bot("/guilds/_/roles", guild, format!("/guilds/{guild}/roles"))
    }

    pub(crate) fn member(guild: GuildId, user: UserId) -> Self {
        Self::bot("/guilds/_/members/_", guild, format!("/guilds/{guild}/members/{user}"))
    }

    pub(crate) fn channel(channel: ChannelId) -> Self {
        Self::bot("/channels/_", channel, format!("/channels/{channel}"))
    }

    pub(crate) fn messages(channel: ChannelId) -> Self {
        Self::bot("/channels/_/messages", channel, format!("/channels/{channel}/messages"))
    }

    pub(crate) fn message(channel: ChannelId, message: MessageId) -> Self {
        Self::bot("/channels/_/messages/_", channel, format!("/channels/{channel}/messages/{message}"))
    }

    pub(crate) fn typing(channel: ChannelId) -> Self {
        Self::bot("/channels/_/typing", channel, format!("/channels/{channel}/typing"))
    }

    /// To open a thread at a message.
    pub(crate) fn threads(channel: ChannelId, message: MessageId) -> Self {
        let path = format!("/channels/{channel}/messages/{message}/threads");
        Self::bot("/channels/_/messages/_/threads", channel, path)
    }

    /// The bot as a member of a thread.
    pub(crate) fn my_thread(thread: ChannelId) -> Self {
        Self::bot("/channels/_/thread-members/@me", thread, format!("/channels/{thread}/thread-members/@me"))
    }

    pub(crate) fn callback(id: InteractionId, token: &str) -> Self {
        Self::interaction("/interactions/_/_/callback", token, format!("/interactions/{id}/{token}/callback"))
    }

    pub(crate) fn original(application: ApplicationId, token: &str) -> Self {
        let path = format!("/webhooks/{application}/{token}/messages/@original");
        Self::interaction("/webhooks/_/_/messages/@original", token, path)
    }
}
