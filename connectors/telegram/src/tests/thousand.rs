//! A thousand messages, said before the bot is there, through faults of every kind: all arrive in order, and all are answered in order.

use std::time::Duration;

use loquat_contract::{Delivery, Inbound};
use loquat_fake_telegram::{Calls, Fault, Options, Plan, Telegram};

use super::harness::Bot;

const MESSAGES: usize = 1000;

#[tokio::test]
async fn a_thousand_messages_arrive_and_are_answered_in_order_through_faults() {
    let telegram = Telegram::start(Options::default()).await.unwrap();
    let (ann, bob) = (telegram.user("Ann"), telegram.user("Bob"));
    let chats = [telegram.private(&ann), telegram.private(&bob)];
    for number in 0..MESSAGES {
        let (who, chat) = if number % 2 == 0 { (&ann, chats[0]) } else { (&bob, chats[1]) };
        telegram.say(chat, who, format!("number {number}")).unwrap();
    }
    let shares = vec![
        (Fault::TooMany(Some(0)), 20),
        (Fault::Server(500), 20),
        (Fault::BrokenOff, 20),
        (Fault::TakenThenBroken, 20),
        (Fault::Server(502), 10),
    ];
    telegram.plan(Plan { seed: 7, calls: Calls::Any, shares });
    let mut bot = Bot::start(&telegram).await;
    let mut unknown = 0;
    for number in 0..MESSAGES {
        if number % 50 == 0 {
            // Polls break too; then the host runs the ingress again.
            telegram.arm(Calls::Method("getUpdates"), Fault::BrokenOff);
        }
        let inbound = next(&mut bot, number).await;
        assert_eq!(inbound.text(), Some(format!("number {number}").as_str()));
        loop {
            match bot.deliver(&inbound.address(), &format!("answer {number}")).await {
                Delivery::Sent { .. } => break,
                Delivery::Retry { after, .. } => {
                    tokio::time::sleep(after.unwrap_or(Duration::from_millis(1))).await
                }
                Delivery::Ambiguous { .. } => {
                    unknown += 1;
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(telegram.faults() > 50, "only {} faults happened", telegram.faults());
    assert!(unknown > 0);
    let mut shown = 0;
    for chat in chats {
        let numbers: Vec<usize> = telegram
            .answers(chat)
            .iter()
            .map(|seen| seen.text.strip_prefix("answer ").unwrap().parse().unwrap())
            .collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "out of order or doubled: {numbers:?}");
        shown += numbers.len();
    }
    assert!(shown <= MESSAGES && shown >= MESSAGES - unknown, "{shown} shown, {unknown} unknown");
}

/// The event of this number, without those that came twice; as the host does, the ingress is run again where its connection broke.
async fn next(bot: &mut Bot, number: usize) -> Inbound {
    loop {
        {
            let mut accepted = bot.notes.accepted.lock().unwrap();
            let mut seen = std::collections::HashSet::new();
            // The journal knows what it has; here only the list does.
            accepted.retain(|inbound| seen.insert((inbound.conversation.clone(), inbound.id.clone())));
            if let Some(inbound) = accepted.get(number) {
                return inbound.clone();
            }
        }
        if bot.running.is_finished() {
            let ended = bot.ended().await;
            assert!(matches!(ended, Err(loquat_contract::ConnectorError::Lost(_))), "{ended:?}");
            bot.again();
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
