//! Whom the gate lets in, how much they may say, and how a code lets in one person.

use std::time::Duration;

use loquat_contract::{ConversationId, Event, Inbound, Receipt, Refusal, Sender};

use super::{Access, Gate, Paired, Pairing, sample};

fn from(platform: &str, sender: &str, text: &str) -> Inbound {
    let conversation =
        ConversationId { bot: "b".into(), platform: platform.into(), channel: "c".into(), thread: None };
    Inbound::message(conversation, "1", Sender::new(sender), text)
}

fn list(rules: &[&str]) -> Vec<String> {
    rules.iter().map(|rule| (*rule).to_owned()).collect()
}

#[test]
fn the_sample_says_the_defaults() {
    let table: toml::Table = sample().parse().unwrap();
    assert_eq!(table["access"].clone().try_into::<Access>().unwrap(), Access::default());
}

#[test]
fn rules_name_people_platforms_and_roles() {
    let access = Access {
        allow: list(&["irc:alice", "web:*", "discord:role/helper", "role/friends"]),
        block: list(&["web:mallory"]),
        roles: [("friends".to_owned(), list(&["irc:bob"])), ("operator".to_owned(), list(&["irc:root"]))]
            .into(),
        ..Access::default()
    };
    let gate = Gate::new(access, None);
    for (platform, sender, is_let_in) in [
        ("irc", "alice", true),
        ("irc", "bob", true),
        ("irc", "root", true),
        ("irc", "carol", false),
        ("web", "anybody", true),
        ("web", "mallory", false),
        ("discord", "alice", false),
    ] {
        let outcome = gate.check(&from(platform, sender, "hello"), true);
        assert_eq!(outcome.is_ok(), is_let_in, "{platform}:{sender}");
    }
    let mut helper = from("discord", "dave", "hello");
    helper.sender.roles = list(&["helper"]);
    assert!(gate.check(&helper, true).is_ok());
}

#[test]
fn other_bots_are_not_answered_unless_the_file_says_so() {
    let mut bot = from("irc", "r2d2", "beep");
    bot.sender.is_bot = true;
    assert_eq!(Gate::new(Access::default(), None).check(&bot, true).unwrap(), Some(Receipt::Ignored));
    let access = Access { answer_bots: true, ..Access::default() };
    assert_eq!(Gate::new(access, None).check(&bot, true).unwrap(), None);
}

#[test]
fn a_conversation_moves_whoever_moved_it() {
    let gate = Gate::new(Access { allow: Vec::new(), ..Access::default() }, None);
    let mut moved = from("telegram", "admin", "");
    moved.sender.is_bot = true;
    moved.event = Event::Moved { to: moved.conversation.clone() };
    assert_eq!(gate.check(&moved, true).unwrap(), None);
    assert!(gate.check(&from("telegram", "admin", "hello"), true).is_err());
}

#[test]
fn people_and_conversations_have_limits_and_operators_none() {
    let access = Access {
        messages_per_minute: 3,
        conversation_messages_per_minute: 5,
        roles: [("operator".to_owned(), list(&["irc:root"]))].into(),
        ..Access::default()
    };
    let gate = Gate::new(access, None);
    let let_in = |sender: &str| gate.check(&from("irc", sender, "hello"), true);
    for _ in 0..3 {
        let_in("alice").unwrap();
    }
    let refusal = let_in("alice").unwrap_err();
    assert!(matches!(refusal, Refusal::TooFast { after } if after <= Duration::from_secs(21)), "{refusal}");
    let_in("bob").unwrap();
    let_in("bob").unwrap();
    assert!(let_in("bob").is_err(), "five in this conversation");
    for _ in 0..20 {
        let_in("root").unwrap();
    }
    let mut stop = from("irc", "alice", "");
    stop.event = Event::Deletion { message: stop.id.clone() };
    assert!(gate.check(&stop, true).is_ok(), "who wants to stop need not wait");
    let mut reaction = from("irc", "carol", "");
    reaction.event = Event::Reaction { message: reaction.id.clone(), emoji: "👍".into(), removed: false };
    for kept in [true, true, true, false] {
        let receipt = gate.check(&reaction, true).unwrap();
        assert_eq!(receipt, (!kept).then_some(Receipt::Ignored), "nobody is told");
    }
}

#[test]
fn a_code_lets_in_one_person() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.json");
    let access = Access { allow: Vec::new(), ..Access::default() };
    let gate = Gate::new(access, Some(path.clone()));
    assert!(matches!(gate.check(&from("irc", "alice", "hello"), true), Err(Refusal::NotAllowed)));
    let code = Pairing::in_file(path.clone()).invite(Duration::from_secs(60)).unwrap();
    assert!(!std::fs::read_to_string(&path).unwrap().contains(&code.0), "the file does not tell the code");
    assert!(matches!(gate.check(&from("irc", "alice", "/pair wrongwrong"), true), Err(Refusal::NotAllowed)));
    let right = format!("/pair {}", code.0.to_uppercase());
    assert!(matches!(gate.check(&from("irc", "alice", &right), true), Ok(Some(Receipt::Answered(_)))));
    assert_eq!(gate.check(&from("irc", "alice", "hello"), true).unwrap(), None);
    assert!(matches!(gate.check(&from("irc", "bob", &right), true), Err(Refusal::NotAllowed)), "only one");
    let pairing = Pairing::in_file(path);
    let alice = "irc:alice".parse().unwrap();
    assert_eq!(pairing.people().unwrap().len(), 1);
    assert!(pairing.remove(&alice).unwrap() && !pairing.remove(&alice).unwrap());
    assert!(gate.check(&from("irc", "alice", "hello"), true).is_err());
    let late = pairing.invite(Duration::ZERO).unwrap();
    std::thread::sleep(Duration::from_millis(5));
    assert_eq!(pairing.redeem(&late.0, &alice).unwrap(), Paired::Not);
}

#[test]
fn a_rule_that_means_nobody_is_refused() {
    let allowing = |rule: &str| Access { allow: list(&[rule]), ..Access::default() };
    for rule in ["*", "irc:alice", "irc:*", "discord:role/helper"] {
        allowing(rule).check().unwrap();
    }
    for rule in ["mallory", "role/freinds", "irc:", ":alice", ""] {
        assert!(allowing(rule).check().unwrap_err().contains("means nobody"), "{rule}");
    }
    let in_circles = Access { roles: [("a".to_owned(), list(&["role/a"]))].into(), ..Access::default() };
    assert!(in_circles.check().is_err());
}
