//! Whatever is sent, the server stays: requests that are broken in every way that a request can be, 10,000 of them, and no panic and no answer
//! of 5xx. `LOQUAT_FUZZ_REQUESTS` says how many, `LOQUAT_FUZZ_SEED` which.

#[path = "served/bot.rs"]
mod bot;
#[path = "malformed/requests.rs"]
mod requests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bot::Served;
use futures::StreamExt;
use requests::Requests;

/// How many requests there are at the same time.
const AT_ONCE: usize = 64;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// The status of an answer; 0 where there is none.
fn status(answer: &[u8]) -> u16 {
    let line = answer.strip_prefix(b"HTTP/1.").and_then(|rest| rest.get(2..5));
    line.and_then(|digits| std::str::from_utf8(digits).ok())
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_malformed_request_breaks_the_server() -> anyhow::Result<()> {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Ordering::SeqCst);
        before(info);
    }));
    let served = Arc::new(Served::start().await?);
    let count = number("LOQUAT_FUZZ_REQUESTS").unwrap_or(10_000);
    let seed = number("LOQUAT_FUZZ_SEED").unwrap_or(0x2545_f491);
    let mut requests = Requests::new(seed, &served);
    let (mut statuses, mut faults) = (BTreeMap::<u16, usize>::new(), Vec::new());
    let mut sent = 0_usize;
    let all: Vec<Vec<u8>> = (0..count).map(|_| requests.next()).collect();
    let server = served.as_ref();
    let answers = all.iter().map(|request| async move { (request, server.send(request, false).await) });
    let mut answers = futures::stream::iter(answers).buffer_unordered(AT_ONCE);
    while let Some((request, answer)) = answers.next().await {
        // A server that does not answer in long is as broken as one that is not there.
        let status = status(&answer?);
        *statuses.entry(status).or_default() += 1;
        if status >= 500 {
            faults.push(format!("{status}: {:?}", String::from_utf8_lossy(request)));
        }
        sent += 1;
    }
    println!("{sent} requests, seed {seed}: {statuses:?}, {} panics", PANICS.load(Ordering::SeqCst));
    assert_eq!(PANICS.load(Ordering::SeqCst), 0);
    assert!(faults.is_empty(), "{} answers of 5xx: {:#?}", faults.len(), &faults[..faults.len().min(10)]);
    // Most of them were understood well enough to be refused, and some were good.
    let refused: usize = statuses.range(400..500).map(|(_, count)| count).sum();
    let taken: usize = statuses.range(200..300).map(|(_, count)| count).sum();
    assert!(refused * 3 > sent && taken > 0, "{statuses:?}");
    served.begin().await.map(drop)
}
