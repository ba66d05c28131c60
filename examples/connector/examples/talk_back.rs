//! The connector alone, with an echo in place of a bot: `cargo run -p loquat-postbox --example talk_back -- ADDRESS`
//!
//! `nc -l 4000` is server enough for `127.0.0.1:4000`. Type an event:
//! `{"event":{"id":"1","channel":"den","sender":"ann","text":"Hello!"}}`

use std::sync::Arc;
use std::time::Duration;

use loquat_contract::{
    BoxFuture, CancellationToken, ConnectorError, Egress, Envelope, IdempotencyKey, Inbound, Ingress, Part,
    Receipt, Refusal, Sink,
};
use loquat_postbox::{Config, PostboxEgress, connect};

/// Says everything again. It keeps nothing: that is the host's work, and so are pauses, retries and the rest.
struct Echo {
    egress: PostboxEgress,
}

impl Sink for Echo {
    fn accept(&self, inbound: Inbound) -> BoxFuture<'_, Result<Receipt, Refusal>> {
        Box::pin(async move {
            let Some(text) = inbound.text() else { return Ok(Receipt::Ignored) };
            // The same for the same event, so that one that comes again is not answered twice.
            let key = IdempotencyKey(format!("echo-{}", inbound.id.0));
            let part = Part { text: text.to_owned(), ..Part::default() };
            let envelope = Envelope::new(key, inbound.address(), part);
            eprintln!("{}: {text:?} → {:?}", inbound.person(), self.egress.deliver(&envelope).await);
            Ok(Receipt::Accepted)
        })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:4000".to_owned());
    let (ingress, egress) = connect(Config { address: Some(address), ..Config::default() }, "Echo")?;
    let (sink, stop) = (Arc::new(Echo { egress }), CancellationToken::new());
    let stopped = stop.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stopped.cancel();
        }
    });
    while let Err(error) = ingress.run(sink.clone(), stop.clone()).await {
        eprintln!("{error}");
        match error {
            ConnectorError::Lost(_) if !stop.is_cancelled() => {
                tokio::time::sleep(Duration::from_secs(1)).await
            }
            _ => break,
        }
    }
    Ok(())
}
