//! What there is: people, guilds, channels, messages, and the bot's sessions that are told of what happens to them.
//!
//! Everything here happens under one lock, so that all see the same order.

pub(crate) mod user;

pub(crate) mod guild;
pub mod permissions;

pub(crate) mod channel;
pub(crate) mod thread;

pub(crate) mod attachment;
pub(crate) mod mentions;
pub(crate) mod message;

pub(crate) mod command;
pub(crate) mod interaction;

pub(crate) mod events;

use std::collections::{BTreeMap, HashMap};

use crate::Options;
use crate::gateway::session::Session;
use crate::ids::{Id, Ids};

use attachment::Attachment;
use channel::Channel;
use command::Command;
use guild::Guild;
use interaction::Interaction;
use message::Message;
use user::User;

/// The whole of it.
pub(crate) struct World {
    pub(crate) ids: Ids,
    /// `http://127.0.0.1:PORT`, for the addresses of files.
    pub(crate) url: String,
    pub(crate) app: App,
    pub(crate) users: BTreeMap<Id, User>,
    pub(crate) guilds: BTreeMap<Id, Guild>,
    pub(crate) channels: BTreeMap<Id, Channel>,
    pub(crate) messages: HashMap<Id, Message>,
    pub(crate) files: HashMap<Id, Attachment>,
    pub(crate) commands: BTreeMap<Id, Command>,
    pub(crate) interactions: BTreeMap<Id, Interaction>,
    pub(crate) typing: Vec<(Id, Id)>,
    pub(crate) sessions: Vec<Session>,
    /// How many connections to the gateway have ended.
    pub(crate) gateway_ended: usize,
    /// How many heartbeats were heard.
    pub(crate) heartbeats: usize,
    /// How many sessions may still be started today.
    pub(crate) starts_left: u32,
    /// Closed right after HELLO, with this code, so often.
    pub(crate) refuse_sessions: Option<(u16, usize)>,
    /// Where sessions are to be resumed, where that is not here.
    pub(crate) resume_url: Option<String>,
    /// When somebody identified last.
    pub(crate) identified: Option<std::time::Instant>,
}

/// The application and its bot.
#[derive(Debug)]
pub(crate) struct App {
    /// The application's id, and also the bot user's.
    pub(crate) id: Id,
    pub(crate) owner: Id,
    pub(crate) message_content: bool,
    pub(crate) members_and_presences: bool,
}

impl App {
    /// What its settings say of intents: the limited flags are those of an application in fewer than 100 guilds.
    pub(crate) fn flags(&self) -> u64 {
        let content = if self.message_content { 1 << 19 } else { 0 };
        let members = if self.members_and_presences { 1 << 15 | 1 << 13 } else { 0 };
        // It has commands.
        content | members | 1 << 23
    }
}

/// How many sessions an application may start in a day.
pub(crate) const STARTS: u32 = 1000;

impl World {
    pub(crate) fn new(options: &Options, address: &str) -> Self {
        let mut ids = Ids::default();
        let owner = User::person(ids.next(), "owner");
        let bot = User { is_bot: true, ..User::person(ids.next(), &options.bot) };
        let app = App {
            id: bot.id,
            owner: owner.id,
            message_content: options.message_content,
            members_and_presences: options.members_and_presences,
        };
        Self {
            ids,
            url: format!("http://{address}"),
            app,
            users: [owner, bot].into_iter().map(|user| (user.id, user)).collect(),
            guilds: BTreeMap::new(),
            channels: BTreeMap::new(),
            messages: HashMap::new(),
            files: HashMap::new(),
            commands: BTreeMap::new(),
            interactions: BTreeMap::new(),
            typing: Vec::new(),
            sessions: Vec::new(),
            gateway_ended: 0,
            heartbeats: 0,
            starts_left: STARTS,
            refuse_sessions: None,
            resume_url: None,
            identified: None,
        }
    }

    pub(crate) fn bot(&self) -> Id {
        self.app.id
    }
}
