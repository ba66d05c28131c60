//! Requests to the REST API. In: calls. Out: Discord's answers, or what became of a call that has none. It obeys the rate limits, and
//! knows nothing of conversations.

mod clock;
mod failure;
mod limits;
mod routes;

use std::time::Duration;

use loquat_contract::Timestamp;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, Response, StatusCode, redirect};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::{Config, DiscordError};

use clock::Clock;
pub(crate) use failure::Failure;
pub(crate) use limits::{Limits, Seen};
pub(crate) use routes::{INVALID_TOKEN, Route};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);
/// The most bytes of an answer; a hundred long messages with all their embeds stay below.
const LARGEST: usize = 32 << 20;
/// Discord turns clients away that do not name themselves.
const AGENT: &str = concat!("DiscordBot (loquat, ", env!("CARGO_PKG_VERSION"), ")");

/// A file that goes along with a message.
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// What a call carries.
pub(crate) enum Body {
    None,
    Json(Value),
    Files(Value, Vec<File>),
}

/// How a call treats limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patience {
    /// How long it may wait for its turn, in all.
    pub(crate) wait: Duration,
    /// How many calls it leaves for others.
    pub(crate) reserve: u32,
}

impl Patience {
    /// The host waits, not the call.
    pub(crate) const NONE: Self = Self { wait: Duration::ZERO, reserve: 0 };
    /// For what the connector needs to know before it can go on.
    pub(crate) const LONG: Self = Self { wait: Duration::from_secs(30), reserve: 0 };
}

/// One call.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) route: Route,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) body: Body,
    pub(crate) patience: Patience,
}

impl Call {
    pub(crate) fn new(method: Method, route: Route) -> Self {
        Self { method, route, query: Vec::new(), body: Body::None, patience: Patience::NONE }
    }

    pub(crate) fn get(route: Route) -> Self {
        Self { patience: Patience::LONG, ..Self::new(Method::GET, route) }
    }

    pub(crate) fn json(self, body: Value) -> Self {
        Self { body: Body::Json(body), ..self }
    }

    pub(crate) fn patient(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }
}

/// The client of the API.
pub(crate) struct Rest {
    client: Client,
    base: String,
    authorization: HeaderValue,
    limits: Limits,
    clock: Clock,
}

impl Rest {
    pub(crate) fn new(config: &Config) -> Result<Self, DiscordError> {
        let token = config.token.as_ref().ok_or(DiscordError::NoToken)?;
        let mut authorization = HeaderValue::try_from(format!("Bot {}", token.expose_secret()))
            .map_err(|_| DiscordError::Token)?;
        authorization.set_sensitive(true);
        // A redirect would take the token along.
        let client = Client::builder()
            .user_agent(AGENT)
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(config.request_time())
            .http1_only()
            .build()
            .map_err(|error| DiscordError::Tls(error.without_url().to_string()))?;
        Ok(Self {
            client,
            base: config.api()?,
            authorization,
            limits: Limits::new(config.requests_per_second),
            clock: Clock::default(),
        })
    }

    /// Makes a call, and reads the answer as what is expected.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, call: Call) -> Result<T, Failure> {
        let answer = self.call(call).await?;
        // The error itself could quote what it could not read.
        serde_json::from_value(answer).map_err(|error| {
            Failure::Unreadable(format!("Discord's answer cannot be read ({:?})", error.classify()))
        })
    }

    /// Makes a call. The answer is `null` where there is none.
    pub(crate) async fn call(&self, call: Call) -> Result<Value, Failure> {
        let until = Instant::now() + call.patience.wait;
        let is_patient = |wait: Duration| Instant::now() + wait <= until && !wait.is_zero();
        loop {
            let name = call.route.name(&call.method);
            if let Err(wait) = self.limits.take(&name, &call.route, call.patience.reserve, Instant::now()) {
                if is_patient(wait) {
                    sleep(wait).await;
                    continue;
                }
                return Err(Failure::limited(Some(wait)));
            }
            match self.once(&call, &name).await {
                Err(Failure::Limited { after: Some(wait), .. }) if is_patient(wait) => sleep(wait).await,
                outcome => return outcome,
            }
        }
    }

    /// How long ago something was, by Discord's clock; `None` before it has answered at all.
    pub(crate) fn age(&self, at: Timestamp) -> Option<Duration> {
        self.clock.age(at, Instant::now())
    }

    async fn once(&self, call: &Call, name: &str) -> Result<Value, Failure> {
        let url = format!("{}{}", self.base, call.route.path());
        let mut request = self.client.request(call.method.clone(), url).query(&call.query);
        if call.route.needs_token() {
            request = request.header(AUTHORIZATION, self.authorization.clone());
        }
        let request = match &call.body {
            Body::None => request,
            Body::Json(value) => request.json(value),
            Body::Files(value, files) => request.multipart(form(value, files)),
        };
        let response = request.send().await.map_err(Failure::sending)?;
        let (status, seen) = (response.status(), Seen::of(response.headers()));
        self.clock.learn(response.headers(), Instant::now());
        let body = read(response).await;
        self.limits.learn(name, &call.route, status.as_u16(), &seen, body.as_ref().ok(), Instant::now());
        if status.is_success() {
            return if status == StatusCode::NO_CONTENT { Ok(Value::Null) } else { body };
        }
        let failure = Failure::refused(status, &seen, body.ok().as_ref());
        match failure {
            // An interaction's token is over; the bot's own is as good as before.
            Failure::Unauthorised if !call.route.needs_token() => Err(Failure::Refused {
                status: 401,
                code: INVALID_TOKEN,
                words: "the token of this interaction is over".to_owned(),
            }),
            failure => Err(failure),
        }
    }
}

fn form(value: &Value, files: &[File]) -> Form {
    let mut form = Form::new().part("payload_json", Part::text(value.to_string()));
    for (number, file) in files.iter().enumerate() {
        let part = Part::bytes(file.bytes.clone()).file_name(file.name.clone());
        form = form.part(format!("files[{number}]"), part);
    }
    form
}

/// The answer's JSON; `null` where it is empty.
async fn read(mut response: Response) -> Result<Value, Failure> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Failure::sending)? {
        if bytes.len() + chunk.len() > LARGEST {
            return Err(Failure::Unsure("Discord's answer has no end".to_owned()));
        }
        bytes.extend_from_slice(&chunk);
    }
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&bytes).map_err(|_| Failure::Unsure("Discord's answer is no JSON".to_owned()))
}
