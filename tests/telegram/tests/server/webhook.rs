//! Webhook mode: in order, again until taken, with the secret; and what stands in the way of long polling.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use loquat_fake_telegram::{Heard, Options, Telegram};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::bot::{Bot, start};

/// What the bot's server got: the secret and the update.
type Got = (Option<String>, Value);

struct Hook {
    address: String,
    got: mpsc::UnboundedReceiver<Got>,
    answers: mpsc::UnboundedSender<(StatusCode, &'static str)>,
}

type Answers = tokio::sync::Mutex<mpsc::UnboundedReceiver<(StatusCode, &'static str)>>;

/// A bot's server that answers as it is told.
async fn hook() -> Hook {
    let (sender, got) = mpsc::unbounded_channel();
    let (answers, receiver) = mpsc::unbounded_channel();
    let answer = async |State((sender, answers)): State<(mpsc::UnboundedSender<Got>, Arc<Answers>)>,
                        headers: HeaderMap,
                        body: String| {
        let secret =
            headers.get("x-telegram-bot-api-secret-token").map(|secret| secret.to_str().unwrap().to_owned());
        sender.send((secret, serde_json::from_str(&body).unwrap())).unwrap();
        answers.lock().await.recv().await.unwrap()
    };
    let router = Router::new()
        .route("/hook", post(answer))
        .with_state((sender, Arc::new(tokio::sync::Mutex::new(receiver))));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Hook { address, got, answers }
}

async fn started() -> (Telegram, Bot) {
    start(Options { webhook_retry: Duration::from_millis(10), ..Options::default() }).await
}

#[tokio::test]
async fn updates_come_in_order_and_again_until_they_are_taken() {
    let (telegram, bot) = started().await;
    let mut hook = hook().await;
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    bot.call("setWebhook", json!({"url": hook.address, "secret_token": "s3cret"})).await;
    let first = telegram.say(chat, &ann, "one").unwrap().update.unwrap();
    let second = telegram.say(chat, &ann, "two").unwrap().update.unwrap();
    for (update, code) in [(first, 500), (first, 403), (first, 200), (second, 200)] {
        let (secret, body) = hook.got.recv().await.unwrap();
        assert_eq!((secret.as_deref(), &body["update_id"]), (Some("s3cret"), &json!(update)));
        assert!(hook.got.try_recv().is_err(), "one at a time");
        assert!(!telegram.is_acknowledged(update));
        hook.answers.send((StatusCode::from_u16(code).unwrap(), "")).unwrap();
        if code == 500 {
            assert_eq!(telegram.heard(update).await.unwrap(), Heard::Refused);
            let info = bot.call("getWebhookInfo", json!({})).await;
            assert_eq!(
                info["last_error_message"],
                "Wrong response from the webhook: 500 Internal Server Error"
            );
            assert_eq!((&info["url"], &info["pending_update_count"]), (&json!(hook.address), &json!(2)));
        }
    }
    assert_eq!(telegram.heard(second).await.unwrap(), Heard::Acknowledged);
}

#[tokio::test]
async fn an_answer_may_be_a_method() {
    let (telegram, bot) = started().await;
    let mut hook = hook().await;
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    bot.call("setWebhook", json!({"url": hook.address})).await;
    telegram.say(chat, &ann, "one").unwrap();
    assert_eq!(hook.got.recv().await.unwrap().0, None);
    let method: &'static str = Box::leak(
        json!({"method": "sendMessage", "chat_id": chat, "text": "two"}).to_string().into_boxed_str(),
    );
    hook.answers.send((StatusCode::OK, method)).unwrap();
    let answer =
        telegram.until("the method is carried out", |telegram| telegram.answers(chat).pop()).await.unwrap();
    assert_eq!(answer.text, "two");
}

#[tokio::test]
async fn nobody_at_the_address_is_gone() {
    let (telegram, bot) = started().await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    bot.call("setWebhook", json!({"url": format!("http://{closed}/")})).await;
    let ann = telegram.user("Ann");
    let update = telegram.say(telegram.private(&ann), &ann, "one").unwrap().update.unwrap();
    assert_eq!(telegram.heard(update).await.unwrap(), Heard::Gone);
    // A left-over webhook stands in the way of long polling until it is deleted.
    let (code, why) = bot.refused("getUpdates", json!({})).await;
    assert_eq!(code, 409);
    assert_eq!(
        why,
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
    );
    bot.call("deleteWebhook", json!({})).await;
    assert_eq!(bot.call("getUpdates", json!({})).await[0]["update_id"], update);
    bot.call("deleteWebhook", json!({"drop_pending_updates": true})).await;
    assert_eq!(telegram.pending(), 0);
}

#[tokio::test]
async fn setting_a_webhook_ends_a_poll_and_bad_ones_are_refused() {
    let (telegram, bot) = started().await;
    let poll = tokio::spawn({
        let bot = bot.clone();
        async move { bot.refused("getUpdates", json!({"timeout": 50})).await }
    });
    telegram.ready().await.unwrap();
    let (_, why) = bot.refused("setWebhook", json!({"url": "http://example.org/"})).await;
    assert_eq!(why, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook");
    let (_, why) =
        bot.refused("setWebhook", json!({"url": "http://127.0.0.1:1/", "secret_token": "no spaces"})).await;
    assert_eq!(why, "Bad Request: secret token contains unallowed characters");
    bot.call("setWebhook", json!({"url": "http://127.0.0.1:1/"})).await;
    assert_eq!(poll.await.unwrap(), (409, "Conflict: terminated by setWebhook request".into()));
    bot.call("setWebhook", json!({"url": "http://127.0.0.1:1/", "secret_token": "s".repeat(256)})).await;
    let (_, why) = bot
        .refused("setWebhook", json!({"url": "http://127.0.0.1:1/", "secret_token": "s".repeat(257)}))
        .await;
    assert_eq!(why, "Bad Request: secret token is too long");
    bot.call("setWebhook", json!({"url": ""})).await;
    assert_eq!(bot.call("getWebhookInfo", json!({})).await["url"], "");
}
