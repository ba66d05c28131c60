//! What people saw against what the journal says. In: everything that was said. Out: what was lost, doubled, out of order, or unknown
//! without saying so.

use std::collections::HashMap;

use loquat_contract::{Entry, State};

use crate::platform::{Fixture, Platform, Shown};
use crate::stage::Stage;

/// Something that somebody said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) channel: String,
    /// The word by which it and its answer are known.
    pub(crate) token: String,
    pub(crate) id: String,
    /// Whether the bot said that it has it.
    pub(crate) is_acknowledged: bool,
}

/// What an audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Audit {
    pub(crate) said: usize,
    pub(crate) answered: usize,
    pub(crate) unknown: usize,
    pub(crate) problems: Vec<String>,
}

/// Compares everything that was said on a stage where nothing is owed any more.
pub(crate) fn audit<F: Fixture>(stage: &Stage<F>) -> anyhow::Result<Audit> {
    let ledger = stage.ledger()?;
    let has_key = stage.told()?.has_key;
    let said = stage.said.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    let mut audit = Audit { said: said.len(), ..Audit::default() };
    let mut by_channel: HashMap<&str, Vec<(u64, &Said)>> = HashMap::new();
    for one in &said {
        let entry =
            ledger.iter().find(|entry| entry.inbound.text().is_some_and(|text| text.contains(&one.token)));
        if let Some(entry) = entry {
            by_channel.entry(&one.channel).or_default().push((entry.sequence.0, one));
        }
        let shown = stage.platform.shown(&one.channel);
        let times = shown.iter().filter(|shown| shown.text.contains(&one.token)).count();
        match judge(entry, one, times, has_key) {
            Ok(State::Unknown) => audit.unknown += 1,
            Ok(State::Delivered) => audit.answered += 1,
            Ok(_) => {}
            Err(problem) => audit.problems.push(format!("{} in {}: {problem}", one.token, one.channel)),
        }
    }
    for (channel, mut rows) in by_channel {
        rows.sort_by_key(|(sequence, _)| *sequence);
        audit.problems.extend(disorder(&rows, &stage.platform.shown(channel)));
    }
    Ok(audit)
}

fn judge(entry: Option<&Entry>, said: &Said, times: usize, has_key: bool) -> Result<State, String> {
    let Some(entry) = entry else {
        return match (said.is_acknowledged, times) {
            (true, _) => Err("LOST: it was acknowledged and is not in the journal".to_owned()),
            (false, 0) => Ok(State::Closed),
            (false, _) => Err("it is answered and not in the journal".to_owned()),
        };
    };
    match (entry.state(), times) {
        (_, 2..) => Err(format!("DOUBLED: shown {times} times")),
        (State::Delivered, 1) => Ok(State::Delivered),
        (State::Delivered, _) => Err("LOST: delivered by the journal, and not shown".to_owned()),
        (State::Unknown, _) if !has_key => Ok(State::Unknown),
        (state, _) => Err(format!("it ended as {state:?}: {:?}", entry.settled)),
    }
}

/// Where answers are not in the order of the journal.
fn disorder(rows: &[(u64, &Said)], shown: &[Shown]) -> Vec<String> {
    let place = |said: &Said| shown.iter().position(|shown| shown.text.contains(&said.token));
    let placed: Vec<(usize, &Said)> =
        rows.iter().filter_map(|(_, said)| Some((place(said)?, *said))).collect();
    let wrong = placed.windows(2).filter(|pair| pair[0].0 > pair[1].0);
    wrong
        .map(|pair| format!("OUT OF ORDER: {} is shown after {}", pair[0].1.token, pair[1].1.token))
        .collect()
}

#[cfg(test)]
mod tests {
    use loquat_contract::{ConversationId, Inbound, PartState, Sender, Sequence, Settlement, Timestamp};

    use super::*;

    fn said(token: &str, is_acknowledged: bool) -> Said {
        Said { channel: "c".into(), token: token.into(), id: token.into(), is_acknowledged }
    }

    fn entry(settlement: Settlement) -> Entry {
        let conversation =
            ConversationId { bot: "b".into(), platform: "p".into(), channel: "c".into(), thread: None };
        Entry {
            sequence: Sequence(1),
            accepted_at: Timestamp(0),
            inbound: Inbound::message(conversation, "1", Sender::new("s"), "t1"),
            prepared: None,
            parts: vec![PartState::Sent { id: None }],
            settled: Some((settlement, Timestamp(0))),
        }
    }

    #[test]
    fn each_broken_promise_is_found() {
        let delivered = entry(Settlement::Delivered);
        let unknown = entry(Settlement::Unknown { reason: String::new() });
        let failed = entry(Settlement::Failed { reason: "no".into() });
        let judged = |entry: Option<&Entry>, is_acknowledged: bool, times: usize, has_key: bool| {
            judge(entry, &said("t1", is_acknowledged), times, has_key)
        };
        assert_eq!(judged(Some(&delivered), true, 1, true), Ok(State::Delivered));
        assert!(judged(Some(&delivered), true, 2, false).unwrap_err().contains("DOUBLED"));
        assert!(judged(Some(&delivered), true, 0, true).unwrap_err().contains("LOST"));
        assert!(judged(None, true, 0, true).unwrap_err().contains("LOST"));
        assert!(judged(None, false, 1, true).is_err());
        assert_eq!(judged(None, false, 0, true), Ok(State::Closed));
        for times in [0, 1] {
            assert_eq!(judged(Some(&unknown), true, times, false), Ok(State::Unknown));
        }
        assert!(judged(Some(&unknown), true, 1, true).is_err(), "with a key nothing stays unknown");
        assert!(judged(Some(&failed), true, 0, true).is_err());
    }

    #[test]
    fn disorder_is_found() {
        let shown = |token: &str| Shown { text: token.into(), key: None, notified: vec![], fault: None };
        let (one, two) = (said("t1", true), said("t2", true));
        let rows = [(1, &one), (2, &two)];
        assert!(disorder(&rows, &[shown("t1"), shown("t2")]).is_empty());
        assert_eq!(disorder(&rows, &[shown("t2"), shown("t1")]).len(), 1);
        assert!(disorder(&rows, &[shown("t2")]).is_empty(), "what is missing is no matter of order");
    }
}
