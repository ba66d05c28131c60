//! The pages' data over a real journal, and the page as a browser gets it.

mod data;
mod files;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use axum::response::Response;
use http_body_util::BodyExt;
use loquat_contract::{
    Accepted, BoxFuture, ConversationId, Document, Inbound, Journal, JournalError, Part, PartState, Prepared,
    Sender, Sequence, Settlement, Step, Ticket, Timestamp, testing,
};
use loquat_journal::EmbeddedJournal;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

use crate::{About, Action, Feedback, Gap, Operations, Problem, router};

/// A bot that was made up, on a real journal.
struct Scripted {
    journal: EmbeddedJournal,
    done: Mutex<Vec<Action>>,
}

impl Operations for Scripted {
    fn about(&self) -> About {
        About { name: "Juniper".into(), version: "0.1".into(), ..About::default() }
    }

    fn journal(&self) -> Arc<dyn Journal> {
        Arc::new(self.journal.clone())
    }

    fn metrics(&self) -> String {
        "loquat_messages_waiting 3\nloquat_reply_seconds_bucket{le=\"1\"} 4\n".to_owned()
    }

    fn feedback(&self, since: Timestamp) -> BoxFuture<'_, Result<Vec<Feedback>, Problem>> {
        let of = |at: u64| Feedback {
            reply: Sequence(1),
            person: "p:ann".into(),
            verdict: Some("bad".into()),
            text: Some("=HYPERLINK(\"x\")".into()),
            at: Timestamp(at),
            question: "q".into(),
            answer: "a".into(),
            language: "en".into(),
        };
        let all = [of(1_000), of(Timestamp::now().0)];
        Box::pin(async move { Ok(all.into_iter().filter(|one| one.at >= since).collect()) })
    }

    fn gaps(&self, _: Timestamp) -> BoxFuture<'_, Result<Vec<Gap>, Problem>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn act(&self, action: Action) -> BoxFuture<'_, Result<String, Problem>> {
        self.done.lock().unwrap().push(action.clone());
        Box::pin(async move {
            match action {
                Action::Erase(person) => {
                    let erased = self.journal.erase(&person).await?;
                    Ok(format!("{} are erased", erased.events))
                }
                Action::Discard(sequence) => {
                    let problem = "is settled".to_owned();
                    Err(JournalError::OutOfTurn { sequence, problem }.into())
                }
                _ => Ok("done".into()),
            }
        })
    }
}

struct Bench {
    _folder: TempDir,
    desk: Arc<Scripted>,
    router: Router,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let journal = EmbeddedJournal::open(folder.path()).unwrap();
        let desk = Arc::new(Scripted { journal, done: Mutex::default() });
        let router = router(desk.clone());
        Self { _folder: folder, desk, router }
    }

    /// Somebody says something on a platform, in a channel.
    async fn say(&self, platform: &str, channel: &str, who: &str, text: &str) -> Sequence {
        let place = ConversationId {
            bot: "b".into(),
            platform: platform.into(),
            channel: channel.into(),
            thread: None,
        };
        let inbound = Inbound {
            ticket: Some(Ticket("secret-ticket".into())),
            ..Inbound::message(place, text, Sender::new(who), text)
        };
        match self.desk.journal.accept(&inbound).await.unwrap() {
            Accepted::New(sequence) => sequence,
            Accepted::Duplicate(_) => panic!("{text} twice"),
        }
    }

    async fn answer(&self, sequence: Sequence, answer: &str) {
        let part = Part { text: answer.into(), document: Document::plain(answer), ..Part::default() };
        let prepared = Prepared {
            reply: Some(Arc::new(testing::reply(answer))),
            asked: Some("asked".into()),
            parts: vec![part],
            ..Prepared::default()
        };
        let steps = vec![
            Step::Prepared(Box::new(prepared)),
            Step::Part { number: 1, state: PartState::Sent { id: None } },
            Step::Settled(Settlement::Delivered),
        ];
        self.desk.journal.record(sequence, steps).await.unwrap();
    }

    async fn response(&self, method: Method, path: &str) -> Response {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        let response = self.response(Method::GET, path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(response.headers()["cache-control"], "no-store", "{path}");
        serde_json::from_str(&text(response).await).unwrap()
    }

    /// What is refused, and with what words.
    async fn refused(&self, method: Method, path: &str) -> (u16, String) {
        let response = self.response(method, path).await;
        let status = response.status().as_u16();
        let said: Value = serde_json::from_str(&text(response).await).unwrap();
        (status, said["error"]["message"].as_str().unwrap().to_owned())
    }
}

async fn text(response: Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

/// The numbers of the entries in a page of the ledger.
fn numbers(page: &Value) -> Vec<u64> {
    page["entries"].as_array().unwrap().iter().map(|row| row["sequence"].as_u64().unwrap()).collect()
}
