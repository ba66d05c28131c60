//! Where people reach the bot. In: the config. Out: a finding for each connector that is on; of those with a server that can be asked
//! before the bot runs, what that says.

use loquat_contract::Check;

use super::Finding;
use crate::commands::runtime;
use crate::config::Config;
use crate::parts::Places;

/// What there is to say of each connector.
///
/// # Errors
/// When no request can be made at all.
pub(super) fn examine(config: &Config) -> anyhow::Result<Vec<(String, Finding)>> {
    let own = &config.connectors;
    let places = Places::of(config)?;
    let mut found: Vec<_> = named("web chat", loquat_web::examine(&own.web, &places.web)).collect();
    if own.irc.server.is_some() {
        found.push(("irc".to_owned(), irc(config)));
    }
    let asking = async {
        let mut checks = Vec::new();
        if own.discord.token.is_some() {
            match loquat_discord::examine(&own.discord).await {
                Ok(found) => checks.extend(named("discord", found)),
                Err(error) => {
                    checks.push((
                        "discord".to_owned(),
                        Finding::problem(error, "correct `[connectors.discord]`"),
                    ));
                }
            }
        }
        if own.telegram.token.is_some() {
            checks.extend(named("telegram", loquat_telegram::examine(&own.telegram).await));
        }
        checks
    };
    found.extend(runtime()?.block_on(asking));
    Ok(found)
}

fn named(platform: &str, checks: Vec<Check>) -> impl Iterator<Item = (String, Finding)> {
    let finding = |check: Check| match check.advice {
        None => Finding::Ok(check.what),
        Some(advice) => Finding::Problem { what: check.what, advice },
    };
    checks.into_iter().map(move |check| (format!("{platform} {}", check.name), finding(check)))
}

/// The config alone: nothing is connected to.
fn irc(config: &Config) -> Finding {
    match crate::connectors::irc(config) {
        Ok(connector) => Finding::Ok(connector.notice.unwrap_or_default().replace("is connecting to ", "")),
        Err(error) => Finding::problem(format!("{error:#}"), "correct `[connectors.irc]`"),
    }
}
