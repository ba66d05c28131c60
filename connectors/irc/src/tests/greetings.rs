//! The first lines of a connection, the errors of a server, and what they call for.

use std::sync::Arc;
use std::time::Duration;

use loquat_contract::{BotCard, ConnectorError, Delivery};

use crate::Config;
use crate::receive::{Effect, LineIds, Session};

fn session(config: Config) -> Session {
    let bot = BotCard { name: "Mira".into(), ..BotCard::default() };
    Session::new(Arc::new(config), &bot, Arc::new(LineIds::new()), Arc::default())
}

/// The lines that the bot writes because of this line.
fn written(session: &mut Session, line: &str) -> String {
    let effects = session.hear(&line.parse().unwrap());
    let lines = effects.into_iter().map(|effect| match effect {
        Effect::Write(lines) => lines,
        Effect::Live => String::new(),
        other => panic!("{line}: {other:?}"),
    });
    lines.collect()
}

fn end(session: &mut Session, line: &str) -> ConnectorError {
    match session.hear(&line.parse().unwrap()).pop() {
        Some(Effect::End(error)) => error,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn a_password_goes_first_and_only_what_the_server_offers_is_asked_for() {
    let mut session = session(toml::from_str("password = 'let me in'").unwrap());
    let greetings = "CAP LS 302\r\nPASS :let me in\r\nNICK loquat\r\nUSER loquat 0 * :Mira\r\n";
    assert_eq!(session.greetings(), greetings);
    assert_eq!(written(&mut session, ":s CAP * LS * :away-notify server-time"), "");
    let asked = written(&mut session, ":s CAP * LS :message-tags sasl=PLAIN");
    assert_eq!(asked, "CAP REQ :message-tags server-time\r\n");
    assert_eq!(written(&mut session, ":s CAP * ACK :message-tags server-time"), "CAP END\r\n");
}

#[test]
fn a_server_without_anything_to_offer_is_not_asked() {
    assert_eq!(written(&mut session(Config::default()), ":s CAP * LS :multi-prefix"), "CAP END\r\n");
}

#[test]
fn an_account_goes_to_sasl_where_the_server_has_it_and_else_to_nickserv() {
    let config = "account = 'mira'\naccount_password = 'sesame'\nchannels = ['#a', '#b key']";
    let mut sasl = session(toml::from_str(config).unwrap());
    assert_eq!(written(&mut sasl, ":s CAP * LS :sasl"), "CAP REQ :sasl\r\n");
    assert_eq!(written(&mut sasl, ":s CAP * ACK :sasl"), "AUTHENTICATE PLAIN\r\n");
    // printf '\0mira\0sesame' | base64
    assert_eq!(written(&mut sasl, "AUTHENTICATE +"), "AUTHENTICATE AG1pcmEAc2VzYW1l\r\n");
    assert_eq!(written(&mut sasl, ":s 903 loquat :SASL authentication successful"), "CAP END\r\n");
    assert_eq!(written(&mut sasl, ":s 422 loquat :no MOTD"), "JOIN #a\r\nJOIN #b key\r\n");

    let mut nickserv = session(toml::from_str(config).unwrap());
    assert_eq!(written(&mut nickserv, ":s CAP * LS :sasl=EXTERNAL"), "CAP END\r\n");
    let lines = written(&mut nickserv, ":s 376 loquat :end of MOTD");
    assert!(lines.starts_with("PRIVMSG NickServ :IDENTIFY mira sesame\r\nJOIN #a\r\n"), "{lines}");

    let mut wrong = session(toml::from_str(config).unwrap());
    let error = end(&mut wrong, ":s 904 loquat :SASL authentication failed");
    assert!(
        matches!(&error, ConnectorError::Stop(what) if what.contains("connectors.irc.account_password")),
        "{error}"
    );
    assert!(!error.to_string().contains("sesame"));
}

#[test]
fn a_long_sasl_response_is_sent_in_pieces() {
    let password = "x".repeat(293);
    let config = format!("account = 'mira'\naccount_password = '{password}'");
    let lines = written(&mut session(toml::from_str(&config).unwrap()), "AUTHENTICATE +");
    let lengths: Vec<usize> = lines.lines().map(|line| line.len() - "AUTHENTICATE ".len()).collect();
    assert_eq!(lengths, [400, 1], "299 bytes are 400 characters, and a + ends them");
}

#[test]
fn a_nickname_in_use_gets_a_tail_five_times() {
    let mut session = session(Config::default());
    for tail in 1..=5 {
        let line = written(&mut session, ":s 433 * loquat :Nickname is already in use");
        assert_eq!(line, format!("NICK loquat{}\r\n", "_".repeat(tail)));
    }
    let error = end(&mut session, ":s 433 * loquat_____ :Nickname is already in use");
    assert!(matches!(error, ConnectorError::Lost(_)), "{error}");
}

#[test]
fn a_nickname_in_use_is_tried_again_with_each_sign_of_life_until_the_bot_has_it() {
    let mut session = session(Config::default());
    let alive = |session: &mut Session| -> Vec<String> {
        let effects = session.hear(&":s PONG s :alive".parse().unwrap());
        effects
            .into_iter()
            .filter_map(|effect| if let Effect::Write(lines) = effect { Some(lines) } else { None })
            .collect()
    };
    assert!(alive(&mut session).is_empty());
    written(&mut session, ":s 433 * loquat :Nickname is already in use");
    written(&mut session, ":s 001 loquat_ :Welcome");
    written(&mut session, ":s 376 loquat_ :end");
    for answer in [
        ":s 433 loquat_ loquat :Nickname is already in use",
        ":s 437 loquat_ loquat :Nick is temporarily unavailable",
        ":s 447 loquat_ :Can not change nickname while on #help (+N)",
        ":loquat_!~l@host NICK loquat__",
    ] {
        assert_eq!(alive(&mut session), ["NICK loquat\r\n"]);
        assert_eq!(
            written(&mut session, answer),
            "",
            "and no message to a person of that name is taken for refused"
        );
    }
    written(&mut session, ":loquat__!~l@host NICK Loquat");
    assert!(alive(&mut session).is_empty());
    written(&mut session, ":Loquat!~l@host NICK Guest7");
    assert!(alive(&mut session).is_empty(), "services would take it again");
}

#[test]
fn where_the_bot_is_says_no_key() {
    let config = "server = 'irc.example.org'\nchannels = ['#help', '#staff secret']";
    let mut session = session(toml::from_str(config).unwrap());
    written(&mut session, ":s 001 loquat_ :Welcome");
    assert_eq!(session.place(), "loquat_ on irc.example.org, in #help, #staff");
}

#[test]
fn a_bot_shows_that_it_is_one() {
    let mut session = session(Config::default());
    for line in [":s 001 loquat :hi", ":s 005 loquat BOT=B NICKLEN=30 :are supported by this server"] {
        assert_eq!(written(&mut session, line), "");
    }
    assert_eq!(written(&mut session, ":s 376 loquat :end"), "MODE loquat +B\r\n");
}

#[test]
fn what_a_person_has_to_settle_stops_and_the_rest_is_tried_again() {
    for (line, key) in [
        (":s 464 loquat :Password incorrect", "connectors.irc.password"),
        (":s 465 loquat :You are banned from this server", "operator"),
        (":s 432 * lo*quat :Erroneous nickname", "connectors.irc.nickname"),
        ("ERROR :Closing Link: 192.0.2.1 (K-Lined: spam)", "operator"),
        ("ERROR :Access denied: Bad password?", "connectors.irc.password"),
    ] {
        let error = end(&mut session(Config::default()), line);
        assert!(matches!(&error, ConnectorError::Stop(what) if what.contains(key)), "{line}: {error}");
    }
    for line in ["ERROR :Closing Link: 192.0.2.1 (Ping timeout)", "ERROR :Closing Link: (Excess Flood)"] {
        assert!(matches!(end(&mut session(Config::default()), line), ConnectorError::Lost(_)), "{line}");
    }
}

#[test]
fn errors_say_what_became_of_a_message() {
    let mut session = session(Config::default());
    written(&mut session, ":s 376 loquat :end");
    let mut refused = |line: &str| match session.hear(&line.parse().unwrap()).pop() {
        Some(Effect::Refused { target, delivery, .. }) => (target, delivery),
        other => panic!("{line}: {other:?}"),
    };
    for line in [":s 401 loquat bob :No such nick", ":s 404 loquat #c :Cannot send", ":s 531 loquat bob :No"]
    {
        assert!(matches!(refused(line), (Some(_), Delivery::Permanent { .. })), "{line}");
    }
    let (target, delivery) = refused(":s 439 loquat bob :Target change too fast. Please wait 7 seconds.");
    assert_eq!(target.as_deref(), Some("bob"));
    assert!(
        matches!(delivery, Delivery::Retry { after: Some(after), .. } if after == Duration::from_secs(7))
    );
    let (target, delivery) = refused(":s 263 loquat PRIVMSG :Please wait a while and try again.");
    assert_eq!(target, None);
    assert!(matches!(delivery, Delivery::Retry { after: None, .. }));
}

#[test]
fn a_ping_is_answered_with_its_own_words_on_one_line() {
    let mut session = session(Config::default());
    assert_eq!(written(&mut session, "PING :irc.example.org 7"), "PONG :irc.example.org 7\r\n");
}
