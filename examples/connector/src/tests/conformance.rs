//! How the conformance kit connects this connector to its small server, and the kit's one line.

use std::sync::Arc;

use loquat_conformance::{Connector, Fixture};

use super::fake::Fake;
use crate::{Config, connect};

/// The connector on its small server.
struct PostboxFixture;

impl Fixture for PostboxFixture {
    const PLATFORM: &'static str = crate::PLATFORM;

    type Platform = Fake;

    fn connect(address: &str, bot: &str) -> anyhow::Result<Connector> {
        // As patient as a test can be that waits for a server to be given up.
        let config = Config { address: Some(address.to_owned()), silence_secs: 2 };
        let (ingress, egress) = connect(config, bot)?;
        Ok(Connector { ingress: Arc::new(ingress), egress: Arc::new(egress) })
    }
}

loquat_conformance::conformance!(PostboxFixture);
