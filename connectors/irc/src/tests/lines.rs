//! Lines as servers send them, and what the bot makes of them.

use std::sync::Arc;

use loquat_contract::{BotCard, Event, Timestamp};

use crate::Config;
use crate::receive::{Effect, Handed, LineIds, Session};

/// A session past its greetings, on a server that maps names as RFC 1459 says.
fn session(config: Config) -> Session {
    let bot = BotCard { name: "Mira".into(), ..BotCard::default() };
    let mut session = Session::new(Arc::new(config), &bot, Arc::new(LineIds::new()), Arc::default());
    for line in [":irc.example.org 001 Loquat :Welcome", ":irc.example.org 376 Loquat :End of MOTD"] {
        session.hear(&line.parse().unwrap());
    }
    session
}

/// What is handed on because of this line.
fn handed(session: &mut Session, line: &str) -> Option<Handed> {
    let mut effects = session.hear(&line.parse().unwrap());
    assert!(effects.len() <= 1, "{effects:?}");
    match effects.pop() {
        Some(Effect::Hand(handed)) => Some(*handed),
        Some(effect) => panic!("{line}: {effect:?}"),
        None => None,
    }
}

fn text(session: &mut Session, line: &str) -> Option<String> {
    handed(session, line).and_then(|handed| handed.inbound.text().map(str::to_owned))
}

#[test]
fn a_line_with_tags_says_who_when_and_which() {
    let line = "@time=2026-11-25T12:00:00.250Z;msgid=T8mE/x;account=Alice;bot \
                :Alice[m]!~a@host PRIVMSG #Help :Loquat: What is the capital of Bhutan?";
    let handed = handed(&mut session(Config::default()), line).unwrap();
    let inbound = &handed.inbound;
    assert_eq!(inbound.id.0, "T8mE/x Alice[m]");
    assert_eq!(inbound.conversation.to_string(), "Mira/irc/#help");
    assert_eq!(inbound.sent_at, Some(Timestamp(1_795_608_000_250)));
    assert_eq!(inbound.sender.id, "account/alice");
    assert_eq!(inbound.sender.name.as_deref(), Some("Alice[m]"));
    assert!(inbound.sender.is_bot && handed.addressed);
    assert_eq!(inbound.event, Event::Message("What is the capital of Bhutan?".into()));
}

#[test]
fn a_line_without_tags_gets_an_id_of_its_own() {
    let mut session = session(Config::default());
    let line = ":Al[ce!~a@host PRIVMSG loquat :hello";
    let one = handed(&mut session, line).unwrap().inbound;
    let two = handed(&mut session, line).unwrap().inbound;
    assert_ne!(one.id, two.id);
    assert_eq!((one.conversation.channel.as_str(), one.sender.id.as_str()), ("al{ce", "al{ce"));
    assert_eq!(one.sent_at, None);
}

#[test]
fn names_are_the_same_where_the_server_says_so() {
    let mut session = session(Config::default());
    session
        .hear(&":s 005 Loquat CHANTYPES=# CASEMAPPING=ascii :are supported by this server".parse().unwrap());
    let line = ":Al[ce!~a@host PRIVMSG Loquat :hello";
    assert_eq!(handed(&mut session, line).unwrap().inbound.sender.id, "al[ce");
    assert!(session.same("ALICE", "alice") && !session.same("al[ce", "al{ce"));
}

#[test]
fn in_a_channel_only_what_addresses_the_bot_is_for_it() {
    let mut session = session(Config::default());
    let said = |text: &str| format!(":alice!~a@host PRIVMSG #help :{text}");
    for (line, expected) in [
        ("Loquat: hello", Some("hello")),
        ("loquat, hello", Some("hello")),
        ("@LOQUAT hello", Some("hello")),
        ("@Loquat: hello", Some("hello")),
        ("Loquat：你好", Some("你好")),
        ("Loquat:", Some("")),
        ("\u{2}Loquat\u{2}: \u{3}4red", Some("red")),
        ("hello", None),
        ("Loquat hello", None),
        ("Loquats: hello", None),
        ("@Loquats hello", None),
        ("hello Loquat:", None),
        ("日本Loquat: hello", None),
    ] {
        assert_eq!(text(&mut session, &said(line)).as_deref(), expected, "{line}");
    }
}

#[test]
fn where_everything_is_answered_it_is_known_who_was_addressed() {
    let mut session = session(Config { answer_all: true, ..Config::default() });
    let said = handed(&mut session, ":alice!~a@host PRIVMSG #help :hello all").unwrap();
    assert_eq!(said.inbound.text(), Some("hello all"));
    assert!(!said.addressed);
    assert!(handed(&mut session, ":alice!~a@host PRIVMSG #help :Loquat: hi").unwrap().addressed);
}

#[test]
fn notices_ctcp_other_targets_and_the_bot_itself_are_not_answered() {
    let mut session = session(Config { answer_all: true, ..Config::default() });
    for line in [
        ":alice!~a@host NOTICE Loquat :hello",
        ":alice!~a@host NOTICE #help :Loquat: hello",
        ":alice!~a@host PRIVMSG Loquat :\u{1}VERSION\u{1}",
        ":alice!~a@host PRIVMSG @#help :for operators",
        ":alice!~a@host PRIVMSG $$*.example.org :for all",
        ":LOQUAT!~l@host PRIVMSG #help :Loquat: an echo",
        ":irc.example.org PRIVMSG Loquat :from the server",
        ":alice!~a@host JOIN #help",
        ":alice!~a@host PART #help",
        ":irc.example.org MODE #help +o alice",
    ] {
        assert_eq!(handed(&mut session, line), None, "{line}");
    }
    let action = text(&mut session, ":alice!~a@host PRIVMSG Loquat :\u{1}ACTION wonders why\u{1}");
    assert_eq!(action.as_deref(), Some("wonders why"));
}

#[test]
fn joins_are_handed_on_where_they_are_asked_for_except_the_bots_own() {
    let mut session = session(Config { joins: true, ..Config::default() });
    let joined = handed(&mut session, ":Bob!~b@host JOIN :#Help").unwrap().inbound;
    assert_eq!((joined.event, joined.conversation.channel.as_str()), (Event::Join, "#help"));
    assert_eq!(handed(&mut session, ":Loquat!~l@host JOIN #help"), None);
}

#[test]
fn the_bots_new_nick_is_the_one_that_addresses_it() {
    let mut session = session(Config::default());
    assert!(session.hear(&":Loquat!~l@host NICK Guest7".parse().unwrap()).is_empty());
    assert_eq!(text(&mut session, ":a!~a@host PRIVMSG #help :Guest7: hi").as_deref(), Some("hi"));
    let said = text(&mut session, ":a!~a@host PRIVMSG #help :Loquat: hi");
    assert_eq!(said.as_deref(), Some("hi"), "and so does the configured one");
    assert_eq!(handed(&mut session, ":a!~a@host PRIVMSG Loquat :to whoever has the nickname"), None);
}

#[test]
fn no_nick_passes_for_an_account() {
    let mut session = session(Config::default());
    let line = ":account/alice!~a@host PRIVMSG Loquat :hello";
    let inbound = handed(&mut session, line).unwrap().inbound;
    assert_eq!(inbound.sender.id, "nick/account/alice");
    assert_eq!(inbound.conversation.channel, "nick/account/alice");
}
