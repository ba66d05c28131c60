//! What was said while the bot was away, and what is looked up before something old is said again.

use loquat_contract::{Backfill, MessageId};
use loquat_fake_discord::{Fault, Id, Options, Say};

use super::fakes::{Bot, envelope, key, sent};
use super::fixture::{Guild, config};
use crate::{Config, ConversationKind, DiscordEgress};

/// A sending half that knows nothing yet, as in a new process.
fn fresh(guild: &Guild, set: impl FnOnce(Config) -> Config) -> DiscordEgress {
    let card = loquat_contract::BotCard { name: "Mira".into(), ..Default::default() };
    crate::connect(set(config(guild.discord.address())), card).unwrap().1
}

#[tokio::test]
async fn what_was_missed_comes_in_order_and_only_what_is_for_the_bot() {
    let guild = Guild::with(Options { pace: None, ..Options::default() }).await.unwrap();
    let discord = &guild.discord;
    let (channel, ann, mention) =
        (guild.channel("a"), discord.person("ann"), format!("<@{}>", discord.bot()));
    let role = discord.role(guild.id(), "friends", 0, false);
    discord.give_role(guild.id(), ann, role);
    let last = discord.say(channel, ann, format!("{mention} seen")).unwrap();
    for number in 0..230 {
        let text = if number % 2 == 0 { format!("{mention} {number}") } else { format!("{number}") };
        discord.say(channel, ann, text).unwrap();
    }
    let egress = fresh(&guild, |config| config);
    let mut conversation = super::fakes::conversation(channel);
    conversation.bot = "another name".into();
    let mut after = MessageId(last.to_string());
    let mut texts = Vec::new();
    loop {
        let missed = egress.missed(&conversation, &after, 50).await.unwrap();
        texts.extend(missed.iter().map(|inbound| inbound.text().unwrap().to_owned()));
        assert!(missed.iter().all(|inbound| inbound.conversation == conversation));
        assert!(missed.iter().all(|inbound| inbound.sender.roles == [role.to_string()]));
        let Some(last) = missed.last().filter(|_| missed.len() == 50) else { break };
        after = last.id.clone();
    }
    let wanted: Vec<String> = (0..230).step_by(2).map(|number| number.to_string()).collect();
    assert_eq!(texts, wanted);
    // Nothing can be missed where there is nothing any more.
    discord.delete_channel(channel);
    assert!(egress.missed(&conversation, &after, 50).await.unwrap().is_empty());
}

#[tokio::test]
async fn threads_and_direct_messages_are_caught_up_too() {
    let guild = Guild::with(Options::default()).await.unwrap();
    let discord = &guild.discord;
    let ann = discord.person("ann");
    let thread = discord.thread(guild.channel("a"), ann, "thread");
    let direct = discord.direct(ann);
    for place in [thread, direct] {
        let last = discord.say(place, ann, "before").unwrap();
        discord.say(place, ann, Say::from(format!("<@{}> after", discord.bot()))).unwrap();
        let mut conversation = super::fakes::conversation(place);
        if place == thread {
            conversation.channel = guild.channel("a").to_string();
            conversation.thread = Some(thread.to_string());
        }
        let egress = fresh(&guild, |config| config);
        let missed = egress.missed(&conversation, &MessageId(last.to_string()), 10).await.unwrap();
        let [one] = &missed[..] else { panic!("{missed:?}") };
        assert_eq!((one.text(), &one.conversation), (Some("after"), &conversation));
    }
}

#[tokio::test]
async fn mentions_that_would_have_opened_a_thread_are_caught_up_once() {
    let guild = Guild::with(Options::default()).await.unwrap();
    let discord = &guild.discord;
    let (channel, ann) = (guild.channel("a"), discord.person("ann"));
    let [one, two] = ["one", "two"].map(|name| discord.thread(channel, ann, name));
    let seen = discord.say(one, ann, "seen").unwrap();
    let opener = discord.say(channel, ann, format!("<@{}> what was missed?", discord.bot())).unwrap();
    let inside = discord.say(one, ann, format!("<@{}> inside", discord.bot())).unwrap();
    let egress = fresh(&guild, |config| Config { conversation: ConversationKind::Thread, ..config });
    let of = |thread: Id| {
        let mut conversation = super::fakes::conversation(channel);
        conversation.thread = Some(thread.to_string());
        conversation
    };
    let after = MessageId(seen.to_string());
    let missed = egress.missed(&of(one), &after, 10).await.unwrap();
    let missed: Vec<_> = missed.into_iter().map(|missed| (missed.id.0, missed.conversation)).collect();
    assert_eq!(missed, [(opener.to_string(), of(opener)), (inside.to_string(), of(one))]);
    assert!(egress.missed(&of(two), &after, 10).await.unwrap().is_empty());
    // Also where there is nothing for the bot, the channel is looked through once.
    let last = discord.say(channel, ann, "nothing for the bot").unwrap();
    let reads = || {
        let all = discord.requests("GET /channels/*/messages");
        let is_own = |query: &str| query.contains(&format!("after={last}"));
        all.iter().filter(|request| is_own(&request.query)).count()
    };
    for thread in [one, two, one] {
        assert!(egress.missed(&of(thread), &MessageId(inside.to_string()), 10).await.unwrap().is_empty());
    }
    assert_eq!(reads(), 2, "the first one read it, the others begin behind it");
}

#[tokio::test]
async fn mentions_that_had_no_room_are_caught_up_with_the_next() {
    let guild = Guild::with(Options::default()).await.unwrap();
    let discord = &guild.discord;
    let (channel, ann) = (guild.channel("a"), discord.person("ann"));
    let thread = discord.thread(channel, ann, "one");
    let mut after = MessageId(discord.say(thread, ann, "seen").unwrap().to_string());
    let mention = format!("<@{}>", discord.bot());
    let mut wanted = Vec::new();
    for number in 0..4 {
        let place = if number < 2 { thread } else { channel };
        wanted.push(discord.say(place, ann, format!("{mention} {number}")).unwrap().to_string());
    }
    let egress = fresh(&guild, |config| Config { conversation: ConversationKind::Thread, ..config });
    let mut conversation = super::fakes::conversation(channel);
    conversation.thread = Some(thread.to_string());
    let mut found = Vec::new();
    loop {
        let missed = egress.missed(&conversation, &after, 3).await.unwrap();
        found.extend(missed.iter().map(|inbound| inbound.id.0.clone()));
        let Some(last) = missed.last().filter(|_| missed.len() == 3) else { break };
        after = last.id.clone();
    }
    assert_eq!(found, wanted);
}

/// The first call of a process does not know how old the question is, so it looks. Keys that Discord never saw stand for nonces
/// that it has forgotten.
#[tokio::test]
async fn what_is_there_already_is_not_said_again_when_its_nonce_is_forgotten() {
    let bot = Bot::start().await;
    bot.say("a", "ann", format!("{} hello", bot.mention()));
    let to = bot.sink.after(1).await.remove(0).address();
    let parts = |keys: u32| {
        let to = to.clone();
        [("One.", 1), ("Two.", 2), ("Two.", 3), ("Four.", 4)].map(move |(text, number)| {
            let mut part = envelope(to.clone(), text);
            (part.number, part.of, part.key) = (number, 4, key(keys + u32::from(number)));
            part
        })
    };
    for part in &parts(0)[..3] {
        sent(bot.deliver(part).await);
    }
    let ids = || bot.said("a").into_iter().map(|said| said.id.to_string()).collect::<Vec<_>>();
    let there = ids();
    assert_eq!(there.len(), 3);
    for (part, id) in parts(100)[..3].iter().zip(&there) {
        let delivery = loquat_contract::Egress::deliver(&fresh(&bot.guild, |config| config), part).await;
        assert_eq!(&sent(delivery).0, id, "{}", part.part.text);
    }
    assert_eq!(ids(), there);
    let fourth = &parts(100)[3];
    sent(loquat_contract::Egress::deliver(&fresh(&bot.guild, |config| config), fourth).await);
    assert_eq!(ids().len(), 4);
}

#[tokio::test]
async fn a_history_that_cannot_be_read_stops_no_answer() {
    let bot = Bot::start().await;
    bot.say("a", "ann", format!("{} hello", bot.mention()));
    let to = bot.sink.after(1).await.remove(0).address();
    let egress = fresh(&bot.guild, |config| config);
    bot.guild.discord.fault("GET /channels/*/messages", Fault::ServerError(500), 1);
    let answer = envelope(to, "hi");
    let first = loquat_contract::Egress::deliver(&egress, &answer).await;
    assert!(!matches!(first, loquat_contract::Delivery::Sent { .. }), "{first:?}");
    sent(loquat_contract::Egress::deliver(&egress, &answer).await);
    assert_eq!(bot.said("a").len(), 1);
}
