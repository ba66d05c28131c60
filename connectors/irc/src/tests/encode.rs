//! Replies as lines: what fits, who is addressed, and what never gets onto the wire.

use loquat_contract::Envelope;

use super::fakes::envelope;
use crate::Config;
use crate::encode::{Encoded, cut, encode, line, room};

fn encoded(envelope: &Envelope, room: usize) -> Result<Encoded, &'static str> {
    encode(envelope, envelope.to.conversation.channel.clone(), room)
}

#[test]
fn an_answer_in_a_channel_is_addressed() {
    let asked = envelope("#help", "m1 Alice", "Thimphu.");
    let encoded = encoded(&asked, 300).unwrap();
    assert_eq!(encoded.target, "#help");
    assert_eq!(encoded.line, "PRIVMSG #help :Alice: Thimphu.\r\n");
}

#[test]
fn only_the_first_part_is_addressed_and_a_private_one_never() {
    let mut second = envelope("#help", "m1 Alice", "And more.");
    (second.number, second.of) = (2, 2);
    assert!(encoded(&second, 300).unwrap().line == "PRIVMSG #help :And more.\r\n");
    let private = envelope("alice", "m1 Alice", "Thimphu.");
    assert!(encoded(&private, 300).unwrap().line == "PRIVMSG alice :Thimphu.\r\n");
    let unknown = envelope("#help", "m1", "Thimphu.");
    assert!(encoded(&unknown, 300).unwrap().line == "PRIVMSG #help :Thimphu.\r\n");
}

#[test]
fn no_text_ends_its_line_or_passes_for_ctcp() {
    for (text, sent) in [
        ("one\r\nQUIT :two", "one  QUIT :two"),
        ("\u{1}VERSION\u{1}", "VERSION"),
        ("a\0b\u{2}c\u{3}4d\u{7f}e\u{85}f", "abc4def"),
        ("  :colon first", ":colon first"),
        ("日本\u{2028}東京", "日本 東京"),
    ] {
        assert_eq!(line(text), sent, "{text:?}");
        let line = encoded(&envelope("#help", "m1 a\rb", text), 300).unwrap().line;
        assert!(!line.strip_suffix("\r\n").unwrap().contains(char::is_control), "{line:?}");
    }
}

#[test]
fn what_is_no_target_or_no_text_is_never_sent() {
    for target in ["", "a b", "#a,#b", ":a", "a\r\nQUIT"] {
        assert!(encoded(&envelope(target, "m1 Alice", "Thimphu."), 300).is_err(), "{target:?}");
    }
    for text in ["", " \r\n ", "\u{1}\u{2}", &"x".repeat(301)] {
        assert!(encoded(&envelope("#help", "m1 Alice", text), 300).is_err(), "{text:?}");
    }
}

#[test]
fn the_longest_line_fits_as_the_longest_prefix_shows_it() {
    for config in [
        Config::default(),
        Config {
            nickname: "n".repeat(40),
            channels: vec![format!("#{}", "c".repeat(90))],
            ..Config::default()
        },
    ] {
        let room = room(&config);
        assert!((100..420).contains(&room), "{room}");
        let nick = format!("{}_____", config.nickname);
        let channel = config.channels.first().cloned().unwrap_or_else(|| format!("#{}", "c".repeat(63)));
        let asked = envelope(&channel, &format!("m1 {}", "a".repeat(30)), &"x".repeat(room));
        let message = encoded(&asked, room).unwrap().line;
        let seen = format!(":{nick}!~{}@{} {message}", "u".repeat(10), "h".repeat(64));
        assert!(seen.len() <= 512, "{}", seen.len());
    }
}

#[test]
fn what_is_cut_is_cut_between_characters() {
    assert_eq!(cut("short", 10), "short");
    let long = cut(&"日".repeat(20), 10);
    assert!(long.len() <= 10 && long.ends_with('…'), "{long}");
}
