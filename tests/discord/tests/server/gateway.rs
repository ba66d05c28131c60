//! The gateway's rules: who gets in, what they are told, and how it is packed.

use std::time::Duration;

use futures::SinkExt;
use loquat_fake_discord::Options;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::asking::Place;
use crate::client::{CONTENT, Client, DIRECT, GUILDS, MESSAGES, REACTIONS};

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_belong_is_closed_out_with_the_reason_s_code() {
    let place = Place::new(Options { message_content: false, pace: None, ..Options::default() }).await;
    let token = json!({"token": "wrong"});
    let cases = [
        (GUILDS, token, 4004),
        (1 << 40, json!({}), 4013),
        (GUILDS | CONTENT, json!({}), 4014),
        (GUILDS | 2, json!({}), 4014),
        (GUILDS, json!({"shard": [2, 2]}), 4010),
        (GUILDS, json!({"properties": null}), 4002),
    ];
    for (intents, more, code) in cases {
        let mut client = Client::new(&place, "").await;
        client.identify(&place, intents, more).await;
        assert_eq!(client.next().await, Err(code));
    }
    for (payload, code) in [(json!({"op": 3, "d": {}}), 4003), (json!({"op": 99}), 4003), (json!([]), 4002)] {
        let mut client = Client::new(&place, "").await;
        client.send(payload).await;
        assert_eq!(client.next().await, Err(code));
    }
    let mut client = Client::identified(&place, GUILDS).await;
    client.identify(&place, GUILDS, json!({})).await;
    while client.next().await != Err(4005) {}
    let mut client = Client::identified(&place, GUILDS).await;
    client.send(json!({"op": 1, "d": "x".repeat(5000)})).await;
    while client.next().await != Err(4002) {}
    let mut client = Client::identified(&place, 0).await;
    for _ in 0..130 {
        // The connection may be closed before the last of them.
        let _ = client.socket.send(Message::text(json!({"op": 1, "d": null}).to_string())).await;
    }
    while client.next().await != Err(4008) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_told_what_it_has_intents_for() {
    let place = Place::free().await;
    let (bot, ann) = (place.discord.bot(), place.ann);
    let mut few = Client::identified(&place, MESSAGES | DIRECT).await;
    let mut more = Client::identified(&place, GUILDS | MESSAGES | REACTIONS | CONTENT).await;
    let guild = more.event("GUILD_CREATE").await;
    assert_eq!((&guild["name"], guild["channels"].as_array().unwrap().len()), (&json!("Orchard"), 1));
    assert_eq!(guild["members"].as_array().unwrap().len(), 1, "only its own without the intent for members");

    let file = loquat_fake_discord::Say::from("secret words").file("a.txt", "text/plain", "x");
    let said = place.discord.say(place.channel, ann, file).unwrap();
    place.discord.say(place.channel, ann, format!("<@{bot}> open words")).unwrap();
    let direct = place.discord.direct(ann);
    place.discord.say(direct, ann, "private words").unwrap();
    place.discord.react(said, ann, "👍").unwrap();

    // Without the intent for it, words are told where they are for the bot alone.
    let told = few.event("MESSAGE_CREATE").await;
    assert_eq!((&told["content"], &told["attachments"]), (&json!(""), &json!([])));
    assert_eq!((&told["author"]["username"], &told["channel_type"]), (&json!("ann"), &json!(0)));
    assert_eq!(few.event("MESSAGE_CREATE").await["content"], format!("<@{bot}> open words"));
    let told = few.event("MESSAGE_CREATE").await;
    assert_eq!((&told["content"], &told["guild_id"]), (&json!("private words"), &Value::Null));
    let told = more.event("MESSAGE_CREATE").await;
    assert_eq!(
        (&told["content"], &told["attachments"][0]["filename"]),
        (&json!("secret words"), &json!("a.txt"))
    );
    more.event("MESSAGE_CREATE").await;
    // The direct message is not for it: the reaction comes next.
    assert_eq!(more.next().await.unwrap()["t"], "MESSAGE_REACTION_ADD");
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_share_the_guilds() {
    let place = Place::new(Options { pace: None, shards: 2, ..Options::default() }).await;
    let mut guilds = vec![place.guild];
    while guilds.iter().all(|guild| (guild.0 >> 22) % 2 == (guilds[0].0 >> 22) % 2) {
        tokio::time::sleep(Duration::from_millis(1)).await;
        guilds.push(place.discord.guild("Another"));
    }
    let count = place.ask("GET", "/api/v10/gateway/bot", &Value::Null).json()["shards"].clone();
    assert_eq!(count, 2);
    let mut told = Vec::new();
    for index in 0..2 {
        let mut client = Client::new(&place, "").await;
        client.identify(&place, GUILDS, json!({"shard": [index, 2]})).await;
        let ready = client.event("READY").await;
        assert_eq!(ready["shard"], json!([index, 2]));
        for guild in ready["guilds"].as_array().unwrap() {
            let id: u64 = guild["id"].as_str().unwrap().parse().unwrap();
            assert_eq!((id >> 22) % 2, index);
            told.push(id);
        }
    }
    assert_eq!(told.len(), guilds.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn payloads_are_packed_as_the_client_wants() {
    let place = Place::free().await;
    let mut stream = Client::new(&place, "&compress=zlib-stream").await;
    stream.identify(&place, GUILDS | MESSAGES | CONTENT, json!({})).await;
    let mut single = Client::new(&place, "").await;
    single.identify(&place, GUILDS | MESSAGES | CONTENT, json!({"compress": true})).await;
    for client in [&mut stream, &mut single] {
        client.event("GUILD_CREATE").await;
        assert!(client.was_binary);
    }
    let long = "all work and no play makes a dull day ".repeat(40);
    for words in ["short", &long, "short again"] {
        place.discord.say(place.channel, place.ann, words).unwrap();
        for client in [&mut stream, &mut single] {
            assert_eq!(client.event("MESSAGE_CREATE").await["content"], words);
        }
    }
    let mut plain = Client::identified(&place, GUILDS).await;
    plain.event("GUILD_CREATE").await;
    assert!(!plain.was_binary);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_resumed_from_where_it_was() {
    let place = Place::free().await;
    let mut client = Client::new(&place, "").await;
    client.identify(&place, MESSAGES | CONTENT, json!({})).await;
    let ready = client.event("READY").await;
    place.discord.say(place.channel, place.ann, "one").unwrap();
    let one = client.next().await.unwrap();
    assert_eq!((&one["s"], &one["d"]["content"]), (&json!(2), &json!("one")));
    place.discord.drop_gateway();
    place.discord.say(place.channel, place.ann, "two").unwrap();
    let resume = |seq: u64| json!({"op": 6, "d": {"token": place.discord.token(), "session_id": ready["session_id"], "seq": seq}});
    let mut client = Client::new(&place, "").await;
    client.send(resume(2)).await;
    let two = client.next().await.unwrap();
    assert_eq!((&two["s"], &two["d"]["content"]), (&json!(3), &json!("two")));
    assert_eq!(client.next().await.unwrap()["t"], "RESUMED");
    // A number that was never given out.
    let mut other = Client::new(&place, "").await;
    other.send(resume(999)).await;
    assert_eq!(other.next().await, Err(4007));
    // A client that says good-bye has no session any more.
    let mut client = Client::new(&place, "").await;
    client.identify(&place, MESSAGES, json!({})).await;
    let ready = client.event("READY").await;
    let before = place.discord.sessions();
    let good_bye = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    client.socket.close(Some(good_bye)).await.unwrap();
    place.discord.until("its end", |discord| (discord.sessions() < before).then_some(())).await.unwrap();
    let mut client = Client::new(&place, "").await;
    let gone = json!({"token": place.discord.token(), "session_id": ready["session_id"], "seq": 1});
    client.send(json!({"op": 6, "d": gone})).await;
    let answer = client.next().await.unwrap();
    assert_eq!((&answer["op"], &answer["d"]), (&json!(9), &json!(false)));
}
