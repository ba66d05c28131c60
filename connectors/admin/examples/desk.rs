//! The operator's pages over a bot that was made up: `cargo run -p loquat-admin --example desk`, then open the address it prints. What happens in
//! it goes into a real journal; a new message comes every few seconds. Any key is taken.
#![expect(clippy::print_stdout, reason = "it says where it is")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use loquat_admin::{About, Action, Feedback, Gap, Operations, Problem, page, router};
use loquat_contract::{
    Accepted, BoxFuture, Check, Citation, ConversationId, Document, Event, FactId, Inbound, Journal,
    MessageId, Part, PartState, Prepared, Sender, Sentence, Sequence, Settlement, Step, Timestamp, Timings,
    Verdict, testing,
};
use loquat_journal::EmbeddedJournal;

struct Desk {
    journal: EmbeddedJournal,
    looks: AtomicU64,
}

impl Operations for Desk {
    fn about(&self) -> About {
        About {
            name: "Juniper".into(),
            version: "0.1.0".into(),
            started: Timestamp(Timestamp::now().0 - 3_600_000),
            models: Vec::new(),
            config: "[bot]\nname = \"Juniper\"\n\n[connectors.telegram]\ntoken = \"[redacted]\"\n".into(),
        }
    }

    fn journal(&self) -> Arc<dyn Journal> {
        Arc::new(self.journal.clone())
    }

    /// Counters that grow with every look.
    fn metrics(&self) -> String {
        let look = self.looks.fetch_add(1, Relaxed);
        let (half, more) = (look * 3, look * 3 + look / 2);
        format!(
            "loquat_conversations_at_work 2\nloquat_messages_waiting 1\nloquat_web_streams 14\n\
             loquat_replies_total{{outcome=\"answered\"}} {more}\nloquat_unanswered_total 1\n\
             loquat_model_provider{{model=\"SmolLM2\",provider=\"cpu\"}} 1\nloquat_model_active_requests{{model=\"SmolLM2\"}} {}\n\
             loquat_model_waiting_requests{{model=\"SmolLM2\"}} {}\nloquat_model_completion_tokens_total{{model=\"SmolLM2\"}} {}\n\
             loquat_model_cached_tokens_total{{model=\"SmolLM2\"}} {}\nloquat_model_prefix_cache_bytes{{model=\"SmolLM2\"}} 41000000\n\
             loquat_first_token_seconds_bucket{{le=\"0.1\"}} {half}\nloquat_first_token_seconds_bucket{{le=\"0.5\"}} {more}\nloquat_first_token_seconds_bucket{{le=\"+Inf\"}} {more}\n\
             loquat_reply_seconds_bucket{{le=\"0.5\"}} {half}\nloquat_reply_seconds_bucket{{le=\"2\"}} {more}\nloquat_reply_seconds_bucket{{le=\"+Inf\"}} {more}\n",
            look % 5 + 1,
            look % 3,
            look * 220,
            look * 900,
        )
    }

    fn feedback(&self, _: Timestamp) -> BoxFuture<'_, Result<Vec<Feedback>, Problem>> {
        let of = |reply, verdict: Option<&str>, text: Option<&str>| Feedback {
            reply: Sequence(reply),
            person: "web:ann".into(),
            verdict: verdict.map(str::to_owned),
            text: text.map(str::to_owned),
            at: Timestamp::now(),
            question: "What is the capital of Bhutan?".into(),
            answer: "The capital of Bhutan is Thimphu.".into(),
            language: "en".into(),
        };
        let all = vec![
            of(1, Some("good"), None),
            of(2, Some("bad"), Some("<b>It is out of date.</b>")),
            of(3, None, Some("Where is that from?")),
        ];
        Box::pin(async { Ok(all) })
    }

    fn gaps(&self, _: Timestamp) -> BoxFuture<'_, Result<Vec<Gap>, Problem>> {
        let gap = Gap {
            count: 7,
            subject: "ex:bhutan".into(),
            name: "Bhutan".into(),
            predicate: "ex:anthem".into(),
            asked: "national anthem".into(),
            questions: vec!["What is the national anthem of Bhutan?".into()],
            command: Some("loquat kg add ex:bhutan ex:anthem OBJECT".into()),
        };
        let open = Gap {
            count: 2,
            subject: "Atlantis".into(),
            name: "Atlantis".into(),
            predicate: "capital".into(),
            asked: "capital".into(),
            questions: vec!["What is the capital of Atlantis?".into()],
            command: None,
        };
        Box::pin(async { Ok(vec![gap, open]) })
    }

    fn act(&self, action: Action) -> BoxFuture<'_, Result<String, Problem>> {
        Box::pin(async move {
            match action {
                Action::Retry(sequence) => {
                    self.journal.record(sequence, vec![Step::Reopened]).await?;
                    Ok(format!("{sequence} is on its way again"))
                }
                Action::Discard(sequence) => {
                    self.journal.record(sequence, vec![Step::Settled(Settlement::Discarded)]).await?;
                    Ok(format!("{sequence} is given up"))
                }
                Action::Erase(person) => {
                    let erased = self.journal.erase(&person).await?;
                    Ok(format!("{} messages and the replies to them are erased", erased.events))
                }
                Action::Compact => Ok("0 entries dropped".into()),
            }
        })
    }

    fn checks(&self) -> BoxFuture<'_, Vec<Check>> {
        let check = |name: &str, what: &str, advice: Option<&str>| Check {
            name: name.into(),
            what: what.into(),
            advice: advice.map(str::to_owned),
        };
        let found = vec![
            check("graph", "2,314 facts", None),
            check("telegram", "the token is not taken", Some("ask @BotFather for another")),
        ];
        Box::pin(async { found })
    }
}

const QUESTIONS: [(&str, &str, &str, &str); 3] = [
    ("What is the capital of Bhutan?", "Bhutan", "capital", "Thimphu"),
    ("不丹的首都是哪里？", "不丹", "首都", "廷布"),
    ("Who wrote <script>alert(1)</script>?", "Alert", "author", "Mallory"),
];

async fn say(journal: &EmbeddedJournal, number: usize) -> anyhow::Result<()> {
    let (question, subject, predicate, object) = QUESTIONS[number % QUESTIONS.len()];
    let (platform, who) = [("web", "ann"), ("telegram", "bob"), ("irc", "carol")][number % 3];
    let place = ConversationId {
        bot: "Juniper".into(),
        platform: platform.into(),
        channel: format!("room-{}", number % 4),
        thread: None,
    };
    let inbound = Inbound::message(place, number.to_string(), Sender::new(who), question);
    let Accepted::New(sequence) = journal.accept(&inbound).await? else { return Ok(()) };
    let answer = format!("{subject}: {predicate} – {object}.");
    let id = FactId(format!("f{number}").into());
    let mut reply = testing::reply(&answer);
    reply.sentences = vec![Sentence::new(answer.clone(), Verdict::Supported, vec![id.clone()])];
    reply.citations = vec![Citation {
        id,
        entity: Default::default(),
        subject: subject.into(),
        predicate: predicate.into(),
        object: object.into(),
        source: "countries.ttl".into(),
        since: Default::default(),
    }];
    reply.timings = Timings { total: 140.0 + number as f64, ..Timings::default() };
    let part = Part { text: answer.clone(), document: Document::plain(&answer), ..Part::default() };
    let prepared = Prepared {
        reply: Some(Arc::new(reply)),
        asked: Some(question.into()),
        parts: vec![part],
        ..Prepared::default()
    };
    let sent = PartState::Sent { id: Some(MessageId(format!("out-{number}"))) };
    let steps = match number % 7 {
        5 => vec![Step::Settled(Settlement::Failed { reason: "the model failed".into() })],
        6 => vec![],
        _ => vec![
            Step::Prepared(Box::new(prepared)),
            Step::Part { number: 1, state: sent },
            Step::Settled(Settlement::Delivered),
        ],
    };
    if !steps.is_empty() {
        journal.record(sequence, steps).await?;
    }
    Ok(())
}

/// Gives this tab a key and goes on to a page.
const ENTER: &str =
    "sessionStorage.setItem('loquat-operator-key', 'any'); location.replace('/admin' + location.hash);";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let journal = EmbeddedJournal::open(folder.path())?;
    for number in 1..=60 {
        say(&journal, number).await?;
    }
    let reaction =
        Event::Reaction { message: MessageId("out-1".into()), emoji: "👍".into(), removed: false };
    let place = ConversationId {
        bot: "Juniper".into(),
        platform: "web".into(),
        channel: "room-1".into(),
        thread: None,
    };
    let inbound = Inbound { event: reaction, ..Inbound::message(place, "r1", Sender::new("ann"), "") };
    journal.accept(&inbound).await?;
    tokio::spawn({
        let journal = journal.clone();
        async move {
            for number in 61.. {
                tokio::time::sleep(Duration::from_secs(4)).await;
                if say(&journal, number).await.is_err() {
                    return;
                }
            }
        }
    });
    let operations: Arc<dyn Operations> = Arc::new(Desk { journal, looks: AtomicU64::new(0) });
    let app = Router::new()
        .nest("/admin", page())
        .nest("/admin/api", router(operations.clone()))
        .route("/enter", get(async || Html("<!doctype html><script src=\"/enter.js\"></script>")))
        .route("/enter.js", get(async || ([("content-type", "text/javascript")], ENTER)));
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(0);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}/enter", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
