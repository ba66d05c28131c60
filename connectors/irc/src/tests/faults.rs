//! What goes wrong with a connection, what is reported of the delivery, and how the connector comes back.

use std::sync::atomic::Ordering;
use std::time::Duration;

use loquat_conformance::{Fault, Platform};
use loquat_contract::{CancellationToken, ConnectorError, Delivery, Egress, Ingress};

use super::conformance::config;
use super::fake::Fake;
use super::fakes::{Bot, until};

async fn started() -> (Fake, Bot) {
    let fake = Fake::start().await.unwrap();
    fake.open("#help");
    let bot = Bot::start(config(&fake.address()).unwrap());
    fake.ready().await.unwrap();
    (fake, bot)
}

#[tokio::test]
async fn what_the_server_puts_off_is_tried_again_after_the_time_it_names() {
    let (fake, bot) = started().await;
    for wait in [Some(Duration::from_secs(3)), None] {
        assert!(fake.arm(&Fault::TooMany(wait)));
        let delivery = bot.deliver("#help", "m1 alice", "hi").await;
        assert!(matches!(delivery, Delivery::Retry { after, .. } if after == wait), "{delivery:?}");
    }
    assert_eq!(bot.deliver("#help", "m1 alice", "hi").await, Delivery::Sent { id: None });
    assert_eq!(fake.shown("help").len(), 1);
}

#[tokio::test]
async fn a_line_that_was_taken_without_an_answer_is_ambiguous_and_the_connection_goes_on() {
    let (fake, bot) = started().await;
    fake.arm(&Fault::TakenWithoutAnswer);
    // Something else is heard meanwhile, so the connection is not dead.
    let chatter = async {
        for _ in 0..15 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            fake.tell(":fake.example NOTICE loquat :chatter");
        }
    };
    let (delivery, ()) = futures::join!(bot.deliver("#help", "m1 alice", "hi"), chatter);
    assert!(matches!(&delivery, Delivery::Ambiguous { .. }), "{delivery:?}");
    assert!(!bot.running.is_finished());
    assert_eq!(bot.deliver("#help", "m1 alice", "and more").await, Delivery::Sent { id: None });
    assert_eq!(fake.shown("help").len(), 2);
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_line_was_written_leaves_it_ambiguous_and_is_made_anew() {
    let (fake, mut bot) = started().await;
    fake.arm(&Fault::BrokenOff);
    let delivery = bot.deliver("#help", "m1 alice", "hi").await;
    assert!(matches!(delivery, Delivery::Ambiguous { .. }), "{delivery:?}");
    assert!(matches!(bot.ended().await, Err(ConnectorError::Lost(_))));
    let delivery = bot.deliver("#help", "m1 alice", "hi").await;
    assert!(matches!(delivery, Delivery::Retry { .. }), "{delivery:?}");
    bot.again();
    fake.ready().await.unwrap();
    until(|| bot.sink.reconnected.load(Ordering::SeqCst) == 1).await;
    assert_eq!(bot.deliver("#help", "m1 alice", "hi").await, Delivery::Sent { id: None });
}

#[tokio::test]
async fn a_half_open_connection_is_noticed_and_made_anew() {
    let (fake, mut bot) = started().await;
    assert!(bot.egress.capabilities().silence.is_some());
    fake.arm(&Fault::HalfOpen);
    let delivery = bot.deliver("#help", "m1 alice", "hi").await;
    assert!(matches!(delivery, Delivery::Ambiguous { .. }), "{delivery:?}");
    assert!(matches!(bot.ended().await, Err(ConnectorError::Lost(_))));
    bot.again();
    fake.ready().await.unwrap();
    assert_eq!(bot.deliver("#help", "m1 alice", "hi").await, Delivery::Sent { id: None });
}

#[tokio::test]
async fn a_run_that_is_dropped_takes_its_connection_with_it_and_can_be_run_again() {
    let (fake, mut bot) = started().await;
    fake.arm(&Fault::TakenWithoutAnswer);
    bot.running.abort();
    assert!((&mut bot.running).await.unwrap_err().is_cancelled());
    let delivery = bot.deliver("#help", "m1 alice", "hi").await;
    assert!(matches!(delivery, Delivery::Retry { .. }), "{delivery:?}");
    bot.again();
    fake.ready().await.unwrap();
    fake.tell(":alice!~a@host PRIVMSG loquat :hello");
    bot.sink.after(1).await;
}

#[tokio::test]
async fn a_line_that_is_no_text_and_one_that_is_no_irc_end_nothing() {
    let (fake, bot) = started().await;
    for line in ["", ":", "@", ":x MODE #help +", ":x!y@z MODE #help +\u{fffd}q a", "\u{1}\u{2}\u{3}"] {
        fake.tell(line);
    }
    fake.tell(":alice!~a@host PRIVMSG loquat :hello");
    assert_eq!(bot.sink.after(1).await[0].text(), Some("hello"));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_again() {
    let address = Fake::start().await.unwrap().address();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let bot = Bot::start(config(&address).unwrap());
    let error = bot.ingress.run(bot.sink.clone(), CancellationToken::new()).await.unwrap_err();
    assert!(matches!(&error, ConnectorError::Lost(what) if what.contains(&address)), "{error}");
}
