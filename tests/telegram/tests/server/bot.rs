//! The plainest bot: it calls methods over HTTP.
#![expect(clippy::unwrap_used, reason = "a call that fails here fails the test")]

use loquat_fake_telegram::{Options, Telegram};
use serde_json::Value;

/// A bot, as far as a test needs one.
#[derive(Clone)]
pub(crate) struct Bot {
    client: reqwest::Client,
    base: String,
}

impl Bot {
    /// A bot at this server.
    pub(crate) fn of(telegram: &Telegram) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { client, base: format!("{}/bot{}", telegram.url(), telegram.token()) }
    }

    /// Calls a method with a JSON body; the whole answer.
    pub(crate) async fn try_call(&self, method: &str, params: Value) -> reqwest::Result<Value> {
        let request = self.client.post(format!("{}/{method}", self.base));
        let request = request.header("Content-Type", "application/json").body(params.to_string());
        let body = request.send().await?.text().await?;
        Ok(serde_json::from_str(&body).unwrap_or(Value::String(body)))
    }

    /// Calls a method; its result.
    pub(crate) async fn call(&self, method: &str, params: Value) -> Value {
        let answer = self.try_call(method, params).await.unwrap();
        assert_eq!(answer["ok"], true, "{method} was refused: {answer}");
        answer["result"].clone()
    }

    /// Calls a method that is to be refused; why.
    pub(crate) async fn refused(&self, method: &str, params: Value) -> (i64, String) {
        let answer = self.try_call(method, params).await.unwrap();
        assert_eq!(answer["ok"], false, "{method} was not refused: {answer}");
        (answer["error_code"].as_i64().unwrap(), answer["description"].as_str().unwrap().to_owned())
    }
}

/// A server and a bot.
pub(crate) async fn start(options: Options) -> (Telegram, Bot) {
    let telegram = Telegram::start(options).await.unwrap();
    let bot = Bot::of(&telegram);
    (telegram, bot)
}
