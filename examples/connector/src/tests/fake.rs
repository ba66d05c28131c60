//! A small Postbox server on 127.0.0.1. In: the bot's connection, acts of people, faults to play. Out: what people see. It knows nothing
//! of the connector but the lines that it writes.

mod server;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use loquat_conformance::{Act, Deed, Fault, Heard, Platform, Shown};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::wire::Happened;
use server::{Server, serve};

/// How often something is looked at that is waited for.
const LOOK: Duration = Duration::from_millis(5);
/// How long a bot that is there takes to answer a ping, and mostly much less. One that does not is asked again.
const SIGN_OF_LIFE: Duration = Duration::from_millis(200);
/// How long `received` is waited for. A bot that could not keep an event never says it.
const RECEIVED: Duration = Duration::from_secs(5);

/// The server; it ends with its last use.
pub(super) struct Fake {
    address: String,
    server: Arc<Server>,
    accepting: JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.accepting.abort();
        self.disconnect();
    }
}

impl Fake {
    /// Closes the bot's connection.
    pub(super) fn disconnect(&self) {
        self.server.now().bot = None;
    }

    /// From now on it does not know the keys that it has seen, and shows a message as often as it is sent.
    pub(super) fn forget_keys(&self) {
        self.server.now().forgets_keys = true;
    }

    /// Whether the bot answers a ping.
    async fn is_there(&self) -> bool {
        let number = self.server.ping();
        let answered = async {
            while self.server.now().pong != number {
                sleep(LOOK).await;
            }
        };
        self.server.now().bot.is_some() && timeout(SIGN_OF_LIFE, answered).await.is_ok()
    }
}

impl Platform for Fake {
    async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, server) = (listener.local_addr()?.to_string(), Arc::new(Server::default()));
        let shared = server.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, shared.clone()));
            }
        });
        Ok(Self { address, server, accepting })
    }

    fn address(&self) -> String {
        self.address.clone()
    }

    async fn ready(&self) -> anyhow::Result<()> {
        let connected = async {
            while !self.is_there().await {
                sleep(LOOK).await;
            }
        };
        timeout(Duration::from_secs(30), connected).await.context("no bot connected within 30 seconds")
    }

    async fn act(&self, act: &Act) -> Heard {
        let event = happened(act);
        let id = event.id.clone();
        self.server.happens(event);
        let heard = async {
            loop {
                {
                    let now = self.server.now();
                    if !now.unreceived.iter().any(|event| event.id == id) {
                        return Heard::Acknowledged;
                    }
                    if now.bot.is_none() {
                        return Heard::NotAcknowledged;
                    }
                }
                sleep(LOOK).await;
            }
        };
        timeout(RECEIVED, heard).await.unwrap_or(Heard::NotAcknowledged)
    }

    fn shown(&self, channel: &str) -> Vec<Shown> {
        self.server.now().shown.get(channel).cloned().unwrap_or_default()
    }

    fn arm(&self, fault: &Fault) -> bool {
        self.server.now().armed = Some(fault.clone());
        true
    }

    fn knows(&self, _: &Deed) -> bool {
        true
    }
}

/// An act as the server tells of it. Ids are unique on the whole server, since `received` names no channel.
fn happened(act: &Act) -> Happened {
    let unique = |id: &str| format!("{}.{id}", act.channel);
    let (text, edit_of, delete_of) = match &act.deed {
        Deed::Say(text) => (text.clone(), None, None),
        Deed::Edit { message, text } => (text.clone(), Some(unique(message)), None),
        Deed::Delete { message } => (String::new(), None, Some(unique(message))),
    };
    let (channel, sender) = (act.channel.clone(), act.sender.clone());
    Happened { id: unique(&act.id), channel, sender, text, edit_of, delete_of }
}
