//! The connector on a real server, ngIRCd: channels and private messages, errors, a server that is killed and comes back. Prints
//! `SKIPPED` where ngIRCd is not installed.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "what a test cannot do without fails it")]

use std::net::TcpListener as Port;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use loquat_contract::{
    Address, BotCard, BoxFuture, CancellationToken, ConnectorError, ConversationId, Delivery, Egress,
    Envelope, IdempotencyKey, Inbound, Ingress, Part, Receipt, Refusal, Sink,
};
use loquat_irc::{Config, IrcEgress, IrcIngress, connect};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(20);

/// ngIRCd, which ends with its last use.
struct Server {
    folder: TempDir,
    port: u16,
    process: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    /// Starts one, or says how to get it.
    async fn start(password: &str) -> Option<Self> {
        if Command::new("ngircd").arg("--version").stdout(Stdio::null()).status().is_err() {
            println!("SKIPPED: ngircd is not installed; apt-get update && apt-get install -y ngircd");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let port = Port::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "[Global]\nName = irc.example.org\nInfo = a test\nListen = 127.0.0.1\nPorts = {port}\n{password}\n\
             [Limits]\nMaxPenaltyTime = 0\nMaxConnectionsIP = 0\n\
             [Options]\nPAM = no\nDNS = no\nIdent = no\nPredefChannelsOnly = no\n"
        );
        std::fs::write(folder.path().join("ngircd.conf"), config).unwrap();
        let process = spawn(folder.path());
        let server = Self { folder, port, process };
        server.up().await;
        Some(server)
    }

    async fn up(&self) {
        let opened = async {
            while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(PATIENCE, opened).await.unwrap();
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    async fn restart(&mut self) {
        self.process = spawn(self.folder.path());
        self.up().await;
    }

    fn config(&self) -> Config {
        Config {
            server: Some("127.0.0.1".into()),
            port: self.port,
            tls: false,
            channels: vec!["#Help".into()],
            confirm_secs: 5,
            ..Config::default()
        }
    }

    async fn person(&self, nick: &str) -> Person {
        let (reading, writing) = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap().into_split();
        let mut person = Person { lines: BufReader::new(reading).lines(), writing };
        person.says(&format!("NICK {nick}\r\nUSER {nick} 0 * :{nick}")).await;
        person.hears(" 005 ").await;
        person
    }
}

fn spawn(folder: &Path) -> Child {
    let mut command = Command::new("ngircd");
    command.arg("-n").arg("-f").arg(folder.join("ngircd.conf")).current_dir(folder);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Somebody with a client of their own.
struct Person {
    lines: tokio::io::Lines<BufReader<OwnedReadHalf>>,
    writing: OwnedWriteHalf,
}

impl Person {
    async fn says(&mut self, line: &str) {
        self.writing.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
    }

    /// The next line with these words in it.
    async fn hears(&mut self, words: &str) -> String {
        let hearing = async {
            loop {
                let line = self.lines.next_line().await.unwrap().unwrap();
                if let Some(token) = line.strip_prefix("PING ") {
                    self.writing.write_all(format!("PONG {token}\r\n").as_bytes()).await.unwrap();
                } else if line.contains(words) {
                    break line;
                }
            }
        };
        timeout(PATIENCE, hearing).await.unwrap()
    }
}

/// Keeps what it is given.
#[derive(Default)]
struct Kept(Mutex<Vec<Inbound>>);

impl Sink for Kept {
    fn accept(&self, inbound: Inbound) -> BoxFuture<'_, Result<Receipt, Refusal>> {
        Box::pin(async move {
            self.0.lock().unwrap().push(inbound);
            Ok(Receipt::Accepted)
        })
    }
}

impl Kept {
    async fn nth(&self, index: usize) -> Inbound {
        let arrived = async {
            loop {
                if let Some(inbound) = self.0.lock().unwrap().get(index) {
                    break inbound.clone();
                }
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, arrived).await.unwrap()
    }
}

struct Bot {
    ingress: Arc<IrcIngress>,
    egress: IrcEgress,
    sink: Arc<Kept>,
    running: JoinHandle<Result<(), ConnectorError>>,
}

impl Bot {
    fn start(config: Config) -> Self {
        let (ingress, egress) =
            connect(config, BotCard { name: "Mira".into(), ..BotCard::default() }).unwrap();
        let (ingress, sink) = (Arc::new(ingress), Arc::new(Kept::default()));
        let running = run(&ingress, &sink);
        Self { ingress, egress, sink, running }
    }

    async fn ended(&mut self) -> ConnectorError {
        timeout(PATIENCE, &mut self.running).await.unwrap().unwrap().unwrap_err()
    }

    /// Delivers, once it is connected.
    async fn deliver(&self, to: Address, text: &str) -> Delivery {
        let part = Part { text: text.into(), ..Part::default() };
        let key = IdempotencyKey("0123456789abcdef01234567".into());
        let envelope = Envelope::new(key, to, part);
        let delivering = async {
            loop {
                match self.egress.deliver(&envelope).await {
                    Delivery::Retry { .. } => sleep(Duration::from_millis(20)).await,
                    delivery => break delivery,
                }
            }
        };
        timeout(PATIENCE, delivering).await.unwrap()
    }
}

fn run(ingress: &Arc<IrcIngress>, sink: &Arc<Kept>) -> JoinHandle<Result<(), ConnectorError>> {
    let (ingress, sink) = (ingress.clone(), sink.clone());
    tokio::spawn(async move { ingress.run(sink, CancellationToken::new()).await })
}

fn address(channel: &str) -> Address {
    let conversation =
        ConversationId { bot: "Mira".into(), platform: "irc".into(), channel: channel.into(), thread: None };
    Inbound::message(conversation, "m1", loquat_contract::Sender::new("alice"), "hi").address()
}

#[tokio::test]
async fn questions_in_a_channel_and_in_private_are_answered_with_the_exact_text() {
    let Some(server) = Server::start("").await else { return };
    let mut alice = server.person("Alice").await;
    alice.says("JOIN #help").await;
    let bot = Bot::start(server.config());
    alice.hears("JOIN").await;
    alice.hears(":loquat!").await;

    alice.says("PRIVMSG #help :just chatting").await;
    alice.says("PRIVMSG #help :Loquat: What is the capital of Bhutan? 不丹的首都？").await;
    let asked = bot.sink.nth(0).await;
    assert_eq!(asked.text(), Some("What is the capital of Bhutan? 不丹的首都？"));
    assert_eq!((asked.conversation.channel.as_str(), asked.sender.id.as_str()), ("#help", "alice"));
    let text = "The capital of Bhutan is Thimphu. 廷布 [1]";
    assert_eq!(bot.deliver(asked.address(), text).await, Delivery::Sent { id: None });
    let line = alice.hears("Thimphu").await;
    assert!(line.ends_with(&format!(" PRIVMSG #help :Alice: {text}")), "{line}");

    alice.says("PRIVMSG loquat :And its currency?").await;
    let asked = bot.sink.nth(1).await;
    assert_eq!((asked.conversation.channel.as_str(), asked.text()), ("alice", Some("And its currency?")));
    assert_eq!(bot.deliver(asked.address(), "Ngultrum.").await, Delivery::Sent { id: None });
    let line = alice.hears("Ngultrum").await.to_lowercase();
    assert!(line.ends_with(" privmsg alice :ngultrum."), "{line}");
}

#[tokio::test]
async fn the_longest_text_arrives_whole() {
    let Some(server) = Server::start("").await else { return };
    let mut alice = server.person("Alice").await;
    alice.says("JOIN #help").await;
    let bot = Bot::start(server.config());
    alice.hears(":loquat!").await;
    let limit = bot.egress.capabilities().max_length.unwrap().limit;
    let text = format!("{}.", "x".repeat(limit - 1));
    assert_eq!(bot.deliver(address("#help"), &text).await, Delivery::Sent { id: None });
    let line = alice.hears("xxx").await;
    assert!(line.ends_with(&format!(":{text}")), "{line}");
}

#[tokio::test]
async fn what_is_not_there_is_refused_for_good() {
    let Some(server) = Server::start("").await else { return };
    let bot = Bot::start(server.config());
    for (channel, words) in [("#none", "#none"), ("nobody", "No such nick")] {
        let delivery = bot.deliver(address(channel), "hello").await;
        assert!(
            matches!(&delivery, Delivery::Permanent { reason } if reason.contains(words)),
            "{delivery:?}"
        );
    }
    let mut alice = server.person("Alice").await;
    alice.says("JOIN #closed").await;
    alice.says("MODE #closed +n").await;
    alice.hears("MODE #closed +n").await;
    let delivery = bot.deliver(address("#closed"), "hello").await;
    assert!(matches!(delivery, Delivery::Permanent { .. }), "{delivery:?}");
}

#[tokio::test]
async fn a_killed_server_is_lost_and_found_again() {
    let Some(mut server) = Server::start("").await else { return };
    let mut bot = Bot::start(server.config());
    assert_eq!(bot.deliver(address("#help"), "one").await, Delivery::Sent { id: None });
    server.kill();
    assert!(matches!(bot.ended().await, ConnectorError::Lost(_)));
    bot.running = run(&bot.ingress, &bot.sink);
    assert!(matches!(bot.ended().await, ConnectorError::Lost(_)), "nobody listens");
    server.restart().await;
    bot.running = run(&bot.ingress, &bot.sink);
    assert_eq!(bot.deliver(address("#help"), "two").await, Delivery::Sent { id: None });
    let mut alice = server.person("Alice").await;
    alice.says("PRIVMSG loquat :still there?").await;
    assert_eq!(bot.sink.nth(0).await.text(), Some("still there?"));
}

#[tokio::test]
async fn a_nickname_in_use_gets_a_tail() {
    let Some(server) = Server::start("").await else { return };
    let _other = server.person("loquat").await;
    let bot = Bot::start(server.config());
    assert_eq!(bot.deliver(address("#help"), "hello").await, Delivery::Sent { id: None });
    let mut alice = server.person("Alice").await;
    alice.says("PRIVMSG loquat_ :hello").await;
    assert_eq!(bot.sink.nth(0).await.text(), Some("hello"));
}

#[tokio::test]
async fn a_wrong_password_stops_and_the_right_one_lets_in() {
    let Some(server) = Server::start("Password = sesame").await else { return };
    let mut stopped = Bot::start(Config { password: Some("open".into()), ..server.config() });
    let error = stopped.ended().await;
    assert!(
        matches!(&error, ConnectorError::Stop(what) if what.contains("connectors.irc.password")),
        "{error}"
    );
    let bot = Bot::start(Config { password: Some("sesame".into()), ..server.config() });
    assert_eq!(bot.deliver(address("#help"), "hello").await, Delivery::Sent { id: None });
}
