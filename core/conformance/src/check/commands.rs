//! Commands of the platform's menu: acknowledged, and answered once.

use crate::audit::Said;
use crate::check::{settled, sound, stage};
use crate::platform::{Command, Fixture, Heard, Platform};
use crate::scorecard::{Outcome, Scorecard};

const NAME: &str = "A command is acknowledged and answered once";
const NO_MENU: &str = "the platform has no menu of commands";

pub(crate) async fn check<F: Fixture>(test: &str, card: &mut Scorecard) -> anyhow::Result<()> {
    let stage = stage::<F>(test).await?;
    // Both where a person is alone with the bot, and where others are.
    for channel in ["a", "two"] {
        let token = stage.token();
        let command = Command {
            channel: channel.to_owned(),
            sender: "ann".to_owned(),
            id: token.clone(),
            name: "ask".to_owned(),
            argument: token.clone(),
        };
        let Some(heard) = stage.platform.command(&command).await else {
            card.add(NAME, Outcome::NotApplicable(NO_MENU));
            return Ok(());
        };
        if !stage.has(&token, heard).await? {
            card.add(NAME, Outcome::Failed(format!("/ask was not acknowledged in {channel}")));
            return Ok(());
        }
        let is_acknowledged = heard == Heard::Acknowledged;
        stage.noted(
            Said { channel: channel.to_owned(), id: token.clone(), token, is_acknowledged: false },
            is_acknowledged,
        );
    }
    card.add(NAME, sound(&settled(&stage).await?, "/ask with a question, in two conversations"));
    Ok(())
}
