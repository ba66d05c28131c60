//! The HTTP server. In go requests for `/bot<token>/<method>` and `/file/bot<token>/<path>`; out come answers, or whatever fault is
//! armed. What methods do is in [`methods`](crate::methods).

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::connection::{Line, ThisLine, Wired, Wires};
use crate::faults::{Fault, Faults};
use crate::limits::Pace;
use crate::refusal::Refusal;
use crate::request::Params;
use crate::world::{Call, World};
use crate::{Options, methods, updates, view, webhook};

/// What the download of a file is called, as if it were a method.
const DOWNLOAD: &str = "download";

/// What the server and the people share.
pub(crate) struct Shared {
    world: Mutex<World>,
    changed: watch::Sender<u64>,
    faults: Mutex<Faults>,
    pace: Option<Pace>,
    pub(crate) wires: Arc<Wires>,
    pub(crate) address: SocketAddr,
    pub(crate) options: Options,
}

/// The world, for as long as it is held; whoever waits for a change looks when it is let go.
pub(crate) struct Held<'a> {
    world: MutexGuard<'a, World>,
    changed: &'a watch::Sender<u64>,
}

impl std::ops::Deref for Held<'_> {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl std::ops::DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut World {
        self.changed.send_if_modified(|version| {
            *version += 1;
            true
        });
        &mut self.world
    }
}

impl Shared {
    pub(crate) fn world(&self) -> Held<'_> {
        Held { world: self.world.lock().unwrap_or_else(PoisonError::into_inner), changed: &self.changed }
    }

    /// Tells of every change from now on.
    pub(crate) fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts the server on a free port of 127.0.0.1.
pub(crate) async fn start(options: Options) -> anyhow::Result<(Arc<Shared>, tokio::task::JoinHandle<()>)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let changed = watch::Sender::new(0);
    let shared = Arc::new(Shared {
        world: Mutex::new(World::new(options.clone())),
        faults: Mutex::default(),
        pace: options.faster_limits.and_then(Pace::new),
        wires: Wires::new(changed.clone()),
        changed,
        address: listener.local_addr()?,
        options,
    });
    let router = Router::new()
        .route("/view/{chat}", get(draw))
        .fallback(answer)
        .with_state(Arc::clone(&shared))
        .into_make_service_with_connect_info::<ThisLine>();
    let wired = Wired { listener, wires: Arc::clone(&shared.wires) };
    let serving = tokio::spawn(async move {
        // It ends only with the task.
        let _ = axum::serve(wired, router).await;
    });
    Ok((shared, serving))
}

async fn draw(State(shared): State<Arc<Shared>>, Path(chat): Path<i64>) -> Response {
    let page = view::page(&shared.world(), chat);
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(ThisLine(line)): ConnectInfo<ThisLine>,
    request: Request<Body>,
) -> Response {
    let path = request.uri().path().to_owned();
    let (rest, is_file) = match path.strip_prefix("/file") {
        Some(rest) => (rest, true),
        None => (path.as_str(), false),
    };
    let Some((token, method)) = rest.strip_prefix("/bot").and_then(|rest| rest.split_once('/')) else {
        return refused(&Refusal::unknown_method());
    };
    // A token's colon may come escaped.
    let token = percent_encoding::percent_decode_str(token).decode_utf8_lossy();
    if token != shared.options.token.as_str() {
        return refused(&Refusal::new(401, "Unauthorized"));
    }
    let (method, path) = if is_file { (DOWNLOAD, Some(method)) } else { (method, None) };
    let fault = shared.faults().next(&method.to_ascii_lowercase());
    call(&shared, &line, method, path, request, fault).await
}

/// One call of a method, with its fault.
async fn call(
    shared: &Arc<Shared>,
    line: &Line,
    method: &str,
    path: Option<&str>,
    request: Request<Body>,
    fault: Option<Fault>,
) -> Response {
    if fault == Some(Fault::BrokenOff) {
        // Before its body is read: that is the middle.
        note(shared, method, Params::default());
        line.break_off();
        return std::future::pending().await;
    }
    let mut params = match Params::read(request).await {
        Ok(params) => params,
        Err(refusal) => return refused(&refusal),
    };
    if let Some(path) = path {
        params.values.insert("path".to_owned(), path.to_owned());
    }
    let number = note(shared, method, params.clone());
    let response = match fault {
        Some(Fault::HalfOpen) => {
            shared.wires.freeze();
            return std::future::pending().await;
        }
        Some(Fault::TooMany(seconds)) => refused(&Refusal::too_many(seconds)),
        Some(Fault::Conflict) => refused(&Refusal::conflict(updates::OTHER_POLL)),
        Some(Fault::Refused(code, why)) => refused(&Refusal::new(code, why)),
        Some(Fault::Server(code)) => broken(code),
        Some(Fault::Slow(wait)) => {
            let response = carry_out(shared, number, method, &params).await;
            tokio::time::sleep(wait).await;
            response
        }
        Some(Fault::TakenWithoutAnswer) => {
            carry_out(shared, number, method, &params).await;
            return std::future::pending().await;
        }
        Some(Fault::TakenThenBroken) => {
            carry_out(shared, number, method, &params).await;
            line.break_off();
            return std::future::pending().await;
        }
        Some(Fault::BrokenOff) | None => carry_out(shared, number, method, &params).await,
    };
    if let Some(call) = shared.world().calls.get_mut(number) {
        call.status = Some(response.status().as_u16());
    }
    response
}

/// Keeps a call for assertions; returns its number.
fn note(shared: &Shared, method: &str, params: Params) -> usize {
    let mut world = shared.world();
    let at = Instant::now();
    world.calls.push(Call { method: method.to_owned(), params, at, status: None, taken: false });
    world.calls.len() - 1
}

async fn carry_out(shared: &Arc<Shared>, number: usize, method: &str, params: &Params) -> Response {
    if method == DOWNLOAD {
        return file(shared, number, params.get("path").unwrap_or_default());
    }
    match perform(shared, method, params).await {
        Ok(result) => {
            if let Some(call) = shared.world().calls.get_mut(number) {
                call.taken = true;
            }
            json_answer(StatusCode::OK, &json!({"ok": true, "result": result}))
        }
        Err(refusal) => refused(&refusal),
    }
}

/// Carries out a method, however it was called.
pub(crate) async fn perform(shared: &Arc<Shared>, method: &str, params: &Params) -> Result<Value, Refusal> {
    let method = method.to_ascii_lowercase();
    match method.as_str() {
        "getupdates" => return updates::get_updates(shared, params).await,
        "setwebhook" => return webhook::set(shared, params),
        "deletewebhook" => return webhook::delete(shared, params),
        _ => {}
    }
    let mut world = shared.world();
    if let Some(pace) = &shared.pace
        && let Ok(chat) = world.find_chat(params)
    {
        pace.check(&method, chat, world.chat(chat)?.kind)?;
    }
    methods::call(&mut world, &method, params)
}

fn file(shared: &Shared, number: usize, path: &str) -> Response {
    let mut world = shared.world();
    let Some(bytes) = world.files.values().find(|file| file.path == path).map(|file| file.bytes.clone())
    else {
        return refused(&Refusal::new(404, "Not Found"));
    };
    if let Some(call) = world.calls.get_mut(number) {
        call.taken = true;
    }
    ([(CONTENT_TYPE, "application/octet-stream")], bytes).into_response()
}

fn refused(refusal: &Refusal) -> Response {
    let code = StatusCode::from_u16(refusal.code).unwrap_or(StatusCode::BAD_REQUEST);
    json_answer(code, &refusal.body())
}

fn json_answer(code: StatusCode, body: &Value) -> Response {
    (code, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

/// What a proxy in front of the real server says when that is not well.
fn broken(code: u16) -> Response {
    let code = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_GATEWAY);
    let page =
        format!("<html><head><title>{code}</title></head><body><h1>{code}</h1><hr>nginx</body></html>");
    (code, [(CONTENT_TYPE, "text/html")], page).into_response()
}
