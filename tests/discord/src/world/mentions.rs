//! Whom a message mentions, and whom Discord notifies of it.

use std::collections::BTreeSet;

use super::World;
use super::permissions::{MENTION_EVERYONE, VIEW_CHANNEL};
use crate::ids::Id;

/// Whom `allowed_mentions` lets a message notify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Allowed {
    pub(crate) everyone: bool,
    pub(crate) users: Which,
    pub(crate) roles: Which,
    pub(crate) replied_user: bool,
}

/// All of a kind, or those named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    All,
    Only(Vec<Id>),
}

impl Which {
    fn has(&self, id: Id) -> bool {
        match self {
            Self::All => true,
            Self::Only(ids) => ids.contains(&id),
        }
    }
}

impl Allowed {
    /// What counts where a message does not say.
    pub(crate) const ALL: Self =
        Self { everyone: true, users: Which::All, roles: Which::All, replied_user: true };

    /// What counts for an answer to an interaction that does not say.
    pub(crate) const USERS: Self =
        Self { everyone: false, users: Which::All, roles: Which::Only(Vec::new()), replied_user: true };
}

/// What a message's words mention.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mentions {
    pub(crate) everyone: bool,
    pub(crate) users: Vec<Id>,
    pub(crate) roles: Vec<Id>,
}

/// Finds the mentions in a message's words. Within code there are none.
pub(crate) fn find(content: &str) -> Mentions {
    let mut found = Mentions::default();
    let words = without_code(content);
    found.everyone = words.contains("@everyone") || words.contains("@here");
    for (start, _) in words.match_indices("<@") {
        let Some((inside, _)) = words[start + 2..].split_once('>') else { break };
        let (list, digits) = match inside.strip_prefix('&') {
            Some(role) => (&mut found.roles, role),
            None => (&mut found.users, inside.strip_prefix('!').unwrap_or(inside)),
        };
        if let Ok(id) = digits.parse()
            && !list.contains(&id)
        {
            list.push(id);
        }
    }
    found
}

/// The words that stand in no code.
fn without_code(content: &str) -> String {
    let mut rest = content;
    let mut words = String::new();
    while let Some(start) = rest.find('`') {
        let ticks = rest[start..].bytes().take_while(|byte| *byte == b'`').count().min(3);
        let fence = &rest[start..start + ticks];
        let inside = &rest[start + ticks..];
        let Some(end) = inside.find(fence) else {
            words.push_str(&rest[..start + ticks]);
            rest = inside;
            continue;
        };
        words.push_str(&rest[..start]);
        words.push(' ');
        rest = &inside[end + ticks..];
    }
    words.push_str(rest);
    words
}

impl World {
    /// What of the mentions counts, by what is allowed and by what the author may do: what Discord then says of the message.
    pub(crate) fn counting(
        &self,
        author: Id,
        channel: Id,
        mentions: Mentions,
        allowed: &Allowed,
    ) -> Mentions {
        let Some(place) = self.channels.get(&channel) else { return Mentions::default() };
        let may_all = self.can(author, channel, MENTION_EVERYONE);
        let guild = place.guild.and_then(|guild| self.guilds.get(&guild));
        let is_role = |role: &Id| {
            let role = guild.and_then(|guild| guild.roles.get(role));
            role.is_some_and(|role| role.is_mentionable || may_all)
        };
        Mentions {
            everyone: mentions.everyone && allowed.everyone && may_all && guild.is_some(),
            users: mentions
                .users
                .into_iter()
                .filter(|user| allowed.users.has(*user) && self.users.contains_key(user))
                .collect(),
            roles: mentions
                .roles
                .into_iter()
                .filter(|role| allowed.roles.has(*role) && is_role(role))
                .collect(),
        }
    }

    /// Who is notified: those that are mentioned and can see the channel, but not the author.
    pub(crate) fn notified(&self, author: Id, channel: Id, mentions: &Mentions) -> Vec<Id> {
        let Some(place) = self.channels.get(&channel) else { return Vec::new() };
        let mut all: BTreeSet<Id> = mentions.users.iter().copied().collect();
        if let Some(guild) = place.guild.and_then(|guild| self.guilds.get(&guild)) {
            for member in guild.members.values() {
                if mentions.everyone || member.roles.iter().any(|role| mentions.roles.contains(role)) {
                    all.insert(member.user);
                }
            }
        }
        all.retain(|user| *user != author && self.can(*user, channel, VIEW_CHANNEL));
        all.into_iter().collect()
    }
}
