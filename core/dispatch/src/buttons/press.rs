//! Somebody presses a button. In: the id that the platform gave back, and who it was. Out: what it stands for, or why it does nothing. Looked
//! up in the journal, so that buttons work after a restart and end with what they belong to.

use loquat_contract::{Entry, Inbound, JournalError, Language, Refusal};

use super::{Action, Id, Meaning};
use crate::dispatch::Shared;

/// A press that may be answered.
#[derive(Clone, Debug)]
pub(crate) struct Pressed {
    pub(crate) id: Id,
    /// The language of the reply that the button is below.
    pub(crate) language: Option<Language>,
}

impl Shared {
    /// What a press stands for. Buttons of another conversation count as unknown: that it exists is not told.
    ///
    /// # Errors
    /// When it is of no use, not for this person, or the journal cannot be read.
    pub(crate) async fn pressed(&self, inbound: &Inbound, id: &str) -> Result<Pressed, Refusal> {
        let id = Id::parse(id).ok_or(Refusal::TooOld)?;
        let entry = match self.journal.entry(id.of).await {
            Ok(entry) if entry.inbound.conversation == inbound.conversation => entry,
            Ok(_) | Err(JournalError::NoEntry(_)) => return Err(Refusal::TooOld),
            Err(error) => return Err(error.into()),
        };
        if !self.means_something(&entry, id.meaning) {
            return Err(Refusal::TooOld);
        }
        let is_theirs = entry.inbound.sender.id == inbound.sender.id;
        if is_for_one(id.meaning) && !is_theirs && !self.gate.is_operator(inbound) {
            return Err(Refusal::NotYours);
        }
        let reply = entry.prepared.and_then(|prepared| prepared.reply);
        Ok(Pressed { id, language: reply.map(|reply| reply.language.clone()) })
    }

    fn means_something(&self, entry: &Entry, meaning: Meaning) -> bool {
        let Some(prepared) = &entry.prepared else { return false };
        match meaning {
            Meaning::Choice(place) => place < prepared.choices.len(),
            Meaning::Action(Action::Human) => self.bot.settings.human.is_some(),
            Meaning::Action(Action::Retry) => prepared.reply.is_some() && prepared.asked.is_some(),
            Meaning::Action(Action::Why | Action::Good | Action::Bad) => prepared.reply.is_some(),
        }
    }
}

/// Whether a button has the bot answer as if the person who asked had said something more: nobody else may speak for them.
fn is_for_one(meaning: Meaning) -> bool {
    matches!(meaning, Meaning::Choice(_) | Meaning::Action(Action::Retry))
}
