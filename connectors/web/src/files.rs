//! Files that people send along, on disk: one folder for each conversation. In: bytes as they arrive. Out: an id for each file, once a crash no
//! longer loses it. Nothing is told of a file that is not wholly there, and what is never sent is let go.
//!
//! `FOLDER/CONVERSATION/ID` has the bytes, and `ID.json` beside it what they are; a file counts once that is there.

mod incoming;
mod kind;

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use loquat_contract::{Attachment, Place, Timestamp};
use serde::{Deserialize, Serialize};

use crate::config;
use crate::encode;

pub(crate) use incoming::{Incoming, Refused};
pub(crate) use kind::is_shown_in_pages;

/// How long a file that no message has is kept.
const UNSENT: Duration = Duration::from_secs(24 * 60 * 60);
/// Where bytes are while they arrive.
const ARRIVING: &str = "arriving";

/// What is known of a file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct About {
    pub(crate) name: String,
    pub(crate) media_type: String,
    pub(crate) bytes: u64,
    /// Whose it is.
    person: String,
    at: Timestamp,
    /// Whether a message has it.
    is_sent: bool,
}

/// The files of all conversations.
pub(crate) struct Store {
    folder: PathBuf,
    limits: config::Files,
    index: Mutex<Index>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("folder", &self.folder).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Index {
    /// Files by conversation and id.
    files: HashMap<String, HashMap<String, About>>,
    /// Bytes by person, those that are arriving included.
    used: HashMap<String, u64>,
}

impl Index {
    fn total(&self) -> u64 {
        self.used.values().sum()
    }

    fn release(&mut self, person: &str, bytes: u64) {
        if let Some(used) = self.used.get_mut(person) {
            *used = used.saturating_sub(bytes);
            if *used == 0 {
                self.used.remove(person);
            }
        }
    }

    fn remove(&mut self, conversation: &str, id: &str) {
        let Some(files) = self.files.get_mut(conversation) else { return };
        let removed = files.remove(id);
        if files.is_empty() {
            self.files.remove(conversation);
        }
        if let Some(about) = removed {
            self.release(&about.person, about.bytes);
        }
    }
}

impl Store {
    /// Opens the files in `folder`, and clears away what a crash left half-done.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub(crate) fn open(folder: &Path, limits: &config::Files) -> io::Result<Arc<Self>> {
        let arriving = folder.join(ARRIVING);
        fs::create_dir_all(folder)?;
        only_ours(folder)?;
        if arriving.exists() {
            fs::remove_dir_all(&arriving)?;
        }
        fs::create_dir(&arriving)?;
        let mut index = Index::default();
        for conversation in fs::read_dir(folder)? {
            let conversation = conversation?;
            let Ok(name) = conversation.file_name().into_string() else { continue };
            if name != ARRIVING && conversation.file_type()?.is_dir() {
                read_folder(&conversation.path(), &name, &mut index)?;
            }
        }
        Ok(Arc::new(Self { folder: folder.to_owned(), limits: limits.clone(), index: Mutex::new(index) }))
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self, conversation: &str, id: &str) -> PathBuf {
        self.folder.join(conversation).join(id)
    }

    /// A file of a conversation: what it is, and where its bytes are.
    pub(crate) fn find(&self, conversation: &str, id: &str) -> Option<(About, PathBuf)> {
        let about = self.index().files.get(conversation)?.get(id)?.clone();
        Some((about, self.place(conversation, id)))
    }

    /// Files of a conversation, to be sent with a message. `None` where one of them is not there.
    pub(crate) fn attach(&self, conversation: &str, ids: &[String]) -> Option<Vec<Attachment>> {
        let attachment = |id: &String| {
            let (about, path) = self.find(conversation, id)?;
            let (name, media_type, bytes) = (about.name, about.media_type, Some(about.bytes));
            Some(Attachment { name, media_type, bytes, place: Place::Path(path) })
        };
        ids.iter().map(attachment).collect()
    }

    /// Notes that a message has these files. Before it is accepted, because from then on they must not be let go.
    pub(crate) async fn sent(self: &Arc<Self>, conversation: &str, ids: &[String]) -> io::Result<()> {
        for id in ids {
            let about = match self.index().files.get_mut(conversation).and_then(|files| files.get_mut(id)) {
                Some(about) if !about.is_sent => {
                    about.is_sent = true;
                    about.clone()
                }
                _ => continue,
            };
            let (store, place) = (self.clone(), self.place(conversation, id));
            blocking(move || describe(&store.folder, &place, &about)).await?;
        }
        Ok(())
    }

    /// Removes all files of a conversation.
    pub(crate) async fn forget(self: &Arc<Self>, conversation: &str) {
        let store = self.clone();
        let conversation = conversation.to_owned();
        let removed = blocking(move || {
            let mut index = store.index();
            let ids: Vec<String> =
                index.files.get(&conversation).into_iter().flat_map(HashMap::keys).cloned().collect();
            ids.iter().for_each(|id| index.remove(&conversation, id));
            match fs::remove_dir_all(store.folder.join(&conversation)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                removed => removed,
            }
        });
        if let Err(error) = removed.await {
            tracing::error!(%error, "files of a conversation that is to be forgotten are still there");
        }
    }

    /// Removes all files of a person.
    pub(crate) async fn forget_person(self: &Arc<Self>, person: &str) {
        let theirs = |files: &HashMap<String, About>| files.values().any(|about| about.person == person);
        let conversations: Vec<String> = {
            let index = self.index();
            index.files.iter().filter(|(_, files)| theirs(files)).map(|(name, _)| name.clone()).collect()
        };
        for conversation in conversations {
            self.forget(&conversation).await;
        }
    }

    /// The conversations that have files.
    pub(crate) fn conversations(&self) -> Vec<String> {
        self.index().files.keys().cloned().collect()
    }

    /// Lets go of files that were never sent, and of all where their conversation is not kept any more.
    pub(crate) async fn collect(self: &Arc<Self>, conversation: &str, is_kept: bool) {
        self.collect_older(conversation, is_kept, UNSENT, Timestamp::now()).await;
    }

    pub(crate) async fn collect_older(
        self: &Arc<Self>,
        conversation: &str,
        is_kept: bool,
        age: Duration,
        now: Timestamp,
    ) {
        let store = self.clone();
        let conversation = conversation.to_owned();
        let collected = blocking(move || {
            let mut index = store.index();
            let files = index.files.get(&conversation);
            let is_over = |about: &About| (!is_kept || !about.is_sent) && about.at.age_at(now) > age;
            let over = files.into_iter().flatten().filter(|(_, about)| is_over(about));
            let over: Vec<String> = over.map(|(id, _)| id.clone()).collect();
            for id in over {
                let place = store.place(&conversation, &id);
                remove(&beside(&place))?;
                remove(&place)?;
                index.remove(&conversation, &id);
            }
            if !index.files.contains_key(&conversation) {
                // A file may be arriving just now; then its folder is not empty, or is made again.
                let _kept = fs::remove_dir(store.folder.join(&conversation));
            }
            Ok(())
        });
        if let Err(error) = collected.await {
            tracing::warn!(%error, "files that nobody sent are still there");
        }
    }
}

impl About {
    /// The file as a page reads of it.
    pub(crate) fn shown(&self, id: &str) -> encode::File {
        let Self { name, media_type, bytes, .. } = self.clone();
        encode::File { id: id.to_owned(), name, media_type, bytes }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// Removes a file, which may be gone already: an earlier try may have come half-way.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Where it lies what a file is.
fn beside(place: &Path) -> PathBuf {
    place.with_extension("json")
}

/// Writes down what a file is. When this returns, a crash no longer loses it.
fn describe(folder: &Path, place: &Path, about: &About) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder.join(ARRIVING))?;
    file.write_all(&serde_json::to_vec(about)?)?;
    file.as_file().sync_all()?;
    file.persist(beside(place))?;
    place.parent().map_or(Ok(()), sync_folder)
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

#[cfg(windows)]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn only_ours(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

#[cfg(windows)]
fn only_ours(_: &Path) -> io::Result<()> {
    Ok(())
}

fn read_folder(folder: &Path, conversation: &str, index: &mut Index) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some() {
            continue;
        }
        let Some(id) = path.file_name().and_then(|name| name.to_str()) else { continue };
        match fs::read(beside(&path)).and_then(|json| Ok(serde_json::from_slice::<About>(&json)?)) {
            Ok(about) => {
                *index.used.entry(about.person.clone()).or_default() += about.bytes;
                index.files.entry(conversation.to_owned()).or_default().insert(id.to_owned(), about);
            }
            // Nobody was told of it.
            Err(_) => fs::remove_file(&path)?,
        }
    }
    Ok(())
}
