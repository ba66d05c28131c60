//! Whom a message notifies.

use loquat_fake_discord::permissions;
use serde_json::json;

use crate::asking::Place;

#[tokio::test(flavor = "multi_thread")]
async fn a_message_notifies_whom_it_may() {
    let place = Place::free().await;
    let (bob, guild) = (place.discord.person("bob"), place.guild);
    place.discord.join(guild, bob);
    let cooks = place.discord.role(guild, "cooks", 0, true);
    let closed = place.discord.role(guild, "closed", 0, false);
    place.discord.give_role(guild, bob, cooks);
    place.discord.give_role(guild, bob, closed);
    let words = format!("<@{}> <@&{cooks}> <@&{closed}> @everyone `<@{bob}>`", place.ann);
    let sent = |allowed: Option<serde_json::Value>| {
        let mut body = json!({"content": words});
        if let Some(allowed) = allowed {
            body["allowed_mentions"] = allowed;
        }
        let id = place.post(body).json()["id"].as_str().unwrap().parse().unwrap();
        let mut notified = place.discord.notified(id);
        notified.sort();
        (notified, place.discord.message(id).unwrap().mentions)
    };
    // The bot may not mention everyone, nor roles that are not mentionable; and in code nobody is.
    assert_eq!(sent(None), (vec!["ann".into(), "bob".into()], vec!["@cooks".into(), "@ann".into()]));
    assert_eq!(sent(Some(json!({"parse": []}))), (vec![], vec![]));
    assert_eq!(sent(Some(json!({"parse": ["roles"]}))), (vec!["bob".into()], vec!["@cooks".into()]));
    assert_eq!(sent(Some(json!({"users": [place.ann]}))), (vec!["ann".into()], vec!["@ann".into()]));
    assert_eq!(sent(Some(json!({"users": [bob]}))), (vec![], vec![]));
    // With the permission, it may.
    let all = permissions::EVERYONE | permissions::MENTION_EVERYONE;
    place.discord.set_role(guild, place.discord.bot_role(guild).unwrap(), all);
    let (notified, mentions) = sent(None);
    assert_eq!(notified, ["ann", "bob", "owner"]);
    assert_eq!(mentions, ["@everyone", "@cooks", "@closed", "@ann"]);
    // Who cannot see the channel is not notified.
    let deny = permissions::VIEW_CHANNEL;
    place
        .discord
        .overwrite(place.channel, loquat_fake_discord::Overwrite { of: bob, is_user: true, allow: 0, deny });
    assert_eq!(sent(None).0, ["ann", "owner"]);
    // A reply notifies whom it is to, if it may.
    let said = place.discord.say(place.channel, place.ann, "a question").unwrap();
    let reply = |allowed| json!({"content": "x", "message_reference": {"message_id": said}, "allowed_mentions": allowed});
    for (allowed, notified) in
        [(json!({"parse": []}), vec![]), (json!({"parse": [], "replied_user": true}), vec!["ann"])]
    {
        let id = place.post(reply(allowed)).json()["id"].as_str().unwrap().parse().unwrap();
        assert_eq!(place.discord.notified(id), notified);
    }
}
