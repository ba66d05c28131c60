//! Recorded payloads: what each means to the bot. In the form in which Discord's documentation and gateway have them, with fields and
//! kinds that nobody here knows.

use loquat_contract::{ConversationId, Event};
use serde_json::{Value, json};
use serenity::model::id::{ApplicationId, ChannelId, GuildId, RoleId, UserId};

use crate::Config;
use crate::receive::events::{Interaction, Message, Reaction};
use crate::receive::understand::{Answer, Said, Understanding, message_of, sent_at, snowflake};
use crate::shared::{Me, Place};

fn me() -> Me {
    Me { id: UserId::new(100), name: "Mira".into(), application: ApplicationId::new(101) }
}

fn place() -> Place {
    Place {
        guild: Some(GuildId::new(1)),
        channel: ChannelId::new(2),
        thread: None,
        is_ours: false,
        opens_threads: true,
    }
}

fn understood(event: Value, place: &Place, config: &Config) -> Option<Said> {
    let event: Message = serde_json::from_value(event).unwrap();
    Understanding { me: &me(), config, own_role: Some(RoleId::new(7)) }.message(&event, place)
}

/// A message as the gateway has it, said to the bot.
fn message(content: &str) -> Value {
    json!({
        "id": "1290000000000000001", "channel_id": "2", "guild_id": "1", "type": 0, "tts": false, "pinned": false,
        "timestamp": "2026-11-26T11:00:00.000000+00:00", "edited_timestamp": null, "flags": 0, "position": 3,
        "author": { "id": "55", "username": "ann", "global_name": "Ann", "discriminator": "0", "avatar": null,
            "clan": { "tag": "new" }, "public_flags": 0 },
        "member": { "nick": "Annie", "roles": ["8", "9"], "joined_at": "2020-01-01T00:00:00+00:00", "deaf": false,
            "mute": false, "flags": 0 },
        "content": content, "mentions": [{ "id": "100", "username": "Mira", "bot": true }], "mention_roles": [],
        "mention_everyone": false, "attachments": [], "nonce": 12,
        "embeds": [{ "type": "a kind of the future" }],
        "components": [{ "type": 99, "content": "also new" }],
    })
}

fn words(content: &str) -> String {
    understood(message(content), &place(), &Config::default()).unwrap().message.text
}

#[test]
fn what_only_addresses_the_bot_is_taken_out() {
    for (content, wanted) in [
        ("<@100> hello", "hello"),
        ("<@!100>, hello", "hello"),
        ("hello <@100>", "hello"),
        ("<@100> <@&7> hello", "hello"),
        ("<@100>：你好", "你好"),
        ("<@100>", ""),
        ("is <@100> here?", "is Mira here?"),
        ("<@100> a <:wave:123> <a:dance:4> <3 <b> <::> <:x:y>", "a :wave: :dance: <3 <b> <::> <:x:y>"),
        ("<@100> @everyone `code`", "@everyone `code`"),
    ] {
        assert_eq!(words(content), wanted);
    }
    let mut event = message("<@100> do you know <@56> and <@57>?");
    event["mentions"] =
        json!([{ "id": "56", "username": "bob", "global_name": null }, { "id": "100", "username": "Mira" }]);
    let said = understood(event, &place(), &Config::default()).unwrap();
    assert_eq!(said.message.text, "do you know @bob and <@57>?");
    assert_eq!(said.message.mentions[0].id, "56");
    assert_eq!(said.message.mentions.len(), 1);
}

#[test]
fn a_message_says_who_it_is_from() {
    let said = understood(message("<@100> hi"), &place(), &Config::default()).unwrap();
    assert_eq!(said.sender.name.as_deref(), Some("Annie"));
    assert_eq!((said.sender.id.as_str(), said.sender.roles), ("55", vec!["8".to_owned(), "9".to_owned()]));
    let mut event = message("<@100> hi");
    event["webhook_id"] = json!("55");
    event.as_object_mut().unwrap().remove("member");
    let said = understood(event, &place(), &Config::default()).unwrap();
    assert!(said.sender.is_bot);
    assert_eq!(said.sender.name.as_deref(), Some("Ann"));
}

#[test]
fn system_messages_and_the_bots_own_are_nothing_for_it() {
    for (key, value) in
        [("type", json!(7)), ("type", json!(21)), ("author", json!({ "id": "100", "username": "Mira" }))]
    {
        let mut event = message("<@100> hi");
        event[key] = value;
        assert!(understood(event, &place(), &Config::default()).is_none(), "{key}");
    }
    // A change that Discord makes itself names little.
    let change = json!({ "id": "5", "channel_id": "2", "guild_id": "1", "embeds": [] });
    assert!(understood(change, &place(), &Config::default()).is_none());
}

#[test]
fn what_comes_empty_without_the_intent_is_no_question() {
    let mut event = message("");
    event["mentions"] = json!([]);
    event["type"] = json!(19);
    event["referenced_message"] =
        json!({ "id": "4", "channel_id": "2", "content": "", "author": { "id": "100", "username": "Mira" } });
    assert!(understood(event.clone(), &place(), &Config::default()).is_none());
    event["content"] = json!("and why?");
    assert!(understood(event.clone(), &place(), &Config::default()).unwrap().is_addressed);
    // A reply to a message that is gone.
    event["referenced_message"] = Value::Null;
    assert!(understood(event, &place(), &Config::default()).is_none());
}

#[test]
fn what_is_overheard_is_answered_and_not_complained_about() {
    let mut event = message("what is this?");
    event["mentions"] = json!([]);
    let config = Config { message_content: true, answer_all_in: vec!["2".into()], ..Config::default() };
    let said = understood(event.clone(), &place(), &config).unwrap();
    assert!(!said.is_addressed);
    let thread = Place { thread: Some(ChannelId::new(3)), is_ours: true, ..place() };
    let config = Config { message_content: true, ..Config::default() };
    assert!(understood(event.clone(), &thread, &config).is_some());
    assert!(understood(event, &thread, &Config::default()).is_none());
}

fn interaction(kind: u8, data: Value) -> Interaction {
    serde_json::from_value(json!({
        "id": "1290000000000000009", "application_id": "101", "type": kind, "token": "secret", "version": 1,
        "guild_id": "1", "channel_id": "2", "channel": { "id": "2", "type": 0 }, "locale": "zh-CN",
        "member": { "user": { "id": "55", "username": "ann" }, "roles": ["8"], "permissions": "0" },
        "message": { "id": "44", "content": "", "components": [{ "type": 1 }] },
        "data": data, "entitlements": [], "context": 0, "attachment_size_limit": 5, "authorizing_integration_owners": {},
    }))
    .unwrap()
}

#[test]
fn commands_and_buttons_bring_what_it_takes_to_answer_them() {
    let config = Config::default();
    let me = me();
    let understanding = Understanding { me: &me, config: &config, own_role: None };
    let conversation: ConversationId = "Mira/discord/2".parse().unwrap();
    let options = json!({ "id": "3", "type": 1, "name": "ask", "options": [{ "name": "question", "type": 3, "value": "what is 7 * 6?" }] });
    let inbound = understanding.interaction(&interaction(2, options), conversation.clone()).unwrap();
    assert_eq!(inbound.event, Event::Command { name: "ask".into(), arguments: "what is 7 * 6?".into() });
    assert_eq!(inbound.sent_at, Some(sent_at(1_290_000_000_000_000_009)));
    let answer = Answer::read(inbound.ticket.as_ref().unwrap()).unwrap();
    assert_eq!(
        (answer.token.as_str(), answer.id.get(), answer.application.get()),
        ("secret", 1_290_000_000_000_000_009, 101)
    );
    assert_eq!(snowflake(&inbound.id), Some(1_290_000_000_000_000_009));
    assert_eq!(message_of(&inbound.id), None);
    let pressed = interaction(3, json!({ "custom_id": "why.1a", "component_type": 2 }));
    let inbound = understanding.interaction(&pressed, conversation.clone()).unwrap();
    assert_eq!(
        inbound.event,
        Event::Button { message: loquat_contract::MessageId("44".into()), id: "why.1a".into() }
    );
    assert!(understanding.interaction(&interaction(4, json!({ "name": "ask" })), conversation).is_none());
}

#[test]
fn reactions_are_told_apart_and_the_bots_own_are_none() {
    let config = Config::default();
    let me = me();
    let understanding = Understanding { me: &me, config: &config, own_role: None };
    let conversation: ConversationId = "Mira/discord/2".parse().unwrap();
    let reaction = |user: &str, emoji: Value| -> Reaction {
        serde_json::from_value(json!({ "user_id": user, "channel_id": "2", "message_id": "44", "guild_id": "1", "emoji": emoji, "type": 0, "burst": false })).unwrap()
    };
    let own_emoji = reaction("55", json!({ "id": "9", "name": "party", "animated": true }));
    let [one, two] = [1, 2].map(|number| {
        understanding.reaction(&own_emoji, conversation.clone(), false, ("session", number)).unwrap()
    });
    assert_ne!(one.id, two.id);
    assert!(matches!(&one.event, Event::Reaction { emoji, removed: false, .. } if emoji == ":party:"));
    let mine = reaction("100", json!({ "id": null, "name": "👍" }));
    assert!(understanding.reaction(&mine, conversation, false, ("session", 3)).is_none());
}

#[test]
fn when_something_was_said_is_told_by_its_id() {
    // The example of Discord's documentation.
    assert_eq!(sent_at(175_928_847_299_117_063).0, 1_462_015_105_796);
}
