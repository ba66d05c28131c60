//! One tab. In: an event stream, which it opens again whenever it ends. Out: one answer for each message, as the page shows it.

use std::collections::HashMap;
use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use loquat_conformance::{Fault, Shown};
use loquat_contract::{Button, Document, Format};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::browser::token;

/// How long it waits before it connects again.
const RETRY: Duration = Duration::from_millis(50);
/// How long a connection looks alive on which nothing is read any more.
const HALF_OPEN: Duration = Duration::from_secs(1);

/// The fault that the next answer meets.
#[derive(Default)]
pub(super) struct Faults {
    armed: Mutex<Option<Fault>>,
    happened: AtomicUsize,
}

impl Faults {
    pub(super) fn arm(&self, fault: Fault) {
        *self.armed.lock().unwrap() = Some(fault);
    }

    pub(super) fn happened(&self) -> usize {
        self.happened.load(Ordering::Relaxed)
    }

    fn take(&self) -> Option<Fault> {
        let fault = self.armed.lock().unwrap().take();
        self.happened.fetch_add(usize::from(fault.is_some()), Ordering::Relaxed);
        fault
    }
}

/// What the tab has heard.
#[derive(Default)]
struct Page {
    /// The watermark.
    seen: Option<String>,
    /// Where in the conversation each message stands.
    places: HashMap<String, u64>,
    answers: Vec<Answer>,
    /// How many sentences of the draft of each answer this stream has brought.
    drafted: HashMap<String, u64>,
}

struct Answer {
    in_reply_to: String,
    text: String,
    buttons: Vec<Button>,
}

/// A tab that listens until it is dropped.
pub(super) struct Tab {
    page: Arc<Mutex<Page>>,
    listening: JoinHandle<()>,
}

impl Tab {
    /// Listens to a conversation.
    pub(super) fn open(port: u16, conversation: &str, faults: Arc<Faults>) -> Self {
        let page = Arc::new(Mutex::new(Page::default()));
        let (heard, path) = (page.clone(), format!("/api/conversations/{conversation}/events"));
        let listening = tokio::spawn(async move {
            loop {
                // Whether the bot is gone or the stream has ended, it is asked again.
                let _ = listen(port, &path, &heard, &faults).await;
                tokio::time::sleep(RETRY).await;
            }
        });
        Self { page, listening }
    }

    /// What it shows.
    pub(super) fn shown(&self) -> Vec<Shown> {
        let page = self.page.lock().unwrap();
        // In the order of the conversation, whatever came first; what belongs to no message that is known comes last.
        let mut answers: Vec<&Answer> = page.answers.iter().collect();
        answers.sort_by_key(|answer| page.places.get(&answer.in_reply_to).copied().unwrap_or(u64::MAX));
        let shown = |answer: &&Answer| Shown {
            text: answer.text.clone(),
            key: Some(answer.in_reply_to.clone()),
            notified: Vec::new(),
            fault: None,
        };
        answers.iter().map(shown).collect()
    }

    /// The button of this label below the newest answer that has this word, and what that answers.
    pub(super) fn button(&self, word: &str, label: &str) -> Option<(String, String)> {
        let page = self.page.lock().unwrap();
        let answer = page.answers.iter().rev().find(|answer| answer.text.contains(word))?;
        let button = answer.buttons.iter().find(|button| button.label == label)?;
        Some((answer.in_reply_to.clone(), button.id.clone()))
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(port: u16, path: &str, page: &Mutex<Page>, faults: &Faults) -> io::Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let last =
        page.lock().unwrap().seen.as_ref().map_or(String::new(), |id| format!("Last-Event-ID: {id}\r\n"));
    // HTTP/1.0, because then the stream comes without chunks.
    let request = format!(
        "GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {}\r\n{last}\r\n",
        token()
    );
    stream.write_all(request.as_bytes()).await?;
    page.lock().unwrap().drafted.clear();
    let mut heard: Vec<u8> = Vec::new();
    let mut in_body = false;
    loop {
        // Small pieces, so that there is a middle of an event to break off in.
        let mut piece = [0; 64];
        let length = stream.read(&mut piece).await?;
        if length == 0 {
            return Ok(());
        }
        heard.extend_from_slice(&piece[..length]);
        if !in_body {
            let Some((head, rest)) = split(&heard, b"\r\n\r\n") else { continue };
            if !head.starts_with(b"HTTP/1.0 200") {
                return Err(io::Error::other(String::from_utf8_lossy(head)));
            }
            (heard, in_body) = (rest.to_vec(), true);
        }
        while let Some((event, rest)) = split(&heard, b"\n\n") {
            page.lock().unwrap().hear(&String::from_utf8_lossy(event));
            heard = rest.to_vec();
        }
        if is_begun_answer(&heard) {
            match faults.take() {
                Some(Fault::HalfOpen) => {
                    tokio::time::sleep(HALF_OPEN).await;
                    return Ok(());
                }
                Some(_) => return Ok(()),
                None => {}
            }
        }
    }
}

fn split<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes.windows(mark.len()).position(|window| window == mark)?;
    Some((&bytes[..at], &bytes[at + mark.len()..]))
}

/// Whether this is the beginning of an answer and not of a draft.
fn is_begun_answer(heard: &[u8]) -> bool {
    let heard = String::from_utf8_lossy(heard);
    heard.contains("data:")
        && ["reply", "problem", "notice"].iter().any(|kind| heard.contains(&format!("event: {kind}\n")))
}

impl Page {
    /// What the page does with an event: it keeps one answer for each message, the last that came.
    fn hear(&mut self, event: &str) {
        let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        if let Some(id) = field("id:") {
            self.seen = Some(id.to_owned());
        }
        let data: Value = field("data:").and_then(|data| data.parse().ok()).unwrap_or_default();
        let word = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
        match field("event:") {
            Some("message") => {
                // A change stands where its message stands.
                if let Some(sequence) = data["sequence"].as_u64().filter(|_| data["edits"].is_null()) {
                    self.places.insert(word("id"), sequence);
                }
            }
            Some("reply" | "problem" | "notice") => {
                let document: Document = serde_json::from_value(data["document"].clone()).unwrap();
                let buttons: Vec<Vec<Button>> = serde_json::from_value(data["buttons"].clone()).unwrap();
                let answer = Answer {
                    in_reply_to: word("in_reply_to"),
                    text: document.render(Format::Plain),
                    buttons: buttons.concat(),
                };
                self.answers.retain(|known| known.in_reply_to != answer.in_reply_to);
                self.answers.push(answer);
            }
            Some("draft") => {
                let (from, new) =
                    (data["from"].as_u64().unwrap(), data["sentences"].as_array().unwrap().len());
                let drafted = self.drafted.entry(word("in_reply_to")).or_default();
                assert!(from <= *drafted, "sentences {drafted} to {from} of a draft are missing");
                *drafted = from + new as u64;
            }
            Some("erased") => {
                self.answers.clear();
                self.places.clear();
            }
            _ => {}
        }
    }
}
