//! How a session begins: identified anew, or resumed.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::session::Session;
use super::{Connection, End, Step};
use crate::world::events::intents;
use crate::world::guild::Guild;

/// How long after one another sessions may be started.
const BETWEEN_STARTS: Duration = Duration::from_secs(5);

impl Connection {
    /// Starts a session, if this is the bot and it asks for what it may have.
    pub(super) async fn identify(&mut self, data: &Value) -> Step {
        let token = data["token"].as_str().unwrap_or_default().trim_start_matches("Bot ");
        if token != self.shared.options.token {
            return Err(End::Close(4004, "Authentication failed."));
        }
        if !data["properties"].is_object() {
            return Err(End::Close(4002, "Error while decoding payload."));
        }
        let Some(wanted) = data["intents"].as_u64() else {
            return Err(End::Close(4013, "Invalid intent(s)."));
        };
        if wanted & !intents::ALL != 0 {
            return Err(End::Close(4013, "Invalid intent(s)."));
        }
        if wanted & self.disallowed() != 0 {
            return Err(End::Close(4014, "Disallowed intent(s)."));
        }
        let shard = match &data["shard"] {
            Value::Null => (0, 1),
            shard => match (shard[0].as_u64(), shard[1].as_u64()) {
                (Some(index), Some(count)) if index < count => (index, count),
                _ => return Err(End::Close(4010, "Invalid shard.")),
            },
        };
        self.compresses = self.stream.is_none() && data["compress"] == true;
        let id = fresh_id();
        let outlet = self.outlet.clone();
        let pace = self.shared.options.pace;
        let gateway = self.shared.gateway();
        let life = self.shared.options.session_life;
        let has_begun = self.shared.change(|world| {
            world.sessions.retain(|session| session.lives(life));
            let wait = pace.map_or(Duration::ZERO, |pace| BETWEEN_STARTS.div_f64(pace));
            if world.starts_left == 0 || world.identified.is_some_and(|last| last.elapsed() < wait) {
                return false;
            }
            world.starts_left -= 1;
            world.identified = Some(Instant::now());
            // Two sessions of one shard live side by side, as they do on Discord; one that nobody can resume is forgotten.
            let mut session = Session::new(id.clone(), shard, wanted, outlet);
            let bot = world.bot();
            let own = world.guilds.values().filter(|guild| guild.members.contains_key(&bot));
            let own: Vec<Guild> = own.filter(|guild| session.has(Some(guild.id))).cloned().collect();
            let resume_url = world.resume_url.clone().unwrap_or_else(|| gateway.clone());
            let ready = json!({
                "v": 10,
                "user": world.users.get(&bot).map(crate::world::user::User::own_json),
                "user_settings": {},
                "guilds": own.iter().map(|guild| json!({"id": guild.id, "unavailable": true})).collect::<Vec<_>>(),
                "session_id": session.id,
                "session_type": "normal",
                "resume_gateway_url": resume_url,
                "shard": [shard.0, shard.1],
                "application": {"id": world.app.id, "flags": world.app.flags()},
                "presences": [],
                "relationships": [],
                "private_channels": [],
                "guild_join_requests": [],
                "geo_ordered_rtc_regions": ["rotterdam"],
                "auth": {},
                "_trace": ["[\"fake\"]"],
            });
            session.dispatch("READY", &ready);
            if wanted & intents::GUILDS != 0 {
                let with_members = wanted & intents::GUILD_MEMBERS != 0;
                for guild in &own {
                    session.dispatch("GUILD_CREATE", &world.guild_create_json(guild, with_members));
                }
            }
            session.is_ready = true;
            world.sessions.push(session);
            true
        });
        if !has_begun {
            return self.send(&json!({"op": 9, "d": false, "t": null, "s": null})).await;
        }
        self.session = Some(id);
        Ok(())
    }

    /// Goes on with a session that lost its connection.
    pub(super) async fn resume(&mut self, data: &Value) -> Step {
        let token = data["token"].as_str().unwrap_or_default().trim_start_matches("Bot ");
        if token != self.shared.options.token {
            return Err(End::Close(4004, "Authentication failed."));
        }
        let (Some(id), Some(sequence)) = (data["session_id"].as_str(), data["seq"].as_u64()) else {
            return Err(End::Close(4002, "Error while decoding payload."));
        };
        let outlet = self.outlet.clone();
        let life = self.shared.options.session_life;
        let outcome = self.shared.change(|world| {
            world.sessions.retain(|session| session.lives(life));
            let session = world.sessions.iter_mut().find(|session| session.id == id)?;
            if sequence > session.sequence {
                return Some(false);
            }
            // A connection that the session still has, as a half-open one, is given up for the new one.
            if let Some(old) = session.outlet.take() {
                old.line.break_off();
            }
            session.replay(sequence, outlet).then_some(true)
        });
        match outcome {
            Some(true) => {
                self.session = Some(id.to_owned());
                Ok(())
            }
            Some(false) => Err(End::Close(4007, "Invalid seq.")),
            None => self.send(&json!({"op": 9, "d": false, "t": null, "s": null})).await,
        }
    }
}

/// A session's id: as long as real ones, and never twice the same.
fn fresh_id() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!(
        "{:032x}",
        (u128::from(std::process::id()) << 64) + u128::from(COUNT.fetch_add(1, Ordering::Relaxed))
    )
}
