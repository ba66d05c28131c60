//! What the web chat's server serves beside the chat. In: the bot's parts, and the desk of its operators. Out: the server's port with the API
//! that clients of OpenAI speak, the operators' pages and the counters mounted on it. Knows no request: the crates that are mounted do.

use std::sync::Arc;

use loquat_openai::{Limits, Offered, Service};
use loquat_web::{Access, Bound, Scope};

use crate::config::Config;
use crate::operations::Desk;
use crate::parts::{InUse, Parts, Places, sampling};

/// Mounts everything on a port that nothing is served on yet.
///
/// # Errors
/// When what must outlive a restart cannot be kept.
pub(crate) fn open(
    bound: Bound,
    config: &Config,
    places: &Places,
    parts: &Parts,
    desk: &Arc<Desk>,
) -> anyhow::Result<Bound> {
    let bound = bound.keep_in(&places.web)?.with_knowledge(parts.graph.knowledge());
    let kept = desk.clone();
    let bound =
        bound.ready_if("journal", Arc::new(move || kept.can_keep().map_err(|error| error.to_string())));
    let operators = Access::Key(Scope::Operator);
    let bound = bound
        .mount("/v1", Access::Key(Scope::Chat), loquat_openai::router(completions(config, parts)))?
        .mount("/admin/api", operators, loquat_admin::router(desk.clone()))?
        .mount("/admin", Access::Public, loquat_admin::page())?
        .mount("/metrics", operators, loquat_admin::prometheus(desk.clone()))?;
    Ok(bound)
}

/// The bot, its models and its embedders, for clients of OpenAI.
fn completions(config: &Config, parts: &Parts) -> Service {
    let limits = Limits { max_question_chars: config.bot.max_message_chars, ..Limits::default() };
    let mut service = Service::new(&config.bot.name, parts.engine.clone())
        .with_policy(config.bot.policy)
        .with_sampling(sampling(config))
        .with_limits(limits);
    let exchange = parts.exchange.clone();
    service = service.with_models(move || exchange.in_use().into_iter().map(offered).collect());
    for embedder in &parts.embedders {
        service = service.with_embedder(embedder.identity().name.clone(), embedder.clone());
    }
    service
}

/// A model under its own name; and under the config's and those of models whose place it has taken, so that clients need not follow.
fn offered(in_use: InUse) -> Offered {
    let name = in_use.model.identity().name.clone();
    Offered { name, also: [in_use.name].into_iter().chain(in_use.earlier).collect(), model: in_use.model }
}
