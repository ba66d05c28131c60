//! A server that receives events. In: what it is to answer next. Out: what was posted to it, in order.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::any;
use serde_json::Value;

/// What was posted.
#[derive(Clone, Debug)]
pub(super) struct Got {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) status: StatusCode,
}

impl Got {
    pub(super) fn id(&self) -> String {
        self.headers["webhook-id"].to_str().unwrap().to_owned()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Its type and the entry that it is about.
    pub(super) fn about(&self) -> String {
        let json = self.json();
        format!("{} {}", json["type"].as_str().unwrap(), json["data"]["entry"])
    }
}

#[derive(Default)]
struct Shared {
    got: Mutex<Vec<Got>>,
    next: Mutex<VecDeque<StatusCode>>,
    always: Mutex<Option<StatusCode>>,
}

pub(super) struct Receiver {
    pub(super) url: String,
    shared: Arc<Shared>,
}

impl Receiver {
    pub(super) async fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = Router::new().fallback(any(receive)).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared }
    }

    /// Answers these next, and 200 after them.
    pub(super) fn then(&self, statuses: impl IntoIterator<Item = u16>) {
        let statuses = statuses.into_iter().map(|status| StatusCode::from_u16(status).unwrap());
        self.shared.next.lock().unwrap().extend(statuses);
    }

    /// Answers this from now on; `None` for 200.
    pub(super) fn always(&self, status: Option<u16>) {
        *self.shared.always.lock().unwrap() = status.map(|status| StatusCode::from_u16(status).unwrap());
    }

    pub(super) fn got(&self) -> Vec<Got> {
        self.shared.got.lock().unwrap().clone()
    }

    /// What was posted, once that is so many.
    pub(super) async fn once(&self, count: usize) -> Vec<Got> {
        let enough = async {
            while self.got().len() < count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(60), enough).await;
        assert!(
            waited.is_ok(),
            "{count} wanted, {:?} came",
            self.got().iter().map(Got::about).collect::<Vec<_>>()
        );
        self.got()
    }
}

async fn receive(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let always = *shared.always.lock().unwrap();
    let status = always.or_else(|| shared.next.lock().unwrap().pop_front()).unwrap_or(StatusCode::OK);
    shared.got.lock().unwrap().push(Got { headers, body, status });
    (status, [("location", "/elsewhere")])
}
