//! What is said on the gateway. In: frames, and the code with which Discord closes. Out: what to do about them. Has no socket and no
//! clock.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use serenity::model::gateway::GatewayIntents;
use serenity::model::id::{ApplicationId, GuildId, UserId};

use super::progress::{Memory, Resumable};
use super::socket::{Closed, Frame};
use crate::shared::{Me, id_in};

/// How a connection goes on.
#[derive(Debug, PartialEq)]
pub(crate) enum Effect {
    /// This is said.
    Send(Value),
    /// A new session is asked for, once it may be.
    Identify,
    /// A heartbeat is due each time that this has passed.
    Beats(Duration),
    /// Discord asks for a heartbeat at once.
    Beat,
    /// The last heartbeat was answered.
    Answered,
    /// A new session began, with these servers to follow.
    Begun { number: u64, me: Me, guilds: Vec<GuildId> },
    /// The session goes on; everything that was missed has come.
    Resumed { number: u64 },
    /// Something happened.
    Event { number: u64, name: String, data: Value },
    /// The connection is over.
    End(Ending),
}

/// What comes after a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Another, with the same session.
    Resume(String),
    /// Another, with a new session.
    Renew(String),
    /// Nothing before a person has acted.
    Stop(String),
}

/// One shard's part in the talk.
pub(super) struct Session {
    pub(super) token: SecretString,
    pub(super) shard: (u32, u32),
    pub(super) intents: GatewayIntents,
    pub(super) memory: Memory,
}

impl Session {
    pub(super) fn hear(&self, frame: Frame) -> Vec<Effect> {
        match (frame.op, frame.s, frame.t) {
            (0, Some(number), Some(name)) => vec![self.dispatch(number, name, frame.d)],
            (1, ..) => vec![Effect::Beat],
            (7, ..) => vec![Effect::End(Ending::Resume("Discord asks for another connection".to_owned()))],
            (9, ..) => {
                let reason = "Discord ended the session".to_owned();
                let can_resume = frame.d.as_bool() == Some(true);
                vec![Effect::End(if can_resume { Ending::Resume(reason) } else { Ending::Renew(reason) })]
            }
            (10, ..) => {
                let every = frame.d.get("heartbeat_interval").and_then(Value::as_u64).unwrap_or(41_250);
                let beats = Effect::Beats(Duration::from_millis(every.max(1)));
                vec![beats, self.resume().map_or(Effect::Identify, Effect::Send)]
            }
            (11, ..) => vec![Effect::Answered],
            _ => Vec::new(),
        }
    }

    fn dispatch(&self, number: u64, name: String, data: Value) -> Effect {
        match name.as_str() {
            "READY" => self.ready(number, &data).unwrap_or_else(|| {
                Effect::End(Ending::Renew("Discord's greeting says too little".to_owned()))
            }),
            "RESUMED" => Effect::Resumed { number },
            _ => Effect::Event { number, name, data },
        }
    }

    fn ready(&self, number: u64, data: &Value) -> Option<Effect> {
        let user = data.get("user")?;
        let me = Me {
            id: UserId::new(id_in(user, "id")?),
            name: user.get("username")?.as_str()?.to_owned(),
            application: ApplicationId::new(id_in(data.get("application")?, "id")?),
        };
        let session: Arc<str> = data.get("session_id")?.as_str()?.into();
        let url = Some(data.get("resume_gateway_url")?.as_str()?.to_owned());
        let guilds = data.get("guilds").and_then(Value::as_array).into_iter().flatten();
        let guilds = guilds.filter_map(|guild| id_in(guild, "id")).map(GuildId::new).collect();
        self.memory.begin(Resumable { session, url });
        Some(Effect::Begun { number, me, guilds })
    }

    pub(super) fn identify(&self) -> Value {
        let properties = json!({ "os": std::env::consts::OS, "browser": "loquat", "device": "loquat" });
        json!({ "op": 2, "d": {
            "token": self.token.expose_secret(),
            "properties": properties,
            "intents": self.intents.bits(),
            "shard": [self.shard.0, self.shard.1],
            // Members are not asked for.
            "large_threshold": 50,
        }})
    }

    fn resume(&self) -> Option<Value> {
        let (Resumable { session, .. }, number) = self.memory.resumable()?;
        let token = self.token.expose_secret();
        Some(json!({ "op": 6, "d": { "token": token, "session_id": &*session, "seq": number } }))
    }

    pub(super) fn heartbeat(&self) -> Value {
        json!({ "op": 1, "d": self.memory.last_read() })
    }

    /// What comes after a connection that ended so.
    pub(super) fn closed(&self, closed: Closed) -> Ending {
        let code = match closed {
            Closed::Code(code) => code,
            Closed::Broken(reason) => return Ending::Resume(reason),
        };
        let stop = |what: &str, advice: &str| Ending::Stop(format!("Discord {what} ({code}); {advice}"));
        let shards = "set connectors.discord.shards to 0, for as many as Discord recommends";
        let fault = "this is a fault of the program, report it";
        match code {
            4004 => stop(
                "does not accept the token",
                "copy a new one from the developer portal (Bot, Reset Token) into connectors.discord.token",
            ),
            4010 => stop("does not know the shard", shards),
            4011 => stop("wants the bot on more shards", shards),
            4012 => stop("does not know this version of its gateway", fault),
            4013 => stop("does not know an intent that was asked for", fault),
            4014 => stop(
                "does not allow an intent that was asked for",
                "switch on the Message Content intent in the developer portal (Bot, Privileged Gateway Intents), or set connectors.discord.message_content = false",
            ),
            4003 | 4007 | 4009 => Ending::Renew(format!("Discord ended the session ({code})")),
            _ => Ending::Resume(format!("Discord closed the connection ({code})")),
        }
    }
}

/// What the bot is told of.
pub(crate) fn intents(message_content: bool) -> GatewayIntents {
    let ordinary = GatewayIntents::GUILDS
        | GatewayIntents::GUILD_MESSAGES
        | GatewayIntents::GUILD_MESSAGE_REACTIONS
        | GatewayIntents::DIRECT_MESSAGES
        | GatewayIntents::DIRECT_MESSAGE_REACTIONS;
    if message_content { ordinary | GatewayIntents::MESSAGE_CONTENT } else { ordinary }
}
