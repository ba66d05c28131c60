//! `loquat serve`. In: a config. Out: connectors that run until Ctrl-C.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use crate::config::Loaded;
use crate::connectors::{Connector, served};
use crate::operations::Desk;
use crate::parts::{Places, assemble};
use crate::progress::Screen;
use crate::run;

pub(super) fn serve(loaded: &Loaded) -> anyhow::Result<ExitCode> {
    let screen = Screen::default();
    let runtime = super::runtime()?;
    let (metrics, page) = {
        let _within = runtime.enter();
        crate::metrics::start(&loaded.config.metrics)?
    };
    let parts = assemble(loaded, &screen)?;
    super::introduce(&parts, &screen)?;
    let places = Places::of(&loaded.config)?;
    runtime.block_on(async {
        tokio::spawn(page);
        let announce = |connectors: &[Connector]| {
            for notice in connectors.iter().filter_map(|connector| connector.notice.as_ref()) {
                writeln!(anstream::stdout(), "{} {notice}", loaded.config.bot.name)?;
            }
            screen.say("Press Ctrl-C to stop.");
            Ok(())
        };
        let journal = run::journal(&places)?;
        let desk = Arc::new(Desk::new(&loaded.config, &places, journal.clone(), metrics));
        let connectors = served(&loaded.config, &places, &parts, &desk)?;
        run::run(&loaded.config, &places, journal, parts.engine, connectors, Some(desk), announce).await
    })?;
    Ok(ExitCode::SUCCESS)
}
