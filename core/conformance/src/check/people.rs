//! Several messages at once, and several people in one channel: what the journal knows of their order and of who said what.

use loquat_contract::Sequence;

use crate::audit::Said;
use crate::check::{settled, sound, stage};
use crate::platform::{Deed, Fixture, Heard, Platform};
use crate::scorecard::{Outcome, Scorecard};
use crate::stage::Stage;

/// Messages that are said without waiting for one another.
const BURST: usize = 10;
const ALONE: &str = "one person talks in a conversation";

pub(crate) async fn check<F: Fixture>(test: &str, card: &mut Scorecard) -> anyhow::Result<()> {
    let stage = stage::<F>(test).await?;
    card.add("Messages said all at once keep their order", burst(&stage).await?);
    let outcome = if stage.platform.tells_people_apart() {
        senders(&stage).await?
    } else {
        Outcome::NotApplicable(ALONE)
    };
    card.add("Two people in one channel are told apart", outcome);
    Ok(())
}

async fn burst<F: Fixture>(stage: &Stage<F>) -> anyhow::Result<Outcome> {
    let burst: Vec<String> = (0..BURST).map(|_| stage.token()).collect();
    // Begun in this order: each is polled for the first time before the next.
    let acts = burst.iter().map(|token| stage.act("a", token, Deed::Say(token.clone())));
    let heard = futures::future::join_all(acts).await;
    for (token, heard) in burst.iter().zip(heard) {
        if !stage.has(token, heard).await? {
            stage.miss(format!("LOST: {token}, one of {BURST} said at once, did not get to the bot"))?;
        }
        let said =
            Said { channel: "a".to_owned(), token: token.clone(), id: token.clone(), is_acknowledged: false };
        stage.noted(said, heard == Heard::Acknowledged);
    }
    let mut audit = settled(stage).await?;
    let mut kept: Vec<(Sequence, usize)> = Vec::new();
    for (number, token) in burst.iter().enumerate() {
        kept.extend(stage.entry(token)?.map(|entry| (entry.sequence, number + 1)));
    }
    kept.sort_unstable_by_key(|(sequence, _)| *sequence);
    let order: Vec<usize> = kept.into_iter().map(|(_, number)| number).collect();
    if !stage.platform.keeps_order() {
        return Ok(sound(&audit, format!("{BURST} messages, none lost; the platform promises no order")));
    }
    if !order.is_sorted() {
        audit.problems.push(format!("OUT OF ORDER: the journal has them as {order:?}"));
    }
    Ok(sound(&audit, format!("{BURST} messages, in the journal as they were said")))
}

async fn senders<F: Fixture>(stage: &Stage<F>) -> anyhow::Result<Outcome> {
    let mut ids = Vec::new();
    for sender in ["ann", "bob", "ann"] {
        let said = stage.say_as(sender, "two", "").await?;
        ids.extend(stage.entry(&said.token)?.map(|entry| entry.inbound.sender.id));
    }
    let mut audit = settled(stage).await?;
    match &ids[..] {
        [ann, bob, again] if ann != bob && ann == again => {}
        _ => audit.problems.push(format!("ann, bob and ann again are in the journal as {ids:?}")),
    }
    Ok(sound(&audit, "two senders, and the first one again"))
}
