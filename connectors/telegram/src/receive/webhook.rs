//! The webhook. In: requests of Telegram's. Out: updates, one after the other, and 200 for what is done with. TLS is the matter of a proxy
//! before it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::StatusCode;
use axum::routing::post;
use loquat_contract::{CancellationToken, ConnectorError, Sink};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use super::{TelegramIngress, WANTED};
use crate::api::{Me, Webhook};

/// The header with the secret.
const SECRET: &str = "x-telegram-bot-api-secret-token";
/// The largest update; Telegram's are far smaller.
const LARGEST: usize = 1024 * 1024;
/// How often Telegram is asked whether the webhook is still the bot's.
const LOOK: Duration = Duration::from_secs(60);
/// How long a request may take to come.
const COMES_WITHIN: Duration = Duration::from_secs(30);
/// How many updates wait at most.
const WAITING: usize = 64;

/// An update, and who waits to hear whether it is done with.
type Waiting = (Value, oneshot::Sender<bool>);

/// What each request sees.
struct Door {
    secret: SecretString,
    /// `None` once the run is over: what comes then has to come again.
    updates: Arc<Mutex<Option<mpsc::Sender<Waiting>>>>,
}

impl TelegramIngress {
    /// Serves the webhook until `stop`, or until it is taken away.
    pub(super) async fn serve(
        &self,
        me: &Me,
        sink: Arc<dyn Sink>,
        stop: CancellationToken,
    ) -> Result<(), ConnectorError> {
        let listen = self.shared.config.listen;
        let listener = TcpListener::bind(listen).await.map_err(|error| {
            ConnectorError::Lost(format!(
                "{listen} cannot be listened on ({error}); set connectors.telegram.listen to a free address"
            ))
        })?;
        let (sender, mut updates) = mpsc::channel::<Waiting>(WAITING);
        let shut = Shut(Arc::new(Mutex::new(Some(sender))));
        let door = Door { secret: self.shared.config.secret(), updates: shut.0.clone() };
        let site = Router::new()
            .fallback(post(receive))
            .layer(DefaultBodyLimit::max(LARGEST))
            .with_state(Arc::new(door));
        let over = CancellationToken::new();
        let _dropped = over.clone().drop_guard();
        let server = axum::serve(listener, site)
            .with_graceful_shutdown(async move { over.cancelled().await })
            .into_future();
        let work = async {
            self.set_webhook(listen).await?;
            // One after the other, in the order in which they came.
            while let Some((update, done)) = updates.recv().await {
                sink.alive();
                let taken = self.take(update, me, &*sink).await;
                if let Err(reason) = &taken {
                    tracing::warn!(reason, "an update was not taken, and will come again");
                }
                // Who asked may be gone; then it comes again, and is known.
                let _asked = done.send(taken.is_ok());
            }
            Ok(())
        };
        let ended = tokio::select! {
            ended = server => Err(ConnectorError::Lost(format!("the webhook's port failed: {ended:?}"))),
            ended = work => ended,
            taken = self.watch_webhook() => taken,
            () = stop.cancelled() => Ok(()),
        };
        drop(shut);
        ended
    }

    async fn set_webhook(&self, listen: SocketAddr) -> Result<(), ConnectorError> {
        let config = &self.shared.config;
        let url = config.public_url().map_err(|error| ConnectorError::Stop(error.to_string()))?;
        let body = json!({
            "url": url.as_str(),
            "secret_token": config.secret().expose_secret(),
            "allowed_updates": WANTED,
            "max_connections": 1,
            "drop_pending_updates": false,
        });
        let _set: bool = self.shared.api.named("SetWebhook", &body).await?;
        tracing::info!(%listen, "Telegram sends updates to the webhook");
        Ok(())
    }

    /// Returns once the webhook is not the bot's any more.
    async fn watch_webhook(&self) -> Result<(), ConnectorError> {
        let url = self.shared.config.public_url().map(|url| url.to_string()).unwrap_or_default();
        loop {
            tokio::time::sleep(LOOK).await;
            match self.shared.api.named::<Webhook>("GetWebhookInfo", &json!({})).await {
                Ok(webhook) if webhook.url == url => {
                    if let Some(problem) = webhook.last_error_message {
                        let waiting = webhook.pending_update_count;
                        tracing::debug!(waiting, problem, "Telegram could not reach the webhook lately");
                    }
                }
                Ok(_) => {
                    let reason = "another program took the webhook away; one bot needs one token";
                    return Err(ConnectorError::Lost(reason.to_owned()));
                }
                Err(failure) if failure.is_unauthorised() => return Err(failure.into()),
                Err(failure) => tracing::debug!(%failure, "the webhook was not looked at"),
            }
        }
    }
}

/// Shuts the door when the run is over, be it that it is dropped: requests on connections that are still open find it shut.
struct Shut(Arc<Mutex<Option<mpsc::Sender<Waiting>>>>);

impl Drop for Shut {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

async fn receive(State(door): State<Arc<Door>>, request: Request) -> StatusCode {
    let told = request.headers().get(SECRET).map_or(&[][..], |value| value.as_bytes());
    let is_telegram: bool = told.ct_eq(door.secret.expose_secret().as_bytes()).into();
    if !is_telegram {
        return StatusCode::UNAUTHORIZED;
    }
    // Only now: nobody else has this process keep anything for them.
    let body = match tokio::time::timeout(COMES_WITHIN, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => body,
        Ok(Err(refusal)) => return refusal.status(),
        Err(_) => return StatusCode::REQUEST_TIMEOUT,
    };
    let Ok(update) = serde_json::from_slice::<Value>(&body) else { return StatusCode::BAD_REQUEST };
    let sender = door.updates.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let Some(sender) = sender else { return StatusCode::SERVICE_UNAVAILABLE };
    let (done, is_done) = oneshot::channel();
    if sender.send((update, done)).await.is_err() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    match is_done.await {
        Ok(true) => StatusCode::OK,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}
