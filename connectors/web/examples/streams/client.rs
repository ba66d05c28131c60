//! The people. In: a server's address. Out: how late its tokens came to them, and what they cost it.

use std::io::{BufRead, BufReader};
use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::StreamExt;
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;

use crate::http::Connection;
use crate::{Error, Load};

/// How many connections messages are sent on.
const POSTERS: usize = 32;
/// How many people come at the same time.
const COMING: usize = 32;
/// How long everybody is answered before anything counts.
const WARM_UP: Duration = Duration::from_secs(5);
/// How often the client looks how late its own timers are.
const TICK: Duration = Duration::from_millis(10);

/// Somebody with a stream.
struct Somebody {
    token: String,
    conversation: String,
}

/// What is counted.
#[derive(Default)]
struct Counts {
    counting: AtomicBool,
    over: AtomicBool,
    /// Delays in microseconds.
    delays: Mutex<Vec<u32>>,
    answers: AtomicUsize,
    bytes: AtomicU64,
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as u64
}

/// A number of a process's own, out of Linux's table: `VmRSS`, `VmHWM`.
fn memory(process: u32, which: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(which)?.strip_prefix(':'))?;
    line.trim().trim_end_matches(" kB").trim().parse().ok()
}

/// How long a process has computed, in hundredths of a second.
fn computed(process: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut behind = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    Some(behind.next()?.parse::<u64>().ok()? + behind.next()?.parse::<u64>().ok()?)
}

async fn come(host: &str) -> Result<Somebody, Error> {
    let mut connection = Connection::open(host).await?;
    let session = connection.ask("POST", "/api/session", "", "{}").await?;
    let token = session["token"].as_str().ok_or("a session without a token")?.to_owned();
    let begun = connection.ask("POST", "/api/conversations", &token, "{}").await?;
    let conversation = begun["id"].as_str().ok_or("a conversation without an id")?.to_owned();
    Ok(Somebody { token, conversation })
}

/// Reads a stream: each token once, each answer's end.
async fn listen(
    mut stream: tokio::io::BufReader<tokio::net::TcpStream>,
    counts: Arc<Counts>,
    mut answered: impl FnMut(&[u8]) -> bool,
) -> Result<(), Error> {
    let mut kept: Vec<u8> = Vec::new();
    let mut piece = vec![0; 16 * 1024];
    let mut seen = 0;
    let (mut delays, mut is_reply) = (Vec::new(), false);
    loop {
        let read = stream.read(&mut piece).await?;
        let came = now();
        if read == 0 || counts.over.load(Ordering::Relaxed) {
            counts.delays.lock().unwrap_or_else(PoisonError::into_inner).append(&mut delays);
            return Ok(());
        }
        counts.bytes.fetch_add(read as u64, Ordering::Relaxed);
        kept.extend_from_slice(&piece[..read]);
        let Some(whole) = kept.iter().rposition(|byte| *byte == b'\n') else { continue };
        for line in kept[..whole].split(|byte| *byte == b'\n') {
            // What is told again is no further answer.
            if is_reply && line.starts_with(b"data:") {
                is_reply = false;
                if answered(line) {
                    counts.answers.fetch_add(1, Ordering::Relaxed);
                }
            }
            is_reply |= line.starts_with(b"event: reply");
            for at in line.iter().enumerate().filter(|(_, byte)| **byte == b'@').map(|(at, _)| at) {
                let digits = line[at + 1..].iter().take_while(|byte| byte.is_ascii_digit());
                let due = digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
                if due <= seen {
                    continue;
                }
                seen = due;
                if counts.counting.load(Ordering::Relaxed) {
                    delays.push(came.saturating_sub(due) as u32);
                }
            }
        }
        kept.drain(..=whole);
    }
}

/// Sends what is to be said, on few connections.
fn posters(host: &str) -> mpsc::UnboundedSender<(String, String, String)> {
    let (sender, said) = mpsc::unbounded_channel::<(String, String, String)>();
    let said = Arc::new(tokio::sync::Mutex::new(said));
    for _ in 0..POSTERS {
        let (said, host) = (said.clone(), host.to_owned());
        tokio::spawn(async move {
            let mut connection = Connection::open(&host).await?;
            loop {
                let next = said.lock().await.recv().await;
                let Some((path, token, body)) = next else { return Ok::<_, Error>(()) };
                if let Err(error) = connection.ask("POST", &path, &token, &body).await {
                    eprintln!("{error}");
                    connection = Connection::open(&host).await?;
                }
            }
        });
    }
    sender
}

fn percentile(sorted: &[u32], part: f64) -> f64 {
    let at = ((sorted.len() as f64 * part) as usize).min(sorted.len().saturating_sub(1));
    sorted.get(at).map_or(f64::NAN, |micros| f64::from(*micros) / 1000.0)
}

pub(crate) async fn measure(load: Load, server: &mut Child) -> Result<(), Error> {
    let (process, mut host) = (server.id(), String::new());
    BufReader::new(server.stdout.as_mut().ok_or("a server without an output")?).read_line(&mut host)?;
    let host = host.trim().to_owned();
    let counts = Arc::new(Counts::default());
    let say = posters(&host);

    // One answer first, so that what the server makes once counts for no stream.
    let first = open(&host, &counts, &say, 1, 1).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = memory(process, "VmRSS");
    let mut tasks = open(&host, &counts, &say, load.streams, 0).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let open_ = memory(process, "VmRSS");

    tasks.begin(&say, load.writing, Duration::from_millis(75 * load.tokens as u64)).await;
    tokio::time::sleep(WARM_UP).await;
    let (begun, computed_before, answers, bytes) = (
        std::time::Instant::now(),
        computed(process),
        counts.answers.load(Ordering::Relaxed),
        counts.bytes.load(Ordering::Relaxed),
    );
    counts.counting.store(true, Ordering::Relaxed);
    let mut own = Vec::new();
    let mut tick = tokio::time::interval(TICK);
    let mut most = open_;
    while begun.elapsed() < Duration::from_secs(load.seconds) {
        let due = tick.tick().await;
        own.push(due.elapsed().as_micros() as u32);
        if own.len() % 100 == 0 {
            most = most.max(memory(process, "VmRSS"));
        }
    }
    let took = begun.elapsed().as_secs_f64();
    counts.counting.store(false, Ordering::Relaxed);
    let answers = counts.answers.load(Ordering::Relaxed) - answers;
    let bytes = counts.bytes.load(Ordering::Relaxed) - bytes;
    let cpu = computed(process).zip(computed_before).map(|(after, before)| (after - before) as f64 / took);
    counts.over.store(true, Ordering::Relaxed);
    tasks.end().await;
    first.end().await;

    let mut delays = std::mem::take(&mut *counts.delays.lock().unwrap_or_else(PoisonError::into_inner));
    delays.sort_unstable();
    own.sort_unstable();
    let each = |after: Option<u64>| {
        after
            .zip(before)
            .map_or(f64::NAN, |(after, before)| after.saturating_sub(before) as f64 / load.streams as f64)
    };
    println!(
        "{} streams open, {} of them answered all the time, {} tokens an answer, {took:.0} s",
        load.streams, load.writing, load.tokens
    );
    println!(
        "tokens: {} ({:.0} a second), answers: {answers}, {:.1} MB/s",
        delays.len(),
        delays.len() as f64 / took,
        bytes as f64 / took / 1e6
    );
    println!(
        "delay of a token: p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms, most {:.1} ms",
        percentile(&delays, 0.5),
        percentile(&delays, 0.9),
        percentile(&delays, 0.99),
        percentile(&delays, 0.999),
        percentile(&delays, 1.0)
    );
    println!(
        "of it the client's own timers: p50 {:.1} ms, p99 {:.1} ms",
        percentile(&own, 0.5),
        percentile(&own, 0.99)
    );
    println!(
        "memory of a stream: {:.1} KiB open, {:.1} KiB while answered; the server computed {:.0} % of a core",
        each(open_),
        each(most),
        cpu.unwrap_or(f64::NAN)
    );
    Ok(())
}

/// Open streams.
struct Streams {
    people: Vec<Arc<Somebody>>,
    tasks: tokio::task::JoinSet<()>,
    is_answered: Arc<AtomicUsize>,
}

impl Streams {
    /// Has the first so many answered all the time from now on, one beginning after the other within `within`: people do not all ask at
    /// the same moment.
    async fn begin(
        &mut self,
        say: &mpsc::UnboundedSender<(String, String, String)>,
        writing: usize,
        within: Duration,
    ) {
        self.is_answered.store(writing, Ordering::Relaxed);
        let begun = tokio::time::Instant::now();
        for (index, somebody) in self.people.iter().take(writing).enumerate() {
            tokio::time::sleep_until(begun + within.mul_f64(index as f64 / writing as f64)).await;
            ask(say, somebody, 0);
        }
    }

    async fn end(mut self) {
        // Those that are not answered hear nothing any more.
        if tokio::time::timeout(Duration::from_secs(2), async {
            while self.tasks.join_next().await.is_some() {}
        })
        .await
        .is_err()
        {
            self.tasks.abort_all();
        }
    }
}

fn ask(say: &mpsc::UnboundedSender<(String, String, String)>, somebody: &Somebody, number: u64) {
    let path = format!("/api/conversations/{}/messages", somebody.conversation);
    let body = format!(r#"{{"id":"m{number}","text":"Number {number}?"}}"#);
    // Nobody reads any more once it is over.
    let _over = say.send((path, somebody.token.clone(), body));
}

/// Lets people come and open their streams; the first `answered` of them are asked again after each answer.
async fn open(
    host: &str,
    counts: &Arc<Counts>,
    say: &mpsc::UnboundedSender<(String, String, String)>,
    many: usize,
    answered: usize,
) -> Result<Streams, Error> {
    let is_answered = Arc::new(AtomicUsize::new(answered));
    let mut coming = futures::stream::iter(0..many)
        .map(async |_| {
            let somebody = Arc::new(come(host).await?);
            let path = format!("/api/conversations/{}/events", somebody.conversation);
            let stream = Connection::open(host).await?.listen(&path, &somebody.token).await?;
            Ok::<_, Error>((somebody, stream))
        })
        .buffer_unordered(COMING);
    let (mut people, mut tasks) = (Vec::new(), tokio::task::JoinSet::new());
    while let Some(came) = coming.next().await {
        let (somebody, stream) = came?;
        let (index, mut number) = (people.len(), 0);
        let (who, say, goes_on) = (somebody.clone(), say.clone(), is_answered.clone());
        let again = move |reply: &[u8]| {
            let which = format!(r#""in_reply_to":"m{number}""#);
            if !reply.windows(which.len()).any(|piece| piece == which.as_bytes()) {
                return false;
            }
            number += 1;
            if index < goes_on.load(Ordering::Relaxed) {
                ask(&say, &who, number);
            }
            true
        };
        let counts = counts.clone();
        tasks.spawn(async move {
            if let Err(error) = listen(stream, counts, again).await {
                eprintln!("{error}");
            }
        });
        people.push(somebody);
    }
    drop(coming);
    let mut streams = Streams { people, tasks, is_answered };
    if answered > 0 {
        streams.begin(say, answered, Duration::ZERO).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        streams.is_answered.store(0, Ordering::Relaxed);
    }
    Ok(streams)
}
