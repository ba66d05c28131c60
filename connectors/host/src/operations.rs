//! What the operator's pages may see and do. In: the journal, the dispatch and the metrics of this bot. Out: the same as the command line has, of a
//! bot that runs. Who asks was checked before.

mod checks;

use std::sync::{Arc, OnceLock};

use loquat_admin::{About, Action, Feedback, Gap, ModelInUse, Operations, Problem};
use loquat_contract::{BoxFuture, Check, Entry, Journal, JournalError, Query, Sequence, Timestamp};
use loquat_dispatch::{Dispatch, Gathering, Rating};
use loquat_journal::{EmbeddedJournal, Retention};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::cli::quoted;
use crate::commands::Gathered;
use crate::config::Config;
use crate::operator::{Request, beside};
use crate::parts::{Exchange, InUse, Places, Use};

/// Entries that are read at once where all are looked through.
const BATCH: usize = 500;

/// This bot, as its operators see it.
pub struct Desk {
    about: About,
    retention: Retention,
    places: Places,
    dispatch: OnceLock<Dispatch>,
    exchange: OnceLock<Arc<Exchange>>,
    journal: EmbeddedJournal,
    metrics: PrometheusHandle,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("bot", &self.about.name).finish_non_exhaustive()
    }
}

impl Desk {
    /// The desk of a bot that begins to run now. Until it [`attend`](Self::attend)s to a dispatch, it can only look.
    pub fn new(
        config: &Config,
        places: &Places,
        journal: EmbeddedJournal,
        metrics: PrometheusHandle,
    ) -> Self {
        let about = About {
            name: config.bot.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started: Timestamp::now(),
            // Serialised, it has no secrets; should one be missed, it is taken out as from the log.
            models: Vec::new(),
            config: crate::secrets::without(&toml::to_string_pretty(config).unwrap_or_default()).into_owned(),
        };
        let (retention, places) = (config.journal.retention(), places.clone());
        let (dispatch, exchange) = (OnceLock::new(), OnceLock::new());
        Self { about, retention, places, dispatch, exchange, journal, metrics }
    }

    /// Has what an operator wants done by this dispatch from now on.
    pub fn attend(&self, dispatch: Dispatch) {
        let _is_the_first = self.dispatch.set(dispatch);
    }

    /// Shows which models of these are in use from now on.
    pub fn show(&self, exchange: Arc<Exchange>) {
        let _is_the_first = self.exchange.set(exchange);
    }

    /// Whether what people say can be kept.
    pub(crate) fn can_keep(&self) -> Result<(), JournalError> {
        self.journal.check_writable()
    }

    /// Has every entry looked at, oldest first, without holding all of them.
    async fn each(&self, mut look: impl FnMut(&Entry)) -> Result<(), JournalError> {
        let mut after = Some(Sequence(0));
        loop {
            let query = Query { after, limit: Some(BATCH), ..Query::default() };
            let entries = self.journal.entries(query).await?;
            entries.iter().for_each(&mut look);
            match entries.last() {
                Some(last) if entries.len() == BATCH => after = Some(last.sequence),
                _ => return Ok(()),
            }
        }
    }

    async fn opinions(&self, since: Timestamp) -> Result<Vec<Feedback>, Problem> {
        let mut gathering = Gathering::default();
        self.each(|entry| gathering.take(entry)).await?;
        let mut found = Vec::new();
        for one in gathering.finish().into_iter().filter(|one| one.at >= since) {
            let prepared = match self.journal.entry(one.reply).await {
                Ok(entry) => entry.prepared.unwrap_or_default(),
                // Erased meanwhile.
                Err(JournalError::NoEntry(_)) => continue,
                Err(error) => return Err(error.into()),
            };
            let Some(reply) = &prepared.reply else { continue };
            found.push(Feedback {
                reply: one.reply,
                person: one.person.to_string(),
                verdict: one.verdict.map(Rating::name).map(str::to_owned),
                text: one.text,
                at: one.at,
                question: prepared.asked.unwrap_or_default(),
                answer: reply.answer.clone(),
                language: reply.language.to_string(),
            });
        }
        Ok(found)
    }

    async fn missing(&self, since: Timestamp) -> Result<Vec<Gap>, Problem> {
        let mut gathered = Gathered::default();
        self.each(|entry| {
            if entry.accepted_at >= since {
                gathered.take(entry);
            }
        })
        .await?;
        let of = |missing: crate::commands::Missing| {
            let command = missing.is_known.then(|| {
                format!("loquat kg add {} {} OBJECT", quoted(&missing.subject), quoted(&missing.predicate))
            });
            let questions = missing.questions.into_iter().map(|(question, _)| question).collect();
            let crate::commands::Missing { subject, name, predicate, asked, count, .. } = missing;
            Gap { count, subject, name, predicate, asked, questions, command }
        };
        Ok(gathered.finish().into_iter().map(of).collect())
    }
}

impl Operations for Desk {
    fn about(&self) -> About {
        let models = self.exchange.get().map(|exchange| exchange.in_use()).unwrap_or_default();
        let shown = |one: InUse| ModelInUse {
            name: one.name,
            model: one.model.identity().clone(),
            place: one.current.as_ref().map(Use::place),
            since: one.current.map(|current| current.since),
            before: one.before.map(|before| before.place()),
        };
        About { models: models.into_iter().map(shown).collect(), ..self.about.clone() }
    }

    fn journal(&self) -> Arc<dyn Journal> {
        Arc::new(self.journal.clone())
    }

    fn metrics(&self) -> String {
        self.metrics.render()
    }

    fn feedback(&self, since: Timestamp) -> BoxFuture<'_, Result<Vec<Feedback>, Problem>> {
        Box::pin(self.opinions(since))
    }

    fn gaps(&self, since: Timestamp) -> BoxFuture<'_, Result<Vec<Gap>, Problem>> {
        Box::pin(self.missing(since))
    }

    fn act(&self, action: Action) -> BoxFuture<'_, Result<String, Problem>> {
        Box::pin(async move {
            let request = match action {
                Action::Retry(sequence) => Request::Retry(sequence),
                Action::Discard(sequence) => Request::Discard(sequence),
                Action::Erase(person) => Request::Erase(person),
                Action::Compact => Request::Compact,
            };
            let starting = || Problem::Conflict("the bot is starting; ask again in a moment".to_owned());
            let dispatch = self.dispatch.get().ok_or_else(starting)?;
            Ok(beside(&self.places, dispatch, &self.journal, self.retention, &request).await?)
        })
    }

    fn checks(&self) -> BoxFuture<'_, Vec<Check>> {
        Box::pin(checks::of(&self.journal, self.retention))
    }
}

#[cfg(test)]
mod tests;
