//! A small server of IRC on 127.0.0.1. In: the bot's connection, acts of people, faults to play. Out: what people would see. It
//! knows enough of IRC to be talked to by this connector, and checks each line as others would get it.

mod conversation;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use loquat_conformance::{Act, Deed, Fault, Heard, Platform, Shown};
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use conversation::serve;

/// How long the bot may take to answer a PING.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);

/// What the server is like, where it is not the plainest.
#[derive(Default)]
pub(super) struct Manner {
    /// Nicknames that others have at the start.
    pub(super) taken: Vec<String>,
    /// What PASS has to say.
    pub(super) password: Option<String>,
    /// With TLS, and this certificate.
    pub(super) tls: Option<TlsAcceptor>,
}

/// What the server and its connections share.
#[derive(Default)]
pub(super) struct State {
    pub(super) manner: Manner,
    pub(super) now: Mutex<Now>,
}

#[derive(Default)]
pub(super) struct Now {
    /// The connection of the bot that is past its greetings: its number, its nick, and where to write to it.
    bot: Option<(usize, String, UnboundedSender<String>)>,
    channels: HashSet<String>,
    people: HashSet<String>,
    taken: Vec<String>,
    /// The accounts that WHOIS shows, by nick.
    pub(super) accounts: HashMap<String, String>,
    armed: Option<Fault>,
    shown: HashMap<String, Vec<Shown>>,
    pongs: HashSet<String>,
    pings: usize,
    /// Each line of the bot.
    pub(super) lines: Vec<String>,
}

/// The server; it ends with its last use.
pub(super) struct Fake {
    pub(super) state: Arc<State>,
    address: String,
    accepting: JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.accepting.abort();
        self.disconnect();
    }
}

impl Fake {
    pub(super) async fn with(manner: Manner) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let now = Now { taken: manner.taken.clone(), ..Now::default() };
        let state = Arc::new(State { manner, now: Mutex::new(now) });
        let accepting = tokio::spawn(accept(listener, state.clone()));
        Ok(Self { state, address, accepting })
    }

    /// Closes the bot's connection.
    pub(super) fn disconnect(&self) {
        self.state.now.lock().unwrap().bot = None;
    }

    /// Writes a line to the bot, with its end. Whether there is a bot.
    pub(super) fn tell(&self, line: &str) -> bool {
        let now = self.state.now.lock().unwrap();
        now.bot.as_ref().is_some_and(|(_, _, out)| out.send(format!("{line}\r\n")).is_ok())
    }

    /// Whoever had a nickname is gone.
    pub(super) fn free(&self, nick: &str) {
        self.state.now.lock().unwrap().taken.retain(|taken| taken != nick);
    }

    /// Opens a channel.
    pub(super) fn open(&self, channel: &str) {
        self.state.now.lock().unwrap().channels.insert(channel.to_owned());
    }

    pub(super) fn nick(&self) -> Option<String> {
        self.state.now.lock().unwrap().bot.as_ref().map(|(_, nick, _)| nick.clone())
    }

    /// Whether the bot answers a PING.
    async fn is_there(&self) -> bool {
        let token = {
            let mut now = self.state.now.lock().unwrap();
            now.pings += 1;
            format!("there{}", now.pings)
        };
        let answered = async {
            while !self.state.now.lock().unwrap().pongs.contains(&token) {
                sleep(Duration::from_millis(5)).await;
            }
        };
        self.tell(&format!("PING :{token}")) && timeout(SIGN_OF_LIFE, answered).await.is_ok()
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut number = 0;
    while let Ok((socket, _)) = listener.accept().await {
        number += 1;
        let state = state.clone();
        tokio::spawn(async move {
            match state.manner.tls.clone() {
                Some(acceptor) => {
                    if let Ok(stream) = acceptor.accept(socket).await {
                        serve(stream, number, &state).await;
                    }
                }
                None => serve(socket, number, &state).await,
            }
        });
    }
}

impl Platform for Fake {
    async fn start() -> anyhow::Result<Self> {
        Self::with(Manner::default()).await
    }

    fn address(&self) -> String {
        self.address.clone()
    }

    async fn ready(&self) -> anyhow::Result<()> {
        let connected = async {
            while !self.is_there().await {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_secs(30), connected).await.context("no bot connected within 30 seconds")
    }

    async fn act(&self, act: &Act) -> Heard {
        let Deed::Say(text) = &act.deed else { return Heard::NotAcknowledged };
        let channel = format!("#{}", act.channel);
        self.open(&channel);
        self.state.now.lock().unwrap().people.insert(act.sender.clone());
        let (sender, nick) = (&act.sender, self.nick().unwrap_or_default());
        self.tell(&format!("@msgid={} :{sender}!~{sender}@host PRIVMSG {channel} :{nick}: {text}", act.id));
        // The bot reads in order: once it answers this, it has read that.
        self.is_there().await;
        Heard::Unknowable
    }

    fn shown(&self, channel: &str) -> Vec<Shown> {
        let now = self.state.now.lock().unwrap();
        now.shown.get(&format!("#{channel}")).or_else(|| now.shown.get(channel)).cloned().unwrap_or_default()
    }

    fn arm(&self, fault: &Fault) -> bool {
        let can = !matches!(fault, Fault::ServerError);
        if can {
            self.state.now.lock().unwrap().armed = Some(fault.clone());
        }
        can
    }
}
