//! Measures what the journal and the dispatch promise: `cargo run --release -p loquat-tests --example delivery -- WHAT`, where WHAT is
//! `throughput`, `latency`, `memory`, `recovery` or `soak [MINUTES]`; without it, all but the last.
#![expect(clippy::print_stdout, reason = "what was measured is printed")]

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use loquat_contract::testing::{Echo, reply};
use loquat_contract::{
    BoxFuture, CancellationToken, Capabilities, ConversationId, Delivery, Document, Egress, Envelope,
    Inbound, Journal, Part, PartState, Prepared, Sender, Settlement, Step,
};
use loquat_dispatch::{Bot, Dispatch};
use loquat_journal::EmbeddedJournal;
use loquat_tests::program::User;
use loquat_tests::server::Server;

const QUESTION: &str = "What is the capital of Bhutan?";

fn conversation(bot: &str, platform: &str, channel: String) -> ConversationId {
    ConversationId { bot: bot.into(), platform: platform.into(), channel, thread: None }
}

fn message(channel: u64, id: u64) -> Inbound {
    let conversation = conversation("b", "post", format!("channel-{channel}"));
    Inbound::message(conversation, id.to_string(), Sender::new(format!("person-{channel}")), QUESTION)
}

/// A folder on the disk that the build is on: many machines have /tmp in memory.
fn folder() -> anyhow::Result<tempfile::TempDir> {
    Ok(tempfile::tempdir_in(Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"))?)
}

/// Messages accepted a second with this many in flight.
async fn throughput() -> anyhow::Result<()> {
    for in_flight in [1_u64, 8, 64, 512] {
        let folder = folder()?;
        let journal = EmbeddedJournal::open(folder.path())?;
        let (number, end) = (Arc::new(AtomicU64::new(0)), Instant::now() + Duration::from_secs(5));
        let tasks = (0..in_flight).map(|channel| {
            let (journal, number) = (journal.clone(), number.clone());
            tokio::spawn(async move {
                while Instant::now() < end {
                    let id = number.fetch_add(1, Ordering::Relaxed);
                    journal.accept(&message(channel, id)).await?;
                }
                anyhow::Ok(())
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await??;
        }
        let rate = number.load(Ordering::Relaxed) / 5;
        println!("accepted a second, {in_flight:>3} in flight: {rate}");
    }
    Ok(())
}

/// From handing a message over until it is durable, at 1,000 a second that come by the clock, whether or not earlier ones are done.
async fn latency() -> anyhow::Result<()> {
    let folder = folder()?;
    let journal = EmbeddedJournal::open(folder.path())?;
    let mut every = tokio::time::interval(Duration::from_millis(1));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    let mut tasks = Vec::new();
    for id in 0..20_000 {
        let due = every.tick().await;
        let journal = journal.clone();
        tasks.push(tokio::spawn(async move {
            journal.accept(&message(id % 64, id)).await?;
            // From when it was due, so that a late start counts too.
            anyhow::Ok(due.elapsed())
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.push(task.await??);
    }
    times.sort();
    let at = |part: usize| times[times.len() * part / 1000].as_secs_f64() * 1e3;
    println!(
        "accept to durable at 1,000/s: median {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms",
        at(500),
        at(990),
        at(999)
    );
    Ok(())
}

/// Takes everything.
struct Everything;

impl Egress for Everything {
    fn capabilities(&self) -> Capabilities {
        Capabilities { outlives_process: true, ..Capabilities::default() }
    }

    fn deliver<'a>(&'a self, _: &'a Envelope) -> BoxFuture<'a, Delivery> {
        Box::pin(async { Delivery::Sent { id: None } })
    }
}

/// Resident memory of a process, in bytes.
fn resident(process: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes * 1024)
}

/// Memory of conversations that have been answered once and are idle: queues, journal, and what the engine remembers.
async fn memory() -> anyhow::Result<()> {
    const CONVERSATIONS: u64 = 10_000;
    let folder = folder()?;
    let journal: Arc<dyn Journal> = Arc::new(EmbeddedJournal::open(folder.path())?);
    let egresses = HashMap::from([("post".to_owned(), Arc::new(Everything) as Arc<dyn Egress>)]);
    let mut bot = Bot { max_message_chars: 1000, ..Bot::default() };
    (bot.access.messages_per_minute, bot.access.conversation_messages_per_minute) = (30, 120);
    let stop = CancellationToken::new();
    let dispatch = Dispatch::new(bot, Arc::new(Echo::default()), journal, egresses, stop);
    let sink = dispatch.sink("post").context("no sink")?;
    sink.accept(message(CONVERSATIONS, 0)).await?;
    dispatch.drain().await;
    let before = resident("self")?;
    for channel in 0..CONVERSATIONS {
        sink.accept(message(channel, 0)).await?;
    }
    dispatch.drain().await;
    ensure!(dispatch.at_work() == 0, "a conversation is at work");
    let each = resident("self")?.saturating_sub(before) / CONVERSATIONS;
    println!("memory of an idle conversation, with its limits, journal and engine's memory: {each} bytes");
    Ok(())
}

/// Fills a journal with messages that are answered, and some that are not.
async fn fill(folder: &Path, bot: &str, platform: &str, owed_in: &str) -> anyhow::Result<()> {
    const ANSWERED: u64 = 100_000;
    const OWED: u64 = 100;
    let journal = EmbeddedJournal::open(folder)?;
    let reply = Arc::new(reply("The capital of Bhutan is Thimphu."));
    let part = Part {
        text: reply.answer.clone(),
        document: Document::plain(reply.answer.clone()),
        ..Part::default()
    };
    let mut tasks = tokio::task::JoinSet::new();
    for channel in 0..1000 {
        let (journal, reply, part) = (journal.clone(), reply.clone(), part.clone());
        let conversation = conversation(bot, platform, format!("{channel:08}-0000-4000-8000-000000000000"));
        tasks.spawn(async move {
            for id in 0..ANSWERED / 1000 {
                let inbound =
                    Inbound::message(conversation.clone(), id.to_string(), Sender::new("s"), QUESTION);
                let loquat_contract::Accepted::New(sequence) = journal.accept(&inbound).await? else {
                    continue;
                };
                let prepared =
                    Prepared { reply: Some(reply.clone()), parts: vec![part.clone()], ..Prepared::default() };
                journal.record(sequence, vec![Step::Prepared(Box::new(prepared))]).await?;
                let sent = Step::Part { number: 1, state: PartState::Sent { id: None } };
                journal.record(sequence, vec![sent]).await?;
                journal.record(sequence, vec![Step::Settled(Settlement::Delivered)]).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    for id in 0..OWED {
        let conversation = conversation(bot, platform, owed_in.to_owned());
        journal.accept(&Inbound::message(conversation, id.to_string(), Sender::new("s"), QUESTION)).await?;
    }
    Ok(())
}

/// From the start to the first reply, with 100,000 messages in the journal and 100 unanswered: of the journal and dispatch alone, and
/// of the real program with its models and graph.
async fn recovery() -> anyhow::Result<()> {
    let folder = folder()?;
    fill(folder.path(), "b", "post", "owed").await?;
    let begun = Instant::now();
    let journal = EmbeddedJournal::open(folder.path())?;
    let opened = begun.elapsed();
    let (told, mut first) = tokio::sync::mpsc::unbounded_channel();
    struct First(tokio::sync::mpsc::UnboundedSender<()>);
    impl Egress for First {
        fn capabilities(&self) -> Capabilities {
            Everything.capabilities()
        }
        fn deliver<'a>(&'a self, _: &'a Envelope) -> BoxFuture<'a, Delivery> {
            let _unheard = self.0.send(());
            Box::pin(async { Delivery::Sent { id: None } })
        }
    }
    let egresses = HashMap::from([("post".to_owned(), Arc::new(First(told)) as Arc<dyn Egress>)]);
    let bot = Bot { max_message_chars: 1000, ..Bot::default() };
    let dispatch =
        Dispatch::new(bot, Arc::new(Echo::default()), Arc::new(journal), egresses, CancellationToken::new());
    dispatch.resume().await?;
    first.recv().await.context("no reply")?;
    println!(
        "100,000 messages in the journal, 100 owed: opened in {:.2} s, first reply after {:.2} s",
        opened.as_secs_f64(),
        begun.elapsed().as_secs_f64()
    );
    dispatch.drain().await;

    let user = User::new()?;
    user.ask(QUESTION)?;
    let owed_in = "3f2b8c1e-9d4a-4e6b-8a21-0c9d7e5f1b34";
    fill(&user.path(".local/share/loquat/loquat/journal"), "Loquat", "web", owed_in).await?;
    let begun = Instant::now();
    let server = tokio::task::block_in_place(|| Server::start(&user, &["--port", "0"]))?;
    let ready = begun.elapsed();
    tokio::task::block_in_place(|| server.listen(owed_in)?.reply())?;
    println!(
        "the same with the real program, its models and graph: ready in {:.2} s, first reply after {:.2} s",
        ready.as_secs_f64(),
        begun.elapsed().as_secs_f64()
    );
    Ok(())
}

/// One person's question to the real program, and how long the reply took.
fn ask(server: &Server, channel: &str, id: &str) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let mut events = server.listen(channel)?;
    ensure!(server.send(channel, id, QUESTION)? == 202, "not accepted");
    loop {
        if events.reply()?.0 == id {
            return Ok(begun.elapsed());
        }
    }
}

/// The real program at half of what it can do: whether memory grows, and whether anything fails.
fn soak(minutes: u64) -> anyhow::Result<()> {
    let user = User::new()?;
    let server = Server::start(&user, &["--port", "0", "--set", "access.messages_per_minute=0"])?;
    let channel = |number: usize| format!("{number:08}-0000-4000-8000-000000000000");
    let trial = Instant::now();
    for id in 0..50 {
        ask(&server, &channel(0), &format!("trial{id}"))?;
    }
    // One conversation after another is all that one model can do at once.
    let pause = trial.elapsed() / 50 * 2;
    println!(
        "a reply takes {:.0} ms; asking every {:.0} ms",
        pause.as_secs_f64() * 500.0,
        pause.as_secs_f64() * 1e3
    );
    let (begun, mut last, mut asked, mut errors) = (Instant::now(), Instant::now(), 0_usize, 0);
    let mut first = 0;
    println!("minute  asked  errors  resident MB");
    while begun.elapsed() < Duration::from_secs(minutes * 60) {
        let due = begun + pause * u32::try_from(asked)?;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        // A hundred people, each in a conversation that goes on.
        if let Err(error) = ask(&server, &channel(asked % 100), &format!("soak{asked}")) {
            errors += 1;
            println!("{error:#}");
        }
        asked += 1;
        if last.elapsed() >= Duration::from_secs(60) {
            last = Instant::now();
            let resident = resident(&server.id().to_string())?;
            // Caches fill in the first minutes.
            if begun.elapsed() < Duration::from_secs(360) {
                first = resident;
            }
            println!(
                "{:>6}  {asked:>5}  {errors:>6}  {:>11.1}",
                begun.elapsed().as_secs() / 60,
                resident as f64 / 1e6
            );
        }
    }
    let resident = resident(&server.id().to_string())?;
    let growth = 100.0 * (resident as f64 / first.max(1) as f64 - 1.0);
    println!("{asked} asked, {errors} errors, memory {growth:+.1} % since minute 5");
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let what: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if what.first() == Some(&"soak") {
        return soak(what.get(1).map_or(Ok(60), |minutes| minutes.parse())?);
    }
    let runtime = tokio::runtime::Runtime::new()?;
    let all = what.is_empty();
    runtime.block_on(async {
        // First: what others have freed would be used again, and not count.
        if all || what == ["memory"] {
            memory().await?;
        }
        if all || what == ["throughput"] {
            throughput().await?;
        }
        if all || what == ["latency"] {
            latency().await?;
        }
        if all || what == ["recovery"] {
            recovery().await?;
        }
        Ok(())
    })
}
