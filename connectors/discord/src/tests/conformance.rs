//! How the conformance kit connects this connector to its Discord, and the one line that runs it.

use std::sync::Arc;

use loquat_conformance::{Connector, Fixture};
use loquat_contract::BotCard;

use super::fixture::{Guild, config};
use crate::connect;

/// The connector on a Discord of our own.
pub(super) struct OnDiscord;

impl Fixture for OnDiscord {
    const PLATFORM: &'static str = crate::PLATFORM;

    type Platform = Guild;

    fn connect(address: &str, bot: &str) -> anyhow::Result<Connector> {
        let (ingress, egress) = connect(config(address), BotCard { name: bot.into(), ..BotCard::default() })?;
        Ok(Connector { ingress: Arc::new(ingress), egress: Arc::new(egress) })
    }
}

loquat_conformance::conformance!(OnDiscord);
