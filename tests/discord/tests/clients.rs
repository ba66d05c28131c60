//! Clients that know nothing of this project judge the fake: discord.js 14 and discord.py 2.7 log in, hear, speak, click, use commands,
//! send files, come back after the connection is gone, and take refusals for what they are.
//!
//! Both run the same script of steps, each in its own words (`clients/discordjs.mjs`, `clients/discordpy.py`). Here people act, and both
//! sides are looked at: what the client says it saw, and what people see of it.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "what a test cannot do without fails it, and shows why"
)]

#[path = "clients/install.rs"]
mod install;
#[path = "clients/judge.rs"]
mod judge;

use std::process::Command;
use std::time::Duration;

use judge::Judge;
use loquat_fake_discord::{Discord, Fault, Id, Options, Overwrite, Say, permissions};
use serde_json::{Value, json};

/// How often a client has to send a heartbeat: soon, for it to find out soon that nobody is there.
const HEARTBEAT: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn discord_js_accepts_it() -> anyhow::Result<()> {
    judged(install::discord_js()?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn discord_py_accepts_it() -> anyhow::Result<()> {
    judged(install::discord_py()?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn both_share_the_guilds_among_shards() -> anyhow::Result<()> {
    for mut client in [install::discord_js()?, install::discord_py()?] {
        client.env("FAKE_SHARDS", "auto");
        let options = Options { shards: 2, heartbeat: HEARTBEAT, ..Options::default() };
        let mut channels = Vec::new();
        let mut judge = Judge::start(client, options, |discord| {
            for shard in 0..2 {
                let guild = loop {
                    let guild = discord.guild(&format!("of shard {shard}"));
                    if (guild.0 >> 22) % 2 == shard {
                        break guild;
                    }
                    std::thread::sleep(Duration::from_millis(1));
                };
                channels.push(discord.text_channel(guild, "general"));
            }
            Ok(())
        })
        .await?;
        judge.next("ready").await?;
        let ann = judge.discord.person("ann");
        for (shard, channel) in channels.into_iter().enumerate() {
            judge.discord.say(channel, ann, "where?")?;
            assert_eq!(judge.next("message").await?["guild"], format!("of shard {shard}"));
        }
        assert_eq!(judge.discord.connected(), 2);
        judge.end().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn both_know_why_they_are_not_let_in() -> anyhow::Result<()> {
    let client = [install::discord_js, install::discord_py];
    for (client, words) in client.iter().zip(["Used disallowed intents", "PrivilegedIntentsRequired"]) {
        let options = Options { message_content: false, ..Options::default() };
        let complaint = Judge::start(client()?, options, prepare).await?.gives_up().await?;
        assert!(complaint.contains(words), "{complaint}");
    }
    for (client, words) in client.iter().zip(["TokenInvalid", "LoginFailure"]) {
        let options = Options { token: "another".into(), ..Options::default() };
        let mut client = client()?;
        client.env("FAKE_WRONG_TOKEN", "MTAw.wrong.token");
        let complaint = Judge::start(client, options, prepare).await?.gives_up().await?;
        assert!(complaint.contains(words), "{complaint}");
    }
    Ok(())
}

/// Where it happens.
struct Place {
    guild: Id,
    channel: Id,
    ann: Id,
}

fn prepare(discord: &Discord) -> anyhow::Result<()> {
    let may = permissions::EVERYONE | permissions::MANAGE_MESSAGES | permissions::PIN_MESSAGES;
    let guild = discord.guild_with("Orchard", may);
    let channel = discord.text_channel(guild, "general");
    discord.forum(guild, "questions", &["open"]);
    let secret = discord.text_channel(guild, "secret");
    discord.overwrite(
        secret,
        Overwrite { of: guild, is_user: false, allow: 0, deny: permissions::VIEW_CHANNEL },
    );
    discord.say(channel, discord.person("ann"), "before you came")?;
    Ok(())
}

async fn judged(client: Command) -> anyhow::Result<()> {
    let options = Options { heartbeat: HEARTBEAT, ..Options::default() };
    let mut place = None;
    let mut judge = Judge::start(client, options, |discord| {
        prepare(discord)?;
        place = find(discord);
        Ok(())
    })
    .await?;
    let place = place.unwrap();
    login(&mut judge).await?;
    hears(&mut judge, &place).await?;
    speaks(&mut judge, &place).await?;
    threads(&mut judge, &place).await?;
    errors(&mut judge, &place).await?;
    interacts(&mut judge, &place).await?;
    comes_back(&mut judge, &place).await?;
    limits(&mut judge, &place).await?;
    judge.end().await
}

fn find(discord: &Discord) -> Option<Place> {
    let guild = discord.guilds().first().copied()?;
    let channel = discord.channel_named(guild, "general")?;
    Some(Place { guild, channel, ann: discord.person("ann") })
}

/// What the client prints of a deed that it is told to do.
async fn does(judge: &mut Judge, place: &Place, words: &str) -> anyhow::Result<Value> {
    judge.discord.say(place.channel, place.ann, words)?;
    judge.next(words.split(' ').next().unwrap()).await
}

async fn login(judge: &mut Judge) -> anyhow::Result<()> {
    let ready = judge.next("ready").await?;
    assert_eq!(ready["user"], "Mira", "{ready}");
    assert_eq!(ready["guild"], "Orchard", "{ready}");
    assert_eq!(ready["commands"], json!(["ask", "secret"]), "{ready}");
    for name in ["general", "questions", "secret"] {
        assert!(ready["channels"].as_array().unwrap().contains(&json!(name)), "{ready}");
    }
    assert_eq!(
        (&ready["failed"]["code"], &ready["failed"]["status"]),
        (&json!(50035), &json!(400)),
        "{ready}"
    );
    assert_eq!(judge.discord.commands(None)[0]["name_localizations"]["de"], "frag");
    Ok(())
}

async fn hears(judge: &mut Judge, place: &Place) -> anyhow::Result<()> {
    let Place { channel, ann, .. } = *place;
    let bot = judge.discord.bot();
    let said = judge.discord.say(channel, ann, format!("hello <@{bot}> 你好"))?;
    let message = judge.next("message").await?;
    assert_eq!(message["content"], format!("hello <@{bot}> 你好"));
    assert_eq!((&message["author"], &message["guild"]), (&json!("ann"), &json!("Orchard")), "{message}");
    assert_eq!((&message["mentioned"], &message["thread"]), (&json!(true), &json!(false)), "{message}");
    judge.discord.edit(said, "hello again")?;
    let edited = judge.next("edited").await?;
    assert_eq!(edited["content"], "hello again");
    judge.discord.react(said, ann, "👍")?;
    assert_eq!(judge.next("reacted").await?["emoji"], "👍");
    judge.discord.take_back(said, ann, "👍")?;
    assert_eq!(judge.next("unreacted").await?["emoji"], "👍");
    judge.discord.types(channel, ann);
    assert_eq!(judge.next("typing").await?["user"], ann.to_string());
    judge.discord.say(channel, ann, Say::from("and so").reply_to(said))?;
    assert_eq!(judge.next("message").await?["to"], said.to_string());
    judge.discord.delete(said)?;
    assert_eq!(judge.next("deleted").await?["id"], said.to_string());
    let file = Say::from("fetch this").file("a b.txt", "text/plain", "what ann wrote");
    judge.discord.say(channel, ann, file)?;
    let got = judge.next("fetch").await?;
    assert_eq!((&got["name"], &got["text"]), (&json!("a_b.txt"), &json!("what ann wrote")), "{got}");
    // A direct message.
    let direct = judge.discord.direct(ann);
    judge.discord.say(direct, ann, "reply to me alone")?;
    let message = judge.next("message").await?;
    assert_eq!(message["guild"], Value::Null, "{message}");
    judge.next("reply").await?;
    assert_eq!(judge.discord.said(direct)[0].content, "a reply");
    // Guilds come and go.
    let other = judge.discord.guild("Elsewhere");
    assert_eq!(judge.next("joined").await?["guild"], "Elsewhere");
    judge.discord.remove_bot(other);
    assert_eq!(judge.next("left").await?["guild"], "Elsewhere");
    Ok(())
}

async fn speaks(judge: &mut Judge, place: &Place) -> anyhow::Result<()> {
    let replied = does(judge, place, "reply").await?;
    let shown = judge.discord.said(place.channel);
    let last = shown.last().unwrap();
    assert_eq!(replied["id"], last.id.to_string());
    assert_eq!(replied["to"], last.reply_to.unwrap().to_string());
    assert_eq!((last.kind, last.notified.len()), (19, 0), "{last:?}");

    let edited = does(judge, place, "edit").await?;
    assert_eq!((&edited["content"], &edited["edited"]), (&json!("second"), &json!(true)), "{edited}");
    let last = judge.discord.said(place.channel).pop().unwrap();
    assert_eq!((last.content.as_str(), last.edits), ("second", vec!["first".to_owned()]));

    let gone = does(judge, place, "delete").await?;
    assert_eq!((&gone["code"], &gone["status"]), (&json!(10008), &json!(404)), "{gone}");

    let sent = does(judge, place, "file").await?;
    assert_eq!((&sent["name"], &sent["size"]), (&json!("notes.txt"), &json!(13)), "{sent}");
    assert_eq!(
        (&sent["text"], &sent["description"]),
        (&json!("what is in it"), &json!("some notes")),
        "{sent}"
    );
    let last = judge.discord.said(place.channel).pop().unwrap();
    assert_eq!(last.files[0].2.as_ref(), b"what is in it");

    let sent = does(judge, place, "embed").await?;
    assert_eq!((&sent["title"], &sent["fields"]), (&json!("Sources"), &json!(1)), "{sent}");

    let left = does(judge, place, "react").await?;
    assert_eq!(left["left"], json!([["🥝", 1, true]]), "{left}");

    let sent = does(judge, place, "nonce").await?;
    assert_eq!((&sent["same"], &sent["nonce"]), (&json!(true), &json!("key-1")), "{sent}");
    assert_eq!(
        judge.discord.said(place.channel).iter().filter(|message| message.content == "once").count(),
        1
    );

    let sent = does(judge, place, "quiet").await?;
    let last = judge.discord.said(place.channel).pop().unwrap();
    assert_eq!((&sent["everyone"], last.notified.len()), (&json!(false), 0), "{last:?}");

    let before = judge.discord.shown(place.channel).len();
    let read = does(judge, place, "history").await?;
    assert_eq!(read["count"].as_u64().unwrap() as usize, before + 1, "{read}");
    assert_eq!((&read["before"].as_array().unwrap().len(), &read["after"]), (&2, &json!(2)), "{read}");

    does(judge, place, "type").await?;
    let bot = judge.discord.bot();
    assert!(
        judge.discord.typing().iter().any(|typing| typing.user == bot && typing.channel == place.channel)
    );

    assert_eq!(does(judge, place, "pin").await?["pinned"], json!([true]));

    let who = does(judge, place, "who").await?;
    assert_eq!((&who["name"], &who["may"]), (&json!("Mira"), &json!(true)), "{who}");
    assert!(who["flags"].to_string().to_lowercase().contains("content"), "{who}");
    assert!(who["roles"].as_array().unwrap().contains(&json!("Mira")), "{who}");
    Ok(())
}

async fn threads(judge: &mut Judge, place: &Place) -> anyhow::Result<()> {
    let begun = does(judge, place, "thread").await?;
    let thread: Id = begun["id"].as_str().unwrap().parse()?;
    assert_eq!((&begun["type"], &begun["said_in"]), (&json!(11), &begun["id"]), "{begun}");
    assert_eq!(begun["parent"], place.channel.to_string());
    assert_eq!(judge.discord.said(thread).last().unwrap().content, "in the thread");
    judge.discord.say(thread, place.ann, "and I")?;
    let heard = judge.next("message").await?;
    assert_eq!((&heard["content"], &heard["thread"]), (&json!("and I"), &json!(true)), "{heard}");

    let posted = does(judge, place, "forum").await?;
    assert_eq!(
        (&posted["starter"], &posted["starter_id"]),
        (&json!("the first words"), &posted["id"]),
        "{posted}"
    );
    let forum = judge.discord.channel_named(place.guild, "questions").unwrap();
    assert_eq!(judge.discord.threads(forum).last().unwrap().1, "a post");
    let post = judge.discord.post(forum, place.ann, "how is it?", "tell me")?;
    // The client is told of its own post too.
    while judge.next("thread_created").await?["name"] != "how is it?" {}
    assert_eq!(judge.next("message").await?["content"], "tell me");
    assert_eq!(judge.discord.shown(post)[0].id, post);
    Ok(())
}

async fn errors(judge: &mut Judge, place: &Place) -> anyhow::Result<()> {
    let errors = does(judge, place, "errors").await?;
    let expected = [
        ("long", 50035, 400),
        ("empty", 50006, 400),
        ("unknown", 10008, 404),
        ("forbidden", 50001, 403),
        ("channel", 10003, 404),
        ("buttons", 50035, 400),
    ];
    for (name, code, status) in expected {
        let error = &errors[name];
        assert_eq!((&error["code"], &error["status"]), (&json!(code), &json!(status)), "{name}: {error}");
    }
    for (name, kind) in [("unknown", "NotFound"), ("forbidden", "Forbidden"), ("long", "HTTPException")] {
        let own = errors[name]["kind"].as_str().unwrap();
        assert!(own == kind || own == "DiscordAPIError", "{errors}");
    }
    assert!(
        errors["long"]["message"].as_str().unwrap().contains("Must be 2000 or fewer in length."),
        "{errors}"
    );
    assert!(errors["buttons"]["message"].as_str().unwrap().contains("duplicated"), "{errors}");
    // 2,000 characters outside the basic plane are 4,000 UTF-16 units, and no more than 2,000 characters to Discord.
    assert_eq!(errors["whole"], 4000, "{errors}");
    Ok(())
}

async fn interacts(judge: &mut Judge, place: &Place) -> anyhow::Result<()> {
    judge.discord.set_locale(place.ann, "de");
    let asked = judge.discord.slash(place.channel, place.ann, "ask", &[("question", json!("why?"))])?;
    assert_eq!(judge.discord.answered(asked).await?.kind, 5);
    let told = judge.next("asked").await?;
    assert_eq!((&told["content"], &told["locale"]), (&json!("you asked: why?"), &json!("de")), "{told}");
    assert_eq!((&told["same"], &told["ephemeral"]), (&json!(true), &json!(true)), "{told}");
    assert_eq!((&told["guild"], &told["user"]), (&json!(place.guild), &json!("ann")), "{told}");
    assert_eq!((&told["again"]["code"], &told["again"]["status"]), (&json!(40060), &json!(400)), "{told}");
    let shown = judge.discord.said(place.channel);
    let [.., answer, more] = shown.as_slice() else { panic!("{shown:?}") };
    assert_eq!((answer.kind, answer.is_loading, answer.only_for), (20, false, None), "{answer:?}");
    assert_eq!(answer.buttons(), ["Why?", "👍", "More"]);
    assert_eq!(more.only_for, Some(place.ann), "{more:?}");
    // Nobody else sees what is for one.
    let bob = judge.discord.person("bob");
    assert!(judge.discord.click(more.id, bob, "why").is_err());

    judge.discord.click(answer.id, place.ann, "up")?;
    let clicked = judge.next("clicked").await?;
    assert_eq!((&clicked["id"], &clicked["on"]), (&json!("up"), &json!(answer.id)), "{clicked}");
    let thanks = judge.discord.said(place.channel).pop().unwrap();
    assert_eq!((thanks.content.as_str(), thanks.only_for), ("thanks", Some(place.ann)));

    let why = judge.discord.click(answer.id, bob, "why")?;
    assert_eq!(judge.next("clicked").await?["user"], "bob");
    assert_eq!(judge.discord.answered(why).await?.kind, 7);
    let changed = judge.discord.message(answer.id).unwrap();
    assert_eq!((changed.content.as_str(), changed.components.len()), ("because", 0));

    let sent = does(judge, place, "buttons").await?;
    assert_eq!(sent["labels"], json!(["Why?", null, "More"]), "{sent}");

    // Also in direct messages.
    let direct = judge.discord.direct(place.ann);
    let secret = judge.discord.slash(direct, place.ann, "secret", &[])?;
    assert!(judge.discord.answered(secret).await?.is_ephemeral);
    let told = judge.next("told").await?;
    assert_eq!((&told["content"], &told["ephemeral"]), (&json!("a secret"), &json!(true)), "{told}");
    Ok(())
}

async fn comes_back(judge: &mut Judge, place: &Place) -> anyhow::Result<()> {
    let sessions = judge.discord.identified();
    let breakages: [fn(&Discord) -> usize; 5] = [
        Discord::drop_gateway,
        |discord| discord.close_gateway(4000),
        Discord::ask_to_reconnect,
        |discord| discord.invalidate_sessions(true),
        // Found out by heartbeats that nobody acknowledges.
        Discord::make_zombies,
    ];
    for (number, break_it) in breakages.into_iter().enumerate() {
        judge.discord.ready().await?;
        let resumed = judge.discord.resumed();
        assert_eq!(break_it(&judge.discord), 1, "breakage {number}");
        let words = format!("missed {number}");
        judge.discord.say(place.channel, place.ann, words.as_str())?;
        // What was said meanwhile is told once, after which the session goes on.
        assert_eq!(judge.next("message").await?["content"], words);
        judge
            .discord
            .until("a session that goes on", |discord| (discord.resumed() > resumed).then_some(()))
            .await?;
    }
    assert_eq!(judge.discord.identified(), sessions);
    // A session that is over is begun anew.
    judge.discord.ready().await?;
    judge.discord.forget_sessions();
    judge.next("shard_ready").await?;
    judge.discord.ready().await?;
    judge.discord.say(place.channel, place.ann, "after all")?;
    assert_eq!(judge.next("message").await?["content"], "after all");
    assert!(judge.discord.identified() > sessions);
    Ok(())
}

async fn limits(judge: &mut Judge, place: &Place) -> anyhow::Result<()> {
    let before = judge.discord.limits_hit();
    assert_eq!(does(judge, place, "flood").await?["count"], 12);
    let shown = judge.discord.said(place.channel);
    assert_eq!(shown.iter().filter(|message| message.content.starts_with("flood")).count(), 12);
    // The client's own limiter reads the headers, so that hardly any request is refused.
    assert!(judge.discord.limits_hit() - before <= 2);

    // Refusals and outages are waited out, and nothing is said twice.
    let wait = Some(Duration::from_millis(200));
    let route = "POST /channels/*/messages";
    judge.discord.fault(route, Fault::TooMany { retry_after: wait, is_global: false }, 1);
    judge.discord.fault(route, Fault::TooMany { retry_after: wait, is_global: true }, 1);
    judge.discord.fault(route, Fault::ServerError(502), 1);
    does(judge, place, "reply").await?;
    let refused = judge.discord.requests(route);
    let statuses: Vec<_> = refused.iter().rev().take(4).rev().map(|request| request.status).collect();
    assert_eq!(statuses, [Some(429), Some(429), Some(502), Some(200)]);
    Ok(())
}
