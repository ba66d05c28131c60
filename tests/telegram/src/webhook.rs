//! Webhook mode: updates go to an address of the bot's, one at a time and in order, each again until the bot answers with 2xx.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::refusal::Refusal;
use crate::request::Params;
use crate::server::{Shared, perform};
use crate::updates::Update;
use crate::world::{World, now};

/// Where updates go.
#[derive(Clone, Debug)]
pub(crate) struct Webhook {
    pub(crate) url: String,
    pub(crate) secret: Option<String>,
    pub(crate) connections: i64,
    pub(crate) last_error: Option<(u64, String)>,
    /// Which `setWebhook` it is from.
    number: i64,
}

/// `setWebhook`.
pub(crate) fn set(shared: &Arc<Shared>, params: &Params) -> Result<Value, Refusal> {
    let Some(url) = params.get("url") else { return delete(shared, params) };
    if !url.starts_with("https://")
        && !url.starts_with("http://127.0.0.1:")
        && !url.starts_with("http://localhost:")
    {
        return Err(Refusal::bad("bad webhook: An HTTPS URL must be provided for webhook"));
    }
    let secret = params.get("secret_token").map(str::to_owned);
    if let Some(secret) = &secret {
        if secret.len() > 256 {
            return Err(Refusal::bad("secret token is too long"));
        }
        if !secret.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) {
            return Err(Refusal::bad("secret token contains unallowed characters"));
        }
    }
    let number = {
        let mut world = shared.world();
        let now = Instant::now();
        let soon = world.last_webhook.is_some_and(|last| now < last + Duration::from_secs(1));
        if soon && world.options.faster_limits.is_some() {
            return Err(Refusal::too_many(Some(1)));
        }
        world.last_webhook = Some(now);
        world.queue.allow(params)?;
        let connections = params.number("max_connections").unwrap_or(40).clamp(1, 100);
        let drop_waiting = params.flag("drop_pending_updates");
        let same = |set: &Webhook| set.url == url && set.secret == secret && set.connections == connections;
        if !drop_waiting && world.webhook.as_ref().is_some_and(same) {
            return Ok(true.into());
        }
        if drop_waiting {
            world.drop_waiting();
        }
        let number = world.serial();
        world.webhook = Some(Webhook { url: url.to_owned(), secret, connections, last_error: None, number });
        number
    };
    tokio::spawn(deliver(Arc::clone(shared), number));
    Ok(true.into())
}

/// `deleteWebhook`.
pub(crate) fn delete(shared: &Shared, params: &Params) -> Result<Value, Refusal> {
    let mut world = shared.world();
    world.webhook = None;
    if params.flag("drop_pending_updates") {
        world.drop_waiting();
    }
    Ok(true.into())
}

/// `getWebhookInfo`.
pub(crate) fn info(world: &World) -> Value {
    let mut info = json!({
        "url": world.webhook.as_ref().map_or("", |webhook| &webhook.url),
        "has_custom_certificate": false,
        "pending_update_count": world.queue.waiting.len(),
    });
    if let Some(webhook) = &world.webhook {
        info["max_connections"] = webhook.connections.into();
        info["ip_address"] = "127.0.0.1".into();
        if let Some((date, why)) = &webhook.last_error {
            info["last_error_date"] = (*date).into();
            info["last_error_message"] = why.clone().into();
        }
    }
    if let Some(kinds) = &world.queue.allowed {
        info["allowed_updates"] = kinds.clone().into();
    }
    info
}

/// Delivers for as long as this webhook is the one that is set.
async fn deliver(shared: Arc<Shared>, number: i64) {
    let client = match reqwest::Client::builder()
        .timeout(shared.options.webhook_timeout)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
    {
        Ok(client) => client,
        Err(error) => {
            fail(&shared, number, None, &error.to_string());
            return;
        }
    };
    let mut changed = shared.changed();
    let mut pause = shared.options.webhook_retry;
    loop {
        changed.mark_unchanged();
        let (webhook, update) = {
            let mut world = shared.world();
            let Some(webhook) = world.webhook.clone().filter(|webhook| webhook.number == number) else {
                return;
            };
            let update = world.queue.waiting.front().cloned();
            if update.is_some()
                && let Some(update) = world.queue.waiting.front_mut()
            {
                update.handed += 1;
            }
            (webhook, update)
        };
        let Some(update) = update else {
            if changed.changed().await.is_err() {
                return;
            }
            continue;
        };
        match post(&client, &webhook, &update).await {
            Ok(answer) => {
                pause = shared.options.webhook_retry;
                {
                    let mut world = shared.world();
                    // Unless another webhook, or the bot itself, was faster.
                    if world.queue.waiting.front().is_some_and(|front| front.id == update.id) {
                        let gone = world.queue.waiting.pop_front();
                        world.forget(gone);
                    }
                }
                answered(&shared, &answer).await;
            }
            Err((refused, why)) => {
                fail(&shared, number, Some(refused), &why);
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(60));
            }
        }
    }
}

/// Posts an update; says whether it was refused, or nobody was there.
async fn post(
    client: &reqwest::Client,
    webhook: &Webhook,
    update: &Update,
) -> Result<Vec<u8>, (bool, String)> {
    let mut request =
        client.post(&webhook.url).header("Content-Type", "application/json").body(update.body.to_string());
    if let Some(secret) = &webhook.secret {
        request = request.header("X-Telegram-Bot-Api-Secret-Token", secret);
    }
    let response = request.send().await.map_err(|error| {
        let why = if error.is_timeout() { "Read timeout expired" } else { "Connection refused" };
        (false, why.to_owned())
    })?;
    let status = response.status();
    if !status.is_success() {
        return Err((true, format!("Wrong response from the webhook: {status}")));
    }
    Ok(response.bytes().await.map(|bytes| bytes.to_vec()).unwrap_or_default())
}

/// An answer may be a method to carry out.
async fn answered(shared: &Arc<Shared>, answer: &[u8]) {
    let mut params = Params::default();
    if params.json_body(answer).is_ok()
        && let Some(method) = params.values.remove("method")
    {
        // Nobody hears how it went, as with the real server.
        let _ = perform(shared, &method, &params).await;
    }
}

fn fail(shared: &Shared, number: i64, refused: Option<bool>, why: &str) {
    let mut world = shared.world();
    if let Some(webhook) = world.webhook.as_mut().filter(|webhook| webhook.number == number) {
        webhook.last_error = Some((now(), why.to_owned()));
    }
    if let (Some(refused), Some(update)) = (refused, world.queue.waiting.front_mut()) {
        update.refused += u32::from(refused);
        update.unreachable += u32::from(!refused);
    }
}
