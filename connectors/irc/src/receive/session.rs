//! What the bot does at each line of the server. In: lines, one by one. Out: effects: lines to write, events to hand on, and what
//! became of deliveries. A state machine without socket or clock.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use irc_proto::{CapSubCommand, Command, Message};
use loquat_contract::{BotCard, ConnectorError, Delivery};
use secrecy::ExposeSecret;

use super::hand_on::Handed;
use super::lost;
use super::understand::{Around, LineIds, join, message};
use crate::Config;
use crate::config::channel;
use crate::deliver::Accounts;
use crate::encode::line;
use crate::names::{ACCOUNT, CaseMapping};

/// What is asked of the server where it has it: ids, times and accounts of messages.
const WANTED: [&str; 3] = ["message-tags", "server-time", "account-tag"];
/// How often `_` is added to a nickname in use.
const NICKS: usize = 5;
/// The most of a response to SASL in one line (IRCv3 `sasl-3.1`).
const SASL_PIECE: usize = 400;
/// What the server is asked for a sign of life with.
pub(super) const ALIVE: &str = "alive";

/// What is to be done because of a line.
#[derive(Debug)]
pub(crate) enum Effect {
    /// These lines are written.
    Write(String),
    /// The greetings are over.
    Live,
    /// This happened.
    Hand(Box<Handed>),
    /// The server has worked through everything up to this token.
    Confirmed(String),
    /// The server did not take a message to this target, or to whatever it works on.
    Refused { target: Option<String>, delivery: Delivery, words: String },
    /// The connection is over.
    End(ConnectorError),
}

/// One connection's state.
pub(crate) struct Session {
    config: Arc<Config>,
    realname: String,
    /// The bot's nick now.
    nick: String,
    tries: usize,
    /// Whether the configured nickname was in use at the start, and is still to be had.
    wants_nickname: bool,
    is_live: bool,
    offered: Vec<String>,
    logged_in: bool,
    /// The letter of the user mode that marks bots (ISUPPORT `BOT`).
    bot_mode: Option<String>,
    around: Around,
    accounts: Arc<Accounts>,
}

impl Session {
    /// A new connection, on which nothing is known of accounts.
    pub(crate) fn new(
        config: Arc<Config>,
        bot: &BotCard,
        ids: Arc<LineIds>,
        accounts: Arc<Accounts>,
    ) -> Self {
        accounts.forget();
        let realname = config.realname.clone().unwrap_or_else(|| bot.name.clone());
        let around = Around { bot: bot.name.clone(), case: CaseMapping::default(), ids };
        Self {
            realname: match line(&realname) {
                empty if empty.is_empty() => config.nickname.clone(),
                realname => realname,
            },
            nick: config.nickname.clone(),
            config,
            tries: 0,
            wants_nickname: false,
            is_live: false,
            offered: Vec::new(),
            logged_in: false,
            bot_mode: None,
            around,
            accounts,
        }
    }

    /// The first lines of a connection.
    pub(crate) fn greetings(&self) -> String {
        let password = self.config.password.as_ref();
        let pass = password.map(|password| format!("PASS :{}\r\n", password.expose_secret()));
        let (nick, user, real) = (&self.nick, &self.config.username, &self.realname);
        format!("CAP LS 302\r\n{}NICK {nick}\r\nUSER {user} 0 * :{real}\r\n", pass.unwrap_or_default())
    }

    /// Whether two names are the same to this server.
    pub(crate) fn same(&self, one: &str, other: &str) -> bool {
        self.around.case.same(one, other)
    }

    /// What a line calls for.
    pub(crate) fn hear(&mut self, heard: &Message) -> Vec<Effect> {
        let own = heard.source_nickname().is_some_and(|nick| self.same(nick, &self.nick));
        match &heard.command {
            Command::PING(token, _) => vec![Effect::Write(format!("PONG :{}\r\n", line(token)))],
            // The token is the last parameter; before it may stand the server's name.
            Command::PONG(first, second) => {
                let token = second.as_ref().unwrap_or(first).clone();
                let asks = token == ALIVE && self.wants_nickname;
                let nick = asks.then(|| Effect::Write(format!("NICK {}\r\n", self.config.nickname)));
                nick.into_iter().chain([Effect::Confirmed(token)]).collect()
            }
            Command::PRIVMSG(target, text) if !own && self.is_live => {
                let own = [self.nick.as_str(), self.config.nickname.as_str()];
                let said = message(&self.around, heard, own, self.config.answer_all, target, text);
                if let Some(Handed { inbound, nick, .. }) = &said {
                    let account = Some(inbound.sender.id.as_str()).filter(|id| id.starts_with(ACCOUNT));
                    self.accounts.seen(&self.around.case.lower(nick), account);
                }
                said.map(|said| Effect::Hand(Box::new(said))).into_iter().collect()
            }
            Command::JOIN(place, ..) if !own && self.is_live && self.config.joins => {
                join(&self.around, heard, place)
                    .map(|joined| Effect::Hand(Box::new(joined)))
                    .into_iter()
                    .collect()
            }
            Command::NICK(nick) if own => {
                // Whoever takes the nickname from the bot, such as services, would do so again.
                let nickname = &self.config.nickname;
                self.wants_nickname &= !self.same(&self.nick, nickname) && !self.same(nick, nickname);
                self.nick.clone_from(nick);
                Vec::new()
            }
            Command::NICK(nick) => {
                let lower = |nick: &str| self.around.case.lower(nick);
                let old = heard.source_nickname().unwrap_or_default();
                self.accounts.renamed(&lower(old), &lower(nick));
                Vec::new()
            }
            Command::QUIT(_) if !own => {
                let nick = heard.source_nickname().unwrap_or_default();
                self.accounts.seen(&self.around.case.lower(nick), None);
                Vec::new()
            }
            Command::KICK(place, nick, reason) if self.same(nick, &self.nick) => {
                let reason = reason.as_deref().unwrap_or_default();
                tracing::warn!(
                    "IRC: the bot was kicked out of {place} ({reason}); it comes back when it connects again"
                );
                Vec::new()
            }
            Command::CAP(_, what, third, fourth) => {
                self.capabilities(*what, third.as_deref(), fourth.as_deref())
            }
            Command::AUTHENTICATE(more) if more == "+" => vec![Effect::Write(self.sasl())],
            Command::ERROR(words) => vec![Effect::End(closed(words))],
            Command::Response(response, arguments) => self.numeric(*response as u16, arguments),
            Command::Raw(number, arguments) => match number.parse() {
                Ok(number) => self.numeric(number, arguments),
                Err(_) => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    fn capabilities(
        &mut self,
        what: CapSubCommand,
        third: Option<&str>,
        fourth: Option<&str>,
    ) -> Vec<Effect> {
        let end = || vec![Effect::Write("CAP END\r\n".to_owned())];
        let (more, list) = match fourth {
            Some(list) => (third == Some("*"), list),
            None => (false, third.unwrap_or_default()),
        };
        match what {
            CapSubCommand::LS if !self.is_live => {
                self.offered.extend(list.split_ascii_whitespace().map(str::to_owned));
                if more {
                    return Vec::new();
                }
                let name = |offer: &String| offer.split('=').next().unwrap_or_default().to_owned();
                let names: Vec<String> = self.offered.iter().map(name).collect();
                let mut asked = WANTED.to_vec();
                if self.config.account_password.is_some() && self.offers_plain() {
                    asked.push("sasl");
                }
                asked.retain(|wanted| names.iter().any(|offered| offered == wanted));
                match asked.is_empty() {
                    true => end(),
                    false => vec![Effect::Write(format!("CAP REQ :{}\r\n", asked.join(" ")))],
                }
            }
            CapSubCommand::ACK if !self.is_live => match list.split_ascii_whitespace().any(|c| c == "sasl") {
                true => vec![Effect::Write("AUTHENTICATE PLAIN\r\n".to_owned())],
                false => end(),
            },
            CapSubCommand::NAK if !self.is_live => end(),
            _ => Vec::new(),
        }
    }

    /// Whether SASL is offered, with PLAIN where the ways are named.
    fn offers_plain(&self) -> bool {
        let ways = self.offered.iter().find_map(|offer| match offer.as_str() {
            "sasl" => Some("PLAIN"),
            offer => offer.strip_prefix("sasl="),
        });
        ways.is_some_and(|ways| ways.split(',').any(|way| way == "PLAIN"))
    }

    fn account(&self) -> &str {
        self.config.account.as_deref().unwrap_or(&self.config.nickname)
    }

    /// RFC 4616: nobody to act for, the account, the password.
    fn sasl(&self) -> String {
        let password = self.config.account_password.as_ref().map_or("", ExposeSecret::expose_secret);
        let response = STANDARD.encode(format!("\0{}\0{password}", self.account()));
        let pieces = response.as_bytes().chunks(SASL_PIECE).map(String::from_utf8_lossy);
        let mut lines: String = pieces.map(|piece| format!("AUTHENTICATE {piece}\r\n")).collect();
        if response.len() % SASL_PIECE == 0 {
            lines.push_str("AUTHENTICATE +\r\n");
        }
        lines
    }

    fn numeric(&mut self, number: u16, arguments: &[String]) -> Vec<Effect> {
        let words = arguments.get(1..).unwrap_or_default().join(" ");
        let stop = |what: String| vec![Effect::End(ConnectorError::Stop(format!("IRC: {what}")))];
        match number {
            1 => {
                if let Some(nick) = arguments.first() {
                    self.nick.clone_from(nick);
                }
                Vec::new()
            }
            5 => {
                for token in arguments {
                    match token.split_once('=') {
                        Some(("CASEMAPPING", name)) => self.around.case = CaseMapping::named(name),
                        Some(("BOT", mode)) => self.bot_mode = Some(mode.to_owned()),
                        _ => {}
                    }
                }
                Vec::new()
            }
            376 | 422 if !self.is_live => self.arrive(),
            433 | 436 | 437 if !self.is_live => {
                if self.tries == NICKS {
                    return vec![Effect::End(lost(format!("no nickname is free ({words})")))];
                }
                self.tries += 1;
                self.wants_nickname = true;
                self.nick.push('_');
                tracing::warn!("IRC: the nickname is in use; trying {}", self.nick);
                vec![Effect::Write(format!("NICK {}\r\n", self.nick))]
            }
            432 if !self.is_live => {
                stop(format!("the server does not take the nickname ({words}); set connectors.irc.nickname"))
            }
            903 => {
                self.logged_in = true;
                vec![Effect::Write("CAP END\r\n".to_owned())]
            }
            902 | 904..=906 | 908 if !self.is_live => stop(format!(
                "the server does not let the account {} in ({words}); check connectors.irc.account and connectors.irc.account_password",
                self.account()
            )),
            464 => stop(format!(
                "the server's password is wrong or missing ({words}); set connectors.irc.password"
            )),
            465 => stop(format!("the bot is banned ({words}); ask the server's operator")),
            // RPL_WHOISACCOUNT.
            330 => {
                if let [_, nick, account, ..] = arguments {
                    let lower = |name: &str| self.around.case.lower(name);
                    self.accounts.seen(&lower(nick), Some(&format!("{ACCOUNT}{}", lower(account))));
                }
                Vec::new()
            }
            // RPL_ENDOFWHOIS, ERR_NOSUCHNICK.
            318 | 401 if self.is_live => {
                if let Some(nick) = arguments.get(1) {
                    self.accounts.answered(|asked| self.same(asked, nick));
                }
                refused(number, arguments, words).into_iter().collect()
            }
            _ if self.is_live && self.is_about_nickname(number, arguments) => {
                tracing::debug!("IRC: the nickname is still not free ({words})");
                Vec::new()
            }
            _ if self.is_live => refused(number, arguments, words).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// Whether the server refuses the bot's nickname, and not a message: a person who has it may be waiting for one.
    fn is_about_nickname(&self, number: u16, arguments: &[String]) -> bool {
        let nickname = &self.config.nickname;
        match number {
            // ERR_ERRONEUSNICKNAME, ERR_NICKNAMEINUSE, ERR_NICKCOLLISION, ERR_NICKTOOFAST, ERR_CANTCHANGENICK, ERR_RESTRICTED.
            432 | 433 | 436 | 438 | 447 | 484 => true,
            // ERR_UNAVAILRESOURCE stands for channels too.
            437 => self.wants_nickname && arguments.get(1).is_some_and(|name| self.same(name, nickname)),
            _ => false,
        }
    }

    /// Where the bot is, in words. Says no channel's key.
    pub(crate) fn place(&self) -> String {
        let server = self.config.server.as_deref().unwrap_or_default();
        let names: Vec<&str> = self.config.channels.iter().map(|entry| channel(entry).0).collect();
        match names.is_empty() {
            true => format!("{} on {server}, in no channel", self.nick),
            false => format!("{} on {server}, in {}", self.nick, names.join(", ")),
        }
    }

    /// The greetings are over: everything that comes before talking.
    fn arrive(&mut self) -> Vec<Effect> {
        self.is_live = true;
        if self.nick != self.config.nickname {
            tracing::warn!("IRC: the bot is called {} here, and not {}", self.nick, self.config.nickname);
        }
        tracing::info!("IRC: the bot is {}", self.place());
        let mut lines = String::new();
        if let Some(password) = self.config.account_password.as_ref().filter(|_| !self.logged_in) {
            let password = password.expose_secret();
            lines.push_str(&format!("PRIVMSG NickServ :IDENTIFY {} {password}\r\n", self.account()));
        }
        if let Some(mode) = &self.bot_mode {
            lines.push_str(&format!("MODE {} +{}\r\n", self.nick, line(mode)));
        }
        for entry in &self.config.channels {
            let (name, key) = channel(entry);
            lines.push_str(&match key {
                Some(key) => format!("JOIN {name} {key}\r\n"),
                None => format!("JOIN {name}\r\n"),
            });
        }
        vec![Effect::Write(lines), Effect::Live]
    }
}

/// What a server's error says of a message: whether it will be taken later, or never.
fn refused(number: u16, arguments: &[String], words: String) -> Option<Effect> {
    let target = arguments.get(1).cloned();
    let later = |after| Delivery::Retry { after, reason: words.clone() };
    let never = || Delivery::Permanent { reason: words.clone() };
    let (target, delivery) = match number {
        // RPL_TRYAGAIN names the command, not the target.
        263 if target.as_deref() == Some("PRIVMSG") => (None, later(seconds(&words))),
        // ERR_UNAVAILRESOURCE, ERR_TARGETTOOFAST, ERR_TARGCHANGE.
        437 | 439 | 707 => (target, later(seconds(&words))),
        // ERR_INPUTTOOLONG has no target.
        417 => (None, never()),
        // RPL_TARGUMODEG stands outside of the errors.
        401..=599 | 716 => (target, never()),
        _ => return None,
    };
    Some(Effect::Refused { target, delivery, words })
}

/// The first number in the server's words, as seconds.
fn seconds(words: &str) -> Option<Duration> {
    let number = words.split(|c: char| !c.is_ascii_digit()).find(|digits| !digits.is_empty());
    number.and_then(|digits| digits.parse().ok()).map(Duration::from_secs)
}

/// What the server's last words call for. There is no standard for them; these are the ones of the servers in use.
fn closed(words: &str) -> ConnectorError {
    let lower = words.to_lowercase();
    let is = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
    if is(&["password", "access denied"]) {
        return ConnectorError::Stop(format!(
            "IRC: the server does not let the bot in ({words}); set connectors.irc.password"
        ));
    }
    if is(&["banned", "k-line", "g-line", "z-line", "klined", "glined", "zlined"]) {
        return ConnectorError::Stop(format!("IRC: the bot is banned ({words}); ask the server's operator"));
    }
    lost(format!("the server closed the connection ({words})"))
}
