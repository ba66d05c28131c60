//! One request to the Bot API. In: teloxide's payloads, or a method by name. Out: what Telegram answered, or a [`Failure`] that says whether it
//! may have the request. Knows no events and no parts; the token is in no text that leaves this file.

use std::error::Error;
use std::time::Duration;

use loquat_contract::{ConnectorError, Delivery};
use reqwest::multipart::Form;
use reqwest::{Client, RequestBuilder, StatusCode};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use teloxide_core::Bot;
use teloxide_core::requests::Payload;

use crate::config::is_loopback;
use crate::{Config, TelegramError};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an unused connection is kept: for less than a server keeps it, or a request meets one that is being closed.
const IDLE: Duration = Duration::from_secs(20);
/// The longest that Telegram is left alone on its word; it never asked for as much.
const LONGEST_WAIT: u64 = 24 * 60 * 60;
/// The largest answer that is read; a hundred updates are far smaller.
const LARGEST: usize = 32 * 1024 * 1024;
/// What a person has to do where the token is refused.
pub(crate) const NEW_TOKEN: &str = "Telegram does not know the token; get it from @BotFather again (/token), and set connectors.telegram.token";

/// A message, by its number.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Posted {
    pub(crate) message_id: i32,
}

/// The bot itself, as `getMe` tells.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Me {
    pub(crate) id: i64,
    pub(crate) first_name: String,
    #[serde(default)]
    pub(crate) username: String,
    #[serde(default)]
    pub(crate) can_join_groups: bool,
    #[serde(default)]
    pub(crate) can_read_all_group_messages: bool,
}

/// The webhook, as `getWebhookInfo` tells.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Webhook {
    pub(crate) url: String,
    pub(crate) pending_update_count: u64,
    pub(crate) last_error_message: Option<String>,
}

/// Why a request came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// No connection was made: Telegram does not have it.
    #[error("Telegram cannot be reached: {0}")]
    NotSent(String),
    /// It was written, and nobody knows what became of it.
    #[error("Telegram gave no answer: {0}")]
    Unanswered(String),
    /// Too many of them.
    #[error("Telegram wants fewer messages")]
    TooMany(Option<Duration>),
    /// The group is a supergroup now, of this number.
    #[error("the group became the supergroup {0}")]
    Moved(i64),
    /// Telegram said no.
    #[error("{description} ({code})")]
    Refused {
        /// The number, as in HTTP.
        code: u16,
        /// Telegram's words.
        description: String,
    },
}

impl Failure {
    /// Whether Telegram said no in words that have one of these in them.
    pub(crate) fn says(&self, words: &[&str]) -> bool {
        let Self::Refused { code: 400, description } = self else { return false };
        let description = description.to_lowercase();
        words.iter().any(|words| description.contains(&words.to_lowercase()))
    }

    /// Whether the token is refused.
    pub(crate) fn is_unauthorised(&self) -> bool {
        matches!(self, Self::Refused { code: 401 | 404, .. })
    }

    /// What becomes of a message that was to be sent.
    pub(crate) fn delivery(self) -> Delivery {
        let reason = self.to_string();
        match self {
            Self::NotSent(_) | Self::Moved(_) => Delivery::Retry { after: None, reason },
            Self::TooMany(after) => Delivery::Retry { after, reason },
            Self::Unanswered(_) => Delivery::Ambiguous { reason },
            Self::Refused { code: 401 | 404, .. } => Delivery::Unauthorised { reason: NEW_TOKEN.to_owned() },
            // A gateway does not know what the server behind it did.
            Self::Refused { code: 502 | 504, .. } => Delivery::Ambiguous { reason },
            Self::Refused { code: 500.., .. } => Delivery::Retry { after: None, reason },
            Self::Refused { .. } => Delivery::Permanent { reason },
        }
    }
}

impl From<Failure> for ConnectorError {
    fn from(failure: Failure) -> Self {
        if failure.is_unauthorised() {
            return Self::Stop(NEW_TOKEN.to_owned());
        }
        Self::Lost(failure.to_string())
    }
}

/// What Telegram answers.
#[derive(Deserialize)]
struct Answer<T> {
    ok: bool,
    result: Option<T>,
    error_code: Option<u16>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Default, Deserialize)]
struct Parameters {
    retry_after: Option<u64>,
    migrate_to_chat_id: Option<i64>,
}

/// The Bot API, for one token.
pub(crate) struct Api {
    bot: Bot,
    answer: Duration,
}

impl Api {
    pub(crate) fn new(config: &Config) -> Result<Self, TelegramError> {
        let url = config.api()?;
        let token = config.token.as_ref().ok_or(TelegramError::NoToken)?;
        // HTTP/2 gains nothing here, and its library logs headers, of which the path is one.
        let mut client = Client::builder()
            // Before the time for the answer is over, or nobody could tell that nothing was sent.
            .connect_timeout(CONNECT.min(config.answer() / 2))
            .pool_idle_timeout(IDLE)
            .tcp_nodelay(true)
            .http1_only()
            .redirect(reqwest::redirect::Policy::none());
        if is_loopback(&url) {
            client = client.no_proxy();
        }
        let client =
            client.build().map_err(|error| TelegramError::Client(error.without_url().to_string()))?;
        let bot = Bot::with_client(token.expose_secret(), client).set_api_url(url);
        Ok(Self { bot, answer: config.answer() })
    }

    /// One of teloxide's requests.
    pub(crate) async fn call<P: Payload + Serialize, T: DeserializeOwned>(
        &self,
        payload: &P,
    ) -> Result<T, Failure> {
        self.raw(P::NAME, payload, self.answer).await
    }

    /// A request by its method's name, for what teloxide does not have, and with a time of its own.
    pub(crate) async fn raw<T: DeserializeOwned>(
        &self,
        method: &str,
        body: &impl Serialize,
        answer: Duration,
    ) -> Result<T, Failure> {
        self.send(self.request(method).json(body).timeout(answer)).await
    }

    /// A request by its method's name that takes the usual time.
    pub(crate) async fn named<T: DeserializeOwned>(
        &self,
        method: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        self.raw(method, body, self.answer).await
    }

    /// A request with a file, which may take longer by its size.
    pub(crate) async fn upload<T: DeserializeOwned>(
        &self,
        method: &str,
        form: Form,
        bytes: u64,
    ) -> Result<T, Failure> {
        let extra = Duration::from_secs(bytes / 100_000);
        self.send(self.request(method).multipart(form).timeout(self.answer + extra)).await
    }

    fn request(&self, method: &str) -> RequestBuilder {
        let mut url = self.bot.api_url();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.push(&format!("bot{}", self.bot.token())).push(method);
        }
        self.bot.client().post(url)
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Failure> {
        let mut response = request.send().await.map_err(|error| {
            let was_written = !error.is_builder() && !error.is_connect();
            let words = self.words(error);
            if was_written { Failure::Unanswered(words) } else { Failure::NotSent(words) }
        })?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(more) =
            response.chunk().await.map_err(|error| Failure::Unanswered(self.words(error)))?
        {
            if body.len() + more.len() > LARGEST {
                return Err(Failure::Unanswered("what came back is larger than any answer".to_owned()));
            }
            body.extend_from_slice(&more);
        }
        match serde_json::from_slice::<Answer<T>>(&body) {
            Ok(Answer { ok: true, result: Some(result), .. }) => Ok(result),
            Ok(answer) if !answer.ok => Err(self.refusal(answer, status)),
            // A result that is none, or a page of something on the way.
            _ if status.is_success() => Err(Failure::Unanswered("what came back is no answer".to_owned())),
            _ => Err(page(status)),
        }
    }

    fn refusal<T>(&self, answer: Answer<T>, status: StatusCode) -> Failure {
        let code = answer.error_code.unwrap_or(status.as_u16());
        match answer.parameters {
            Parameters { migrate_to_chat_id: Some(chat), .. } => Failure::Moved(chat),
            Parameters { retry_after, .. } if code == 429 || retry_after.is_some() => {
                Failure::TooMany(retry_after.map(|secs| Duration::from_secs(secs.min(LONGEST_WAIT))))
            }
            _ => Failure::Refused { code, description: self.scrubbed(&answer.description) },
        }
    }

    /// What went wrong, without the address, in which the token stands.
    fn words(&self, error: reqwest::Error) -> String {
        let error = error.without_url();
        let mut words = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            words = format!("{words}: {cause}");
            source = cause.source();
        }
        self.scrubbed(&words)
    }

    fn scrubbed(&self, text: &str) -> String {
        // Its number is known to all, and the colon may come escaped.
        let token = self.bot.token();
        text.replace(token.split_once(':').map_or(token, |(_, word)| word), "[token]")
    }
}

/// What a page says that is not Telegram's own answer: a gateway that is in the way knows neither the token nor the chat.
fn page(status: StatusCode) -> Failure {
    match status.as_u16() {
        429 => Failure::TooMany(None),
        code @ 500.. => {
            let description = status.canonical_reason().unwrap_or("refused").to_owned();
            Failure::Refused { code, description }
        }
        _ => Failure::NotSent(format!("something on the way to it answered {status}")),
    }
}
