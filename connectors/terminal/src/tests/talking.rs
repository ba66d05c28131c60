//! Conversations from a script of lines.

use std::io::Cursor;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use loquat_contract::{
    BotCard, BoxFuture, CancellationToken, ConnectorError, Egress, Inbound, Ingress, Policy, Refusal, Sink,
};
use tokio::time::{Instant, timeout};

use super::fakes::{Broken, Paper, reply, supported};
use crate::{TerminalEgress, connect_with};

/// Answers each message a moment later, as its text says.
#[derive(Default)]
struct Bot {
    egress: OnceLock<Arc<TerminalEgress>>,
    heard: Mutex<Vec<Inbound>>,
    refusal: Mutex<Option<Refusal>>,
}

impl Sink for Bot {
    fn accept(&self, inbound: Inbound) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async move {
            if let Some(refusal) = self.refusal.lock().unwrap().take() {
                return Err(refusal);
            }
            self.heard.lock().unwrap().push(inbound.clone());
            let egress = self.egress.get().unwrap().clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                let to = inbound.address();
                match inbound.text.as_str() {
                    "silence" => {}
                    "sorry" => egress.apologise(&to, "No model.").await,
                    text => {
                        let sentences = vec![supported(&format!("You said {text}."), &["f1"])];
                        egress.draft(&to, &sentences[0]).await;
                        let _ = egress.deliver(&to, &reply("en", Policy::Strict, sentences)).await;
                    }
                }
            });
            Ok(())
        })
    }
}

struct Talk {
    bot: Arc<Bot>,
    paper: Paper,
    stop: CancellationToken,
    run: BoxFuture<'static, Result<(), ConnectorError>>,
}

fn talk(lines: &'static str) -> Talk {
    let (bot, paper, stop) = (Arc::new(Bot::default()), Paper::default(), CancellationToken::new());
    let card = BotCard { name: "Loquat".into(), ..BotCard::default() };
    let (ingress, egress) = connect_with(card, Cursor::new(lines), Box::new(paper.clone())).unwrap();
    let _ = bot.egress.set(Arc::new(egress));
    let run = Box::new(ingress).run(bot.clone(), stop.clone());
    Talk { bot, paper, stop, run }
}

#[tokio::test]
async fn each_line_waits_for_its_reply() {
    let Talk { bot, paper, run, .. } = talk("one\n\n  two \r\nsorry\n");
    run.await.unwrap();
    assert_eq!(
        paper.text(),
        "You said one. [1]\n\n  [1] Bhutan — says — f1 (world.ttl)\n\n\
         You said two. [1]\n\n  [1] Bhutan — says — f1 (world.ttl)\n\n\
         No model.\n\n"
    );
    let heard = bot.heard.lock().unwrap();
    assert_eq!(
        heard.iter().map(|inbound| inbound.text.as_str()).collect::<Vec<_>>(),
        ["one", "two", "sorry"]
    );
    assert!(heard.iter().all(|inbound| inbound.conversation == heard[0].conversation));
    assert_ne!(heard[0].id, heard[1].id);
}

#[tokio::test]
async fn commands_are_not_for_the_bot() {
    let Talk { bot, paper, run, .. } = talk("/help\n/halp me\n/quit\nnever\n");
    run.await.unwrap();
    assert!(bot.heard.lock().unwrap().is_empty());
    let text = paper.text();
    assert!(text.contains("/quit   ends the chat") && text.contains("/halp is no command"), "{text}");
}

#[tokio::test]
async fn a_refusal_is_shown_and_the_chat_goes_on() {
    let Talk { bot, paper, run, .. } = talk("one\ntwo\n");
    *bot.refusal.lock().unwrap() = Some(Refusal::TooLong { length: 9, limit: 5 });
    run.await.unwrap();
    assert!(paper.text().starts_with("the message has 9 characters and the bot takes 5; shorten it"));
    assert!(paper.text().contains("You said two."));
}

#[tokio::test]
async fn a_stopping_bot_ends_the_chat() {
    let Talk { bot, run, .. } = talk("one\ntwo\n");
    *bot.refusal.lock().unwrap() = Some(Refusal::Stopping);
    run.await.unwrap();
    assert!(bot.heard.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_stop_waits_for_the_reply_in_flight() {
    let Talk { bot, paper, stop, run } = talk("one\ntwo\n");
    let run = tokio::spawn(run);
    while bot.heard.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    stop.cancel();
    timeout(Duration::from_secs(5), run).await.unwrap().unwrap().unwrap();
    assert!(paper.text().starts_with("You said one."));
    assert_eq!(bot.heard.lock().unwrap().len(), 1, "nothing more is asked after a stop");
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_never_comes_does_not_hold_a_stop_for_ever() {
    let Talk { bot, stop, run, .. } = talk("silence\n");
    let run = tokio::spawn(run);
    while bot.heard.lock().unwrap().is_empty() {
        // The thread that reads lines lives in real time.
        std::thread::sleep(Duration::from_millis(1));
        tokio::task::yield_now().await;
    }
    let stopped = Instant::now();
    stop.cancel();
    run.await.unwrap().unwrap();
    assert_eq!(stopped.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn a_reader_that_has_gone_ends_the_chat() {
    let bot = Arc::new(Bot::default());
    let lines = "one\n".repeat(1000);
    let (ingress, egress) = connect_with(BotCard::default(), Cursor::new(lines), Box::new(Broken)).unwrap();
    let _ = bot.egress.set(Arc::new(egress));
    Box::new(ingress).run(bot.clone(), CancellationToken::new()).await.unwrap();
    assert_eq!(bot.heard.lock().unwrap().len(), 1);
}
