//! One file while it arrives. In: pieces of it. Out: a file on disk, or why it is not taken; then nothing of it stays.

use std::fs;
use std::io::{self, Write};
use std::sync::Arc;

use loquat_contract::Timestamp;
use tempfile::NamedTempFile;
use uuid::Uuid;

use super::kind::{Head, essence, is_allowed};
use super::{ARRIVING, About, Store, blocking, describe, sync_folder};
use crate::encode;

/// The longest name of a file, in characters.
const NAME: usize = 255;

/// Why a file is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("the file is larger than {0} bytes; send a smaller one")]
    TooLarge(usize),
    #[error("there is no room for more files; send some of them later, or have your data deleted")]
    NoRoom,
    #[error("files of the type {0:?} are not taken; GET /api/bot says which are")]
    Kind(String),
    #[error("the file is not what its type {0:?} says; name the right one in Content-Type")]
    NotThat(String),
    #[error("the file is empty; choose another")]
    Empty,
    #[error("the file could not be kept, so it was not taken: {0}")]
    NotKept(#[from] io::Error),
}

/// A file that is arriving.
pub(crate) struct Incoming {
    store: Arc<Store>,
    conversation: String,
    about: About,
    reserved: u64,
    head: Head,
    file: Option<NamedTempFile>,
}

impl Incoming {
    /// Makes room for a file.
    pub(crate) async fn begin(
        store: &Arc<Store>,
        conversation: &str,
        person: &str,
        name: &str,
        declared: &str,
        length: Option<u64>,
    ) -> Result<Self, Refused> {
        let media_type = essence(declared);
        if !is_allowed(&media_type, &store.limits.types) {
            return Err(Refused::Kind(media_type));
        }
        let most = store.limits.max_bytes as u64;
        let reserved = length.unwrap_or(most);
        if reserved > most {
            return Err(Refused::TooLarge(store.limits.max_bytes));
        }
        {
            let mut index = store.index();
            let own = index.used.get(person).copied().unwrap_or_default();
            if own.saturating_add(reserved) > store.limits.person_bytes
                || index.total().saturating_add(reserved) > store.limits.total_bytes
            {
                return Err(Refused::NoRoom);
            }
            *index.used.entry(person.to_owned()).or_default() += reserved;
        }
        let about = About {
            name: tidied(name),
            media_type,
            bytes: 0,
            person: person.to_owned(),
            at: Timestamp::now(),
            is_sent: false,
        };
        let (store, conversation) = (store.clone(), conversation.to_owned());
        let mut incoming = Self { store, conversation, about, reserved, head: Head::default(), file: None };
        let folder = incoming.store.folder.join(ARRIVING);
        incoming.file = Some(blocking(move || NamedTempFile::new_in(folder)).await?);
        Ok(incoming)
    }

    /// Takes the next piece.
    pub(crate) async fn take(&mut self, piece: axum::body::Bytes) -> Result<(), Refused> {
        self.about.bytes += piece.len() as u64;
        if self.about.bytes > self.reserved {
            return Err(Refused::TooLarge(self.store.limits.max_bytes));
        }
        self.head.take(&piece);
        let Some(mut file) = self.file.take() else { return Ok(()) };
        let written = blocking(move || file.write_all(&piece).map(|()| file));
        self.file = Some(written.await?);
        Ok(())
    }

    /// Keeps the file. When this returns, a crash no longer loses it.
    pub(crate) async fn finish(mut self) -> Result<encode::File, Refused> {
        if self.about.bytes == 0 {
            return Err(Refused::Empty);
        }
        if !self.head.agrees_with(&self.about.media_type) {
            return Err(Refused::NotThat(self.about.media_type.clone()));
        }
        let Some(file) = self.file.take() else { return Err(Refused::Empty) };
        // Nobody can guess it.
        let id = Uuid::new_v4().simple().to_string();
        let (store, about) = (self.store.clone(), self.about.clone());
        let place = store.place(&self.conversation, &id);
        blocking(move || {
            if let Some(folder) = place.parent() {
                fs::create_dir_all(folder)?;
                sync_folder(&store.folder)?;
            }
            file.as_file().sync_all()?;
            file.persist(&place)?;
            describe(&store.folder, &place, &about)
        })
        .await?;
        let mut index = self.store.index();
        *index.used.entry(self.about.person.clone()).or_default() += self.about.bytes;
        index.files.entry(self.conversation.clone()).or_default().insert(id.clone(), self.about.clone());
        drop(index);
        Ok(self.about.shown(&id))
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.store.index().release(&self.about.person, self.reserved);
    }
}

/// A name without what makes no sense in one: paths, line breaks, control characters, and marks that turn the direction of text.
fn tidied(name: &str) -> String {
    let is_odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let tidied: String = last.chars().filter(|c| !is_odd(*c)).take(NAME).collect();
    let tidied = tidied.trim();
    if tidied.is_empty() { "file".to_owned() } else { tidied.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::tidied;

    #[test]
    fn a_name_is_kept_but_for_what_makes_no_sense_in_one() {
        for (name, kept) in [
            ("图 1.png", "图 1.png"),
            ("../../etc/passwd", "passwd"),
            ("C:\\temp\\a.txt", "a.txt"),
            ("a\r\nSet-Cookie: b", "aSet-Cookie: b"),
            ("gpj\u{202e}.exe", "gpj.exe"),
            ("<img src=x onerror=alert(1)>.png", "<img src=x onerror=alert(1)>.png"),
            (" / ", "file"),
            ("", "file"),
        ] {
            assert_eq!(tidied(name), kept);
        }
        assert_eq!(tidied(&"é".repeat(999)).chars().count(), 255);
    }
}
