//! A long queue in one conversation, while deliveries go wrong again and again and the bot is killed twice. In: a bot. Out: whether every
//! answer came, in order.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::breaking::{Crash, Point};
use crate::check::crashes::{Chance, number};
use crate::check::{settled, sound, stage};
use crate::platform::{Fault, Fixture, Platform};
use crate::scorecard::{Outcome, Scorecard};
use crate::stage::Stage;

const NAME: &str = "A queue of messages through faults and two kills";
/// How many messages there are where nobody says otherwise.
const MESSAGES: usize = 100;
/// How often the bot is killed.
const KILLS: usize = 2;
const CHANNEL: &str = "queue";
/// How long the first answer is held up, so that the others queue behind it.
const HELD: Duration = Duration::from_millis(800);
/// How often it is looked how far the queue is.
const LOOK: Duration = Duration::from_millis(20);
/// Out of so many answers, one goes wrong.
const ONE_IN: u64 = 5;

pub(crate) async fn check<F: Fixture>(test: &str, card: &mut Scorecard) -> anyhow::Result<()> {
    let stage = stage::<F>(test).await?;
    if !stage.told()?.outlives_process {
        card.add(NAME, Outcome::NotApplicable("the conversation ends with the process"));
        return Ok(());
    }
    let count = number("LOQUAT_CONFORMANCE_QUEUE").and_then(|count| usize::try_from(count).ok());
    let count = count.unwrap_or(MESSAGES);
    let seed = number("LOQUAT_CONFORMANCE_SEED").unwrap_or(0x2545_f491).max(1);
    // It dies at the moment that it begins to deliver: a third of the answers after the start, and again a third later.
    let fate = Crash { point: Point::Deliver, before: true, spared: count / (KILLS + 1) };
    stage.doom([fate; KILLS]).await?;
    let deaths = stage.deaths();
    let is_over = AtomicBool::new(false);
    let said = async {
        stage.arm(&Fault::TooMany(Some(HELD)));
        for _ in 0..count {
            stage.say(CHANNEL, "").await?;
        }
        stage.settle().await?;
        is_over.store(true, Ordering::SeqCst);
        anyhow::Ok(())
    };
    // Where one of them fails, the other does not go on.
    let ((), faults) = tokio::try_join!(said, trouble(&stage, seed, &is_over))?;
    let kills = stage.deaths() - deaths;
    stage.calm();
    let audit = settled(&stage).await?;
    crate::report(&format!(
        "queue of {count}, seed {seed}: {faults} faults, {kills} kills; {} answered, {} unknown, {} problems",
        audit.answered,
        audit.unknown,
        audit.problems.len()
    ));
    let evidence = "faults and two kills on the way; all in order, none lost or doubled";
    card.add(
        NAME,
        match kills {
            KILLS => sound(&audit, evidence),
            _ => Outcome::Failed(format!("the queue was through after {kills} kills, so it proves nothing")),
        },
    );
    Ok(())
}

/// Has deliveries go wrong by chance; says how often.
async fn trouble<F: Fixture>(stage: &Stage<F>, seed: u64, is_over: &AtomicBool) -> anyhow::Result<usize> {
    let faults = [
        Fault::TooMany(None),
        Fault::TooMany(Some(Duration::from_millis(50))),
        Fault::ServerError,
        Fault::BrokenOff,
        Fault::TakenWithoutAnswer,
    ];
    let mut chance = Chance(seed);
    let (mut armed, mut seen) = (0, 0);
    while !is_over.load(Ordering::SeqCst) {
        tokio::time::sleep(LOOK).await;
        let shown = stage.platform.shown(CHANNEL).len();
        let is_time = (seen..shown).any(|_| chance.below(ONE_IN) == 0);
        seen = shown;
        let place = usize::try_from(chance.below(faults.len() as u64)).unwrap_or_default();
        if is_time && faults.get(place).is_some_and(|fault| stage.arm(fault)) {
            armed += 1;
        }
    }
    Ok(armed)
}
