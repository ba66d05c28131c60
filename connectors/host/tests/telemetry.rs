//! One message, traced: a bot in a process of its own, with a scripted model, sends its traces to a collector here, which reads them as any
//! collector does; and its log, as machines read it.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

use std::collections::{BTreeSet, HashMap};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use loquat::config::{Config, TelemetryConfig};
use loquat::{secrets, telemetry};
use loquat_contract::testing::{MemoryGraph, ScriptedModel};
use loquat_contract::{
    BoxFuture, CancellationToken, Capabilities, ConversationId, Delivery, Egress, Entity, Envelope, Fact,
    Inbound, Journal, Label, Language, MessageId, Policy, Predicate, Query, Sampling, Sender, Templates,
    Value,
};
use loquat_dialogue::Engine;
use loquat_dispatch::Dispatch;
use loquat_journal::EmbeddedJournal;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Says to this test binary that it is the bot.
const BOT: &str = "LOQUAT_TEST_COLLECTOR";
const SECRET: &str = "123456:a-secret-of-telegram";
const KEY: &str = "the-key-of-the-collector";

/// What a collector got: headers, and spans.
type Got = Arc<Mutex<(Vec<String>, Vec<Span>, Vec<u8>)>>;

#[tokio::test(flavor = "multi_thread")]
async fn one_message_is_one_trace_with_every_stage_and_no_word_of_it() {
    if let Ok(collector) = std::env::var(BOT) {
        return be_the_bot(collector).await;
    }
    let got = Got::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let collecting = got.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(collect(stream, collecting.clone()));
        }
    });
    let bot = tokio::task::spawn_blocking(move || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "one_message_is_one_trace_with_every_stage_and_no_word_of_it", "--nocapture"])
            .env(BOT, address)
            .env("LOQUAT_LOG_FORMAT", "json")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .output()
            .unwrap()
    });
    let output = bot.await.unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{log}{}", String::from_utf8_lossy(&output.stdout));

    let (headers, spans, bytes) = std::mem::take(&mut *got.lock().unwrap());
    assert!(headers.iter().all(|header| header.contains(&format!("x-key: {KEY}"))), "{headers:?}");
    let trace = &spans.iter().find(|span| span.name == "message").unwrap().trace_id;
    let of_it: Vec<&Span> = spans.iter().filter(|span| span.trace_id == *trace).collect();
    let names: BTreeSet<&str> = of_it.iter().map(|span| span.name.as_str()).collect();
    let stages = [
        "accept",
        "answer",
        "compose",
        "deliver",
        "generate",
        "ground",
        "message",
        "queue",
        "respond",
        "send",
        "understand",
        "verify",
    ];
    assert_eq!(names.into_iter().collect::<Vec<_>>(), stages);
    let parent = |name: &str| {
        let span = of_it.iter().find(|span| span.name == name).unwrap();
        of_it.iter().find(|other| other.span_id == span.parent_span_id).map(|other| other.name.as_str())
    };
    for (child, expected) in [
        ("message", None),
        ("accept", Some("message")),
        ("queue", Some("message")),
        ("answer", Some("message")),
        ("understand", Some("answer")),
        ("ground", Some("answer")),
        ("respond", Some("answer")),
        ("generate", Some("respond")),
        ("verify", Some("generate")),
        ("compose", Some("answer")),
        ("deliver", Some("message")),
        ("send", Some("deliver")),
    ] {
        assert_eq!(parent(child), expected, "{child}");
    }
    let root = of_it.iter().find(|span| span.name == "message").unwrap();
    for span in &of_it {
        assert!(
            root.start_time_unix_nano <= span.start_time_unix_nano
                && span.end_time_unix_nano <= root.end_time_unix_nano,
            "{} lies within the message",
            span.name
        );
    }
    let sent = String::from_utf8_lossy(&bytes);
    for word in ["Bhutan", "Thimphu", "ann", "room-7", SECRET] {
        assert!(!sent.contains(word), "{word} is in the traces");
    }
    // What went wrong goes along, without the secret that somebody wrote into it.
    assert!(sent.contains("sent with [redacted]"), "the warning is in the trace");
    assert!(sent.contains("loquat-under-test") && sent.contains("service.version"));

    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!log.contains(SECRET) && !log.contains(KEY), "{log}");
    let warned = lines.iter().find(|line| line["message"] == "sent with [redacted]").unwrap();
    let trace: String = trace.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(warned["trace_id"], trace, "{warned}");
    assert_eq!((&warned["level"], &warned["sequence"]), (&"WARN".into(), &1.into()), "{warned}");
    assert_eq!(warned["fields"]["token"], "[redacted]");
    assert_eq!(warned["spans"][0], "message");
    assert!(lines.iter().all(|line| line["timestamp"].as_str().unwrap().ends_with('Z')));
}

/// Takes in what is posted, on one connection.
async fn collect(mut stream: TcpStream, got: Got) {
    let mut read = Vec::new();
    loop {
        let whole = String::from_utf8_lossy(&read).find("\r\n\r\n").and_then(|end| {
            let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
            let body = end + 4;
            let until = body + length.unwrap_or(0usize);
            (read.len() >= until).then_some((head, body, until))
        });
        let Some((head, body, until)) = whole else {
            if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
                return;
            }
            continue;
        };
        assert!(head.starts_with("post /v1/traces ") && head.contains("application/x-protobuf"), "{head}");
        let request = ExportTraceServiceRequest::decode(&read[body..until]).unwrap();
        {
            let mut got = got.lock().unwrap();
            got.0.push(head);
            let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
            got.1.extend(scopes.flat_map(|scope| scope.spans));
            got.2.extend_from_slice(&read[body..until]);
        }
        read.drain(..until);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    }
}

/// A platform that says too much.
struct Careless;

impl Egress for Careless {
    fn capabilities(&self) -> Capabilities {
        Capabilities { outlives_process: true, ..Capabilities::default() }
    }

    fn deliver<'a>(&'a self, _: &'a Envelope) -> BoxFuture<'a, Delivery> {
        tracing::warn!(token = SECRET, "sent with {SECRET}");
        Box::pin(async {
            tracing::warn!(target: "loquat_careless", token = SECRET, "sent with {SECRET}");
            Delivery::Sent { id: Some(MessageId("out".into())) }
        })
    }
}

async fn be_the_bot(collector: String) {
    let headers = [("x-key".to_owned(), KEY.to_owned().into())].into();
    let traced = TelemetryConfig {
        otlp_endpoint: Some(collector),
        headers,
        service_name: Some("loquat-under-test".into()),
        ..TelemetryConfig::default()
    };
    let mut config = Config { telemetry: traced, ..Config::default() };
    config.connectors.telegram.token = Some(SECRET.to_owned().into());
    secrets::keep(&config);
    telemetry::begin(tracing_subscriber::EnvFilter::new("info"), false);
    let exporting = telemetry::trace(&config.telemetry).unwrap().unwrap();

    let entity = |name: &str| {
        Arc::new(Entity { id: name.into(), labels: vec![Label::new(name, "en")], ..Entity::default() })
    };
    let capital = Arc::new(Predicate {
        id: "capital".into(),
        labels: vec![Label::new("capital", "en")],
        templates: Templates {
            single: vec![Label::new("The capital of {subject} is {object}.", "en")],
            ..Templates::default()
        },
        ..Predicate::default()
    });
    let object = Value::Entity(entity("Thimphu"));
    let fact = Fact::new("f".into(), entity("Bhutan"), capital, object, "test.ttl".into());
    let bot = loquat_dialogue::Bot {
        name: "Loquat".into(),
        persona: String::new(),
        policy: Policy::Strict,
        languages: vec![Language::english()],
        sampling: Sampling::default(),
    };
    let model = ScriptedModel::new(["The capital of Bhutan is Thimphu."]);
    let engine = Engine::new(bot, Arc::new(MemoryGraph::new(vec![fact])), vec![Arc::new(model)]).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let journal = EmbeddedJournal::open(folder.path()).unwrap();
    let egresses: HashMap<String, Arc<dyn Egress>> = [("p".to_owned(), Arc::new(Careless) as _)].into();
    let stop = CancellationToken::new();
    let bot = loquat_dispatch::Bot { max_message_chars: 1000, ..loquat_dispatch::Bot::default() };
    let dispatch = Dispatch::new(bot, Arc::new(engine), Arc::new(journal.clone()), egresses, stop.clone());
    let place =
        ConversationId { bot: "b".into(), platform: "p".into(), channel: "room-7".into(), thread: None };
    let question = Inbound::message(place, "1", Sender::new("ann"), "What is the capital of Bhutan?");
    dispatch.sink("p").unwrap().accept(question).await.unwrap();
    stop.cancel();
    dispatch.drain().await;
    let entries = journal.entries(Query::default()).await.unwrap();
    let reply = entries[0].prepared.as_ref().unwrap().reply.as_ref().unwrap();
    assert_eq!(reply.answer, "The capital of Bhutan is Thimphu.");
    drop(dispatch);
    tokio::task::spawn_blocking(move || exporting.end()).await.unwrap();
}
