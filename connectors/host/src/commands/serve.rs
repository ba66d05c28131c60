//! `loquat serve`. In: a config. Out: connectors that run until Ctrl-C.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use crate::config::Loaded;
use crate::connectors::{Connector, served};
use crate::operations::Desk;
use crate::parts::{Places, assemble_over};
use crate::progress::Screen;
use crate::run;

pub(super) fn serve(loaded: &Loaded) -> anyhow::Result<ExitCode> {
    let screen = Screen::default();
    let runtime = super::runtime()?;
    let (metrics, page, traces) = {
        let _within = runtime.enter();
        let (metrics, page) = crate::metrics::start(&loaded.config.metrics)?;
        (metrics, page, crate::telemetry::trace(&loaded.config.telemetry)?)
    };
    let places = Places::of(&loaded.config)?;
    let (graph, journal) = run::open(loaded, &places, &screen)?;
    let parts = assemble_over(graph, loaded, &screen)?;
    super::introduce(&parts, &screen)?;
    let ended = runtime.block_on(async {
        tokio::spawn(page);
        let announce = |connectors: &[Connector]| {
            for notice in connectors.iter().filter_map(|connector| connector.notice.as_ref()) {
                writeln!(anstream::stdout(), "{} {notice}", loaded.config.bot.name)?;
            }
            screen.say("Press Ctrl-C to stop.");
            Ok(())
        };
        let desk = Arc::new(Desk::new(&loaded.config, &places, journal.clone(), metrics));
        let connectors = served(&loaded.config, &places, &parts, &desk)?;
        desk.show(parts.exchange.clone());
        // The exchange has them: one whose place another takes is freed.
        drop(parts.models);
        run::run(&loaded.config, &places, journal, parts.exchange, connectors, Some(desk), announce).await
    });
    // Also where it failed: that is when somebody looks at them.
    if let Some(traces) = traces {
        traces.end();
    }
    ended.map(|()| ExitCode::SUCCESS)
}
