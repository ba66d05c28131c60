//! The everyday: answers in order, duplicates, edits, deletions, a stop in good order.

use std::time::Duration;

use crate::bot::Orders;
use crate::check::{settled, sound, stage};
use crate::platform::{Deed, Fixture, Platform};
use crate::scorecard::{Outcome, Scorecard};
use crate::script::{SLOW, TAKES};
use crate::stage::Stage;

const NO_EDITS: &str = "the platform has no edits";
const NO_DELETIONS: &str = "the platform has no deletions";
const OWN_IDS: &str = "the platform gives each message an id of its own";
const ONE_PROCESS: &str = "the conversation ends with the process";

pub(crate) async fn check<F: Fixture>(test: &str, card: &mut Scorecard) -> anyhow::Result<()> {
    let stage = stage::<F>(test).await?;
    let told = stage.told()?;
    let channels: &[&str] = if told.outlives_process { &["a", "b", "c"] } else { &["a"] };
    for _ in 0..5 {
        for channel in channels {
            stage.say(channel, "").await?;
        }
    }
    let evidence = format!("{} messages in {} conversations", 5 * channels.len(), channels.len());
    card.add("Each message is answered once, in order", sound(&settled(&stage).await?, evidence));

    if stage.platform.keeps_ids() {
        let said = stage.say("a", "").await?;
        stage.settle().await?;
        stage.say_once("a", &said).await;
        stage.say("a", "").await?;
        card.add(
            "A message that comes twice is answered once",
            sound(&settled(&stage).await?, "sent again after its answer"),
        );
    } else {
        card.add("A message that comes twice is answered once", Outcome::NotApplicable(OWN_IDS));
    }
    let edit = Deed::Edit { message: String::new(), text: String::new() };
    let name = "An edit is answered in place of a message that is being answered";
    card.add(
        name,
        if stage.platform.knows(&edit) { edited(&stage).await? } else { Outcome::NotApplicable(NO_EDITS) },
    );
    let deletion = Deed::Delete { message: String::new() };
    let name = "A deleted message that is being answered is not answered";
    let outcome = if stage.platform.knows(&deletion) {
        deleted(&stage).await?
    } else {
        Outcome::NotApplicable(NO_DELETIONS)
    };
    card.add(name, outcome);

    for _ in 0..3 {
        stage.say("a", SLOW).await?;
    }
    let ended_well = stage.stop().await?;
    let name = "A stop in good order loses nothing";
    if !told.outlives_process {
        let outcome = if ended_well {
            Outcome::Passed("it ends with code 0".to_owned())
        } else {
            Outcome::Failed("it ended badly".to_owned())
        };
        card.add(name, outcome);
        card.add(
            "What comes again after a restart is not answered again",
            Outcome::NotApplicable(ONE_PROCESS),
        );
        return Ok(());
    }
    stage.start(Orders::default()).await?;
    let mut audit = settled(&stage).await?;
    if !ended_well {
        audit.problems.push("the bot did not end well".to_owned());
    }
    card.add(name, sound(&audit, "3 slow answers in flight"));
    if !stage.platform.keeps_ids() {
        card.add("What comes again after a restart is not answered again", Outcome::NotApplicable(OWN_IDS));
        return Ok(());
    }
    let again = stage.said.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    for said in again.iter().take(5).rev() {
        stage.say_once(&said.channel, said).await;
    }
    stage.say("a", "").await?;
    card.add(
        "What comes again after a restart is not answered again",
        sound(&settled(&stage).await?, "5 messages replayed late and in another order"),
    );
    Ok(())
}

async fn edited<F: Fixture>(stage: &Stage<F>) -> anyhow::Result<Outcome> {
    let (old, new) = (stage.token(), stage.token());
    stage.act("a", &old, Deed::Say(format!("{SLOW} {old}"))).await;
    tokio::time::sleep(TAKES / 4).await;
    stage.act("a", &format!("{old}e"), Deed::Edit { message: old.clone(), text: new.clone() }).await;
    stage.say("a", "").await?;
    let audit = settled(stage).await?;
    Ok(match (stage.times("a", &old), stage.times("a", &new)) {
        (0, 1) => sound(&audit, "the new text is answered, once"),
        (was, is) => Outcome::Failed(format!("the old text is answered {was} times, the new one {is} times")),
    })
}

async fn deleted<F: Fixture>(stage: &Stage<F>) -> anyhow::Result<Outcome> {
    let token = stage.token();
    stage.act("a", &token, Deed::Say(format!("{SLOW} {token}"))).await;
    tokio::time::sleep(TAKES / 4).await;
    stage.act("a", &format!("{token}d"), Deed::Delete { message: token.clone() }).await;
    stage.say("a", "").await?;
    let audit = settled(stage).await?;
    tokio::time::sleep(TAKES + Duration::from_millis(300)).await;
    Ok(match stage.times("a", &token) {
        0 => sound(&audit, "nothing is shown, and the next message is answered"),
        times => Outcome::Failed(format!("it is answered {times} times")),
    })
}
