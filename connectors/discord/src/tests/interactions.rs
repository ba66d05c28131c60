//! Commands and buttons: signs within seconds, answers in their place, words for one person alone.

use std::time::Duration;

use loquat_contract::{
    Acknowledgement, ArgumentSpec, Button, CommandSpec, Delivery, Event, Inbound, Interactions, Language,
    Localised, MessageId, Receipt, Refusal,
};
use loquat_fake_discord::{Id, Options};
use serde_json::json;

use super::encode::cited;
use super::fakes::{Bot, draft, envelope, key, part, sent};

fn words(english: &str, chinese: &str) -> Localised {
    Localised(vec![(Language::english(), english.into()), (Language::chinese(), chinese.into())])
}

pub(super) fn commands() -> Vec<CommandSpec> {
    let question = ArgumentSpec {
        name: "question".into(),
        description: words("What you want to know", "你想知道什么"),
        is_required: true,
        choices: Vec::new(),
    };
    let language = ArgumentSpec {
        name: "language".into(),
        description: words("Which one", "哪一种"),
        is_required: false,
        choices: vec![("en".into(), words("English", "英语")), ("zh".into(), words("Chinese", "中文"))],
    };
    let command = |name: &str, argument, is_for_operators| CommandSpec {
        name: name.into(),
        description: words("Does it", "做这件事"),
        argument,
        is_for_operators,
    };
    vec![
        command("ask", Some(question), false),
        command("why", None, false),
        command("language", Some(language), false),
        command("status", None, true),
    ]
}

/// A bot with its menu, and somebody's `/ask`, as the sink has it.
async fn asked(options: Options) -> (Bot, Id, Inbound) {
    let bot = Bot::with(options, |config| config).await;
    bot.egress.offer(&commands()).await.unwrap();
    let (channel, ann) = (bot.guild.channel("a"), bot.guild.discord.person("ann"));
    bot.guild.discord.join(bot.guild.id(), ann);
    let id = bot.guild.discord.slash(channel, ann, "ask", &[("question", json!("what is this?"))]).unwrap();
    let inbound = bot.sink.after(1).await.remove(0);
    (bot, id, inbound)
}

const WORKING: Acknowledgement<'_> = Acknowledgement::Working { is_private: false };

#[tokio::test]
async fn a_command_is_answered_in_the_place_of_thinking() {
    let (bot, id, inbound) = asked(Options::default()).await;
    let wanted = Event::Command { name: "ask".into(), arguments: "what is this?".into() };
    assert_eq!((&inbound.event, inbound.sender.name.as_deref()), (&wanted, Some("ann")));
    bot.egress.acknowledge(&inbound, WORKING).await.unwrap();
    assert_eq!(bot.guild.discord.answered(id).await.unwrap().kind, 5);
    assert!(bot.said("a")[0].is_loading);
    // A second sign does no harm.
    bot.egress.acknowledge(&inbound, WORKING).await.unwrap();
    let mut growing = draft(inbound.address(), "It");
    growing.ticket = inbound.ticket.clone();
    let shown = bot.draft(&growing).await;
    let mut reply = envelope(inbound.address(), "It is this.");
    (reply.ticket, reply.draft, reply.of) = (inbound.ticket.clone(), shown.clone(), 2);
    assert_eq!(Some(sent(bot.deliver(&reply).await)), shown);
    let mut rest = envelope(inbound.address(), "And that.");
    (rest.ticket, rest.number, rest.of, rest.key) = (inbound.ticket.clone(), 2, 2, key(2));
    sent(bot.deliver(&rest).await);
    sent(bot.deliver(&rest).await);
    let said: Vec<_> = bot.said("a").into_iter().map(|said| (said.content, said.is_loading)).collect();
    assert_eq!(said, [("It is this.".to_owned(), false), ("And that.".to_owned(), false)]);
}

#[tokio::test]
async fn what_one_person_alone_is_to_see_nobody_else_sees() {
    let (bot, id, inbound) = asked(Options { pace: None, ..Options::default() }).await;
    bot.egress.acknowledge(&inbound, Acknowledgement::Working { is_private: true }).await.unwrap();
    assert!(bot.guild.discord.answered(id).await.unwrap().is_ephemeral);
    for number in [1, 2, 2, 3] {
        let mut reply = cited(1, "Bhutan");
        reply.to = inbound.address();
        reply.part = part(&format!("Part {number}."));
        (reply.ticket, reply.is_private) = (inbound.ticket.clone(), true);
        (reply.number, reply.of, reply.key) = (number, 3, key(number.into()));
        sent(bot.deliver(&reply).await);
    }
    let ann = bot.guild.discord.person("ann");
    let [said] = &bot.said("a")[..] else { panic!("{:?}", bot.said("a")) };
    assert_eq!((said.only_for, said.content.as_str()), (Some(ann), "Part 1."));
    let embeds: Vec<_> = said.embeds.iter().map(|embed| embed["description"].as_str().unwrap()).collect();
    assert!(
        matches!(embeds[..], ["Part 2.", "Part 3.", sources] if sources.contains("Bhutan")),
        "{embeds:?}"
    );
}

#[tokio::test]
async fn an_answer_whose_token_is_too_old_is_an_ordinary_message_or_none() {
    let options = Options { token_life: Duration::from_millis(1), ..Options::default() };
    let (bot, _, inbound) = asked(options).await;
    bot.egress.acknowledge(&inbound, WORKING).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut reply = envelope(inbound.address(), "late");
    reply.ticket = inbound.ticket.clone();
    sent(bot.deliver(&reply).await);
    let late = bot.said("a").into_iter().filter(|said| said.content == "late").count();
    assert_eq!(late, 1);
    reply.is_private = true;
    let delivery = bot.deliver(&reply).await;
    assert!(
        matches!(&delivery, Delivery::Permanent { reason } if reason.contains("one person")),
        "{delivery:?}"
    );
}

#[tokio::test]
async fn a_command_that_was_not_acknowledged_in_time_is_answered_all_the_same() {
    let options = Options { interaction_wait: Duration::from_millis(1), ..Options::default() };
    let (bot, _, inbound) = asked(options).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(bot.egress.acknowledge(&inbound, WORKING).await.is_err());
    let mut reply = envelope(inbound.address(), "here it is");
    reply.ticket = inbound.ticket.clone();
    sent(bot.deliver(&reply).await);
    assert_eq!(bot.said("a").len(), 1);
}

#[tokio::test]
async fn refusals_and_the_hosts_own_answers_are_for_one_pair_of_eyes() {
    let bot = Bot::start().await;
    bot.egress.offer(&commands()).await.unwrap();
    let (channel, ann) = (bot.guild.channel("a"), bot.guild.discord.person("ann"));
    bot.guild.discord.join(bot.guild.id(), ann);
    let answers = [Err(Refusal::NotAllowed), Ok(Receipt::Answered("Welcome.".into()))];
    bot.sink.answers.lock().unwrap().extend(answers);
    for words in ["may not talk", "Welcome."] {
        let id = bot.guild.discord.slash(channel, ann, "why", &[]).unwrap();
        let answer = bot.guild.discord.answered(id).await.unwrap();
        assert!(answer.kind == 4 && answer.is_ephemeral, "{answer:?}");
        let said = bot.said("a").pop().unwrap();
        assert!(said.content.contains(words) && said.only_for == Some(ann), "{said:?}");
    }
}

#[tokio::test]
async fn a_button_is_pressed_by_its_id_and_thanks_are_whispered() {
    let bot = Bot::start().await;
    bot.say("a", "ann", format!("{} hello", bot.mention()));
    let to = bot.sink.after(1).await.remove(0).address();
    let mut reply = envelope(to, "hi");
    let button = |id: &str, label: &str| Button { id: id.into(), label: label.into() };
    reply.part.buttons =
        vec![vec![button("why.1", "Why?"), button("good.1", "👍")], vec![button("c0.1", "One")]];
    sent(bot.deliver(&reply).await);
    let said = bot.said("a").remove(0);
    assert_eq!(said.buttons(), ["Why?", "👍", "One"]);
    let ann = bot.guild.discord.person("ann");
    for (custom_id, how, kind) in [
        ("why.1", Acknowledgement::Working { is_private: true }, 5),
        ("good.1", Acknowledgement::Done { notice: Some("Thank you.") }, 4),
        ("c0.1", Acknowledgement::Done { notice: None }, 6),
    ] {
        let before = bot.sink.accepted().len();
        let press = bot.guild.discord.click(said.id, ann, custom_id).unwrap();
        let inbound = bot.sink.after(before + 1).await.pop().unwrap();
        let wanted = Event::Button { message: MessageId(said.id.to_string()), id: custom_id.into() };
        assert_eq!(inbound.event, wanted);
        bot.egress.acknowledge(&inbound, how).await.unwrap();
        let answer = bot.guild.discord.answered(press).await.unwrap();
        assert_eq!(answer.kind, kind);
        assert_eq!(answer.is_ephemeral, kind != 6);
    }
}

#[tokio::test]
async fn the_menu_is_written_only_where_it_differs() {
    let bot = Bot::start().await;
    let writes = || bot.guild.discord.requests("PUT /applications/*/commands").len();
    bot.egress.offer(&commands()).await.unwrap();
    bot.egress.offer(&commands()).await.unwrap();
    assert_eq!(writes(), 1);
    let there = bot.guild.discord.commands(None);
    let ask = there.iter().find(|command| command["name"] == "ask").unwrap();
    assert_eq!(ask["description_localizations"]["zh-CN"], "做这件事");
    assert_eq!(ask["options"][0]["required"], true);
    let status = there.iter().find(|command| command["name"] == "status").unwrap();
    assert_eq!(status["default_member_permissions"], "0");
    let mut fewer = commands();
    fewer.pop();
    bot.egress.offer(&fewer).await.unwrap();
    fewer[0].description = words("Does something else", "做别的事");
    bot.egress.offer(&fewer).await.unwrap();
    fewer[2].argument = None;
    bot.egress.offer(&fewer).await.unwrap();
    bot.egress.offer(&fewer).await.unwrap();
    assert_eq!(writes(), 4);
}
