//! The gateway: a WebSocket over which a bot is told what happens.
//!
//! A connection is opened here, greeted, and then belongs to a session of the world, old or new, until one of them ends.

pub(crate) mod session;

mod breaking;
mod compress;
mod greet;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, Query, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::Instant;

use crate::Shared;
use crate::doorway::Line;
use crate::world::events::intents;
use compress::Compressor;
use session::{Order, Outlet};

/// How many events a client may send in a minute.
const EVENTS_A_MINUTE: usize = 120;
/// How long an event of a client's may be.
const MAX_EVENT_BYTES: usize = 4096;

/// How a connection is to be, from its address.
#[derive(Debug, Deserialize)]
pub(crate) struct Wishes {
    v: Option<u8>,
    encoding: Option<String>,
    compress: Option<String>,
}

/// Takes a connection.
pub(crate) async fn open(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(line): ConnectInfo<Line>,
    Query(wishes): Query<Wishes>,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade.on_upgrade(move |socket| Connection::run(shared, line, wishes, socket)).into_response()
}

/// A connection to the gateway.
struct Connection {
    shared: Arc<Shared>,
    socket: WebSocket,
    stream: Option<Compressor>,
    /// Whether the client asked for single payloads to be compressed.
    compresses: bool,
    /// The session that it belongs to, once it said which.
    session: Option<String>,
    orders: UnboundedReceiver<Order>,
    outlet: Outlet,
    /// Whether it takes and gives nothing any more, though it is open.
    is_zombie: bool,
    /// Whether heartbeats are acknowledged.
    acknowledges: bool,
    heard: Vec<Instant>,
}

/// Why a connection ends: closed with a code by the server, or by the other side.
enum End {
    Close(u16, &'static str),
    Gone { is_clean: bool },
}

/// How a client's event ends a connection, or not.
type Step = Result<(), End>;

impl Connection {
    async fn run(shared: Arc<Shared>, line: Line, wishes: Wishes, socket: WebSocket) {
        let (sender, orders) = unbounded_channel();
        let outlet = Outlet { sender, line };
        let stream = match wishes.compress.as_deref() {
            Some("zlib-stream") => Some(Compressor::default()),
            _ => None,
        };
        let mut connection = Self {
            shared,
            socket,
            stream,
            compresses: false,
            session: None,
            orders,
            outlet,
            is_zombie: false,
            acknowledges: true,
            heard: Vec::new(),
        };
        let end = match connection.welcome(&wishes).await {
            Ok(()) => connection.live().await,
            Err(end) => end,
        };
        connection.end(end).await;
    }

    async fn welcome(&mut self, wishes: &Wishes) -> Step {
        if wishes.v.is_some_and(|version| version != 10) {
            return Err(End::Close(4012, "Invalid API version."));
        }
        if wishes.encoding.as_deref().is_some_and(|encoding| encoding != "json")
            || wishes.compress.as_deref().is_some_and(|compress| compress != "zlib-stream")
        {
            return Err(End::Close(4002, "Error while decoding payload."));
        }
        let millis = u64::try_from(self.shared.options.heartbeat.as_millis()).unwrap_or(u64::MAX);
        self.send(&json!({"op": 10, "t": null, "s": null, "d": {"heartbeat_interval": millis, "_trace": ["[\"fake\"]"]}})).await?;
        let refused = self.shared.change(|world| {
            let (code, left) = world.refuse_sessions?;
            world.refuse_sessions = Some((code, left.checked_sub(1)?)).filter(|_| left > 1);
            Some(code)
        });
        refused.map_or(Ok(()), |code| Err(End::Close(code, "As you wish.")))
    }

    async fn live(&mut self) -> End {
        let grace = self.shared.options.heartbeat.mul_f64(1.5) + Duration::from_secs(5);
        let mut deadline = Instant::now() + grace;
        loop {
            let step = tokio::select! {
                biased;
                order = self.orders.recv() => match order {
                    Some(order) => self.obey(order).await,
                    None => Err(End::Gone { is_clean: false }),
                },
                message = self.socket.recv() => match message {
                    Some(Ok(Message::Text(text))) => self.hear(text.as_str(), &mut deadline, grace).await,
                    Some(Ok(Message::Binary(bytes))) => match std::str::from_utf8(&bytes) {
                        Ok(text) => self.hear(text, &mut deadline, grace).await,
                        Err(_) => Err(End::Close(4002, "Error while decoding payload.")),
                    },
                    Some(Ok(Message::Close(frame))) => {
                        let code = frame.map_or(1005, |frame| frame.code);
                        Err(End::Gone { is_clean: matches!(code, 1000 | 1001) })
                    }
                    Some(Ok(_)) => Ok(()),
                    Some(Err(_)) | None => Err(End::Gone { is_clean: false }),
                },
                () = tokio::time::sleep_until(deadline), if !self.is_zombie => {
                    // The session is still there: the client is to resume it.
                    Err(End::Close(4000, "No heartbeat."))
                }
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    async fn end(&mut self, end: End) {
        let is_lost = match end {
            End::Gone { is_clean } => is_clean,
            // After these a session is over.
            End::Close(code, _) => matches!(code, 1000 | 1001 | 4004 | 4007 | 4009..=4014),
        };
        let session = self.session.take();
        self.shared.change(|world| {
            world.gateway_ended += 1;
            let Some(session) = session else { return };
            if is_lost {
                world.sessions.retain(|other| other.id != session);
            } else if let Some(session) = world.sessions.iter_mut().find(|other| other.id == session) {
                session.lose(&self.outlet);
            }
        });
        let End::Close(code, reason) = end else { return };
        let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
        let _ = self.socket.send(Message::Close(Some(frame))).await;
        // What a client still sends before it reads of the end is taken, so that the end is not taken for a fault.
        let last = async { while let Some(Ok(_)) = self.socket.recv().await {} };
        let _ = tokio::time::timeout(Duration::from_secs(5), last).await;
    }

    /// Does what the session or a test says.
    async fn obey(&mut self, order: Order) -> Step {
        match order {
            Order::Dispatch(text) if !self.is_zombie => self.send_text(text).await,
            Order::Dispatch(_) => Ok(()),
            Order::Close(code) => Err(End::Close(code, "As you wish.")),
            Order::Reconnect => self.send(&json!({"op": 7, "d": null, "t": null, "s": null})).await,
            Order::Invalidate(is_resumable) => {
                if !is_resumable {
                    let session = self.session.take();
                    self.shared
                        .change(|world| world.sessions.retain(|other| Some(&other.id) != session.as_ref()));
                }
                self.send(&json!({"op": 9, "d": is_resumable, "t": null, "s": null})).await
            }
            Order::AskHeartbeat => self.send(&json!({"op": 1, "d": null, "t": null, "s": null})).await,
            Order::Zombie => {
                self.is_zombie = true;
                Ok(())
            }
            Order::Acknowledge(acknowledges) => {
                self.acknowledges = acknowledges;
                Ok(())
            }
        }
    }

    /// Takes an event of the client's.
    async fn hear(&mut self, text: &str, deadline: &mut Instant, grace: Duration) -> Step {
        if self.is_zombie {
            return Ok(());
        }
        let now = Instant::now();
        self.heard.retain(|then| now.duration_since(*then) < Duration::from_secs(60));
        self.heard.push(now);
        if self.heard.len() > EVENTS_A_MINUTE {
            return Err(End::Close(4008, "Rate limited."));
        }
        if text.len() > MAX_EVENT_BYTES {
            return Err(End::Close(4002, "Error while decoding payload."));
        }
        let Ok(event) = serde_json::from_str::<Value>(text) else {
            return Err(End::Close(4002, "Error while decoding payload."));
        };
        let data = &event["d"];
        let Some(op) = event["op"].as_u64() else {
            return Err(End::Close(4002, "Error while decoding payload."));
        };
        match op {
            1 => {
                *deadline = now + grace;
                self.shared.change(|world| world.heartbeats += 1);
                if self.acknowledges {
                    self.send(&json!({"op": 11, "d": null, "t": null, "s": null})).await
                } else {
                    Ok(())
                }
            }
            2 if self.session.is_some() => Err(End::Close(4005, "Already authenticated.")),
            2 => self.identify(data).await,
            6 => self.resume(data).await,
            _ if self.session.is_none() => Err(End::Close(4003, "Not authenticated.")),
            // Presence and voice are nobody's concern here.
            3 | 4 | 31 => Ok(()),
            8 => self.members(data),
            _ => Err(End::Close(4001, "Unknown opcode.")),
        }
    }

    /// Sends the members that were asked for.
    fn members(&mut self, data: &Value) -> Step {
        let session = self.session.clone();
        self.shared.change(|world| {
            let Some(guild) = crate::ids::id_in(&data["guild_id"]) else { return };
            let Some(guild) = world.guilds.get(&guild) else { return };
            let wanted = |user: &crate::Id| match (&data["user_ids"], data["query"].as_str()) {
                (Value::Array(ids), _) => ids.iter().any(|id| crate::ids::id_in(id) == Some(*user)),
                (id @ (Value::String(_) | Value::Number(_)), _) => crate::ids::id_in(id) == Some(*user),
                (_, Some(query)) => {
                    world.shown_name(Some(guild.id), *user).to_lowercase().starts_with(&query.to_lowercase())
                }
                _ => false,
            };
            let members = guild.members.values().filter(|member| wanted(&member.user));
            let chunk = json!({
                "guild_id": guild.id,
                "members": members.map(|member| world.member_json(member)).collect::<Vec<_>>(),
                "chunk_index": 0,
                "chunk_count": 1,
                "not_found": [],
                "nonce": data["nonce"],
            });
            if let Some(session) = world.sessions.iter_mut().find(|other| Some(&other.id) == session.as_ref())
            {
                session.dispatch("GUILD_MEMBERS_CHUNK", &chunk);
            }
        });
        Ok(())
    }

    async fn send(&mut self, payload: &Value) -> Step {
        self.send_text(payload.to_string()).await
    }

    async fn send_text(&mut self, text: String) -> Step {
        let message = match &mut self.stream {
            Some(stream) => stream.frame(text.as_bytes()).map(|bytes| Message::Binary(bytes.into())),
            None if self.compresses && compress::is_worth_it(&text) => {
                compress::alone(text.as_bytes()).map(|bytes| Message::Binary(bytes.into()))
            }
            None => Ok(Message::Text(text.into())),
        };
        let Ok(message) = message else { return Err(End::Close(4000, "Unknown error.")) };
        // A client that reads nothing any more holds up nobody but itself.
        match self.socket.send(message).await {
            Ok(()) => Ok(()),
            Err(_) => Err(End::Gone { is_clean: false }),
        }
    }

    /// Which intents this application may not have.
    fn disallowed(&self) -> u64 {
        let mut disallowed = 0;
        if !self.shared.options.message_content {
            disallowed |= intents::MESSAGE_CONTENT;
        }
        if !self.shared.options.members_and_presences {
            disallowed |= intents::GUILD_MEMBERS | intents::GUILD_PRESENCES;
        }
        disallowed
    }
}
