//! No token reaches a log, at any level, whatever happens.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use loquat_contract::{Acknowledgement, Interactions};
use loquat_fake_discord::{Fault, Options};
use serde_json::json;
use tokio::runtime::Handle;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

use super::fakes::{Bot, draft, envelope, key};
use super::fixture::{Guild, TOKEN};
use super::interactions::commands;

/// All that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Everything that a bot does, well and badly, while each crate logs all that it has to say. Discord runs on threads of its own, which log
/// nothing: what it writes down is its own matter.
#[test]
fn no_token_is_in_any_log() {
    let log = Log::default();
    let all = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
    // Of this thread, with the bridge for crates that use `log`.
    let logging = all.with_writer(log.clone()).finish().set_default();
    let elsewhere =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tickets = runtime.block_on(everything(elsewhere.handle()));
    log::trace!("the bridge is there");
    drop(logging);
    let text = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(text.contains("Discord: connected"), "the log is not of the bot");
    assert!(text.contains("the bridge is there"), "what crates log with `log` is not in it");
    let tokens = tickets.iter().map(|ticket| {
        let ticket: serde_json::Value = serde_json::from_str(ticket).unwrap();
        ticket["token"].as_str().unwrap().to_owned()
    });
    let secrets: Vec<String> =
        tokens.chain([TOKEN.to_owned(), "not-a-token-that-is-valid".to_owned()]).collect();
    assert!(secrets.len() >= 4, "{}", secrets.len());
    for secret in &secrets {
        let at = text.find(secret.as_str());
        let around = at.map(|at| text[..at].lines().last().unwrap_or_default().to_owned());
        assert!(at.is_none(), "a secret stands in the log: {around:?}");
        // Nor in the spellings that a hex or byte dump has.
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(!text.to_lowercase().contains(&hex));
        assert!(!text.contains(&format!("{:?}", secret.as_bytes())));
    }
}

/// A Discord on other threads than this.
async fn guild(elsewhere: &Handle) -> Guild {
    let options = Options { heartbeat: Duration::from_millis(200), ..Options::default() };
    elsewhere.spawn(Guild::with(options)).await.unwrap().unwrap()
}

async fn everything(elsewhere: &Handle) -> Vec<String> {
    let bot = Bot::unready(guild(elsewhere).await, |config| config).await;
    let discord = &bot.guild.discord;
    discord.ready().await.unwrap();
    bot.egress.offer(&commands()).await.unwrap();
    bot.say("a", "ann", format!("{} hello", bot.mention()));
    let to = bot.sink.after(1).await.remove(0).address();
    bot.draft(&draft(to.clone(), "hi")).await;
    bot.deliver(&envelope(to.clone(), "hi")).await;
    let (channel, ann) = (bot.guild.channel("a"), discord.person("ann"));
    let mut tickets = Vec::new();
    for (number, fault) in [
        None,
        Some(Fault::ServerError(502)),
        Some(Fault::BrokenOff),
        Some(Fault::TakenWithoutAnswer),
        Some(Fault::TooMany { retry_after: None, is_global: false }),
    ]
    .into_iter()
    .enumerate()
    {
        if let Some(fault) = fault {
            for route in ["POST /interactions/*", "PATCH /webhooks/*", "POST /channels/*/messages"] {
                discord.fault(route, fault.clone(), 1);
            }
        }
        discord.slash(channel, ann, "ask", &[("question", json!("what?"))]).unwrap();
        let inbound = bot.sink.after(number + 2).await.pop().unwrap();
        let _ = bot.egress.acknowledge(&inbound, Acknowledgement::Working { is_private: true }).await;
        let mut answer = envelope(inbound.address(), "this");
        (answer.ticket, answer.key) = (inbound.ticket.clone(), key(u32::try_from(number).unwrap() + 10));
        bot.deliver(&answer).await;
        bot.deliver(&answer).await;
        // Neither does a Debug print show it.
        let printed = format!("{inbound:?} {answer:?}");
        let ticket = inbound.ticket.unwrap().0;
        assert!(!printed.contains(&ticket));
        tickets.push(ticket);
    }
    discord.calm();
    discord.drop_gateway();
    discord.ready().await.unwrap();
    bot.say("a", "ann", format!("{} again", bot.mention()));
    bot.sink.after(7).await;
    for code in [4004, 4014] {
        let guild = guild(elsewhere).await;
        guild.discord.refuse_gateway(code, 1);
        assert!(Bot::unready(guild, |config| config).await.ended().await.is_err());
    }
    let guild = guild(elsewhere).await;
    let wrong =
        |config| crate::Config { token: Some("not-a-token-that-is-valid".to_owned().into()), ..config };
    let ended = Bot::unready(guild, wrong).await.ended().await;
    assert!(!format!("{ended:?}").contains("not-a-token-that-is-valid"));
    // Nobody is there; and somebody who answers what is no HTTP.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let nonsense = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = nonsense.local_addr().unwrap().to_string();
    let answering = tokio::spawn(async move {
        while let Ok((mut socket, _)) = nonsense.accept().await {
            let _ = tokio::io::AsyncWriteExt::write_all(&mut socket, b"what is this?\n\n").await;
        }
    });
    for address in [free, address] {
        let (ingress, egress) =
            crate::connect(super::fixture::config(&address), loquat_contract::BotCard::default()).unwrap();
        let sink = Arc::new(super::fakes::FakeSink::default());
        let ended =
            loquat_contract::Ingress::run(&ingress, sink, loquat_contract::CancellationToken::new()).await;
        let delivery = loquat_contract::Egress::deliver(&egress, &envelope(to.clone(), "hi")).await;
        assert!(!format!("{ended:?} {delivery:?}").contains(TOKEN));
    }
    answering.abort();
    tickets
}
