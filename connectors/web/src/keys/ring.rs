//! The keys as a running bot has them. In: a key's text. Out: which key it is. The file is read again when it has changed, so that a key
//! that is revoked is good no longer from then on.

use std::sync::{Arc, PoisonError, RwLock};

use subtle::ConstantTimeEq;

use super::{Key, Keys, digest};
use crate::look::Look;

/// The keys of a file, as it is now.
#[derive(Debug)]
pub(crate) struct Ring {
    /// None: a bot that keeps no files has no keys.
    file: Option<Keys>,
    read: RwLock<Read>,
}

#[derive(Clone, Debug, Default)]
struct Read {
    /// What the file looked like when it was read.
    looked: Option<Look>,
    keys: Arc<[Key]>,
}

impl Ring {
    /// The keys of this file, or none at all.
    pub(crate) fn new(file: Option<Keys>) -> Self {
        Self { file, read: RwLock::default() }
    }

    /// Which key this is. It takes as long for a wrong key as for any of the right ones.
    pub(crate) fn find(&self, text: &str) -> Option<Key> {
        let given = digest(text);
        let keys = self.now();
        let mut found = None;
        for (at, key) in keys.iter().enumerate() {
            if bool::from(key.sha256.as_bytes().ct_eq(given.as_bytes())) {
                found = Some(at);
            }
        }
        found.and_then(|at| keys.get(at)).cloned()
    }

    fn now(&self) -> Arc<[Key]> {
        let Some(file) = &self.file else { return Arc::default() };
        let looks = Look::at(file.path());
        let known = self.read.read().unwrap_or_else(PoisonError::into_inner).clone();
        if known.looked == looks {
            return known.keys;
        }
        let keys: Arc<[Key]> = match file.list() {
            Ok(keys) => keys.into(),
            Err(error) => {
                // A file that nobody can read may have had a key taken out.
                tracing::error!(%error, "no API key is taken until its file can be read");
                Arc::default()
            }
        };
        *self.read.write().unwrap_or_else(PoisonError::into_inner) =
            Read { looked: looks, keys: keys.clone() };
        keys
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use secrecy::ExposeSecret;

    use super::super::{KeyError, Keys, Scope};
    use super::Ring;

    #[test]
    fn a_key_is_good_from_when_it_is_made_until_it_is_revoked() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::kept_in(folder.path());
        let ring = Ring::new(Some(keys.clone()));
        assert!(ring.find("lq_anything").is_none());

        let shop = keys.make("shop", BTreeSet::from([Scope::Chat])).unwrap();
        let ann = keys.make("ann", BTreeSet::from([Scope::Chat, Scope::Operator])).unwrap();
        let found = ring.find(shop.expose_secret()).unwrap();
        assert_eq!((found.name.as_str(), found.scopes.len()), ("shop", 1));
        assert!(ring.find(ann.expose_secret()).unwrap().scopes.contains(&Scope::Operator));
        assert!(ring.find(&shop.expose_secret()[1..]).is_none());
        assert!(ring.find(&shop.expose_secret().to_uppercase()).is_none());

        assert!(keys.revoke("shop").unwrap());
        assert!(!keys.revoke("shop").unwrap());
        assert!(ring.find(shop.expose_secret()).is_none());
        assert!(ring.find(ann.expose_secret()).is_some());
        std::fs::remove_file(keys.path()).unwrap();
        assert!(ring.find(ann.expose_secret()).is_none());
    }

    #[test]
    fn the_file_tells_no_key_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::kept_in(folder.path());
        let key = keys.make("shop", BTreeSet::from([Scope::Chat])).unwrap();
        let key = key.expose_secret();
        assert!(key.starts_with("lq_") && key.len() == 3 + 43, "32 bytes in base64");
        let text = std::fs::read_to_string(keys.path()).unwrap();
        assert!(!text.contains(key) && !text.contains(&key[3..20]));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(keys.path()).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_damaged_file_lets_nobody_in() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::kept_in(folder.path());
        let key = keys.make("shop", BTreeSet::from([Scope::Chat])).unwrap();
        let ring = Ring::new(Some(keys.clone()));
        assert!(ring.find(key.expose_secret()).is_some());
        std::fs::write(keys.path(), "{").unwrap();
        assert!(ring.find(key.expose_secret()).is_none());
        assert!(matches!(keys.list(), Err(KeyError::File { .. })));
    }

    #[test]
    fn names_are_plain_and_each_is_there_once() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::kept_in(folder.path());
        let chat = || BTreeSet::from([Scope::Chat]);
        for name in ["", "two words", "../etc", "é", &"a".repeat(65)] {
            assert!(matches!(keys.make(name, chat()), Err(KeyError::Name(_))), "{name}");
        }
        assert!(matches!(keys.make("shop", BTreeSet::new()), Err(KeyError::NoScope)));
        keys.make("shop", chat()).unwrap();
        assert!(matches!(keys.make("shop", chat()), Err(KeyError::Taken(_))));
        assert_eq!(keys.list().unwrap().len(), 1);
    }
}
