//! Which nick an account speaks from. In: what lines say of people, in lower case. Out: where a private reply to an account goes.
//! Knows no connection.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where an account is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Whereabouts {
    /// It speaks from this nick.
    At(String),
    /// Not known; the server has to be asked who has this nick.
    Ask(String),
    /// Nobody known speaks from it.
    Away,
}

/// The accounts that were seen on the present connection; on another one, nicks may have changed hands.
#[derive(Default)]
pub(crate) struct Accounts(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// The nick of each account. Accounts are written as in ids: `account/NAME`.
    nicks: HashMap<String, String>,
    /// The nicks that the server was asked about, each with the account that is looked for.
    asked: Vec<(String, String)>,
    /// The accounts that were looked for in vain.
    away: HashSet<String>,
}

impl Accounts {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new connection: nothing is known.
    pub(crate) fn forget(&self) {
        *self.known() = Known::default();
    }

    /// This nick is that of `account`, or of nobody who is logged in.
    pub(crate) fn seen(&self, nick: &str, account: Option<&str>) {
        let mut known = self.known();
        known.nicks.retain(|_, at| at != nick);
        if let Some(account) = account {
            known.away.remove(account);
            known.nicks.insert(account.to_owned(), nick.to_owned());
        }
    }

    /// Somebody has another nick now.
    pub(crate) fn renamed(&self, old: &str, new: &str) {
        let mut known = self.known();
        known.nicks.retain(|_, at| at != new);
        for at in known.nicks.values_mut().filter(|at| *at == old) {
            new.clone_into(at);
        }
    }

    /// The server has said all that it knows of a nick.
    pub(crate) fn answered(&self, is_nick: impl Fn(&str) -> bool) {
        let known = &mut *self.known();
        for (_, account) in known.asked.extract_if(.., |(nick, _)| is_nick(nick)) {
            if !known.nicks.contains_key(&account) {
                known.away.insert(account);
            }
        }
    }

    /// Where a reply to this account goes, to a question that was asked from `nick`.
    pub(crate) fn find(&self, account: &str, nick: Option<&str>) -> Whereabouts {
        let mut known = self.known();
        if let Some(at) = known.nicks.get(account) {
            return Whereabouts::At(at.clone());
        }
        match nick {
            Some(nick) if !known.away.remove(account) => {
                known.asked.retain(|(_, looked_for)| looked_for != account);
                known.asked.push((nick.to_owned(), account.to_owned()));
                Whereabouts::Ask(nick.to_owned())
            }
            _ => Whereabouts::Away,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nick: &str) -> Whereabouts {
        Whereabouts::At(nick.to_owned())
    }

    #[test]
    fn an_account_is_where_it_was_last_seen_and_follows_its_nick() {
        let accounts = Accounts::default();
        accounts.seen("alice", Some("account/alice"));
        accounts.renamed("alice", "alice_away");
        assert_eq!(accounts.find("account/alice", Some("alice")), at("alice_away"));
        accounts.seen("al", Some("account/alice"));
        assert_eq!(accounts.find("account/alice", Some("alice")), at("al"));
    }

    #[test]
    fn whoever_takes_a_nick_is_not_the_account() {
        for lost in [
            |accounts: &Accounts| accounts.seen("alice", None),
            |accounts: &Accounts| accounts.seen("alice", Some("account/mallory")),
            |accounts: &Accounts| accounts.renamed("mallory", "alice"),
            Accounts::forget,
        ] {
            let accounts = Accounts::default();
            accounts.seen("alice", Some("account/alice"));
            lost(&accounts);
            assert_eq!(accounts.find("account/alice", None), Whereabouts::Away);
        }
    }

    #[test]
    fn an_account_that_is_not_known_is_asked_for_once() {
        let accounts = Accounts::default();
        let find = || accounts.find("account/alice", Some("Alice"));
        assert_eq!(find(), Whereabouts::Ask("Alice".to_owned()));
        accounts.answered(|nick| nick == "bob");
        assert_eq!(find(), Whereabouts::Ask("Alice".to_owned()));
        accounts.answered(|nick| nick == "Alice");
        assert_eq!(find(), Whereabouts::Away);
        assert_eq!(find(), Whereabouts::Ask("Alice".to_owned()), "a later reply asks again");
        accounts.seen("alice", Some("account/alice"));
        accounts.answered(|nick| nick == "Alice");
        assert_eq!(find(), at("alice"));
    }
}
