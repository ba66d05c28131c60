//! How the conformance kit connects this connector to its fake, and the one line that runs it.

use std::sync::Arc;

use anyhow::Context;
use loquat_conformance::{Connector, Fixture};
use loquat_contract::BotCard;

use super::fake::Fake;
use crate::{Config, connect};

/// The connector on its small server.
pub(super) struct Irc;

impl Fixture for Irc {
    const PLATFORM: &'static str = crate::PLATFORM;

    type Platform = Fake;

    fn connect(address: &str, bot: &str) -> anyhow::Result<Connector> {
        let (ingress, egress) =
            connect(config(address)?, BotCard { name: bot.into(), ..BotCard::default() })?;
        Ok(Connector { ingress: Arc::new(ingress), egress: Arc::new(egress) })
    }
}

loquat_conformance::conformance!(Irc);

/// What a connector needs to find the small server, with waits that a test can sit out.
pub(super) fn config(address: &str) -> anyhow::Result<Config> {
    let (host, port) = address.rsplit_once(':').context("no port")?;
    Ok(Config {
        server: Some(host.to_owned()),
        port: port.parse()?,
        tls: false,
        flood_pause_ms: 10,
        ping_secs: 1,
        confirm_secs: 2,
        ..Config::default()
    })
}
