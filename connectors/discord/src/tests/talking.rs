//! Messages: what is for the bot, what it says, and where.

use loquat_contract::{Event, MessageId, Place};
use loquat_fake_discord::{Options, Say};

use super::fakes::{Bot, conversation, envelope, sent, until};

#[tokio::test]
async fn a_mention_is_answered_in_its_channel_without_calling_anybody() {
    let bot = Bot::start().await;
    let asked = bot.say("a", "ann", format!("{} hello @everyone", bot.mention()));
    let inbound = bot.sink.after(1).await.remove(0);
    assert_eq!(inbound.text(), Some("hello @everyone"));
    assert_eq!(inbound.id, MessageId(asked.to_string()));
    assert_eq!(inbound.conversation, conversation(bot.guild.channel("a")));
    assert_eq!(inbound.sender.name.as_deref(), Some("ann"));
    let id = sent(bot.deliver(&envelope(inbound.address(), "hi @everyone and <@1>")).await);
    let [said] = &bot.said("a")[..] else { panic!() };
    assert_eq!((said.id.to_string(), said.reply_to), (id.0, Some(asked)));
    assert!(said.notified.is_empty() && said.mentions.is_empty(), "{said:?}");
}
