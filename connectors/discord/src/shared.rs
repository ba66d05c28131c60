//! What both halves know: who the bot is, which channels there are, which messages it has dealt with. In: what either half learns.
//! Out: the same for both, also where only one of them runs.

mod places;

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use loquat_contract::{BotCard, ConversationId, Sender};
use lru::LruCache;
use serde::Deserialize;
use serenity::model::id::{ApplicationId, ChannelId, GuildId, MessageId, RoleId, UserId};
use tokio::sync::OnceCell;

use crate::receive::events::Member;
use crate::rest::{Call, Failure, Rest, Route};
use crate::{Config, PLATFORM};

pub(crate) use places::{ChannelObject, Place, Places, RoleObject, id_in};

/// How many messages are remembered of each kind.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

/// Who the bot is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Me {
    pub(crate) id: UserId,
    pub(crate) name: String,
    pub(crate) application: ApplicationId,
}

/// What the two halves share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) bot: BotCard,
    pub(crate) rest: Rest,
    pub(crate) places: Places,
    me: OnceCell<Me>,
    /// Messages that were handed to the sink, with the conversation that they are of, and who wrote them.
    asked: Mutex<LruCache<MessageId, (ConversationId, Sender)>>,
    /// Whose message it is: `true` for the bot's own.
    authors: Mutex<LruCache<MessageId, bool>>,
}

impl Shared {
    pub(crate) fn new(config: Config, bot: BotCard, rest: Rest) -> Self {
        Self {
            config,
            bot,
            rest,
            places: Places::default(),
            me: OnceCell::new(),
            asked: Mutex::new(LruCache::new(REMEMBERED)),
            authors: Mutex::new(LruCache::new(REMEMBERED)),
        }
    }

    /// Who the bot is; Discord is asked where it has not said so yet.
    pub(crate) async fn me(&self) -> Result<&Me, Failure> {
        #[derive(Deserialize)]
        struct User {
            id: UserId,
            username: String,
        }
        #[derive(Deserialize)]
        struct Application {
            id: ApplicationId,
        }
        let ask = || async {
            let User { id, username } = self.rest.ask(Call::get(Route::me())).await?;
            let Application { id: application } = self.rest.ask(Call::get(Route::application())).await?;
            Ok(Me { id, name: username, application })
        };
        self.me.get_or_try_init(ask).await
    }

    /// The same, where it is known already.
    pub(crate) fn known_me(&self) -> Option<&Me> {
        self.me.get()
    }

    /// What the gateway says of who the bot is. It does not change while the bot runs.
    pub(crate) fn i_am(&self, me: Me) {
        // Somebody else may have asked for it meanwhile.
        let _ = self.me.set(me);
    }

    /// Where a channel is; Discord is asked of one that is not known.
    pub(crate) async fn place(&self, channel: ChannelId) -> Result<Place, Failure> {
        if let Some(place) = self.places.find(channel) {
            return Ok(place);
        }
        let object: ChannelObject = self.rest.ask(Call::get(Route::channel(channel))).await?;
        let me = self.me().await?.id;
        Ok(self.places.keep(object, None, me))
    }

    /// The role that the bot has for itself in a server, by which it can be mentioned too.
    pub(crate) async fn own_role(&self, guild: GuildId) -> Result<Option<RoleId>, Failure> {
        if let Some(role) = self.places.own_role(guild) {
            return Ok(role);
        }
        let roles: Vec<RoleObject> = self.rest.ask(Call::get(Route::roles(guild))).await?;
        let me = self.me().await?.id;
        Ok(self.places.keep_roles(guild, &roles, me))
    }

    /// Somebody in a server, with their roles; nothing where they are not there.
    pub(crate) async fn member(&self, guild: GuildId, user: UserId) -> Result<Option<Member>, Failure> {
        match self.rest.ask(Call::get(Route::member(guild, user))).await {
            Ok(member) => Ok(Some(member)),
            Err(Failure::Refused { .. }) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// The conversation of a place. A message in a text channel that opens a thread begins a conversation of its own.
    pub(crate) fn conversation(&self, place: &Place, opens: Option<MessageId>) -> ConversationId {
        let thread = place.thread.map(|thread| thread.to_string());
        ConversationId {
            bot: self.bot.name.clone(),
            platform: PLATFORM.to_owned(),
            channel: place.channel.to_string(),
            thread: thread.or_else(|| opens.map(|message| message.to_string())),
        }
    }

    fn asked(&self) -> MutexGuard<'_, LruCache<MessageId, (ConversationId, Sender)>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a message that was handed to the sink.
    pub(crate) fn has_asked(&self, message: MessageId, conversation: ConversationId, sender: Sender) {
        self.asked().put(message, (conversation, sender));
    }

    /// The conversation of a message that was handed to the sink, and who wrote it.
    pub(crate) fn asked_in(&self, message: MessageId) -> Option<(ConversationId, Sender)> {
        self.asked().peek(&message).cloned()
    }

    /// Remembers whose a message is.
    pub(crate) fn wrote(&self, message: MessageId, is_mine: bool) {
        self.authors.lock().unwrap_or_else(PoisonError::into_inner).put(message, is_mine);
    }

    /// Whether a message is the bot's own; `None` where that is not remembered.
    pub(crate) fn is_mine(&self, message: MessageId) -> Option<bool> {
        self.authors.lock().unwrap_or_else(PoisonError::into_inner).get(&message).copied()
    }
}
