//! The rules as a bot's file says them. In: the `access` table. Out: whom they let in.

use std::collections::BTreeMap;

use loquat_contract::{Person, Sender};
use serde::{Deserialize, Serialize};

/// The role whose people are let in always, and without limits.
const OPERATOR: &str = "operator";

/// Who may talk to the bot.
///
/// Whom a rule means is written `platform:id`, `platform:*` for everybody there, or `platform:role/NAME` for those with a role of
/// the platform; `role/NAME` stands for the people listed under `roles`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Access {
    /// Who may talk to the bot. Default: everybody.
    pub allow: Vec<String>,
    /// Who may not, though `allow` says so. Default: nobody.
    pub block: Vec<String>,
    /// People by the name of their role here. Those of `operator` are let in always, and without limits.
    pub roles: BTreeMap<String, Vec<String>>,
    /// Whether other bots are answered. Default: false. The bot never answers itself.
    pub answer_bots: bool,
    /// Messages a minute that a person may send; 0 is without limit. Default: 30.
    pub messages_per_minute: u32,
    /// Messages a minute that all people of a conversation may send together; 0 is without limit. Default: 120.
    pub conversation_messages_per_minute: u32,
}

impl Default for Access {
    fn default() -> Self {
        Self {
            allow: vec!["*".to_owned()],
            block: Vec::new(),
            roles: BTreeMap::new(),
            answer_bots: false,
            messages_per_minute: 30,
            conversation_messages_per_minute: 120,
        }
    }
}

impl Access {
    /// Refuses rules that mean nobody: one that blocks nobody must not look as if it did.
    ///
    /// # Errors
    /// The first such rule, and what to write instead.
    pub fn check(&self) -> Result<(), String> {
        let rules = self.allow.iter().chain(&self.block).map(|rule| (rule, true));
        let rules = rules.chain(self.roles.values().flatten().map(|rule| (rule, false)));
        for (rule, may_name_roles) in rules {
            let is_known = match rule.strip_prefix("role/") {
                Some(role) => may_name_roles && self.roles.contains_key(role),
                None if rule == "*" => true,
                None => rule
                    .split_once(':')
                    .is_some_and(|(platform, whom)| !platform.is_empty() && !whom.is_empty()),
            };
            if !is_known {
                return Err(format!(
                    "`{rule}` means nobody; write *, platform:id, platform:*, platform:role/NAME, or in `allow` and \
                     `block` role/NAME for a name under `access.roles`"
                ));
            }
        }
        Ok(())
    }

    pub(crate) fn lets_in(&self, person: &Person, sender: &Sender) -> bool {
        self.allow.iter().any(|rule| self.means(rule, person, sender))
    }

    pub(crate) fn blocks(&self, person: &Person, sender: &Sender) -> bool {
        self.block.iter().any(|rule| self.means(rule, person, sender))
    }

    pub(crate) fn is_operator(&self, person: &Person, sender: &Sender) -> bool {
        self.has_role(OPERATOR, person, sender)
    }

    fn has_role(&self, role: &str, person: &Person, sender: &Sender) -> bool {
        // Roles do not name roles: that could go round in circles.
        self.roles.get(role).is_some_and(|rules| rules.iter().any(|rule| names(rule, person, sender)))
    }

    fn means(&self, rule: &str, person: &Person, sender: &Sender) -> bool {
        match rule.strip_prefix("role/") {
            Some(role) => self.has_role(role, person, sender),
            None => names(rule, person, sender),
        }
    }
}

fn names(rule: &str, person: &Person, sender: &Sender) -> bool {
    if rule == "*" {
        return true;
    }
    let Some((platform, whom)) = rule.split_once(':') else { return false };
    platform == person.platform
        && match whom.strip_prefix("role/") {
            Some(role) => sender.roles.iter().any(|has| has == role),
            None => whom == "*" || whom == person.id,
        }
}

/// The `access` table with every key at its default, as TOML.
pub fn sample() -> &'static str {
    r#"# Who may talk to the bot. Whom a rule means: platform:id, platform:* for everybody there, platform:role/NAME for those with
# a role of the platform, role/NAME for the people listed under roles. Others need a code from `loquat access pair`.
[access]
# Who may talk to the bot; * is everybody.
allow = ["*"]
# Who may not, though `allow` says so.
block = []
# Whether other bots are answered. The bot never answers itself.
answer_bots = false
# Messages a minute that a person may send; 0 is without limit.
messages_per_minute = 30
# Messages a minute that all people of a conversation may send together; 0 is without limit.
conversation_messages_per_minute = 120

# People by role. Those of `operator` are let in always, and without limits.
[access.roles]
# operator = ["irc:account/alice"]
"#
}
