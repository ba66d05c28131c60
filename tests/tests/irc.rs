//! The real bot on a real IRC server: ngIRCd, with a person in a channel and in private. Prints `SKIPPED` where ngIRCd is not installed.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "what a test cannot do without fails it")]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use loquat_tests::program::User;
use loquat_tests::server::Server;

/// No test measures time; this only ends one that hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// ngIRCd, which ends with its last use.
struct Ngircd {
    process: Child,
    port: u16,
}

impl Drop for Ngircd {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _ended = self.process.wait();
    }
}

impl Ngircd {
    fn start(user: &User) -> Option<Self> {
        if Command::new("ngircd").arg("--version").stdout(Stdio::null()).status().is_err() {
            println!("SKIPPED: ngircd is not installed; apt-get update && apt-get install -y ngircd");
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "[Global]\nName = irc.example.org\nInfo = a test\nListen = 127.0.0.1\nPorts = {port}\n\
             [Limits]\nMaxPenaltyTime = 0\nMaxConnectionsIP = 0\n[Options]\nPAM = no\nDNS = no\nIdent = no\n"
        );
        let config = user.write("ngircd.conf", config).unwrap();
        let mut ngircd = Command::new("ngircd");
        let log = std::fs::File::create(user.path("ngircd.log")).unwrap();
        ngircd.arg("-n").arg("-f").arg(config).stdout(log.try_clone().unwrap()).stderr(log);
        Some(Self { process: ngircd.spawn().unwrap(), port })
    }
}

/// Somebody with an IRC client.
struct Person {
    lines: BufReader<TcpStream>,
}

impl Person {
    fn join(port: u16, nick: &str) -> Self {
        let begun = Instant::now();
        let stream = loop {
            match TcpStream::connect(("127.0.0.1", port)) {
                Ok(stream) => break stream,
                Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut person = Self { lines: BufReader::new(stream) };
        person.write(&format!("NICK {nick}\r\nUSER {nick} 0 * :{nick}"));
        person.until(" 001 ");
        person.write("JOIN #test");
        person.until(" 366 ");
        person
    }

    fn write(&mut self, line: &str) {
        self.lines.get_mut().write_all(format!("{line}\r\n").as_bytes()).unwrap();
    }

    /// The next line that has this in it.
    fn until(&mut self, what: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.lines.read_line(&mut line);
            assert!(read.as_ref().is_ok_and(|read| *read > 0), "no {what:?} came: {read:?}");
            if let Some(token) = line.strip_prefix("PING ") {
                self.write(&format!("PONG {}", token.trim_end()));
            } else if line.contains(what) {
                return line.trim_end().to_owned();
            }
        }
    }

    /// The bot's next words to a channel or to this person.
    fn hear(&mut self, to: &str) -> String {
        let line = self.until(&format!(" PRIVMSG {to} :"));
        assert!(line.starts_with(":loquat!") && line.len() <= 510, "{line}");
        line.split_once(" :").unwrap().1.to_owned()
    }
}

#[test]
fn people_talk_to_the_bot_on_irc_and_a_kill_doubles_nothing() {
    let user = User::new().unwrap();
    let Some(ngircd) = Ngircd::start(&user) else { return };
    let mut alice = Person::join(ngircd.port, "alice");
    let set = |key: &str, value: &str| ["--set".to_owned(), format!("connectors.irc.{key}={value}")];
    let port = ngircd.port.to_string();
    let keys = [("server", "127.0.0.1"), ("port", &port), ("tls", "false"), ("channels", "#test")];
    let mut arguments: Vec<String> = vec!["--port".into(), "0".into()];
    arguments.extend(keys.into_iter().flat_map(|(key, value)| set(key, value)));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();

    let mut server = Server::start(&user, &arguments).unwrap();
    alice.until(":loquat!");
    alice.write("PRIVMSG #test :nobody in particular: what is the capital of Nepal?");
    alice.write("PRIVMSG #test :loquat: What is the capital of Bhutan?");
    let answer = alice.hear("#test");
    assert_eq!(
        answer, "alice: The capital of Bhutan is Thimphu. [1]",
        "what is not said to it is not answered"
    );
    assert!(alice.hear("#test").contains("Bhutan — capital — Thimphu"));
    alice.write("PRIVMSG loquat :Which countries border Switzerland?");
    let answer = alice.hear("alice");
    assert!(answer.contains("Austria") && answer.contains("Liechtenstein"), "{answer}");
    // Until the server has confirmed it all: a kill before that leaves it unknown, as it has to.
    let ledger = || user.run(["ledger"]).unwrap().out;
    while ledger().matches("delivered").count() < 2 {
        std::thread::sleep(Duration::from_millis(50));
    }

    server.kill().unwrap();
    let _server = Server::start(&user, &arguments).unwrap();
    alice.until(":loquat!~loquat@127.0.0.1 JOIN ");
    alice.write("PRIVMSG #test :loquat: What is the capital of Kenya?");
    let answer = alice.until(" PRIVMSG #test :");
    assert!(answer.contains("Nairobi"), "nothing of before comes again: {answer}");
    let ledger = ledger();
    assert_eq!(ledger.lines().count(), 3, "{ledger}");
    assert!(ledger.lines().take(2).all(|line| line.contains("delivered")), "{ledger}");
    assert!(ledger.contains("Loquat/irc/#test") && ledger.contains("Loquat/irc/alice"), "{ledger}");
}
