//! The one list of connectors. In: a bot's config. Out: the two halves of each that it runs. Adding a platform is adding a function here.

use std::sync::Arc;

use loquat_contract::{BotCard, Egress, Ingress};

use crate::config::Config;
use crate::operations::Desk;
use crate::parts::{Parts, Places};
use crate::site;

/// A platform's two halves.
pub struct Connector {
    /// The platform's name in conversation ids.
    pub platform: &'static str,
    /// The receiving half.
    pub ingress: Arc<dyn Ingress>,
    /// The sending half.
    pub egress: Arc<dyn Egress>,
    /// What to tell the person who started the bot, behind its name.
    pub notice: Option<String>,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector").field("platform", &self.platform).finish_non_exhaustive()
    }
}

/// The bot as platforms introduce it.
pub(crate) fn card(config: &Config) -> BotCard {
    BotCard {
        name: config.bot.name.clone(),
        greeting: config.bot.greeting.clone(),
        suggestions: config.bot.suggestions.clone(),
        languages: config.bot.languages.clone(),
    }
}

/// The connectors that `loquat` serves.
///
/// # Errors
/// When one of them cannot start with its config.
pub fn served(
    config: &Config,
    places: &Places,
    parts: &Parts,
    desk: &Arc<Desk>,
) -> anyhow::Result<Vec<Connector>> {
    let mut served = vec![web(config, places, parts, desk)?];
    if config.connectors.irc.server.is_some() {
        served.push(irc(config)?);
    }
    if config.connectors.discord.token.is_some() {
        served.push(discord(config)?);
    }
    if config.connectors.telegram.token.is_some() {
        served.push(telegram(config)?);
    }
    Ok(served)
}

pub(crate) fn irc(config: &Config) -> anyhow::Result<Connector> {
    let own = &config.connectors.irc;
    let notice = own
        .server
        .as_ref()
        .map(|server| format!("is connecting to irc://{server}:{} as {}", own.port, own.nickname));
    let (ingress, egress) = loquat_irc::connect(own.clone(), card(config))?;
    Ok(Connector { platform: "irc", ingress: Arc::new(ingress), egress: Arc::new(egress), notice })
}

fn discord(config: &Config) -> anyhow::Result<Connector> {
    let (ingress, egress) = loquat_discord::connect(config.connectors.discord.clone(), card(config))?;
    let notice = Some("is connecting to Discord".to_owned());
    let (ingress, egress) = (Arc::new(ingress), Arc::new(egress));
    Ok(Connector { platform: loquat_discord::PLATFORM, ingress, egress, notice })
}

fn telegram(config: &Config) -> anyhow::Result<Connector> {
    let (ingress, egress) = loquat_telegram::connect(config.connectors.telegram.clone(), card(config))?;
    let notice = Some("is connecting to Telegram".to_owned());
    let (ingress, egress) = (Arc::new(ingress), Arc::new(egress));
    Ok(Connector { platform: loquat_telegram::PLATFORM, ingress, egress, notice })
}

fn web(config: &Config, places: &Places, parts: &Parts, desk: &Arc<Desk>) -> anyhow::Result<Connector> {
    let settings = loquat_web::Config {
        max_message_chars: config.connectors.web.max_message_chars.min(config.bot.max_message_chars),
        ..config.connectors.web.clone()
    };
    let bound = site::open(loquat_web::bind(&settings)?, config, places, parts, desk)?;
    let moved = if bound.moved() { format!(" (port {} is taken)", settings.port) } else { String::new() };
    let notice = Some(format!("is ready: {}{moved}", bound.link()));
    let (ingress, egress) = bound.connect(card(config));
    Ok(Connector { platform: "web", ingress: Arc::new(ingress), egress: Arc::new(egress), notice })
}

/// The terminal, for `loquat chat`.
///
/// # Errors
/// When the line editor cannot start.
pub fn terminal(config: &Config, places: &Places) -> anyhow::Result<Connector> {
    let history_file = Some(places.history.clone());
    let settings = loquat_terminal::Config { history_file, ..config.connectors.terminal.clone() };
    let (ingress, egress) = loquat_terminal::connect(settings, card(config))?;
    Ok(Connector { platform: "terminal", ingress: Arc::new(ingress), egress: Arc::new(egress), notice: None })
}
