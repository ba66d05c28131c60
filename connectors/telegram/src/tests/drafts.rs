//! Replies while they are being written, in private and in groups.

use loquat_contract::{
    Button, Delivery, Draft, Drafts, Egress, Envelope, IdempotencyKey, MessageId, Part, Sentence,
};
use loquat_fake_telegram::{Calls, Fault, Kind, Options, Telegram};

use super::harness::{Bot, envelope, part, to};

fn draft(chat: i64, message: Option<MessageId>, text: &str) -> Draft {
    Draft {
        message,
        key: IdempotencyKey("0123456789abcdef01234567".into()),
        part: part(text),
        ..Draft::new(to(chat, None, 1), text.split_inclusive(' ').map(Sentence::line).collect())
    }
}

/// The reply that takes a draft's place.
fn reply(chat: i64, draft: Option<MessageId>, text: &str) -> Envelope {
    Envelope { draft, ..envelope(&to(chat, None, 1), part(text)) }
}

async fn started(options: Options) -> (Telegram, Bot) {
    let telegram = Telegram::start(options).await.unwrap();
    let bot = Bot::start(&telegram).await;
    (telegram, bot)
}

#[tokio::test]
async fn in_private_a_draft_is_telegrams_own_and_gives_way_to_the_reply() {
    let (telegram, bot) = started(Options::default()).await;
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    for text in ["One.", "One. **Two.**", "One. **Two.** Three."] {
        assert_eq!(bot.egress.draft(&draft(chat, None, text)).await, None, "nothing stays of it");
    }
    let drafts = telegram.drafts(chat);
    assert_eq!(drafts.len(), 1, "{drafts:?}");
    assert_eq!((drafts[0].text.as_str(), drafts[0].history.len()), ("One. Two. Three.", 2));
    assert_eq!(drafts[0].entities[0].kind, "bold");
    assert_eq!(telegram.answers(chat).len(), 0);
    bot.egress.deliver(&reply(chat, None, "One. Two. Three. Four.")).await;
    assert_eq!(telegram.drafts(chat).len(), 0);
    assert_eq!(telegram.answers(chat).len(), 1);
}

#[tokio::test]
async fn a_server_without_drafts_is_asked_once() {
    for version in [(9, 2), (9, 4)] {
        let (telegram, bot) = started(Options { bot_api_version: version, ..Options::default() }).await;
        let ann = telegram.user("Ann");
        let chat = telegram.private(&ann);
        for text in ["One.", "One. Two."] {
            assert_eq!(bot.egress.draft(&draft(chat, None, text)).await, None);
        }
        assert_eq!(telegram.calls_of("sendMessageDraft").len(), 1, "{version:?}");
        let delivery = bot.egress.deliver(&reply(chat, None, "One. Two.")).await;
        assert!(matches!(delivery, Delivery::Sent { .. }), "{delivery:?}");
    }
}

#[tokio::test]
async fn in_a_group_the_draft_is_one_message_that_becomes_the_reply() {
    let (telegram, bot) = started(Options::default()).await;
    let ann = telegram.user("Ann");
    let group = telegram.group(Kind::Supergroup, "Friends", &[&ann]);
    let question = telegram.say(group, &ann, "/ask where?").unwrap().message;
    let at = |draft: Draft| Draft { to: to(group, None, question), ..draft };
    assert_eq!(
        bot.egress.draft(&at(draft(group, None, "One."))).await,
        None,
        "one sentence is there as soon"
    );
    let message = bot.egress.draft(&at(draft(group, None, "One. Two."))).await;
    assert!(message.is_some());
    assert_eq!(telegram.answers(group)[0].text, "…", "no words before its number is on record");
    let again = bot.egress.draft(&at(draft(group, message.clone(), "One. Two."))).await;
    assert_eq!(again, message);
    let buttons = vec![vec![Button { id: "a.1".into(), label: "Why?".into() }]];
    let last = Envelope {
        draft: message.clone(),
        ..envelope(&to(group, None, question), Part { buttons, ..part("One. Two. *Three.*") })
    };
    assert_eq!(bot.egress.deliver(&last).await, Delivery::Sent { id: message });
    let answers = telegram.answers(group);
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(answers[0].text, "One. Two. Three.");
    assert_eq!(answers[0].history, ["…", "One. Two."]);
    assert_eq!((answers[0].reply_to, answers[0].buttons.len()), (Some(question), 1));
}

#[tokio::test]
async fn a_draft_that_says_all_already_is_the_reply_and_one_that_is_gone_is_sent_anew() {
    let (telegram, bot) = started(Options::default()).await;
    let ann = telegram.user("Ann");
    let group = telegram.group(Kind::Supergroup, "Friends", &[&ann]);
    let message = bot.egress.draft(&draft(group, None, "It is all.")).await;
    bot.egress.draft(&draft(group, message.clone(), "It is all.")).await;
    let delivery = bot.egress.deliver(&reply(group, message.clone(), "It is all.")).await;
    assert_eq!(delivery, Delivery::Sent { id: message });

    let gone = bot.egress.draft(&draft(group, None, "One. Two.")).await.unwrap();
    telegram.delete(group, gone.0.parse().unwrap()).unwrap();
    let delivery = bot.egress.deliver(&reply(group, Some(gone.clone()), "One. Two.")).await;
    assert!(matches!(&delivery, Delivery::Sent { id: Some(id) } if *id != gone), "{delivery:?}");
    assert_eq!(telegram.answers(group).len(), 2);
}

#[tokio::test]
async fn a_change_of_which_nobody_knows_is_made_again() {
    let (telegram, bot) = started(Options::default()).await;
    let ann = telegram.user("Ann");
    let group = telegram.group(Kind::Supergroup, "Friends", &[&ann]);
    let message = bot.egress.draft(&draft(group, None, "One. Two.")).await;
    telegram.arm(Calls::Method("editMessageText"), Fault::TakenThenBroken);
    let last = reply(group, message.clone(), "One. Two.");
    let delivery = bot.egress.deliver(&last).await;
    assert!(matches!(delivery, Delivery::Retry { .. }), "{delivery:?}");
    assert_eq!(bot.egress.deliver(&last).await, Delivery::Sent { id: message });
    assert_eq!(telegram.answers(group).len(), 1);
}

#[tokio::test]
async fn drafts_that_come_too_fast_make_way_for_the_reply() {
    let (telegram, bot) = started(Options::default()).await;
    let ann = telegram.user("Ann");
    let group = telegram.group(Kind::Supergroup, "Friends", &[&ann]);
    let message = bot.egress.draft(&draft(group, None, "One. Two.")).await;
    telegram.arm(Calls::Method("editMessageText"), Fault::TooMany(Some(2)));
    for text in ["One. Two.", "One. Two. Three."] {
        assert_eq!(bot.egress.draft(&draft(group, message.clone(), text)).await, message);
    }
    assert_eq!(telegram.calls_of("editMessageText").len(), 1, "nothing is sent before it may");
    let last = reply(group, message.clone(), "One. Two. Three. Four.");
    let Delivery::Retry { after: Some(after), .. } = bot.egress.deliver(&last).await else { panic!() };
    assert_eq!(telegram.calls_of("editMessageText").len(), 1);
    tokio::time::sleep(after).await;
    assert_eq!(bot.egress.deliver(&last).await, Delivery::Sent { id: message });
    assert_eq!(telegram.answers(group).len(), 1);
}

#[tokio::test]
async fn a_draft_is_taken_back() {
    let (telegram, bot) = started(Options::default()).await;
    let ann = telegram.user("Ann");
    let group = telegram.group(Kind::Supergroup, "Friends", &[&ann]);
    let message = bot.egress.draft(&draft(group, None, "One. Two.")).await;
    bot.egress.withdraw(&to(group, None, 1), message.as_ref()).await;
    assert_eq!(telegram.answers(group).len(), 0);
    bot.egress.withdraw(&to(group, None, 1), message.as_ref()).await;
}

#[tokio::test]
async fn a_first_draft_of_which_nobody_knows_is_not_shown_beside_another() {
    let (telegram, bot) = started(Options::default()).await;
    let ann = telegram.user("Ann");
    let group = telegram.group(Kind::Supergroup, "Friends", &[&ann]);
    telegram.arm(Calls::Sends, Fault::TakenThenBroken);
    for text in ["One.", "One. Two."] {
        assert_eq!(bot.egress.draft(&draft(group, None, text)).await, None);
    }
    assert_eq!(telegram.answers(group).len(), 1);
}
