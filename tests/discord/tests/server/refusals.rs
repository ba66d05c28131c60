//! What Discord refuses, and how it says so.

use loquat_fake_discord::{Overwrite, permissions};
use serde_json::{Value, json};

use crate::asking::{Got, Place};

fn code(got: &Got) -> (u16, u64) {
    (got.status, got.json()["code"].as_u64().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_token_nothing_is_told() {
    let place = Place::free().await;
    let wait = std::time::Duration::from_secs(20);
    for wrong in ["Bot wrong", place.discord.token(), "Bearer x"] {
        let got = place.ask_as(wrong, "GET", "/api/v10/users/@me", &Value::Null, wait).unwrap();
        assert_eq!(code(&got), (401, 0), "{got:?}");
        assert_eq!(got.json()["message"], "401: Unauthorized");
    }
    assert_eq!(place.ask("GET", "/api/v10/users/@me", &Value::Null).json()["username"], "Mira");
    assert_eq!(place.discord.invalid_requests(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_much_is_refused_field_by_field() {
    let place = Place::free().await;
    let embed = |length| json!({"description": "x".repeat(length)});
    let row = |count| json!({"type": 1, "components": (0..count).map(|id| json!({"type": 2, "style": 1, "label": "x", "custom_id": format!("{id}")})).collect::<Vec<_>>()});
    let wrong = [
        (json!({"content": "x".repeat(2001)}), "/content/_errors/0/code", "BASE_TYPE_MAX_LENGTH"),
        (json!({"embeds": [embed(4097)]}), "/embeds/0/description/_errors/0/code", "BASE_TYPE_MAX_LENGTH"),
        (json!({"embeds": [embed(3001), embed(3000)]}), "/embeds/_errors/0/code", "MAX_EMBED_SIZE_EXCEEDED"),
        (json!({"embeds": vec![embed(1); 11]}), "/embeds/_errors/0/code", "BASE_TYPE_MAX_LENGTH"),
        (
            json!({"embeds": [{"title": "x", "url": "ftp://x"}]}),
            "/embeds/0/url/_errors/0/code",
            "URL_TYPE_INVALID_SCHEME",
        ),
        (
            json!({"content": "x", "components": [row(6)]}),
            "/components/0/components/_errors/0/code",
            "BASE_TYPE_MAX_LENGTH",
        ),
        (
            json!({"content": "x", "components": vec![row(1); 6]}),
            "/components/_errors/0/code",
            "BASE_TYPE_MAX_LENGTH",
        ),
        (json!({"content": "x", "nonce": "n".repeat(26)}), "/nonce/_errors/0/code", "BASE_TYPE_MAX_LENGTH"),
        (
            json!({"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}}),
            "/allowed_mentions/_errors/0/code",
            "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
        ),
        (
            json!({"content": "x", "message_reference": {"message_id": "1"}}),
            "/message_reference/_errors/0/code",
            "REPLIES_UNKNOWN_MESSAGE",
        ),
    ];
    for (body, path, error) in wrong {
        let got = place.post(body);
        assert_eq!(code(&got), (400, 50035), "{got:?}");
        assert_eq!(got.json()["errors"].pointer(path), Some(&json!(error)), "{got:?}");
    }
    for empty in [json!({}), json!({"content": " \n "}), json!({"content": "", "embeds": []})] {
        assert_eq!(code(&place.post(empty)), (400, 50006));
    }
    assert!(place.discord.said(place.channel).is_empty());
    // Just what there may be. Blanks around it are cut off, and do not count.
    let full = json!({"content": format!(" {}\n", "界".repeat(2000)), "embeds": [embed(3000), embed(3000)], "components": vec![row(5)]});
    let got = place.post(full);
    assert_eq!(got.status, 200, "{got:?}");
    assert_eq!(place.discord.said(place.channel)[0].content, "界".repeat(2000));
    let gone = json!({"content": "x", "message_reference": {"message_id": "1", "fail_if_not_exists": false}});
    assert_eq!(place.post(gone).json()["type"], 0);
    let wait = std::time::Duration::from_secs(20);
    let own = format!("Bot {}", place.discord.token());
    let got = place.ask_as(&own, "POST", &place.messages(), &json!("{"), wait).unwrap();
    assert_eq!(got.status, 400, "{got:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_allowed_is_refused() {
    let place = Place::free().await;
    let deny = |deny| Overwrite { of: place.guild, is_user: false, allow: 0, deny };
    let hello = json!({"content": "hello"});
    let cases = [
        (permissions::VIEW_CHANNEL, hello.clone(), (403, 50001)),
        (permissions::SEND_MESSAGES, hello.clone(), (403, 50013)),
        (permissions::EMBED_LINKS, json!({"embeds": [{"title": "x"}]}), (403, 50013)),
    ];
    for (permission, body, refusal) in cases {
        place.discord.overwrite(place.channel, deny(permission));
        assert_eq!(code(&place.post(body)), refusal);
    }
    place.discord.overwrite(place.channel, deny(0));
    assert_eq!(place.post(hello.clone()).status, 200);

    // Threads have a permission of their own.
    let thread = place.discord.thread(place.channel, place.ann, "a thread");
    place.discord.overwrite(place.channel, deny(permissions::SEND_MESSAGES_IN_THREADS));
    let into = format!("/api/v10/channels/{thread}/messages");
    assert_eq!(code(&place.ask("POST", &into, &hello)), (403, 50013));
    place.discord.overwrite(place.channel, deny(permissions::SEND_MESSAGES));
    assert_eq!(place.ask("POST", &into, &hello).status, 200);

    // What was said before, and reactions.
    let said = place.discord.say(place.channel, place.ann, "a question").unwrap();
    place.discord.overwrite(place.channel, deny(permissions::READ_MESSAGE_HISTORY));
    assert_eq!(place.ask("GET", &place.messages(), &Value::Null).json(), json!([]));
    assert_eq!(code(&place.ask("GET", &format!("{}/{said}", place.messages()), &Value::Null)), (403, 50013));
    place.discord.overwrite(place.channel, deny(permissions::ADD_REACTIONS));
    let react = format!("{}/{said}/reactions/%F0%9F%91%8D/@me", place.messages());
    assert_eq!(code(&place.ask("PUT", &react, &Value::Null)), (403, 50013));
    place.discord.react(said, place.discord.person("owner"), "👍").unwrap();
    // Where somebody reacted with it before, all may.
    assert_eq!(place.ask("PUT", &react, &Value::Null).status, 204);

    // Others' messages are theirs.
    let edit = place.ask("PATCH", &format!("{}/{said}", place.messages()), &hello);
    assert_eq!(code(&edit), (403, 50005));
    assert_eq!(
        code(&place.ask("DELETE", &format!("{}/{said}", place.messages()), &Value::Null)),
        (403, 50013)
    );
    // Who takes no messages.
    place.discord.takes_messages(place.ann, false);
    let direct = place.discord.direct(place.ann);
    let got = place.ask("POST", &format!("/api/v10/channels/{direct}/messages"), &hello);
    assert_eq!(code(&got), (403, 50007));
    // Where there is nothing.
    assert_eq!(code(&place.ask("POST", "/api/v10/channels/1/messages", &hello)), (404, 10003));
    assert_eq!(place.ask("GET", "/api/v10/nothing", &Value::Null).json()["message"], "404: Not Found");
    let forum = place.discord.forum(place.guild, "forum", &[]);
    let got = place.ask("POST", &format!("/api/v10/channels/{forum}/messages"), &hello);
    assert_eq!(code(&got), (400, 50008));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nonce_is_said_once() {
    let place = Place::free().await;
    let body = json!({"content": "once", "nonce": "key", "enforce_nonce": true});
    let first = place.post(body.clone()).json();
    let second = place.post(body.clone()).json();
    assert_eq!(first["id"], second["id"]);
    assert_eq!(place.discord.said(place.channel).len(), 1);
    // Without the word for it, a nonce binds nobody.
    assert_eq!(place.post(json!({"content": "once", "nonce": "key"})).status, 200);
    assert_eq!(place.discord.said(place.channel).len(), 2);
    // What was taken away since is not said again, and cannot be shown.
    let ids: Vec<_> = place.discord.said(place.channel).iter().map(|message| message.id).collect();
    for id in ids {
        place.discord.delete(id).unwrap();
    }
    assert_eq!(code(&place.post(body)), (404, 10008));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interaction_is_answered_in_time_or_not_at_all() {
    let place = Place::new(loquat_fake_discord::Options {
        pace: None,
        interaction_wait: std::time::Duration::from_millis(300),
        ..loquat_fake_discord::Options::default()
    })
    .await;
    let app = place.discord.bot();
    let commands = format!("/api/v10/applications/{app}/commands");
    let registered = json!([{"name": "ask", "description": "Ask", "options": [{"type": 3, "name": "question", "description": "What", "required": true}]}]);
    assert_eq!(place.ask("PUT", &commands, &registered).status, 200);
    let options = [("question", json!("why?"))];
    assert!(place.discord.slash(place.channel, place.ann, "ask", &[]).is_err());
    assert!(place.discord.slash(place.channel, place.ann, "nothing", &options).is_err());
    let slow = place.discord.slash(place.channel, place.ann, "ask", &options).unwrap();
    let token = place.discord.interaction_token(slow).unwrap();
    // Nothing can be said before the first answer.
    let early = place.ask("POST", &format!("/api/v10/webhooks/{app}/{token}"), &json!({"content": "x"}));
    assert_eq!(code(&early), (404, 10015));
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    let answer =
        |id: loquat_fake_discord::Id, token: &str| format!("/api/v10/interactions/{id}/{token}/callback");
    let late = place.ask("POST", &answer(slow, &token), &json!({"type": 5}));
    assert_eq!(code(&late), (404, 10062));
    assert_eq!(place.discord.answer(slow), None);
}
