//! `loquat person`. In: somebody. Out: everything that is known of them, or nothing of it any more.

use std::io::Write;
use std::process::ExitCode;

use loquat_contract::Query;
use loquat_journal::Ledger;

use crate::cli::PersonCommand;
use crate::config::Loaded;
use crate::operator::{Request, ask};
use crate::parts::Places;

pub(super) fn person(loaded: &Loaded, command: &PersonCommand) -> anyhow::Result<ExitCode> {
    let places = Places::of(&loaded.config)?;
    match command {
        PersonCommand::Export { person } => {
            let ledger = Ledger::open(&places.journal)?;
            let entries = ledger.entries(&Query { person: Some(person.clone()), ..Query::default() })?;
            let mut out = std::io::stdout().lock();
            for entry in &entries {
                writeln!(out, "{}", super::ledger::json(entry)?)?;
            }
            writeln!(anstream::stderr(), "{} messages of {person}, with the replies to them", entries.len())?;
            super::ledger::report(ledger.damage())
        }
        PersonCommand::Erase { person, yes } => {
            anyhow::ensure!(
                *yes,
                "this removes every message of {person} and the replies to them, and cannot be undone; \
                 `loquat person export {person}` writes them to a file first; add --yes to go on"
            );
            let request = Request::Erase(person.clone());
            let said =
                super::runtime()?.block_on(ask(&places, loaded.config.journal.retention(), &request))?;
            writeln!(anstream::stdout(), "{said}")?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
