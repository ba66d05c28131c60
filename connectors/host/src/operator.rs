//! What an operator asks of a journal. In: a request from the command line. Out: done by the bot where it runs, else on its folder.
//!
//! A running bot has its journal to itself. A command therefore leaves its request as a file beside the journal; the bot looks there
//! every second, does it, and writes the answer next to it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use loquat_contract::{Journal, JournalError, Person, Sequence, Settlement, Step};
use loquat_dispatch::Dispatch;
use loquat_dispatch::access::Pairing;
use loquat_journal::{EmbeddedJournal, Retention};
use serde::{Deserialize, Serialize};

use crate::parts::{Exchange, ModelRequest, Places};

/// How often the bot looks for requests.
const LOOK: Duration = Duration::from_secs(1);
/// How long a command waits for a sign of the bot's.
const PATIENCE: Duration = Duration::from_secs(30);
const ASKED: &str = "request";
/// Written anew every second while the bot is at something that takes its time.
const WORKING: &str = "working";
const ANSWERED: &str = "answer";

/// Something an operator wants.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Puts a settled message back on its way.
    Retry(Sequence),
    /// Gives up a message that is owed something.
    Discard(Sequence),
    /// Removes every trace of a person.
    Erase(Person),
    /// Rewrites the journal without what is too old.
    Compact,
}

impl Request {
    /// What the log says of it: of a person who is erased, no name.
    fn told(&self) -> (&'static str, Option<u64>) {
        match self {
            Self::Retry(sequence) => ("retry", Some(sequence.0)),
            Self::Discard(sequence) => ("discard", Some(sequence.0)),
            Self::Erase(_) => ("erase", None),
            Self::Compact => ("compact", None),
        }
    }
}

/// What is left for the bot: of its journal, or of its models.
#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum Left {
    Model(ModelRequest),
    Journal(Request),
}

type Answer = Result<String, String>;

/// Where requests to a running bot are left.
fn folder(places: &Places) -> PathBuf {
    places.journal.with_extension("requests")
}

/// Has a request done, and says what came of it.
///
/// # Errors
/// When it cannot be done, or the bot that has the journal does not answer.
pub async fn ask(places: &Places, retention: Retention, request: &Request) -> anyhow::Result<String> {
    if !places.journal.exists() {
        return Err(JournalError::Missing(places.journal.display().to_string()).into());
    }
    match EmbeddedJournal::open(&places.journal) {
        Ok(journal) => Ok(alone(places, &journal, retention, request).await?),
        Err(JournalError::Unusable(_)) => leave(places, &Left::Journal(request.clone())).await,
        Err(error) => Err(error.into()),
    }
}

/// Has the running bot change a model, and says what came of it; where none runs, gives its journal, which is made where there is none yet: no
/// bot chooses its models as long as it is held.
///
/// # Errors
/// When the bot refuses the model, or does not answer.
pub async fn ask_for_model(
    places: &Places,
    request: &ModelRequest,
) -> anyhow::Result<Result<String, EmbeddedJournal>> {
    match EmbeddedJournal::open(&places.journal) {
        Ok(journal) => Ok(Err(journal)),
        Err(JournalError::Unusable(_)) => leave(places, &Left::Model(request.clone())).await.map(Ok),
        Err(error) => Err(error.into()),
    }
}

/// Does it on a journal that no bot has.
async fn alone(
    places: &Places,
    journal: &EmbeddedJournal,
    retention: Retention,
    request: &Request,
) -> Result<String, JournalError> {
    let out_of_turn =
        |sequence, problem: &str| JournalError::OutOfTurn { sequence, problem: problem.to_owned() };
    match request {
        Request::Retry(sequence) => {
            if journal.entry(*sequence).await?.settled.is_none() {
                return Err(out_of_turn(*sequence, "is owed already; start the bot to have it answered"));
            }
            journal.record(*sequence, vec![Step::Reopened]).await?;
            Ok(format!("{sequence} is on its way again once the bot is started"))
        }
        Request::Discard(sequence) => {
            if journal.entry(*sequence).await?.settled.is_some() {
                return Err(out_of_turn(*sequence, "is settled; nothing more happens to it"));
            }
            journal.record(*sequence, vec![Step::Settled(Settlement::Discarded)]).await?;
            Ok(discarded(*sequence))
        }
        Request::Erase(person) => {
            let erased = journal.erase(person).await?;
            Ok(erased_all(places, person, erased.events))
        }
        Request::Compact => compact(journal, retention).await,
    }
}

/// Does it on the journal of this bot.
pub(crate) async fn beside(
    places: &Places,
    dispatch: &Dispatch,
    journal: &EmbeddedJournal,
    retention: Retention,
    request: &Request,
) -> Result<String, JournalError> {
    match request {
        Request::Retry(sequence) => {
            dispatch.retry(*sequence).await?;
            Ok(format!("{sequence} is on its way again"))
        }
        Request::Discard(sequence) => {
            dispatch.discard(*sequence).await?;
            Ok(discarded(*sequence))
        }
        Request::Erase(person) => {
            let events = dispatch.erase(person).await?;
            Ok(erased_all(places, person, events))
        }
        Request::Compact => compact(journal, retention).await,
    }
}

async fn compact(journal: &EmbeddedJournal, retention: Retention) -> Result<String, JournalError> {
    let done = journal.compact(retention).await?;
    Ok(format!("{} entries dropped, {} bytes before, {} after", done.dropped, done.before, done.after))
}

fn discarded(sequence: Sequence) -> String {
    format!("{sequence} is given up")
}

/// What else is known of a person, beside the journal.
fn erased_all(places: &Places, person: &Person, events: usize) -> String {
    if events == 0 {
        return format!(
            "nothing of {person} is in the journal; `loquat ledger` shows how people are named there"
        );
    }
    // Without their name: what is written to a file in between may stay there.
    let mut said = format!("{events} messages and the replies to them are erased");
    match Pairing::in_file(places.access.clone()).remove(person) {
        Ok(true) => said += "; they were let in by a code, and are not any more",
        Ok(false) => {}
        Err(error) => said += &format!("; who was let in by a code could not be changed: {error}"),
    }
    if person.platform == "terminal" && places.history.exists() {
        match fs::remove_file(&places.history) {
            Ok(()) => said += "; the lines typed in the terminal too",
            Err(error) => said += &format!("; {} could not be removed: {error}", places.history.display()),
        }
    }
    said
}

/// Leaves a request for the bot that has the journal, and waits for its answer as long as there are signs that it is at work.
async fn leave(places: &Places, request: &Left) -> anyhow::Result<String> {
    let folder = folder(places);
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let file = tempfile::Builder::new().prefix("").suffix(".new").tempfile_in(&folder)?;
    serde_json::to_writer(&file, request)?;
    let path = file.path().with_extension(ASKED);
    // For as long as this waits: a bot that starts sees by it that somebody does. Where that cannot be, the request's age says so.
    drop(file.as_file().lock_shared());
    let _waiting = file.persist(&path)?;
    let answer = path.with_extension(ANSWERED);
    let working = path.with_extension(WORKING);
    let (mut last_sign, mut seen) = (Instant::now(), None);
    while last_sign.elapsed() < PATIENCE {
        let sign = fs::metadata(&working).and_then(|metadata| metadata.modified()).ok();
        if sign.is_some() && sign != seen {
            (last_sign, seen) = (Instant::now(), sign);
        }
        if let Ok(bytes) = fs::read(&answer) {
            fs::remove_file(&answer)?;
            return serde_json::from_slice::<Answer>(&bytes)?.map_err(anyhow::Error::msg);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Taken back: it must not be done when nobody expects it any more.
    let was_there = fs::remove_file(&path).is_ok();
    let what = if was_there {
        "did not take the request, as it is still starting or hangs"
    } else {
        "took the request and did not answer yet"
    };
    bail!("the process that has {} {what}; see its log", places.journal.display())
}

/// Removes what commands have left that were cut off: nobody waits for it any more. What was left while the journal was opened is done.
pub(crate) fn forget(places: &Places) {
    let Ok(entries) = fs::read_dir(folder(places)) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if !is_awaited(&path) {
            // A request that cannot be removed is not done either.
            drop(fs::remove_file(path));
        }
    }
}

/// Whether a command may still wait for what becomes of a file.
fn is_awaited(path: &Path) -> bool {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
    // One from the future is as good as new.
    let age = modified.ok().and_then(|modified| modified.elapsed().ok()).unwrap_or_default();
    let is_request = path.extension().is_some_and(|extension| extension == ASKED);
    // Who waits has it locked.
    let is_left_alone = || is_request && fs::File::open(path).is_ok_and(|file| file.try_lock().is_ok());
    age < PATIENCE && !is_left_alone()
}

/// Does what is asked of this bot, until it is dropped.
pub async fn serve(
    places: Places,
    dispatch: Dispatch,
    journal: EmbeddedJournal,
    retention: Retention,
    exchange: Arc<Exchange>,
) {
    let folder = folder(&places);
    loop {
        for path in requests(&folder) {
            let request = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<Left>(&bytes).ok());
            // First, so that it is done once. A command that has given up has taken it away.
            if fs::remove_file(&path).is_err() {
                continue;
            }
            let answer: Answer = match request {
                Some(Left::Model(request)) => {
                    tracing::info!(what = "model", model = request.model, change = ?request.change, "asked by the operator");
                    // Beside the others: a model takes its time.
                    let exchange = exchange.clone();
                    tokio::spawn(async move {
                        let changed = at_work(&path, exchange.change(request)).await;
                        tell(&path, &changed.map_err(|error| format!("{error:#}")));
                    });
                    continue;
                }
                Some(Left::Journal(request)) => {
                    let (what, sequence) = request.told();
                    tracing::info!(what, sequence, "asked by the operator");
                    let done = beside(&places, &dispatch, &journal, retention, &request).await;
                    done.map_err(|error| error.to_string())
                }
                None => Err("the request cannot be read; is it of another version of Loquat?".to_owned()),
            };
            tell(&path, &answer);
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn requests(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.filter(|path| path.extension().is_some_and(|extension| extension == ASKED)).collect()
}

/// Does what takes its time, and gives signs of it.
async fn at_work<T>(path: &Path, work: impl Future<Output = T>) -> T {
    let working = path.with_extension(WORKING);
    let mut every = tokio::time::interval(LOOK);
    tokio::pin!(work);
    let done = loop {
        tokio::select! {
            done = &mut work => break done,
            // Where it cannot be written, nor can the answer; who waits gives up.
            _ = every.tick() => drop(fs::write(&working, [])),
        }
    };
    drop(fs::remove_file(working));
    done
}

fn tell(path: &Path, answer: &Answer) {
    if let Err(error) = reply(path, answer) {
        tracing::error!(path = %path.display(), %error, "the operator's request was done, and could not be answered");
    }
}

fn reply(path: &Path, answer: &Answer) -> anyhow::Result<()> {
    let unfinished = path.with_extension("unfinished");
    fs::write(&unfinished, serde_json::to_vec(answer)?)?;
    fs::rename(unfinished, path.with_extension(ANSWERED))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::SystemTime;

    use super::*;

    fn places(home: &Path) -> Places {
        Places {
            graph: home.join("graph"),
            journal: home.join("journal"),
            access: home.join("access.json"),
            web: home.join("journal.web"),
            models: home.join("journal.models.json"),
            history: home.join("history.txt"),
        }
    }

    #[test]
    fn what_nobody_waits_for_is_forgotten() {
        let home = tempfile::tempdir().unwrap();
        let places = places(home.path());
        let folder = folder(&places);
        forget(&places);
        fs::create_dir(&folder).unwrap();
        let left = |name: &str, age: Duration| {
            let file = fs::File::create(folder.join(name)).unwrap();
            file.set_modified(SystemTime::now() - age).unwrap();
            file
        };
        let waiting = left("waiting.request", Duration::ZERO);
        waiting.lock_shared().unwrap();
        let late = left("late.request", PATIENCE);
        late.lock_shared().unwrap();
        drop(left("cut-off.request", Duration::ZERO));
        drop(left("told.answer", Duration::ZERO));
        drop(left("unread.answer", PATIENCE));
        forget(&places);
        let names: BTreeSet<_> =
            fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, BTreeSet::from(["told.answer", "waiting.request"].map(std::ffi::OsString::from)));
    }

    #[tokio::test]
    async fn a_bot_that_starts_keeps_what_a_command_waits_for() {
        let home = tempfile::tempdir().unwrap();
        let places = places(home.path());
        let folder = folder(&places);
        let asking = tokio::spawn({
            let places = places.clone();
            async move { leave(&places, &Left::Journal(Request::Compact)).await }
        });
        while requests(&folder).is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        forget(&places);
        let left = requests(&folder);
        assert_eq!(left.len(), 1);
        tell(&left[0], &Ok("done".to_owned()));
        assert_eq!(asking.await.unwrap().unwrap(), "done");
        forget(&places);
        assert!(requests(&folder).is_empty(), "its command has ended");
    }
}
