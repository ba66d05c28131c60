//! What clients are told of what happens, where neither of those that judge the fake looks.

use loquat_fake_discord::{Id, Say, permissions};
use serde_json::{Value, json};

use crate::asking::Place;
use crate::client::{CONTENT, Client, DIRECT, GUILDS, MESSAGES, REACTIONS};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_moderator_does_is_told() {
    let place = Place::free().await;
    let all = permissions::EVERYONE | permissions::MANAGE_MESSAGES | permissions::PIN_MESSAGES;
    place.discord.set_role(place.guild, place.discord.bot_role(place.guild).unwrap(), all);
    let mut client = Client::identified(&place, GUILDS | MESSAGES | REACTIONS | CONTENT).await;
    let said: Vec<Id> = ["one", "two", "three"]
        .iter()
        .map(|words| place.discord.say(place.channel, place.ann, *words).unwrap())
        .collect();
    let path = |rest: &str| format!("{}/{rest}", place.messages());

    assert_eq!(place.ask("PUT", &path(&format!("pins/{}", said[0])), &Value::Null).status, 204);
    client.event("CHANNEL_PINS_UPDATE").await;
    assert_eq!(client.event("MESSAGE_CREATE").await["type"], 6);
    let old = format!("/api/v10/channels/{}/pins", place.channel);
    assert_eq!(place.ask("GET", &old, &Value::Null).json()[0]["content"], "one");
    assert_eq!(place.ask("DELETE", &format!("{old}/{}", said[0]), &Value::Null).status, 204);
    assert_eq!(place.ask("GET", &old, &Value::Null).json(), json!([]));

    for emoji in ["👍", "👎"] {
        place.discord.react(said[2], place.ann, emoji).unwrap();
    }
    let own = format!("{}/reactions/%F0%9F%91%8D/{}", said[2], place.ann);
    assert_eq!(place.ask("DELETE", &path(&own), &Value::Null).status, 204);
    assert_eq!(client.event("MESSAGE_REACTION_REMOVE").await["emoji"]["name"], "👍");
    assert_eq!(place.ask("DELETE", &path(&format!("{}/reactions", said[2])), &Value::Null).status, 204);
    assert_eq!(client.event("MESSAGE_REACTION_REMOVE_ALL").await["message_id"], said[2].to_string());
    assert!(place.discord.message(said[2]).unwrap().reactions.is_empty());

    let both = json!({"messages": [said[0], said[1]]});
    assert_eq!(place.ask("POST", &path("bulk-delete"), &both).status, 204);
    assert_eq!(client.event("MESSAGE_DELETE_BULK").await["ids"], both["messages"]);
    assert_eq!(place.ask("POST", &path("bulk-delete"), &json!({"messages": ["1"]})).status, 400);
    assert_eq!(place.discord.shown(place.channel).iter().filter(|message| message.kind == 0).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_alone_sees_is_told_as_a_direct_message() {
    let place = Place::free().await;
    let app = place.discord.bot();
    let command = json!([{"name": "ask", "description": "Ask"}]);
    place.ask("PUT", &format!("/api/v10/applications/{app}/commands"), &command);
    let mut guilds = Client::identified(&place, GUILDS | MESSAGES | CONTENT).await;
    let mut direct = Client::identified(&place, DIRECT).await;
    let asked = place.discord.slash(place.channel, place.ann, "ask", &[]).unwrap();
    let event = direct.event("INTERACTION_CREATE").await;
    assert_eq!(
        (&event["data"]["name"], &event["member"]["user"]["username"]),
        (&json!("ask"), &json!("ann"))
    );
    assert_eq!(event["guild_id"], place.guild.to_string());
    let token = event["token"].as_str().unwrap();
    let answer = json!({"type": 4, "data": {"content": "for you", "flags": 64}});
    let got = place.ask("POST", &format!("/api/v10/interactions/{asked}/{token}/callback"), &answer);
    assert_eq!(got.status, 204, "{got:?}");
    let told = direct.event("MESSAGE_CREATE").await;
    assert_eq!(
        (&told["content"], &told["guild_id"], &told["flags"]),
        (&json!("for you"), &Value::Null, &json!(64))
    );
    // Nobody else is told, and no list has it.
    place.discord.say(place.channel, place.ann, "to all").unwrap();
    assert_eq!(guilds.event("MESSAGE_CREATE").await["content"], "to all");
    let list = place.ask("GET", &place.messages(), &Value::Null).json();
    assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
    assert_eq!(place.discord.shown(place.channel)[0].only_for, Some(place.ann));
}

#[tokio::test(flavor = "multi_thread")]
async fn places_come_and_go() {
    let place = Place::free().await;
    let mut client = Client::identified(&place, GUILDS | MESSAGES | CONTENT).await;
    let thread = place.discord.thread(place.channel, place.ann, "a thread");
    let told = client.event("THREAD_CREATE").await;
    assert_eq!(
        (&told["name"], &told["newly_created"], &told["type"]),
        (&json!("a thread"), &json!(true), &json!(11))
    );
    let active = format!("/api/v10/guilds/{}/threads/active", place.guild);
    assert_eq!(place.ask("GET", &active, &Value::Null).json()["threads"][0]["id"], thread.to_string());
    let join = format!("/api/v10/channels/{thread}/thread-members/@me");
    assert_eq!(place.ask("PUT", &join, &Value::Null).status, 204);
    assert_eq!(
        client.event("THREAD_MEMBERS_UPDATE").await["added_members"][0]["user_id"],
        place.discord.bot().to_string()
    );
    place.discord.archive(thread, true, false);
    assert_eq!(client.event("THREAD_UPDATE").await["thread_metadata"]["archived"], true);
    assert_eq!(place.ask("GET", &active, &Value::Null).json()["threads"], json!([]));
    let archived = format!("/api/v10/channels/{}/threads/archived/public", place.channel);
    assert_eq!(place.ask("GET", &archived, &Value::Null).json()["threads"][0]["id"], thread.to_string());
    // Whoever says something there opens it again, unless it is locked.
    let into = format!("/api/v10/channels/{thread}/messages");
    assert_eq!(place.ask("POST", &into, &json!({"content": "still here"})).status, 200);
    assert_eq!(client.event("THREAD_UPDATE").await["thread_metadata"]["archived"], false);
    place.discord.archive(thread, true, true);
    assert_eq!(place.ask("POST", &into, &json!({"content": "shut"})).json()["code"], 50083);

    place.discord.delete_channel(place.channel);
    assert_eq!(client.event("CHANNEL_DELETE").await["id"], place.channel.to_string());
    assert_eq!(place.ask("POST", &into, &json!({"content": "gone"})).json()["code"], 10003);
    let leave = format!("/api/v10/users/@me/guilds/{}", place.guild);
    assert_eq!(place.ask("DELETE", &leave, &Value::Null).status, 204);
    assert_eq!(client.event("GUILD_DELETE").await["unavailable"], Value::Null);
    let got = place.ask("GET", &format!("/api/v10/guilds/{}", place.guild), &Value::Null);
    assert_eq!((got.status, &got.json()["code"]), (403, &json!(50001)));
    assert_eq!(place.ask("GET", "/api/v10/users/@me/guilds", &Value::Null).json(), json!([]));
    assert_eq!(place.ask("PATCH", "/api/v10/users/@me", &Value::Null).status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_thread_is_seen_by_whom_it_is_for() {
    let place = Place::free().await;
    let mut client = Client::identified(&place, GUILDS | MESSAGES | CONTENT).await;
    let thread = place.discord.private_thread(place.channel, place.ann, "between us");
    place.discord.say(thread, place.ann, "unheard").unwrap();
    let into = format!("/api/v10/channels/{thread}/messages");
    assert_eq!(place.ask("POST", &into, &json!({"content": "x"})).json()["code"], 50001);
    // To mention somebody in a thread is to bring them in.
    let bot = place.discord.bot();
    place.discord.say(thread, place.ann, format!("<@{bot}> come in")).unwrap();
    while client.event("THREAD_CREATE").await["type"] != 12 {}
    assert_eq!(client.event("MESSAGE_CREATE").await["content"], format!("<@{bot}> come in"));
    assert_eq!(place.ask("POST", &into, &json!({"content": "thanks"})).status, 200);
    place.discord.set_in_thread(thread, bot, false);
    assert_eq!(place.ask("POST", &into, &json!({"content": "x"})).json()["code"], 50001);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_nobody() {
    let place = Place::free().await;
    let mut client = Client::identified(&place, MESSAGES | CONTENT).await;
    let hook = place.discord.webhook("news");
    place.discord.say(place.channel, hook, "it rains").unwrap();
    let told = client.event("MESSAGE_CREATE").await;
    assert_eq!((&told["webhook_id"], &told["member"]), (&told["author"]["id"], &Value::Null));
    assert_eq!((&told["author"]["bot"], &told["author"]["discriminator"]), (&json!(true), &json!("0000")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_message_is_a_file_that_lasts() {
    let place = Place::free().await;
    let mut client = Client::identified(&place, MESSAGES | CONTENT).await;
    place.discord.say(place.channel, place.ann, Say::voice(b"OggS".to_vec(), 2.5)).unwrap();
    let told = client.event("MESSAGE_CREATE").await;
    let file = &told["attachments"][0];
    assert_eq!(
        (&told["flags"], &file["duration_secs"], &file["content_type"]),
        (&json!(8192), &json!(2.5), &json!("audio/ogg"))
    );
    let path = file["url"].as_str().unwrap().strip_prefix(&place.discord.url()).unwrap().to_owned();
    let got = place.ask_as("", "GET", &path, &Value::Null, std::time::Duration::from_secs(20)).unwrap();
    assert_eq!((got.status, got.text.as_str(), got.header("content-type")), (200, "OggS", Some("audio/ogg")));
}
