//! The bot is killed: before and after each step of the way, and at random moments with conversations in flight; and its clock is put
//! back and forward.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::audit::Said;
use crate::bot::Orders;
use crate::breaking::{Crash, POINTS};
use crate::check::{settled, sound, stage};
use crate::platform::{Fixture, Heard, Platform};
use crate::scorecard::{Outcome, Scorecard};
use crate::stage::Stage;

const ONE_PROCESS: &str = "the conversation ends with the process";
/// How often it is killed at random where nobody says otherwise.
const ROUNDS: usize = 10;
/// Conversations in flight meanwhile.
const CONVERSATIONS: usize = 8;
/// The longest that a bot lives in a round, in milliseconds.
const LIFE: u64 = 150;

pub(crate) async fn check<F: Fixture>(test: &str, card: &mut Scorecard) -> anyhow::Result<()> {
    let stage = stage::<F>(test).await?;
    let names = [
        "Killed before and after each step",
        "The clock is put back, and forward",
        "Killed at random moments",
    ];
    if !stage.told()?.outlives_process {
        for name in names {
            card.add(name, Outcome::NotApplicable(ONE_PROCESS));
        }
        return Ok(());
    }
    for point in POINTS {
        for before in [true, false] {
            stage.stop().await?;
            let crash = Some(Crash { point, before, spared: 1 });
            let deaths = stage.deaths();
            stage.start(Orders { crash, ..Orders::default() }).await?;
            for _ in 0..3 {
                stage.say("a", "").await?;
            }
            // The step may come after the last message is accepted.
            for _ in 0..200 {
                if stage.deaths() > deaths {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            anyhow::ensure!(
                stage.deaths() == deaths + 1,
                "the bot was not killed {} {point:?}",
                if before { "before" } else { "after" }
            );
            stage.settle().await?;
        }
    }
    let evidence = format!("{} kills: accept, prepare, sending, deliver, sent, settle", POINTS.len() * 2);
    card.add(names[0], sound(&settled(&stage).await?, evidence));

    for hours in [-12, 6, 0] {
        stage.say("a", "").await?;
        stage.kill()?;
        stage.start(Orders { clock_shift_ms: hours * 3_600_000, ..Orders::default() }).await?;
        stage.say("a", "").await?;
    }
    card.add(names[1], sound(&settled(&stage).await?, "half a day back, 18 hours forward, and right again"));
    stage.stop().await?;
    let outcome = at_random(&stage).await?;
    card.add(names[2], outcome);
    Ok(())
}

/// A generator of pseudo-random numbers (xorshift64, Marsaglia 2003): the same kills for the same seed.
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// What an environment variable says.
pub(super) fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

async fn at_random<F: Fixture>(stage: &Stage<F>) -> anyhow::Result<Outcome> {
    let rounds =
        number("LOQUAT_CONFORMANCE_ROUNDS").and_then(|rounds| usize::try_from(rounds).ok()).unwrap_or(ROUNDS);
    let seed = number("LOQUAT_CONFORMANCE_SEED").unwrap_or(0x9e37_79b9);
    let is_over = AtomicBool::new(false);
    let kills = async {
        let mut chance = Chance(seed.max(1));
        for _ in 0..rounds {
            stage.launch(Orders::default())?;
            // Mostly once it is connected, sometimes while it starts.
            if chance.below(4) > 0 {
                let ready = stage.platform.ready();
                let _ready = tokio::time::timeout(Duration::from_secs(20), ready).await;
            }
            tokio::time::sleep(Duration::from_millis(chance.below(LIFE))).await;
            stage.kill()?;
        }
        stage.start(Orders::default()).await?;
        is_over.store(true, Ordering::SeqCst);
        anyhow::Ok(())
    };
    let talks = (0..CONVERSATIONS).map(|place| talk(stage, format!("k{place}"), &is_over));
    let (killed, _) = tokio::join!(kills, futures::future::join_all(talks));
    killed?;
    let audit = settled(stage).await?;
    crate::report(&format!(
        "{rounds} rounds, seed {seed}: {} said, {} answered, {} unknown, {} problems",
        audit.said,
        audit.answered,
        audit.unknown,
        audit.problems.len()
    ));
    Ok(sound(
        &audit,
        format!(
            "{CONVERSATIONS} conversations in flight; nothing lost, doubled, out of order or silently unknown"
        ),
    ))
}

/// One person who talks on and on, and says again what the bot did not acknowledge.
async fn talk<F: Fixture>(stage: &Stage<F>, channel: String, is_over: &AtomicBool) {
    while !is_over.load(Ordering::SeqCst) {
        let token = stage.token();
        let said = Said { channel: channel.clone(), id: token.clone(), token, is_acknowledged: false };
        let heard = loop {
            match stage.say_once(&channel, &said).await {
                Heard::NotAcknowledged if !is_over.load(Ordering::SeqCst) => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                heard => break heard,
            }
        };
        stage.noted(said, heard == Heard::Acknowledged);
        // A person who types, rather than a flood.
        tokio::time::sleep(Duration::from_millis(if heard == Heard::Unknowable { 25 } else { 5 })).await;
    }
}
