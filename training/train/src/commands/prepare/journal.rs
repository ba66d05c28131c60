//! The bot's journal, for its set. In: the journal's folder, read beside a bot that may run. Out: conversations, with what people think of
//! each reply.

use std::collections::{BTreeMap, HashMap};

use loquat::config::Loaded;
use loquat::parts::Places;
use loquat_contract::{Query, Sequence};
use loquat_dispatch::{Gathering, Rating};
use loquat_journal::Ledger;
use loquat_prepare::journal::{Exchange, chats as conversations};
use loquat_prepare::{Chat, settings};

/// The conversations of the journal whose replies are to be learnt.
pub(super) fn chats(loaded: &Loaded, settings: &settings::Journal) -> anyhow::Result<Vec<Chat>> {
    let ledger = Ledger::open(&Places::of(&loaded.config)?.journal)?;
    let sequences = ledger.sequences(&Query::default());
    let mut gathering = Gathering::default();
    for sequence in &sequences {
        gathering.take(&ledger.entry(*sequence)?);
    }
    let mut ratings: HashMap<Sequence, (usize, usize)> = HashMap::new();
    for feedback in gathering.finish() {
        let (liked, disliked) = ratings.entry(feedback.reply).or_default();
        match feedback.verdict {
            Some(Rating::Good) => *liked += 1,
            Some(Rating::Bad) => *disliked += 1,
            None => {}
        }
    }
    let mut exchanges: BTreeMap<String, Vec<Exchange>> = BTreeMap::new();
    for sequence in sequences {
        let entry = ledger.entry(sequence)?;
        let Some(prepared) = &entry.prepared else { continue };
        let (Some(asked), Some(reply)) = (&prepared.asked, &prepared.reply) else { continue };
        let sender = &entry.inbound.sender;
        let (liked, disliked) = ratings.get(&sequence).copied().unwrap_or_default();
        exchanges.entry(entry.inbound.conversation.to_string()).or_default().push(Exchange {
            number: sequence.0,
            asked: asked.clone(),
            answered: reply.answer.clone(),
            liked,
            disliked,
            names: sender.name.iter().cloned().collect(),
            outcome: reply.outcome,
        });
    }
    Ok(conversations(&exchanges, settings))
}
