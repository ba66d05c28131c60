//! The checks, in order. In: a fixture. Out: a scorecard. Each group has a stage of its own, so that none disturbs another.

mod absence;
mod commands;
mod crashes;
mod drafts;
mod faults;
mod people;
mod pressing;
mod queue;
mod refusals;
mod talking;
mod texts;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::audit::{Audit, audit};
use crate::bot::Orders;
use crate::platform::Fixture;
use crate::scorecard::{Outcome, Scorecard};
use crate::stage::Stage;

/// How long people may take to see what the platform has.
const SEEN: Duration = Duration::from_secs(10);

/// Runs everything.
pub(crate) fn all<F: Fixture>(test: &str) -> anyhow::Result<Scorecard> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let mut card = Scorecard::default();
        talking::check::<F>(test, &mut card).await.context("talking")?;
        people::check::<F>(test, &mut card).await.context("people")?;
        refusals::check::<F>(test, &mut card).await.context("refusals")?;
        texts::check::<F>(test, &mut card).await.context("texts")?;
        pressing::check::<F>(test, &mut card).await.context("pressing")?;
        commands::check::<F>(test, &mut card).await.context("commands")?;
        drafts::check::<F>(test, &mut card).await.context("drafts")?;
        absence::check::<F>(test, &mut card).await.context("absence")?;
        faults::check::<F>(test, &mut card).await.context("faults")?;
        crashes::check::<F>(test, &mut card).await.context("crashes")?;
        queue::check::<F>(test, &mut card).await.context("queue")?;
        Ok(card)
    })
}

/// A stage with a bot that is connected.
async fn stage<F: Fixture>(test: &str) -> anyhow::Result<Stage<F>> {
    let stage = Stage::<F>::new(test).await?;
    stage.start(Orders::default()).await?;
    Ok(stage)
}

/// Waits until nothing is owed, and compares what people saw with the journal. People may see a little later what the platform
/// has; what is shown too often or in the wrong place does not get better by waiting.
async fn settled<F: Fixture>(stage: &Stage<F>) -> anyhow::Result<Audit> {
    let mut missing = stage.missing();
    if let Err(error) = stage.settle().await {
        missing.push(error.to_string());
        return Ok(Audit { problems: missing, ..Audit::default() });
    }
    let begun = Instant::now();
    loop {
        let mut found = audit(stage)?;
        if found.problems.is_empty() || begun.elapsed() > SEEN || stage.has_failed.load(Ordering::SeqCst) {
            stage.has_failed.fetch_or(!found.problems.is_empty(), Ordering::SeqCst);
            found.problems.splice(0..0, missing);
            return Ok(found);
        }
        tokio::time::sleep(SEEN / 200).await;
    }
}

/// Passed where an audit found nothing.
fn sound(audit: &Audit, evidence: impl Into<String>) -> Outcome {
    match audit.problems.first() {
        None => Outcome::Passed(evidence.into()),
        Some(first) => Outcome::Failed(format!("{} problems; {first}", audit.problems.len())),
    }
}
