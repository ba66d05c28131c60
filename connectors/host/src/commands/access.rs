//! `loquat access`. In: a wish to let somebody in. Out: a code for one person, and who was let in so far.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use loquat_dispatch::access::Pairing;

use crate::cli::AccessCommand;
use crate::config::Loaded;
use crate::parts::Places;

pub(super) fn access(loaded: &Loaded, command: &AccessCommand) -> anyhow::Result<ExitCode> {
    let pairing = Pairing::in_file(Places::of(&loaded.config)?.access);
    let mut out = anstream::stdout();
    match command {
        AccessCommand::Pair { hours } => {
            let code = pairing.invite(Duration::from_secs(u64::from(*hours) * 3600))?;
            writeln!(out, "/pair {}", code.0)?;
            if loaded.config.access.allow.iter().any(|rule| rule == "*") {
                let open = "note: `access.allow` lets everybody in, so nobody needs a code; list people there, or set it to []";
                writeln!(anstream::stderr(), "{open}")?;
            }
            writeln!(
                anstream::stderr(),
                "One person who sends this to {} within {hours} hours is let in from then on.",
                loaded.config.bot.name
            )?;
        }
        AccessCommand::List => {
            let people = pairing.people()?;
            for (person, _) in &people {
                writeln!(out, "{person}")?;
            }
            if people.is_empty() {
                writeln!(anstream::stderr(), "nobody was let in by a code; `loquat access pair` makes one")?;
            }
        }
        AccessCommand::Remove { person } => {
            anyhow::ensure!(
                pairing.remove(person)?,
                "{person} was not let in by a code; see `loquat access list`"
            );
            writeln!(out, "{person} is not let in any more")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
