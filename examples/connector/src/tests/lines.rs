//! Recorded lines in both directions, and what the config takes. No test here needs a network.

use std::time::Duration;

use loquat_contract::{
    Address, ConversationId, Delivery, Envelope, Event, IdempotencyKey, Message, MessageId, Part,
};

use crate::deliver::refused;
use crate::encode::encode;
use crate::receive::understand;
use crate::wire::{BotLine, ServerLine, line};
use crate::{Config, PLATFORM, PostboxError, connect, sample};

/// A part of a reply to the message 7 in the channel `den`.
pub(super) fn envelope(text: &str) -> Envelope {
    let (bot, platform) = ("Mira".to_owned(), PLATFORM.to_owned());
    let conversation = ConversationId { bot, platform, channel: "den".to_owned(), thread: None };
    Envelope::new(
        IdempotencyKey("0123456789abcdef01234567".to_owned()),
        Address { conversation, in_reply_to: MessageId("7".to_owned()) },
        Part { text: text.to_owned(), ..Part::default() },
    )
}

#[test]
fn events_are_understood() {
    let (seven, hello) = (MessageId("7".to_owned()), Message::from("Hello!"));
    for (recorded, id, event) in [
        (r#""id":"7","text":"Hello!""#, "7", Event::Message(hello.clone())),
        (
            r#""id":"8","text":"Hello!","edit_of":"7""#,
            "8",
            Event::Edit { message: seven.clone(), now: hello },
        ),
        (r#""id":"9","delete_of":"7""#, "9", Event::Deletion { message: seven }),
    ] {
        let recorded = format!(r#"{{"event":{{"channel":"den","sender":"ann",{recorded}}}}}"#);
        let ServerLine::Event(happened) = serde_json::from_str(&recorded).unwrap() else {
            panic!("{recorded}")
        };
        let inbound = understand("Mira", happened);
        assert_eq!((inbound.id.0.as_str(), &inbound.event), (id, &event));
        assert_eq!(inbound.conversation, envelope("").to.conversation);
        assert_eq!(inbound.person().to_string(), format!("{PLATFORM}:ann"));
    }
}

#[test]
fn a_part_is_one_line_whatever_it_says() {
    let post = encode(&envelope("two\nlines, \"quoted\"")).unwrap();
    let expected = r#"{"send":{"key":"0123456789abcdef01234567","channel":"den","in_reply_to":"7","text":"two\nlines, \"quoted\""}}"#;
    assert_eq!(String::from_utf8(line(&BotLine::Send(post)).unwrap()).unwrap(), format!("{expected}\n"));
}

#[test]
fn a_part_that_the_server_would_not_take_is_not_sent() {
    // The limit counts UTF-16 units, and this character has two.
    assert!(encode(&envelope(&"🫐".repeat(250))).is_ok());
    for text in ["🫐".repeat(251), " \n".to_owned()] {
        assert!(encode(&envelope(&text)).is_err(), "{text:?}");
    }
}

#[test]
fn a_refusal_says_whether_to_try_again() {
    let after = Some(Duration::from_millis(1500));
    assert!(matches!(refused(429, Some(1500)), Delivery::Retry { after: wait, .. } if wait == after));
    assert!(matches!(refused(503, None), Delivery::Retry { after: None, .. }));
    assert!(matches!(refused(403, None), Delivery::Unauthorised { .. }));
    for code in [400, 413] {
        assert!(matches!(refused(code, None), Delivery::Permanent { .. }), "{code}");
    }
}

#[test]
fn the_sample_shows_the_defaults_and_the_key_it_hides_is_one() {
    let read = |text: &str| {
        let table = toml::from_str::<toml::Table>(text).unwrap();
        table[PLATFORM].clone().try_into::<Config>().unwrap()
    };
    assert_eq!(read(sample()), Config::default());
    assert!(read(&sample().replace("# address", "address")).address.is_some());
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_connected() {
    assert!(toml::from_str::<Config>("adress = 'x'").unwrap_err().to_string().contains("adress"));
    let connected = |address: Option<&str>| {
        connect(Config { address: address.map(str::to_owned), ..Config::default() }, "Mira").map(drop)
    };
    assert!(connected(Some("[::1]:4000")).is_ok());
    assert!(matches!(connected(None), Err(PostboxError::NoAddress)));
    for address in ["", "localhost", ":4000", "localhost:http"] {
        assert!(matches!(connected(Some(address)), Err(PostboxError::Address(_))), "{address}");
    }
}
