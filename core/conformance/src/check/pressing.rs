//! Buttons below the bot's messages: pressed by who may and by who may not, twice at once, after a restart, and as feedback.

use std::time::{Duration, Instant};

use loquat_contract::{Entry, Event, Settlement, State};

use crate::bot::Orders;
use crate::check::{SEEN, settled, sound, stage};
use crate::platform::{Fixture, Heard, Platform, Press};
use crate::scorecard::{Outcome, Scorecard};
use crate::script::{CHOICES, CHOOSE, FACTS, chosen};
use crate::stage::Stage;

const NAMES: [&str; 4] = [
    "A button is answered to the person who asked, and to nobody else",
    "A button that is pressed twice at once is answered once",
    "A button works after a restart",
    "A button that calls for no answer is acknowledged",
];
const NO_BUTTONS: &str = "the platform has no buttons, or fewer than three";
const ALONE: &str = "one person talks in a conversation";
const ONE_PROCESS: &str = "the conversation ends with the process";
/// Where buttons are pressed, and by whom.
const CHANNEL: &str = "two";
const ASKER: &str = "ann";
/// How often it is looked what people see.
const LOOK: Duration = Duration::from_millis(20);

pub(crate) async fn check<F: Fixture>(test: &str, card: &mut Scorecard) -> anyhow::Result<()> {
    let stage = stage::<F>(test).await?;
    let told = stage.told()?;
    if !told.has_buttons || press(&stage, ASKER, "nothing", "nothing").await.is_none() {
        for name in NAMES {
            card.add(name, Outcome::NotApplicable(NO_BUTTONS));
        }
        return Ok(());
    }
    card.add(NAMES[0], whose(&stage).await?);
    card.add(NAMES[1], twice(&stage).await?);
    let outcome =
        if told.outlives_process { restarted(&stage).await? } else { Outcome::NotApplicable(ONE_PROCESS) };
    card.add(NAMES[2], outcome);
    card.add(NAMES[3], rated(&stage).await?);
    Ok(())
}

async fn press<F: Fixture>(stage: &Stage<F>, sender: &str, on: &str, label: &str) -> Option<Heard> {
    let [channel, sender, on, label] = [CHANNEL, sender, on, label].map(str::to_owned);
    stage.platform.press(&Press { channel, sender, on, label }).await
}

/// Has the bot ask back; gives the word of the question.
async fn asked_back<F: Fixture>(stage: &Stage<F>) -> anyhow::Result<String> {
    let said = stage.say_as(ASKER, CHANNEL, CHOOSE).await?;
    stage.settle().await?;
    Ok(said.token)
}

/// How often a choice was answered: by the journal, and as people see it.
fn answers<F: Fixture>(stage: &Stage<F>, name: &str, token: &str) -> anyhow::Result<(usize, usize)> {
    let asked = chosen(name, token);
    let is_answer = |entry: &&Entry| {
        let is_asked =
            entry.prepared.as_ref().is_some_and(|prepared| prepared.asked.as_ref() == Some(&asked));
        is_asked && entry.state() == State::Delivered
    };
    Ok((stage.ledger()?.iter().filter(is_answer).count(), stage.times(CHANNEL, &asked)))
}

/// The same, once people see it: that may be a little later than the journal has it, such as where they are just connecting again.
async fn seen<F: Fixture>(stage: &Stage<F>, name: &str, token: &str) -> anyhow::Result<(usize, usize)> {
    let begun = Instant::now();
    loop {
        let found = answers(stage, name, token)?;
        if found.1 > 0 || begun.elapsed() > SEEN {
            return Ok(found);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits until a press is in the journal and answered.
async fn answered<F: Fixture>(stage: &Stage<F>, name: &str, token: &str) -> anyhow::Result<()> {
    let asked = chosen(name, token);
    let is_asked = |entry: &Entry| {
        entry.prepared.as_ref().is_some_and(|prepared| prepared.asked.as_ref() == Some(&asked))
    };
    stage.until(|entries| entries.iter().any(is_asked).then_some(())).await?;
    stage.settle().await
}

fn judged(found: (usize, usize), heard: &[Option<Heard>]) -> Vec<String> {
    let mut problems = Vec::new();
    if found != (1, 1) {
        problems
            .push(format!("it is answered {} times by the journal, and shown {} times", found.0, found.1));
    }
    if heard.contains(&Some(Heard::NotAcknowledged)) {
        problems.push("a press was not acknowledged".to_owned());
    }
    problems
}

async fn whose<F: Fixture>(stage: &Stage<F>) -> anyhow::Result<Outcome> {
    if !stage.platform.tells_people_apart() {
        return Ok(Outcome::NotApplicable(ALONE));
    }
    let token = asked_back(stage).await?;
    let before = stage.ledger()?.len();
    let refused = press(stage, "bob", &token, CHOICES[0]).await;
    // Whatever the refused press might have set off comes before this is answered.
    let other = stage.say_as("bob", CHANNEL, "").await?;
    stage.settle().await?;
    let mut problems = Vec::new();
    if stage.ledger()?.len() != before + 1 || answers(stage, CHOICES[0], &token)? != (0, 0) {
        problems.push(format!("somebody else's press is in the journal, beside {}", other.token));
    }
    let heard = press(stage, ASKER, &token, CHOICES[0]).await;
    answered(stage, CHOICES[0], &token).await?;
    let mut audit = settled(stage).await?;
    problems.extend(judged(seen(stage, CHOICES[0], &token).await?, &[refused, heard]));
    audit.problems.splice(0..0, problems);
    Ok(sound(&audit, "somebody else is refused; the answer comes once"))
}

async fn twice<F: Fixture>(stage: &Stage<F>) -> anyhow::Result<Outcome> {
    let token = asked_back(stage).await?;
    let once = || press(stage, ASKER, &token, CHOICES[2]);
    let (first, second) = tokio::join!(once(), once());
    answered(stage, CHOICES[2], &token).await?;
    let mut audit = settled(stage).await?;
    audit.problems.splice(0..0, judged(seen(stage, CHOICES[2], &token).await?, &[first, second]));
    Ok(sound(&audit, "both presses are acknowledged, and answered once"))
}

async fn restarted<F: Fixture>(stage: &Stage<F>) -> anyhow::Result<Outcome> {
    let token = asked_back(stage).await?;
    stage.kill()?;
    stage.start(Orders::default()).await?;
    let heard = press(stage, ASKER, &token, CHOICES[1]).await;
    answered(stage, CHOICES[1], &token).await?;
    let mut audit = settled(stage).await?;
    audit.problems.splice(0..0, judged(seen(stage, CHOICES[1], &token).await?, &[heard]));
    Ok(sound(&audit, "killed between the question and the press; answered once"))
}

async fn rated<F: Fixture>(stage: &Stage<F>) -> anyhow::Result<Outcome> {
    let said = stage.say_as(ASKER, CHANNEL, FACTS).await?;
    stage.settle().await?;
    let shown = stage.platform.shown(CHANNEL).len();
    let heard = press(stage, ASKER, &said.token, "👍").await;
    let is_noted = |entry: &Entry| {
        matches!(entry.inbound.event, Event::Button { .. })
            && matches!(entry.settled, Some((Settlement::Noted, _)))
    };
    let noted = stage.until(|entries| entries.iter().any(is_noted).then_some(())).await?;
    let mut audit = settled(stage).await?;
    let feedback = loquat_dispatch::feedback(&stage.ledger()?).len();
    if noted.is_none() || feedback != 1 {
        audit.problems.push(format!("the journal has {feedback} people's feedback in place of one's"));
    }
    if heard == Some(Heard::NotAcknowledged) {
        audit.problems.push("it is not acknowledged".to_owned());
    }
    if stage.platform.shown(CHANNEL).len() != shown {
        audit.problems.push("it is answered with a message".to_owned());
    }
    Ok(sound(&audit, "👍 is in the journal as feedback, and nothing is said"))
}
