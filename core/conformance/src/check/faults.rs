//! The platform misbehaves: too many messages, faults of its own, silence, broken and half-open connections.

use std::time::Duration;

use loquat_contract::State;

use crate::check::{settled, sound, stage};
use crate::platform::{Fault, Fixture, Platform};
use crate::scorecard::{Outcome, Scorecard};

const CANNOT: &str = "this platform cannot do that to the bot";

pub(crate) async fn check<F: Fixture>(test: &str, card: &mut Scorecard) -> anyhow::Result<()> {
    let faults = [
        ("“Too many messages”, with how long to wait", Fault::TooMany(Some(Duration::from_millis(700)))),
        ("“Too many messages”, without how long to wait", Fault::TooMany(None)),
        ("A fault of the platform's own (5xx)", Fault::ServerError),
        ("A connection that breaks in the middle of a message", Fault::BrokenOff),
        ("A message that was taken and never confirmed", Fault::TakenWithoutAnswer),
        ("A connection that looks alive and is not", Fault::HalfOpen),
    ];
    let stage = stage::<F>(test).await?;
    let has_key = stage.told()?.has_key;
    for (name, fault) in faults {
        // The bot may still be connecting again after the fault before.
        stage.platform.ready().await?;
        if !stage.arm(&fault) {
            card.add(name, Outcome::NotApplicable(CANNOT));
            continue;
        }
        let said = stage.say("a", "").await?;
        stage.say("a", "").await?;
        let audit = settled(&stage).await?;
        stage.calm();
        let state = stage.entry(&said.token)?.map(|entry| entry.state());
        let is_ambiguous = matches!(fault, Fault::TakenWithoutAnswer | Fault::HalfOpen | Fault::BrokenOff);
        let outcome = match state {
            Some(State::Delivered) => sound(&audit, "shown once, and so is the next message"),
            Some(State::Unknown) if is_ambiguous && !has_key => {
                sound(&audit, "unknown in the ledger, not sent again; the next message is answered")
            }
            state => Outcome::Failed(format!("it ended as {state:?}")),
        };
        card.add(name, outcome);
    }
    Ok(())
}
