//! Runs a bot until it is told to stop. In: parts and connectors. Out: nothing, once every accepted message is answered.

use std::sync::Arc;

use anyhow::Context;
use loquat_contract::{Egress, Sink};
use loquat_dialogue::{EmbeddedJournal, Engine};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::connectors::Connector;
use crate::dispatch::Dispatch;
use crate::parts::Places;

/// Runs the connectors until one ends or Ctrl-C is pressed; then finishes what was accepted. A second Ctrl-C ends
/// the process at once: what was accepted is in the journal. `announce` is called once nothing can keep the bot from starting.
///
/// # Errors
/// When the journal cannot be opened or a connector fails.
pub async fn run(
    config: &Config,
    places: &Places,
    engine: Arc<Engine>,
    connectors: Vec<Connector>,
    announce: impl FnOnce(&[Connector]) -> std::io::Result<()>,
) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let journal = EmbeddedJournal::open(&places.journal)
        .with_context(|| format!("the journal in {} cannot be opened", places.journal.display()))?;
    let egresses =
        connectors.iter().map(|c| (c.platform.to_owned(), c.egress.clone() as Arc<dyn Egress>)).collect();
    let limit = config.bot.max_message_chars;
    let dispatch = Dispatch::new(engine, Arc::new(journal), egresses, limit, stop.clone());
    let resumed = dispatch.resume().await?;
    if resumed > 0 {
        tracing::info!(resumed, "answering messages of an earlier run");
    }
    let signals = Signals::listen()?;
    announce(&connectors)?;
    let sink: Arc<dyn Sink> = Arc::new(dispatch.clone());
    let mut ingresses = JoinSet::new();
    for connector in connectors {
        let (platform, running) = (connector.platform, connector.ingress.run(sink.clone(), stop.clone()));
        ingresses.spawn(async move { running.await.with_context(|| format!("connector `{platform}`")) });
    }
    tokio::spawn(stop_on_signal(signals, stop.clone()));

    let mut outcome = Ok(());
    while let Some(ended) = ingresses.join_next().await {
        outcome = outcome.and(ended.context("a connector broke down").and_then(|result| result));
        // One that ends by itself ends the bot: the terminal because the person left, any other because it failed.
        stop.cancel();
    }
    dispatch.drain().await;
    outcome
}

/// Cancels `stop` at Ctrl-C or a request to terminate; ends the process at a second one.
async fn stop_on_signal(mut signals: Signals, stop: CancellationToken) {
    signals.next().await;
    tracing::info!("stopping; replies in flight are finished first");
    stop.cancel();
    signals.next().await;
    std::process::exit(130);
}

/// What asks a process to end.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// What asks a process to end.
#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}
