//! One connection to the small server. In: the bot's lines. Out: the server's, with the faults it was told to play.

use std::sync::Arc;

use loquat_conformance::{Fault, Shown};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::{Now, State};

/// What happens after a line.
enum Next {
    Read,
    Close,
    /// Nothing is read or written any more, and the socket stays open.
    Deaf,
}

struct Talk<'a> {
    number: usize,
    state: &'a State,
    out: UnboundedSender<String>,
    nick: Option<String>,
    user: bool,
    /// Whether the bot negotiates capabilities, which puts off the welcome.
    negotiates: bool,
    password: bool,
    welcomed: bool,
    /// The token of the PING that is not to be answered stands in the next line.
    mute: bool,
}

pub(super) async fn serve(stream: impl AsyncRead + AsyncWrite, number: usize, state: &Arc<State>) {
    let (reading, mut writing) = tokio::io::split(stream);
    let (out, mut written) = unbounded_channel::<String>();
    let mut lines = BufReader::new(reading).lines();
    let mut talk = Talk {
        number,
        state,
        out,
        nick: None,
        user: false,
        negotiates: false,
        password: false,
        welcomed: false,
        mute: false,
    };
    talk.say("NOTICE * :*** Looking up your hostname");
    loop {
        // The bot's connection ends with its place among the connections.
        let replaced = talk.welcomed && !talk.is_the_bot();
        if replaced {
            break;
        }
        tokio::select! {
            line = lines.next_line() => match line {
                Ok(Some(line)) => match talk.hear(&line) {
                    Next::Read => {}
                    Next::Close => break,
                    Next::Deaf => {
                        talk.leave();
                        std::future::pending::<()>().await;
                    }
                },
                _ => break,
            },
            Some(line) = written.recv() => {
                if writing.write_all(line.as_bytes()).await.is_err() {
                    break;
                }
            }
            () = tokio::time::sleep(std::time::Duration::from_millis(20)) => {}
        }
    }
    while let Ok(line) = written.try_recv() {
        let _ = writing.write_all(line.as_bytes()).await;
    }
    let _ = writing.shutdown().await;
    talk.leave();
}

impl Talk<'_> {
    fn say(&self, line: &str) {
        let _ = self.out.send(format!(":fake.example {line}\r\n"));
    }

    fn nick(&self) -> &str {
        self.nick.as_deref().unwrap_or("*")
    }

    fn is_the_bot(&self) -> bool {
        self.state.now.lock().unwrap().bot.as_ref().is_some_and(|(number, ..)| *number == self.number)
    }

    fn leave(&self) {
        if self.is_the_bot() {
            self.state.now.lock().unwrap().bot = None;
        }
    }

    fn hear(&mut self, line: &str) -> Next {
        self.state.now.lock().unwrap().lines.push(line.to_owned());
        let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (word, trailing) = rest.split_once(" :").unwrap_or((rest, ""));
        let only = word.trim_start_matches(':');
        match command {
            "PASS" => self.password = Some(only) == self.state.manner.password.as_deref(),
            "CAP" if only.starts_with("LS") => {
                self.negotiates = true;
                self.say("CAP * LS :message-tags server-time account-tag");
            }
            "CAP" if word == "REQ" => self.say(&format!("CAP * ACK :{trailing}")),
            "CAP" => self.negotiates = false,
            "NICK" if self.state.now.lock().unwrap().taken.iter().any(|taken| taken == only) => {
                self.say(&format!("433 {} {only} :Nickname is already in use", self.nick()));
            }
            "NICK" => self.take(only),
            "WHOIS" => {
                let account = self.state.now.lock().unwrap().accounts.get(only).cloned();
                if let Some(account) = account {
                    self.say(&format!("330 {} {only} {account} :is logged in as", self.nick()));
                }
                self.say(&format!("318 {} {only} :End of /WHOIS list", self.nick()));
            }
            "USER" => self.user = true,
            "PING" if self.mute => self.mute = false,
            "PING" => self.say(&format!("PONG fake.example :{only}")),
            "PONG" => drop(self.state.now.lock().unwrap().pongs.insert(only.to_owned())),
            "JOIN" => {
                self.state.now.lock().unwrap().channels.insert(only.to_owned());
                let _ = self.out.send(format!(":{}!~u@host JOIN {only}\r\n", self.nick()));
            }
            "PRIVMSG" => return self.message(word, trailing),
            "QUIT" => {
                let _ = self.out.send("ERROR :Closing Link\r\n".to_owned());
                return Next::Close;
            }
            _ => {}
        }
        self.welcome()
    }

    fn take(&mut self, nick: &str) {
        let mut now = self.state.now.lock().unwrap();
        if let Some((_, known, out)) = now.bot.as_mut().filter(|(number, ..)| *number == self.number) {
            let _ = out.send(format!(":{known}!~u@host NICK :{nick}\r\n"));
            nick.clone_into(known);
        }
        self.nick = Some(nick.to_owned());
    }

    fn welcome(&mut self) -> Next {
        if self.welcomed || self.negotiates || !self.user || self.nick.is_none() {
            return Next::Read;
        }
        let nick = self.nick().to_owned();
        if self.state.manner.password.is_some() && !self.password {
            self.say(&format!("464 {nick} :Password incorrect"));
            return Next::Close;
        }
        self.welcomed = true;
        for line in ["001 % :Welcome", "005 % CASEMAPPING=rfc1459 :are supported", "422 % :No MOTD"] {
            self.say(&line.replace('%', &nick));
        }
        let mut now = self.state.now.lock().unwrap();
        now.bot = Some((self.number, nick, self.out.clone()));
        Next::Read
    }

    /// A message of the bot's.
    fn message(&mut self, target: &str, text: &str) -> Next {
        let nick = self.nick().to_owned();
        let mut now = self.state.now.lock().unwrap();
        match now.armed.take() {
            Some(Fault::TooMany(Some(wait))) => {
                let seconds = wait.as_secs().max(1);
                self.say(&format!(
                    "439 {nick} {target} :Target change too fast. Please wait {seconds} seconds"
                ));
                return Next::Read;
            }
            Some(Fault::TooMany(None)) => {
                self.say(&format!("263 {nick} PRIVMSG :Please wait a while and try again."));
                return Next::Read;
            }
            Some(Fault::BrokenOff) => return Next::Close,
            Some(Fault::HalfOpen) => return Next::Deaf,
            Some(Fault::TakenWithoutAnswer) => self.mute = true,
            Some(Fault::ServerError) | None => {}
        }
        let is_channel = target.starts_with('#');
        if is_channel && !now.channels.contains(target) {
            self.say(&format!("403 {nick} {target} :No such channel"));
        } else if !is_channel && target == "nobody" {
            self.say(&format!("401 {nick} {target} :No such nick"));
        } else {
            let shown = shown(&now, &nick, target, text);
            now.shown.entry(target.to_owned()).or_default().push(shown);
        }
        Next::Read
    }
}

/// A message as people get it: the words, without the name that addresses one of them.
fn shown(now: &Now, nick: &str, target: &str, text: &str) -> Shown {
    let line = format!(":{nick}!~loquatloqua@{} PRIVMSG {target} :{text}\r\n", "h".repeat(64));
    let fault = if line.len() > 512 {
        Some(format!("others get only 512 of its {} bytes", line.len()))
    } else {
        text.contains(char::is_control).then(|| "it has control characters".to_owned())
    };
    let rest = now.people.iter().find_map(|person| text.strip_prefix(&format!("{person}: ")));
    let text = rest.unwrap_or(text).to_owned();
    Shown { text, key: None, notified: Vec::new(), fault }
}
