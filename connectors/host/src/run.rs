//! Runs a bot until it is told to stop. In: parts and connectors. Out: nothing, once every accepted message is answered or the time for
//! that is up.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use loquat_contract::Egress;
use loquat_dispatch::{Bot, Dispatch};
use loquat_journal::{EmbeddedJournal, Retention};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Loaded};
use crate::connectors::{Connector, card};
use crate::operations::Desk;
use crate::parts::{Exchange, GraphSource, Places};
use crate::progress::Screen;
use crate::{operator, webhooks};

/// How often the journal is looked at for what is too old.
const TIDY: Duration = Duration::from_secs(3600);
/// The journal is rewritten once this part of it is too old.
const STALE: u64 = 4;

/// Opens what a bot has to itself. The graph first: it says which process has it. The journal before any model is chosen: where nobody has it,
/// `loquat model use` chooses for the next bot to start; where this one has it, it waits for this one.
///
/// # Errors
/// When another process has one of them, or it is of another version.
pub fn open(
    loaded: &Loaded,
    places: &Places,
    screen: &Screen,
) -> anyhow::Result<(GraphSource, EmbeddedJournal)> {
    let graph = GraphSource::open(loaded, places, screen)?;
    let journal = EmbeddedJournal::open(&places.journal)
        .with_context(|| format!("the journal in {} cannot be opened", places.journal.display()))?;
    operator::forget(places);
    Ok((graph, journal))
}

/// Runs the connectors until a person ends one, Ctrl-C is pressed, or none is left; then finishes what was accepted. A second
/// Ctrl-C ends the process at once: what was accepted is in the journal. `exchange` has the engine and changes its models. `desk` is where operators are served. `announce` is called once nothing can keep the bot from
/// starting.
///
/// # Errors
/// When what an earlier run left cannot be read, or the last connector failed.
pub async fn run(
    config: &Config,
    places: &Places,
    journal: EmbeddedJournal,
    exchange: Arc<Exchange>,
    connectors: Vec<Connector>,
    desk: Option<Arc<Desk>>,
    announce: impl FnOnce(&[Connector]) -> std::io::Result<()>,
) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let egresses =
        connectors.iter().map(|c| (c.platform.to_owned(), c.egress.clone() as Arc<dyn Egress>)).collect();
    let bot = Bot {
        card: card(config),
        max_message_chars: config.bot.max_message_chars,
        settings: config.delivery.clone(),
        access: config.access.clone(),
        pairing: Some(places.access.clone()),
    };
    let (hooks, kept) = webhooks::open(&config.webhooks, places, &journal).await?;
    let dispatch = Dispatch::new(bot, exchange.engine().clone(), kept, egresses, stop.clone());
    desk.inspect(|desk| desk.attend(dispatch.clone()));
    let resumed = dispatch.resume().await?;
    if resumed > 0 {
        tracing::info!(resumed, "answering messages of an earlier run");
    }
    let signals = Signals::listen()?;
    announce(&connectors)?;
    let mut running = JoinSet::new();
    for connector in connectors {
        let (platform, dispatch) = (connector.platform, dispatch.clone());
        let ingress = connector.ingress;
        running.spawn(async move {
            dispatch.run(platform, ingress).await.with_context(|| format!("connector `{platform}`"))
        });
    }
    tokio::spawn(stop_on_signal(signals, stop.clone()));
    let telling = tokio::spawn({
        let stop = stop.clone();
        async move { hooks.run(stop).await }
    });
    let beside = tokio::spawn({
        let (stop, retention) = (stop.clone(), config.journal.retention());
        let operator =
            operator::serve(places.clone(), dispatch.clone(), journal.clone(), retention, exchange);
        async move {
            tokio::select! {
                () = operator => {}
                () = tidy(journal, retention) => {}
                () = stop.cancelled() => {}
            }
        }
    });

    let mut outcome = Ok(());
    while let Some(ended) = running.join_next().await {
        match ended.context("a connector broke down").and_then(|ended| ended) {
            // The terminal, because the person left.
            Ok(()) => {
                outcome = Ok(());
                stop.cancel();
            }
            Err(error) => {
                tracing::error!(
                    error = format!("{error:#}"),
                    others = running.len(),
                    "a connector has stopped"
                );
                outcome = Err(error);
            }
        }
    }
    stop.cancel();
    dispatch.drain().await;
    beside.await.context("the journal's upkeep broke down")?;
    telling.await.context("the webhooks broke down")?;
    outcome
}

/// Rewrites the journal whenever much of it is too old.
async fn tidy(journal: EmbeddedJournal, retention: Retention) {
    let mut every = tokio::time::interval(TIDY);
    loop {
        every.tick().await;
        let (all, old) = journal.bytes(retention);
        if old * STALE < all {
            continue;
        }
        match journal.compact(retention).await {
            Ok(done) => {
                tracing::info!(dropped = done.dropped, before = done.before, after = done.after, "compacted")
            }
            Err(error) => tracing::error!(%error, "the journal was not compacted"),
        }
    }
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
