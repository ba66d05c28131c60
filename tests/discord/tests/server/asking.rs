//! A server, and requests to it.

use std::time::Duration;

use loquat_fake_discord::{Discord, Id, Options};
use serde_json::Value;
use ureq::http::{Method, Request};

/// A server with a guild, a channel and somebody in it.
pub(crate) struct Place {
    pub(crate) discord: Discord,
    pub(crate) guild: Id,
    pub(crate) channel: Id,
    pub(crate) ann: Id,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) text: String,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl Place {
    pub(crate) async fn new(options: Options) -> Self {
        let discord = Discord::start(options).await.unwrap();
        let guild = discord.guild("Orchard");
        let channel = discord.text_channel(guild, "general");
        let ann = discord.person("ann");
        discord.join(guild, ann);
        Self { discord, guild, channel, ann }
    }

    /// Without limits.
    pub(crate) async fn free() -> Self {
        Self::new(Options { pace: None, patience: Duration::from_secs(20), ..Options::default() }).await
    }

    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> Got {
        self.try_ask(method, path, body).unwrap()
    }

    pub(crate) fn try_ask(&self, method: &str, path: &str, body: &Value) -> Result<Got, ureq::Error> {
        self.ask_as(&format!("Bot {}", self.discord.token()), method, path, body, Duration::from_secs(20))
    }

    pub(crate) fn ask_as(
        &self,
        authorization: &str,
        method: &str,
        path: &str,
        body: &Value,
        wait: Duration,
    ) -> Result<Got, ureq::Error> {
        let config =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(wait)).build();
        let request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(format!("{}{path}", self.discord.url()))
            .header("authorization", authorization)
            .header("content-type", "application/json");
        // A request has a body here only where it says something.
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = request.body(body).unwrap();
        let agent = ureq::Agent::new_with_config(config);
        let request = agent.configure_request(request).allow_non_standard_methods(true).build();
        let mut response = tokio::task::block_in_place(|| agent.run(request))?;
        let text = response.body_mut().read_to_string()?;
        Ok(Got { status: response.status().as_u16(), headers: response.headers().clone(), text })
    }

    /// Where messages of the channel are.
    pub(crate) fn messages(&self) -> String {
        format!("/api/v10/channels/{}/messages", self.channel)
    }

    pub(crate) fn post(&self, body: Value) -> Got {
        self.ask("POST", &self.messages(), &body)
    }
}
