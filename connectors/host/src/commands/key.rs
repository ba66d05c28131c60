//! `loquat key`. In: a name. Out: a key for a program, which is shown this once; or which there are; or one fewer.

use std::io::Write;
use std::process::ExitCode;

use loquat_contract::Timestamp;
use loquat_web::{Keys, Scope};
use secrecy::ExposeSecret;

use crate::cli::KeyCommand;
use crate::config::Loaded;
use crate::parts::Places;

pub(super) fn key(loaded: &Loaded, command: &KeyCommand) -> anyhow::Result<ExitCode> {
    let keys = Keys::kept_in(&Places::of(&loaded.config)?.web);
    let mut out = anstream::stdout();
    match command {
        KeyCommand::New { name, scopes } => {
            let scopes = scopes.iter().copied().map(Scope::from).collect();
            let key = keys.make(name, scopes)?;
            // Alone on standard output, so that a script can take it.
            writeln!(out, "{}", key.expose_secret())?;
            writeln!(
                anstream::stderr(),
                "This is the key {name}. It is shown this once: only a digest of it is kept. Send it as `Authorization: Bearer …`."
            )?;
        }
        KeyCommand::List => {
            let all = keys.list()?;
            for key in &all {
                let scopes: Vec<String> = key.scopes.iter().map(ToString::to_string).collect();
                writeln!(out, "{:24} {:16} {}", key.name, scopes.join(","), made(key.made))?;
            }
            if all.is_empty() {
                writeln!(anstream::stderr(), "there are no keys; `loquat key new NAME` makes one")?;
            }
        }
        KeyCommand::Revoke { name } => {
            anyhow::ensure!(keys.revoke(name)?, "there is no key named {name}; see `loquat key list`");
            writeln!(out, "{name} is taken no longer")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The day and time, to the second.
fn made(at: Timestamp) -> String {
    let at = i64::try_from(at.0).ok().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    at.map(|at| format!("{at:.0}")).unwrap_or_default()
}
