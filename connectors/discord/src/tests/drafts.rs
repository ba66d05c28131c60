//! Replies while they are being written: one message, whatever happens in between.

use loquat_contract::{Address, Delivery, Drafts, MessageId};
use loquat_fake_discord::{Fault, Options};

use super::fakes::{Bot, draft, envelope, part, sent};

async fn asked(bot: &Bot) -> Address {
    bot.say("a", "ann", format!("{} hello", bot.mention()));
    bot.sink.after(1).await.remove(0).address()
}

#[tokio::test]
async fn a_draft_grows_and_the_reply_takes_its_place() {
    let bot = Bot::start().await;
    let to = asked(&bot).await;
    let first = draft(to.clone(), "One.");
    let shown = bot.draft(&first).await;
    assert!(shown.is_some());
    let mut second = draft(to.clone(), "One. Two.");
    second.message = shown.clone();
    assert_eq!(bot.draft(&second).await, shown);
    let mut reply = envelope(to, "One. Two. Three.");
    reply.draft = shown.clone();
    assert_eq!(Some(sent(bot.deliver(&reply).await)), shown);
    let [said] = &bot.said("a")[..] else { panic!() };
    assert_eq!(
        (said.content.as_str(), &said.edits[..]),
        ("One. Two. Three.", &["One.".to_owned(), "One. Two.".into()][..])
    );
}

#[tokio::test]
async fn a_process_that_is_killed_between_draft_and_reply_leaves_one_message() {
    let bot = Bot::start().await;
    let to = asked(&bot).await;
    bot.draft(&draft(to.clone(), "One.")).await;
    // The next process knows nothing of the draft: nobody wrote down its id.
    let other = Bot::unready(bot_guild(&bot).await, |config| config).await;
    drop(other);
    let (_, egress) = crate::connect(
        super::fixture::config(bot.guild.discord.address()),
        loquat_contract::BotCard { name: "Mira".into(), ..Default::default() },
    )
    .unwrap();
    let delivery = loquat_contract::Egress::deliver(&egress, &envelope(to.clone(), "One. Two.")).await;
    let id = sent(delivery);
    let [said] = &bot.said("a")[..] else { panic!("{:?}", bot.said("a")) };
    assert_eq!((said.content.as_str(), said.id.to_string()), ("One. Two.", id.0));
    // Nor does it make another draft.
    let again = Drafts::draft(&egress, &draft(to, "Three.")).await;
    assert_eq!(again, Some(MessageId(said.id.to_string())));
    assert_eq!(bot.said("a").len(), 1);
}

/// A server for a bot that is not needed.
async fn bot_guild(_: &Bot) -> super::fixture::Guild {
    super::fixture::Guild::with(Options::default()).await.unwrap()
}

#[tokio::test]
async fn a_draft_that_somebody_deleted_or_nobody_answered_for_is_no_second_message() {
    let bot = Bot::start().await;
    let to = asked(&bot).await;
    bot.guild.discord.fault("POST /channels/*/messages", Fault::TakenWithoutAnswer, 1);
    assert_eq!(bot.draft(&draft(to.clone(), "One.")).await, None);
    let shown = bot.draft(&draft(to.clone(), "One. Two.")).await;
    assert_eq!(bot.said("a").len(), 1);
    let mut reply = envelope(to.clone(), "All.");
    reply.draft = shown;
    // An edit may be made again, so nothing stays unknown.
    bot.guild.discord.fault("PATCH /channels/*/messages/*", Fault::TakenWithoutAnswer, 1);
    assert!(matches!(bot.deliver(&reply).await, Delivery::Retry { .. }));
    sent(bot.deliver(&reply).await);
    assert_eq!(bot.said("a").len(), 1);
    bot.guild.discord.delete(bot.said("a")[0].id).unwrap();
    // Its key is the deleted draft's.
    reply.part = part("Other.");
    for _ in 0..2 {
        sent(bot.deliver(&reply).await);
        let [said] = &bot.said("a")[..] else { panic!("{:?}", bot.said("a")) };
        assert_eq!(said.content, "Other.");
        // The next process does not know of the draft.
        reply.draft = None;
    }
}

#[tokio::test]
async fn a_draft_can_be_taken_back() {
    let bot = Bot::start().await;
    let to = asked(&bot).await;
    let shown = bot.draft(&draft(to.clone(), "One.")).await;
    Drafts::withdraw(&*bot.egress, &to, shown.as_ref()).await;
    assert!(bot.said("a").is_empty());
}

#[tokio::test]
async fn drafts_leave_a_call_for_the_reply() {
    // As slow as the real one.
    let bot = Bot::with(Options { pace: Some(1.0), ..Options::default() }, |config| config).await;
    let to = asked(&bot).await;
    let shown = bot.draft(&draft(to.clone(), "0")).await;
    let mut last = draft(to.clone(), "0");
    last.message = shown.clone();
    for number in 1..12 {
        last.part = part(&number.to_string());
        // Discord's pace is not waited for here: what does not get its turn soon is not shown.
        let _ = tokio::time::timeout(std::time::Duration::from_millis(20), bot.draft(&last)).await;
    }
    let mut reply = envelope(to, "all");
    reply.draft = shown;
    sent(bot.deliver(&reply).await);
    let requests = bot.guild.discord.requests("PATCH /channels/*/messages/*");
    assert!(requests.iter().all(|request| request.status != Some(429)), "{requests:?}");
    assert_eq!(bot.said("a")[0].content, "all");
}
