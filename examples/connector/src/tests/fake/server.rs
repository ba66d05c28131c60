//! What the small server knows, and its end of a connection. In: the bot's lines. Out: its own, with the faults that it was told to
//! play.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use loquat_conformance::{Fault, Shown};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::encode::LONGEST;
use crate::wire::{BotLine, Happened, Post, ServerLine, line};

#[derive(Default)]
pub(super) struct Server(Mutex<Now>);

#[derive(Default)]
pub(super) struct Now {
    /// The newest connection of the bot, by number, and what is to be written to it.
    pub(super) bot: Option<(u64, UnboundedSender<ServerLine>)>,
    connections: u64,
    /// The events that the bot has not said to have.
    pub(super) unreceived: Vec<Happened>,
    pub(super) shown: HashMap<String, Vec<Shown>>,
    pub(super) armed: Option<Fault>,
    pub(super) forgets_keys: bool,
    pings: u64,
    /// The number of the last pong.
    pub(super) pong: u64,
}

/// What happens after a line.
enum Next {
    Read,
    Close,
    /// The socket stays open, and nothing gets through.
    Deaf,
}

impl Server {
    pub(super) fn now(&self) -> MutexGuard<'_, Now> {
        self.0.lock().unwrap()
    }

    /// Something happens. The bot is told, and where it is not there, it is told later.
    pub(super) fn happens(&self, event: Happened) {
        let mut now = self.now();
        if !now.unreceived.contains(&event) {
            now.unreceived.push(event.clone());
        }
        now.tell(ServerLine::Event(event));
    }

    /// Asks for a pong of the number that it returns.
    pub(super) fn ping(&self) -> u64 {
        let mut now = self.now();
        now.pings += 1;
        let number = now.pings;
        now.tell(ServerLine::Ping(number));
        number
    }
}

/// One connection, from its beginning to its end.
pub(super) async fn serve(socket: TcpStream, server: Arc<Server>) {
    let (reading, mut writing) = socket.into_split();
    let mut lines = BufReader::new(reading).lines();
    let (out, mut outgoing) = unbounded_channel();
    let number = server.now().connected(out);
    loop {
        tokio::select! {
            line = lines.next_line() => {
                let Ok(Some(line)) = line else { break };
                let said = serde_json::from_str(&line).expect("the bot speaks the protocol");
                match server.now().hear(said) {
                    Next::Read => continue,
                    Next::Close => break,
                    Next::Deaf => {}
                }
                server.now().left(number);
                // It takes the bytes and looks at none, until the bot gives up.
                while let Ok(Some(_)) = lines.next_line().await {}
                return;
            }
            said = outgoing.recv() => {
                // Without a sender, another connection has come in its place.
                let Some(said) = said else { break };
                let _ = writing.write_all(&line(&said).unwrap()).await;
            }
        }
    }
    server.now().left(number);
}

impl Now {
    fn tell(&self, said: ServerLine) {
        if let Some((_, out)) = &self.bot {
            let _ = out.send(said);
        }
    }

    fn connected(&mut self, out: UnboundedSender<ServerLine>) -> u64 {
        self.connections += 1;
        self.bot = Some((self.connections, out));
        self.unreceived.iter().for_each(|event| self.tell(ServerLine::Event(event.clone())));
        self.connections
    }

    fn left(&mut self, number: u64) {
        self.bot.take_if(|(newest, _)| *newest == number);
    }

    fn hear(&mut self, said: BotLine) -> Next {
        match said {
            BotLine::Received(id) => self.unreceived.retain(|event| event.id != id),
            BotLine::Send(post) => return self.take(post),
            BotLine::Ping(number) => self.tell(ServerLine::Pong(number)),
            BotLine::Pong(number) => self.pong = number,
        }
        Next::Read
    }

    fn take(&mut self, post: Post) -> Next {
        let key = post.key.clone();
        let refused = |code, retry_after_ms| ServerLine::Refused { key: key.clone(), code, retry_after_ms };
        let id = format!("bot-{key}");
        let answer = match self.armed.take() {
            Some(Fault::TooMany(after)) => {
                let after = after.map(|after| after.as_millis().try_into().unwrap());
                self.tell(refused(429, after));
                return Next::Read;
            }
            Some(Fault::ServerError) => {
                self.tell(refused(503, None));
                return Next::Read;
            }
            Some(Fault::BrokenOff) => return Next::Close,
            Some(Fault::HalfOpen) => return Next::Deaf,
            Some(Fault::TakenWithoutAnswer) => None,
            None => Some(ServerLine::Sent { key, id }),
        };
        self.show(post);
        answer.into_iter().for_each(|answer| self.tell(answer));
        Next::Read
    }

    fn show(&mut self, post: Post) {
        let shown = self.shown.entry(post.channel).or_default();
        let key = Some(post.key);
        if !self.forgets_keys && shown.iter().any(|before| before.key == key) {
            return;
        }
        let length = LONGEST.unit.measure(&post.text);
        let fault = (length > LONGEST.limit).then(|| format!("it is {length} UTF-16 units long"));
        shown.push(Shown { text: post.text, key, notified: Vec::new(), fault });
    }
}
