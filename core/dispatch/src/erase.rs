//! A person is forgotten. In: who. Out: nothing of theirs in the journal, in what is remembered, or with their connector.

use std::collections::HashSet;
use std::time::Duration;

use loquat_contract::{ConversationId, Entry, JournalError, Person, Query};

use crate::dispatch::Shared;

/// How long an erasure waits for replies that are being delivered.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is looked whether a person's messages have left their lanes.
const LOOK: Duration = Duration::from_millis(20);

impl Shared {
    /// Removes every trace of a person from the journal and from what is remembered; says how many events that were.
    pub(crate) async fn erase(&self, person: &Person) -> Result<usize, JournalError> {
        let query = Query { person: Some(person.clone()), ..Query::default() };
        let entries = self.journal.entries(query).await?;
        let conversations: HashSet<&ConversationId> =
            entries.iter().map(|entry| &entry.inbound.conversation).collect();
        for conversation in conversations {
            let is_theirs = |entry: &Entry| entry.inbound.person() == *person;
            // What is being delivered ends first; what waits or is being answered does not go on.
            let begun = tokio::time::Instant::now();
            while self.is_at_work(conversation, is_theirs) {
                let sequence =
                    entries.iter().find(|entry| entry.settled.is_none()).map(|entry| entry.sequence);
                if let Some(sequence) = sequence.filter(|_| begun.elapsed() > PATIENCE) {
                    let problem =
                        "is being delivered, which takes long; nothing is erased yet, so erase again later";
                    return Err(JournalError::OutOfTurn { sequence, problem: problem.to_owned() });
                }
                self.take_out(conversation, is_theirs);
                tokio::time::sleep(LOOK).await;
            }
        }
        let erased = {
            let mut erasures = self.erasures.write().await;
            let erased = self.journal.erase(person).await?;
            *erasures += 1;
            erased
        };
        for conversation in &erased.conversations {
            self.dialogue.forget(conversation);
            if let Some(platform) = self.platforms.get(&conversation.platform) {
                platform.egress.forget(conversation).await;
            }
        }
        Ok(erased.events)
    }
}
