//! Conversations from a script of lines.

use std::io::Cursor;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use loquat_contract::{
    BotCard, BoxFuture, CancellationToken, ConnectorError, Draft, Egress, Inbound, Ingress, Policy, Receipt,
    Refusal, Sink,
};
use tokio::time::{Instant, timeout};

use super::fakes::{Broken, Paper, envelope, notice, reply, supported};
use crate::{TerminalIngress, connect_with};

/// Answers each message a moment later, as its text says.
#[derive(Default)]
pub(super) struct Bot {
    egress: OnceLock<Arc<dyn Egress>>,
    heard: Mutex<Vec<Inbound>>,
    refusal: Mutex<Option<Refusal>>,
    /// What the next message comes to, in place of being answered.
    receipt: Mutex<Option<Receipt>>,
}

impl Bot {
    /// One that answers here.
    pub(super) fn answering(egress: Arc<dyn Egress>) -> Self {
        let bot = Self::default();
        let _ = bot.egress.set(egress);
        bot
    }
}

impl Sink for Bot {
    fn accept(&self, inbound: Inbound) -> BoxFuture<'_, Result<Receipt, Refusal>> {
        Box::pin(async move {
            if let Some(refusal) = self.refusal.lock().unwrap().take() {
                return Err(refusal);
            }
            if let Some(receipt) = self.receipt.lock().unwrap().take() {
                return Ok(receipt);
            }
            let known = |heard: &Inbound| heard.id == inbound.id;
            if self.heard.lock().unwrap().iter().any(known) {
                return Ok(Receipt::Duplicate);
            }
            self.heard.lock().unwrap().push(inbound.clone());
            let egress = self.egress.get().unwrap().clone();
            let slow = inbound.text() == Some("slow");
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                let to = inbound.address();
                match inbound.text().unwrap() {
                    "silence" => {}
                    "sorry" => {
                        let _ = egress.deliver(&notice(&to, "No model.")).await;
                    }
                    text => {
                        let sentences = vec![supported(&format!("You said {text}."), &["f1"])];
                        egress.drafts().unwrap().draft(&Draft::new(to.clone(), sentences.clone())).await;
                        let reply = reply("en", Policy::Strict, sentences);
                        let _ = egress.deliver(&envelope(&to, &reply)).await;
                    }
                }
            });
            if slow {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Ok(Receipt::Accepted)
        })
    }
}

struct Talk {
    bot: Arc<Bot>,
    paper: Paper,
    stop: CancellationToken,
    ingress: Arc<TerminalIngress>,
    run: BoxFuture<'static, Result<(), ConnectorError>>,
}

fn talk(lines: &'static str) -> Talk {
    let (paper, stop) = (Paper::default(), CancellationToken::new());
    let card = BotCard { name: "Loquat".into(), ..BotCard::default() };
    let (ingress, egress) = connect_with(card, Cursor::new(lines), Box::new(paper.clone())).unwrap();
    let bot = Arc::new(Bot::answering(Arc::new(egress)));
    let ingress = Arc::new(ingress);
    let run = run(&ingress, &bot, &stop);
    Talk { bot, paper, stop, ingress, run }
}

fn run(
    ingress: &Arc<TerminalIngress>,
    bot: &Arc<Bot>,
    stop: &CancellationToken,
) -> BoxFuture<'static, Result<(), ConnectorError>> {
    let (ingress, bot, stop) = (ingress.clone(), bot.clone(), stop.clone());
    Box::pin(async move { ingress.run(bot, stop).await })
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
        heard.iter().map(|inbound| inbound.text().unwrap()).collect::<Vec<_>>(),
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
    let Talk { bot, paper, stop, run, .. } = talk("one\ntwo\n");
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
    let lines = "one\n".repeat(1000);
    let (ingress, egress) = connect_with(BotCard::default(), Cursor::new(lines), Box::new(Broken)).unwrap();
    let bot = Arc::new(Bot::answering(Arc::new(egress)));
    ingress.run(bot.clone(), CancellationToken::new()).await.unwrap();
    assert_eq!(bot.heard.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_the_host_answers_or_ignores_is_not_waited_for() {
    for (receipt, printed) in
        [(Receipt::Answered("You are \u{7}paired.".into()), "You are paired.\n\n"), (Receipt::Ignored, "")]
    {
        let Talk { bot, paper, run, .. } = talk("one\ntwo\n");
        *bot.receipt.lock().unwrap() = Some(receipt);
        timeout(Duration::from_secs(5), run).await.unwrap().unwrap();
        assert!(paper.text().starts_with(&format!("{printed}You said two. [1]\n")), "{}", paper.text());
    }
}

#[tokio::test]
async fn a_run_that_was_dropped_goes_on_where_it_was() {
    // While the sink takes the message, while it is answered, and while the next line is read.
    for pause in [0, 10, 30, 100, 300] {
        let Talk { bot, paper, stop, ingress, run: first } = talk("slow\ntwo\nthree\n");
        let _ = timeout(Duration::from_millis(pause), first).await;
        timeout(Duration::from_secs(5), run(&ingress, &bot, &stop)).await.unwrap().unwrap();
        let heard = bot.heard.lock().unwrap();
        assert_eq!(
            heard.iter().map(|inbound| inbound.text().unwrap()).collect::<Vec<_>>(),
            ["slow", "two", "three"]
        );
        let answers: Vec<String> =
            paper.text().lines().filter(|line| line.starts_with("You")).map(Into::into).collect();
        let expected = ["You said slow. [1]", "You said two. [1]", "You said three. [1]"];
        assert_eq!(answers, expected, "after {pause} ms");
        assert!(!paper.text().contains("earlier question"));
    }
}
