//! A bot as it is served: the real connector, dispatch and journal, on a port of its own; it echoes. In: requests as bytes. Out: answers.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use loquat_contract::testing::{Echo, MemoryGraph};
use loquat_contract::{BotCard, CancellationToken, Egress, Entity, EntityId, Fact, Label, Predicate, Value};
use loquat_dispatch::access::Access;
use loquat_dispatch::{Bot, Dispatch};
use loquat_journal::EmbeddedJournal;
use loquat_web::{Config, Files, Limits, bind};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long it is waited before the server is told that nothing more comes.
const PAUSE: Duration = Duration::from_millis(300);

/// A bot that is served until it is dropped.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
    pub(crate) conversation: String,
    stop: CancellationToken,
    _folder: tempfile::TempDir,
}

#[expect(clippy::allow_attributes, reason = "each of the tests that share this file leaves something unused")]
#[allow(dead_code)]
impl Served {
    /// Starts it, and lets one guest in, who begins a conversation and says something.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        // Nothing here is about how much one person may ask for.
        let limits = Limits {
            messages_per_minute: 0,
            address_messages_per_minute: 0,
            address_requests_per_minute: 0,
            address_sessions_per_hour: 0,
            streams: 0,
            address_streams: 0,
            address_connections: 0,
            ..Limits::default()
        };
        let files = Files { types: vec!["image/png".into(), "text/plain".into()], ..Files::default() };
        let config = Config { port: 0, max_message_chars: 200, limits, files, ..Config::default() };
        let bound = bind(&config)?.keep_in(folder.path())?.with_knowledge(Arc::new(graph()));
        let address = bound.address();
        let card = BotCard { name: "Loquat".into(), greeting: "Hello!".into(), ..BotCard::default() };
        let (ingress, egress) = bound.connect(card.clone());
        let access =
            Access { messages_per_minute: 0, conversation_messages_per_minute: 0, ..Access::default() };
        let bot = Bot { card, max_message_chars: 200, access, ..Bot::default() };
        let journal = Arc::new(EmbeddedJournal::open(&folder.path().join("journal"))?);
        let egresses = HashMap::from([("web".to_owned(), Arc::new(egress) as Arc<dyn Egress>)]);
        let stop = CancellationToken::new();
        let dispatch = Dispatch::new(bot, Arc::new(Echo::default()), journal, egresses, stop.clone());
        tokio::spawn(async move { dispatch.run("web", Arc::new(ingress)).await });
        let mut served =
            Self { address, token: String::new(), conversation: String::new(), stop, _folder: folder };
        let session = served.json("POST", "/api/session", Some(json!({}))).await?;
        session["token"].as_str().unwrap_or_default().clone_into(&mut served.token);
        served.conversation = served.begin().await?;
        Ok(served)
    }

    /// Begins a conversation: its id.
    pub(crate) async fn begin(&self) -> anyhow::Result<String> {
        let begun = self.json("POST", "/api/conversations", None).await?;
        let id = begun["id"].as_str().unwrap_or_default().to_owned();
        let said = json!({ "id": "m1", "text": "Hello" });
        self.json("POST", &format!("/api/conversations/{id}/messages"), Some(said)).await?;
        Ok(id)
    }

    /// Uploads a text: its id.
    pub(crate) async fn upload(&self, text: &[u8]) -> anyhow::Result<String> {
        let path = format!("/api/conversations/{}/files?name=a.txt", self.conversation);
        let mut request = self.head("POST", &path, "text/plain", text.len()).into_bytes();
        request.extend_from_slice(text);
        let answer = String::from_utf8_lossy(&self.send(&request, true).await?).into_owned();
        let file: Json = serde_json::from_str(answer.split_once("\r\n\r\n").map_or("", |(_, body)| body))?;
        Ok(file["id"].as_str().unwrap_or_default().to_owned())
    }

    /// Asks for something, and reads the JSON of the answer.
    pub(crate) async fn json(&self, method: &str, path: &str, body: Option<Json>) -> anyhow::Result<Json> {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let head = self.head(method, path, "application/json", body.len());
        let answer = self.send((head + &body).as_bytes(), true).await?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        anyhow::ensure!(answer.starts_with("HTTP/1.1 2"), "{method} {path}: {answer}");
        Ok(serde_json::from_str(body).unwrap_or_default())
    }

    /// The head of a request.
    pub(crate) fn head(&self, method: &str, path: &str, media_type: &str, length: usize) -> String {
        let Self { address, token, .. } = self;
        let bearer =
            if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\n{bearer}Connection: close\r\nContent-Type: {media_type}\r\n\
             Content-Length: {length}\r\n\r\n"
        )
    }

    /// Sends bytes as they are, and reads what comes back: all of it, or the beginning alone. Where nothing comes, the server may wait for
    /// more; then it is told that there is no more.
    pub(crate) async fn send(&self, bytes: &[u8], all: bool) -> anyhow::Result<Vec<u8>> {
        let mut connection = TcpStream::connect(self.address).await?;
        // The server may have refused it before all was sent.
        let _sent = connection.write_all(bytes).await;
        let mut answer = Vec::new();
        if !all && tokio::time::timeout(PAUSE, connection.readable()).await.is_err() {
            let _shut = connection.shutdown().await;
        }
        let reading = async {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = connection.read(&mut piece).await {
                answer.extend_from_slice(&piece[..length]);
                if !all && answer.len() >= 12 {
                    break;
                }
            }
        };
        tokio::time::timeout(PATIENCE, reading).await?;
        Ok(answer)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// One fact.
fn graph() -> MemoryGraph {
    let named = |id: &str, name: &str| {
        Arc::new(Entity { id: EntityId::from(id), labels: vec![Label::plain(name)], ..Entity::default() })
    };
    let predicate = Arc::new(Predicate {
        id: "capital".into(),
        labels: vec![Label::plain("capital")],
        ..Predicate::default()
    });
    let (subject, object) = (named("urn:bhutan", "Bhutan"), Value::Entity(named("urn:thimphu", "Thimphu")));
    MemoryGraph::new(vec![Fact::new("f1".into(), subject, predicate, object, "world.ttl".into())])
}
