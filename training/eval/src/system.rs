//! What is measured. In: a dialogue and what it stands on. Out: one column of the comparison.

use std::sync::Arc;

use loquat_contract::{Dialogue, Knowledge};
use serde::{Deserialize, Serialize};

/// How much of Loquat stands between the model and the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The model alone.
    Model,
    /// The facts in its prompt; what it says is sent.
    Facts,
    /// The facts in its prompt, and only what they support is sent.
    Verified,
}

impl Mode {
    /// Its name on the command line and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Facts => "facts",
            Self::Verified => "verified",
        }
    }

    /// Whether what counts is what the text says, and not the values that the reply lists: where the model's words are sent
    /// whatever they are, the values are what it was told, and not what it said.
    pub fn is_judged_by_text(self) -> bool {
        self != Self::Verified
    }
}

/// A bot as it is measured.
#[derive(Clone)]
pub struct System {
    /// Its name in tables, such as `verified` or `facts, adapter world`.
    pub name: String,
    /// How it answers.
    pub mode: Mode,
    /// The bot's own name, which it may say.
    pub bot: String,
    /// What answers.
    pub dialogue: Arc<dyn Dialogue>,
    /// The graph that it answers from; the audit looks things up in it.
    pub knowledge: Arc<dyn Knowledge>,
}

impl std::fmt::Debug for System {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("System").field("name", &self.name).field("mode", &self.mode).finish_non_exhaustive()
    }
}
