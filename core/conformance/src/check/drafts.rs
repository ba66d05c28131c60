//! Drafts that are messages: a reply takes the draft's place, also after a kill in between.

use std::time::Duration;

use crate::bot::Orders;
use crate::breaking::{Crash, Point};
use crate::check::{settled, sound, stage};
use crate::platform::Fixture;
use crate::scorecard::{Outcome, Scorecard};
use crate::script::DRAFT;
use crate::stage::Stage;

const NAME: &str = "A draft and a kill before its reply leave one message";
const NO_DRAFTS: &str = "the platform shows no drafts";
const NO_MESSAGES: &str = "its drafts are no messages";

pub(crate) async fn check<F: Fixture>(test: &str, card: &mut Scorecard) -> anyhow::Result<()> {
    let stage = stage::<F>(test).await?;
    let outcome =
        if stage.told()?.has_drafts { killed(&stage).await? } else { Outcome::NotApplicable(NO_DRAFTS) };
    card.add(NAME, outcome);
    Ok(())
}

async fn killed<F: Fixture>(stage: &Stage<F>) -> anyhow::Result<Outcome> {
    let mut channels = Vec::new();
    for channel in ["a", "b"] {
        let said = stage.say(channel, DRAFT).await?;
        stage.settle().await?;
        if stage.entry(&said.token)?.is_some_and(|entry| entry.draft.is_some()) {
            channels.push(channel);
        }
    }
    if channels.is_empty() {
        let audit = settled(stage).await?;
        return Ok(match audit.problems.is_empty() {
            true => Outcome::NotApplicable(NO_MESSAGES),
            false => sound(&audit, ""),
        });
    }
    let kills = channels.iter().flat_map(|channel| [(*channel, true), (*channel, false)]);
    for (channel, before) in kills {
        stage.stop().await?;
        let deaths = stage.deaths();
        let crash = Some(Crash { point: Point::Draft, before, spared: 0 });
        stage.start(Orders { crash, ..Orders::default() }).await?;
        stage.say(channel, DRAFT).await?;
        for _ in 0..500 {
            if stage.deaths() > deaths {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        anyhow::ensure!(stage.deaths() > deaths, "the bot was not killed after its draft");
        stage.settle().await?;
    }
    Ok(sound(&settled(stage).await?, "killed once the draft was on record; the reply took its place"))
}
