//! What an operator finds when they look at the parts of a bot that runs. In: its journal. Out: a line a part, with what to do where something is.

use loquat_contract::{Check, Journal, JournalError, Query, State, Timestamp};
use loquat_journal::{EmbeddedJournal, Retention};

/// How long somebody may wait for an answer before an operator is told.
const LONG_MS: u64 = 5 * 60 * 1000;
/// How much of the journal may be too old before it is worth rewriting.
const STALE: u64 = 4;

/// What is found.
pub(super) async fn of(journal: &EmbeddedJournal, retention: Retention) -> Vec<Check> {
    let mut found = vec![damage(journal), size(journal, retention)];
    for check in [owed(journal).await, dead(journal).await] {
        found.push(check.unwrap_or_else(|error| Check {
            name: "journal".to_owned(),
            what: error.to_string(),
            advice: Some("see the log".to_owned()),
        }));
    }
    found
}

fn damage(journal: &EmbeddedJournal) -> Check {
    let damaged = journal.damage().iter().filter(|damage| !damage.is_unfinished).count();
    let what = match damaged {
        0 => "it could be read from end to end".to_owned(),
        damaged => format!("{damaged} stretches of it could not be read at the start"),
    };
    let advice = (damaged > 0).then(|| "look at the disk; `loquat ledger` names the stretches".to_owned());
    Check { name: "journal".to_owned(), what, advice }
}

fn size(journal: &EmbeddedJournal, retention: Retention) -> Check {
    let (all, old) = journal.bytes(retention);
    let what = format!("{} kB, of which {} kB are older than they are to be kept", all / 1000, old / 1000);
    let is_stale = old > 0 && old * STALE > all;
    let advice = is_stale.then(|| "it is compacted within the hour, or now by the button below".to_owned());
    Check { name: "journal".to_owned(), what, advice }
}

async fn owed(journal: &EmbeddedJournal) -> Result<Check, JournalError> {
    let now = Timestamp::now();
    let owed = journal.owed().await?;
    let since = |entry: &loquat_contract::Entry| entry.reopened_at.unwrap_or(entry.accepted_at);
    let late = owed.iter().filter(|entry| since(entry).0.saturating_add(LONG_MS) < now.0).count();
    let what = format!("{} are owed something, {late} of them for more than five minutes", owed.len());
    let advice = (late > 0).then(|| {
        "their platform may be away or let the bot in no more; the log says why, and the ledger which they are"
            .to_owned()
    });
    Ok(Check { name: "messages".to_owned(), what, advice })
}

async fn dead(journal: &EmbeddedJournal) -> Result<Check, JournalError> {
    let mut counts = [0; 2];
    for (count, state) in counts.iter_mut().zip([State::Failed, State::Unknown]) {
        *count = journal.entries(Query { state: Some(state), ..Query::default() }).await?.len();
    }
    let [failed, unknown] = counts;
    let what = format!("{failed} have no answer; of {unknown} nobody knows whether it arrived");
    let advice = (failed + unknown > 0)
        .then(|| "the ledger has them, by their state; each can be put back on its way".to_owned());
    Ok(Check { name: "dead letters".to_owned(), what, advice })
}
