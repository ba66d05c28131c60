//! What the bot does not take: a message that is too long, and one that cannot be kept.

use crate::audit::Said;
use crate::bot::Orders;
use crate::check::{settled, sound};
use crate::platform::{Deed, Fixture, Heard};
use crate::scorecard::{Outcome, Scorecard};
use crate::stage::Stage;

/// The longest message that the bot takes here, in characters.
const LIMIT: usize = 100;

pub(crate) async fn check<F: Fixture>(test: &str, card: &mut Scorecard) -> anyhow::Result<()> {
    let stage = Stage::<F>::new(test).await?;
    stage.start(Orders { max_message_chars: Some(LIMIT), ..Orders::default() }).await?;
    card.add("A message that is refused for good does not stop the bot", refused(&stage).await?);
    card.add("A message that could not be kept is not acknowledged", unkept(&stage).await?);
    Ok(())
}

async fn refused<F: Fixture>(stage: &Stage<F>) -> anyhow::Result<Outcome> {
    stage.say("a", "").await?;
    let token = stage.token();
    let long = format!("{token} {}", "long ".repeat(LIMIT / 5));
    stage.act("a", &token, Deed::Say(long)).await;
    stage.say("a", "").await?;
    let mut audit = settled(stage).await?;
    if stage.entry(&token)?.is_some() {
        audit.problems.push("it is in the journal".to_owned());
    }
    if stage.times("a", &token) > 0 {
        audit.problems.push("it is answered".to_owned());
    }
    Ok(sound(&audit, "too long: neither kept nor answered; the next message is answered"))
}

async fn unkept<F: Fixture>(stage: &Stage<F>) -> anyhow::Result<Outcome> {
    let token = stage.token();
    let said = Said { channel: "a".to_owned(), id: token.clone(), token, is_acknowledged: false };
    match stage.say_to_full_disk("a", &said).await {
        Ok(Heard::Acknowledged) => {
            return Ok(Outcome::Failed("LOST: it was acknowledged and is not in the journal".to_owned()));
        }
        Ok(_) => {}
        Err(problem) => return Ok(Outcome::Failed(problem.to_string())),
    }
    let heard = stage.say_once("a", &said).await;
    if !stage.has(&said.token, heard).await? {
        stage.miss(format!("LOST: {} came again, and did not get to the bot", said.token))?;
    }
    stage.noted(said, heard == Heard::Acknowledged);
    stage.say("a", "").await?;
    Ok(sound(&settled(stage).await?, "the disk was full; it came again, and was answered once"))
}
