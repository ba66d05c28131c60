//! What is said while no bot is there: it gets to the next one.

use std::time::Duration;

use loquat_contract::Entry;

use crate::audit::Said;
use crate::bot::Orders;
use crate::check::{settled, sound, stage};
use crate::platform::{Deed, Fixture, Heard, Platform};
use crate::scorecard::{Outcome, Scorecard};

const NAME: &str = "What is said while the bot is away is answered when it is back";
const NOT_KEPT: &str = "the platform keeps no messages for a bot that is away";
/// How many messages.
const MISSED: usize = 3;
/// How long the bot stays away.
const AWAY: Duration = Duration::from_millis(500);

pub(crate) async fn check<F: Fixture>(test: &str, card: &mut Scorecard) -> anyhow::Result<()> {
    let stage = stage::<F>(test).await?;
    if !stage.told()?.has_backfill && !stage.platform.keeps_for_absent() {
        card.add(NAME, Outcome::NotApplicable(NOT_KEPT));
        return Ok(());
    }
    stage.say("a", "").await?;
    stage.settle().await?;
    stage.kill()?;
    let tokens: Vec<String> = (0..MISSED).map(|_| stage.token()).collect();
    // Begun in this order, while nobody listens; a platform that waits for an acknowledgement gets it from the next bot.
    let acts = tokens.iter().map(|token| stage.act("a", token, Deed::Say(token.clone())));
    let back = async {
        tokio::time::sleep(AWAY).await;
        stage.start(Orders::default()).await
    };
    let (heard, back) = tokio::join!(futures::future::join_all(acts), back);
    back?;
    let has = |entries: &[Entry], token: &str| {
        entries.iter().any(|entry| entry.inbound.text().is_some_and(|text| text.contains(token)))
    };
    let arrived = stage.until(|entries| tokens.iter().all(|token| has(entries, token)).then_some(())).await?;
    for (token, heard) in tokens.iter().zip(heard) {
        let said =
            Said { channel: "a".to_owned(), token: token.clone(), id: token.clone(), is_acknowledged: false };
        stage.noted(said, heard == Heard::Acknowledged);
    }
    let mut audit = settled(&stage).await?;
    if arrived.is_none() {
        audit.problems.insert(0, "LOST: not all of it got to the bot when it was back".to_owned());
    }
    card.add(NAME, sound(&audit, format!("{MISSED} messages, in order")));
    Ok(())
}
