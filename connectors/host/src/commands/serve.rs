//! `loquat serve`. In: a config. Out: connectors that run until Ctrl-C.

use std::io::Write;
use std::process::ExitCode;

use crate::config::Loaded;
use crate::connectors::{Connector, served};
use crate::parts::{Places, assemble};
use crate::progress::Screen;

pub(super) fn serve(loaded: &Loaded) -> anyhow::Result<ExitCode> {
    let screen = Screen::default();
    let runtime = super::runtime()?;
    let metrics = {
        let _within = runtime.enter();
        crate::metrics::start(&loaded.config.metrics)?
    };
    let parts = assemble(loaded, &screen)?;
    super::introduce(&parts, &screen)?;
    let places = Places::of(&loaded.config)?;
    runtime.block_on(async {
        metrics.map(tokio::spawn);
        let announce = |connectors: &[Connector]| {
            for notice in connectors.iter().filter_map(|connector| connector.notice.as_ref()) {
                writeln!(anstream::stdout(), "{} {notice}", loaded.config.bot.name)?;
            }
            screen.say("Press Ctrl-C to stop.");
            Ok(())
        };
        crate::run::run(&loaded.config, &places, parts.engine, served(&loaded.config, &places)?, announce)
            .await
    })?;
    Ok(ExitCode::SUCCESS)
}
