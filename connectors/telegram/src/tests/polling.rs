//! Long polling: what is acknowledged when, and what stands in the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use loquat_contract::{BotCard, CancellationToken, ConnectorError, Egress, Ingress, Receipt};
use loquat_fake_telegram::{Calls, Fault, Heard, Options, Telegram};
use serde_json::json;

use super::conformance::quick;
use super::harness::{Bot, Notes, not_kept, until};
use crate::{Config, connect};

async fn telegram() -> Telegram {
    Telegram::start(Options::default()).await.unwrap()
}

#[tokio::test]
async fn an_update_that_was_not_kept_comes_again_and_nothing_behind_it_is_acknowledged() {
    let telegram = telegram().await;
    let is_full = Arc::new(AtomicBool::new(false));
    let full = is_full.clone();
    let mut bot = Bot::answering(
        &telegram,
        |config| config,
        move |inbound| {
            if full.load(Ordering::SeqCst) && inbound.text() == Some("two") {
                Err(not_kept())
            } else {
                Ok(Receipt::Accepted)
            }
        },
    )
    .await;
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    is_full.store(true, Ordering::SeqCst);
    let updates: Vec<i64> = ["one", "two", "three"]
        .iter()
        .map(|text| telegram.say(chat, &ann, *text).unwrap().update.unwrap())
        .collect();
    assert!(matches!(bot.ended().await, Err(ConnectorError::Lost(_))));
    assert!(!telegram.is_acknowledged(updates[1]) && !telegram.is_acknowledged(updates[2]));
    is_full.store(false, Ordering::SeqCst);
    bot.again();
    for update in &updates {
        assert_ne!(telegram.heard(*update).await.unwrap(), Heard::Gone);
    }
    until("all are acknowledged", || telegram.pending() == 0).await;
    let texts: Vec<_> =
        bot.notes.after(3).await.iter().map(|inbound| inbound.text().unwrap().to_owned()).collect();
    assert_eq!(
        texts,
        ["one", "two", "three"],
        "each once, since the first was acknowledged by the next poll"
    );
    assert_eq!(bot.notes.reconnected.load(Ordering::SeqCst), 1);
    assert!(bot.notes.alive.load(Ordering::SeqCst) > 1);
}

#[tokio::test]
async fn a_left_over_webhook_is_removed_and_what_waits_stays() {
    let telegram = telegram().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let hook = format!("{}/bot{}/setWebhook?url=https://127.0.0.1:1/hook", telegram.url(), telegram.token());
    client.get(hook).send().await.unwrap();
    let ann = telegram.user("Ann");
    telegram.say(telegram.private(&ann), &ann, "are you there?").unwrap();
    let bot = Bot::start(&telegram).await;
    assert_eq!(bot.notes.after(1).await[0].text(), Some("are you there?"));
    assert_eq!(telegram.webhook(), None);
}

#[tokio::test]
async fn another_program_is_put_up_with_for_a_while_and_then_explained() {
    let telegram = telegram().await;
    telegram.arm(Calls::Method("getUpdates"), Fault::Conflict);
    let bot = Bot::start(&telegram).await;
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    telegram.say(chat, &ann, "hello").unwrap();
    bot.notes.after(1).await;
    assert!(!bot.running.is_finished());

    let mut bot = Bot::with(&telegram, |config| Config { conflict_secs: 1, ..config }).await;
    for _ in 0..20 {
        telegram.arm(Calls::Method("getUpdates"), Fault::Conflict);
    }
    let ended = bot.ended().await;
    assert!(
        matches!(&ended, Err(ConnectorError::Stop(what)) if what.contains("another program") && what.contains("token")),
        "{ended:?}"
    );
}

#[tokio::test]
async fn a_token_that_telegram_does_not_know_stops_the_bot_with_what_to_do() {
    let telegram = telegram().await;
    let mut bot = Bot::with(&telegram, |config| Config {
        token: Some("110201543:BBHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw".into()),
        ..config
    })
    .await;
    let ended = bot.ended().await;
    assert!(matches!(&ended, Err(ConnectorError::Stop(what)) if what.contains("@BotFather")), "{ended:?}");
}

#[tokio::test]
async fn faults_of_the_server_end_the_run_and_too_many_polls_do_not() {
    let telegram = telegram().await;
    let mut bot = Bot::start(&telegram).await;
    telegram.ready().await.unwrap();
    telegram.arm(Calls::Method("getUpdates"), Fault::TooMany(Some(1)));
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    telegram.say(chat, &ann, "one").unwrap();
    telegram.say(chat, &ann, "two").unwrap();
    bot.notes.after(2).await;
    until("the armed fault happened", || telegram.faults() == 1).await;
    assert!(!bot.running.is_finished());
    for fault in [Fault::Server(502), Fault::BrokenOff] {
        telegram.arm(Calls::Method("getUpdates"), fault);
        telegram.say(chat, &ann, "again").unwrap();
        assert!(matches!(bot.ended().await, Err(ConnectorError::Lost(_))));
        bot.again();
    }
    telegram.say(chat, &ann, "last").unwrap();
    bot.notes.after(5).await;
}

#[tokio::test]
async fn a_stop_acknowledges_what_was_accepted() {
    let telegram = telegram().await;
    let mut bot = Bot::start(&telegram).await;
    telegram.ready().await.unwrap();
    let ann = telegram.user("Ann");
    let told = telegram.say(telegram.private(&ann), &ann, "one").unwrap();
    bot.notes.after(1).await;
    bot.stop.cancel();
    assert!(bot.ended().await.is_ok());
    assert!(telegram.is_acknowledged(told.update.unwrap()));
}

#[tokio::test]
async fn a_run_that_is_dropped_can_be_run_again() {
    let telegram = telegram().await;
    let mut bot = Bot::start(&telegram).await;
    telegram.ready().await.unwrap();
    bot.running.abort();
    assert!((&mut bot.running).await.unwrap_err().is_cancelled());
    assert!(bot.egress.capabilities().silence.is_some());
    bot.again();
    let ann = telegram.user("Ann");
    telegram.say(telegram.private(&ann), &ann, "one").unwrap();
    bot.notes.after(1).await;
}

#[tokio::test]
async fn a_server_that_does_not_wait_is_not_asked_without_end() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let answer = move |uri: axum::http::Uri| {
        let counted = counted.clone();
        async move {
            let result = match uri.path().rsplit('/').next() {
                Some("GetMe") => json!({"id": 42, "first_name": "Loquat", "username": "loquat_bot"}),
                Some("GetWebhookInfo") => json!({"url": ""}),
                Some("GetUpdates") => match counted.fetch_add(1, Ordering::SeqCst) {
                    0 => json!([{"update_id": i64::MAX}]),
                    1 => json!([]),
                    _ => json!([{"no": "number"}, {"update_id": "x"}]),
                },
                _ => json!(true),
            };
            json!({"ok": true, "result": result}).to_string()
        }
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(axum::serve(listener, axum::Router::new().fallback(answer)).into_future());
    let config = quick(&url, "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw");
    let (ingress, _egress) = connect(config, BotCard::default()).unwrap();
    let (notes, stop) = (Notes::new(Box::new(|_| Ok(Receipt::Accepted))), CancellationToken::new());
    let (sink, until_stop) = (notes.clone(), stop.clone());
    let running = tokio::spawn(async move { ingress.run(sink, until_stop).await });
    until("it was asked again", || asked.load(Ordering::SeqCst) >= 3).await;
    let before = asked.load(Ordering::SeqCst);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    // Without a pause, a second has hundreds.
    assert!(asked.load(Ordering::SeqCst) - before < 5, "{asked:?}");
    stop.cancel();
    assert!(running.await.unwrap().is_ok());
    server.abort();
}

#[tokio::test]
async fn an_update_that_cannot_be_read_stops_nothing() {
    let telegram = telegram().await;
    let bot = Bot::start(&telegram).await;
    let me = serde_json::from_value(json!({"id": 1, "first_name": "Loquat"})).unwrap();
    for update in
        [json!({"update_id": 1, "message": {"message_id": "x"}}), json!({"update_id": 2}), json!([])]
    {
        assert_eq!(bot.ingress.take(update, &me, &*bot.notes).await, Ok(()));
    }
    assert_eq!(bot.notes.accepted.lock().unwrap().len(), 0);
}
