//! The terminal under the conformance kit. The fake of the platform is a person who types into a connection and reads it.
//!
//! A terminal has one conversation, which ends with the process; so what was typed before a kill is not answered after it.

use std::collections::VecDeque;
use std::io::BufReader;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use loquat_conformance::{Act, Connector, Deed, Fault, Fixture, Heard, Platform, Shown};
use loquat_contract::{BotCard, CancellationToken};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::connect_with;

/// The terminal and a person.
pub(super) struct TerminalFixture;

impl Fixture for TerminalFixture {
    const PLATFORM: &'static str = "terminal";
    type Platform = Typist;

    fn connect(address: &str, bot: &str) -> anyhow::Result<Connector> {
        let output = std::net::TcpStream::connect(address)?;
        let input = BufReader::new(output.try_clone()?);
        let card = BotCard { name: bot.to_owned(), ..BotCard::default() };
        let (ingress, egress) = connect_with(card, input, Box::new(output))?;
        Ok(Connector { ingress: Arc::new(ingress), egress: Arc::new(egress) })
    }
}

loquat_conformance::conformance!(TerminalFixture);

/// Somebody who types, and reads what is printed.
pub(super) struct Typist {
    address: String,
    sheet: Arc<Mutex<Sheet>>,
    keyboard: Arc<tokio::sync::Mutex<Option<OwnedWriteHalf>>>,
    connected: watch::Receiver<bool>,
    reading: JoinHandle<()>,
}

/// What was typed and printed.
#[derive(Default)]
struct Sheet {
    /// The channels of the lines that have no answer yet. The terminal answers one after the other.
    open: VecDeque<String>,
    answers: Vec<(String, String)>,
    /// The channel of the last answer.
    last: String,
}

impl Platform for Typist {
    async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?.to_string();
        let (sheet, keyboard): (Arc<Mutex<Sheet>>, Arc<tokio::sync::Mutex<Option<OwnedWriteHalf>>>) =
            Default::default();
        let (connects, connected) = watch::channel(false);
        let (read_onto, keys) = (sheet.clone(), keyboard.clone());
        let reading = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let (printed, typed) = connection.into_split();
                read_onto.lock().unwrap().open.clear();
                *keys.lock().await = Some(typed);
                connects.send_replace(true);
                read(printed, &read_onto).await;
                connects.send_replace(false);
                *keys.lock().await = None;
            }
        });
        Ok(Self { address, sheet, keyboard, connected, reading })
    }

    fn address(&self) -> String {
        self.address.clone()
    }

    async fn ready(&self) -> anyhow::Result<()> {
        self.connected.clone().wait_for(|connected| *connected).await?;
        Ok(())
    }

    async fn act(&self, act: &Act) -> Heard {
        let mut keyboard = self.keyboard.lock().await;
        if let (Some(keyboard), Deed::Say(text)) = (keyboard.as_mut(), &act.deed) {
            // A line is all that somebody can say at once.
            let line = text.replace(['\n', '\r'], " ") + "\n";
            self.sheet.lock().unwrap().open.push_back(act.channel.clone());
            let _ = keyboard.write_all(line.as_bytes()).await;
        }
        Heard::Unknowable
    }

    fn shown(&self, channel: &str) -> Vec<Shown> {
        let sheet = self.sheet.lock().unwrap();
        let own = sheet.answers.iter().filter(|(answered, _)| answered == channel);
        own.map(|(_, text)| Shown { text: text.clone(), key: None, notified: Vec::new(), fault: None })
            .collect()
    }

    fn keeps_ids(&self) -> bool {
        // Each line is a message of its own.
        false
    }

    fn tells_people_apart(&self) -> bool {
        // There is one keyboard.
        false
    }

    fn arm(&self, _: &Fault) -> bool {
        // Nothing stands between a process and its terminal that could refuse a line.
        false
    }
}

impl Drop for Typist {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

/// Reads answers, each with an empty line below it, until the bot is gone.
async fn read(mut printed: OwnedReadHalf, sheet: &Mutex<Sheet>) {
    let (mut bytes, mut taken) = (Vec::new(), 0);
    while matches!(printed.read_buf(&mut bytes).await, Ok(1..)) {
        let text = anstream::adapter::strip_str(&String::from_utf8_lossy(&bytes)).to_string();
        // The last piece is not finished yet.
        let mut answers: Vec<&str> = text.split("\n\n").collect();
        answers.pop();
        let mut sheet = sheet.lock().unwrap();
        // The facts below an answer are no answer.
        for answer in answers[taken..].iter().filter(|answer| !answer.starts_with("  [")) {
            // An answer may have several paragraphs: what nobody waits for belongs to the one before.
            if let Some(channel) = sheet.open.pop_front() {
                sheet.last = channel;
            }
            let channel = sheet.last.clone();
            sheet.answers.push((channel, answer.trim().to_owned()));
        }
        taken = answers.len();
    }
}

#[tokio::test]
async fn what_is_typed_is_answered_where_it_was_typed() {
    use super::talking::Bot;

    let typist = Typist::start().await.unwrap();
    let say = |channel: &str, text: &str| Act {
        channel: channel.into(),
        id: "1".into(),
        sender: "alice".into(),
        deed: Deed::Say(text.into()),
    };
    for _ in 0..2 {
        let Connector { ingress, egress } = TerminalFixture::connect(&typist.address(), "Loquat").unwrap();
        let bot = Arc::new(Bot::answering(egress));
        let run = tokio::spawn(async move { ingress.run(bot, CancellationToken::new()).await });
        typist.ready().await.unwrap();
        let before = typist.shown("one").len();
        assert_eq!(typist.act(&say("one", "a\nb")).await, Heard::Unknowable);
        assert_eq!(typist.act(&say("two", "sorry")).await, Heard::Unknowable);
        while typist.shown("two").len() == before {
            tokio::task::yield_now().await;
        }
        assert_eq!(typist.shown("one")[before].text, "You said a b. [1]");
        assert_eq!(typist.shown("two")[before].text, "No model.");
        typist.act(&say("three", "/quit")).await;
        run.await.unwrap().unwrap();
        typist.connected.clone().wait_for(|connected| !connected).await.unwrap();
    }
    assert!(!typist.arm(&Fault::BrokenOff) && !typist.knows(&Deed::Delete { message: "1".into() }));
}
