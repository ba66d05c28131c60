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

/// The words in a text by which something said is known, see [`Stage::token`].
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let is_token = |word: &&str| {
        let digits = word.strip_prefix('t').and_then(|word| word.strip_suffix('x'));
        digits.is_some_and(|digits| digits.len() >= 5 && digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(is_token)
}

/// Where in what was shown each word stands.
fn places(shown: &[Shown]) -> HashMap<&str, Vec<usize>> {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, shown) in shown.iter().enumerate() {
        for token in tokens(&shown.text) {
            places.entry(token).or_default().push(place);
        }
    }
    places
}

/// Compares everything that was said on a stage where nothing is owed any more.
pub(crate) fn audit<F: Fixture>(stage: &Stage<F>) -> anyhow::Result<Audit> {
    let ledger = stage.ledger()?;
    let ledger: HashMap<&str, &Entry> =
        ledger.iter().filter_map(|entry| Some((tokens(entry.inbound.text()?).next()?, entry))).collect();
    let has_key = stage.told()?.has_key;
    let said = stage.said.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    let mut audit = Audit { said: said.len(), ..Audit::default() };
    let mut by_channel: HashMap<&str, Vec<&Said>> = HashMap::new();
    for one in &said {
        by_channel.entry(&one.channel).or_default().push(one);
    }
    for (channel, said) in by_channel {
        let shown = stage.platform.shown(channel);
        let places = places(&shown);
        let mut rows = Vec::new();
        for one in said {
            let entry = ledger.get(one.token.as_str()).copied();
            let shown_at = places.get(one.token.as_str()).map_or(&[][..], Vec::as_slice);
            match judge(entry, one, shown_at.len(), has_key) {
                Ok(State::Unknown) => audit.unknown += 1,
                Ok(State::Delivered) => audit.answered += 1,
                Ok(_) => {}
                Err(problem) => audit.problems.push(format!("{} in {channel}: {problem}", one.token)),
            }
            if let (Some(entry), Some(first)) = (entry, shown_at.first()) {
                rows.push((entry.sequence.0, *first, one.token.as_str()));
            }
        }
        audit.problems.extend(disorder(rows));
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

/// Where answers are not in the order of the journal. Each row is an entry's number, the place of its answer, and its word.
fn disorder(mut rows: Vec<(u64, usize, &str)>) -> Vec<String> {
    rows.sort_unstable();
    let wrong = rows.windows(2).filter(|pair| pair[0].1 > pair[1].1);
    wrong.map(|pair| format!("OUT OF ORDER: {} is shown after {}", pair[0].2, pair[1].2)).collect()
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
            draft: None,
            prepared: None,
            parts: vec![PartState::Sent { id: None }],
            settled: Some((settlement, Timestamp(0))),
            reopened_at: None,
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
        let shown = |text: &str| Shown { text: text.into(), key: None, notified: vec![], fault: None };
        let rows = |shown: &[Shown]| -> Vec<(u64, usize, &'static str)> {
            let places = places(shown);
            let row = |(sequence, token): (u64, &'static str)| {
                Some((sequence, *places.get(token)?.first()?, token))
            };
            [(1, "t00001x"), (2, "t00002x")].into_iter().filter_map(row).collect()
        };
        assert!(disorder(rows(&[shown("p: t00001x"), shown("(t00002x)")])).is_empty());
        assert_eq!(disorder(rows(&[shown("t00002x"), shown("t00001x")])).len(), 1);
        assert!(disorder(rows(&[shown("t00002x")])).is_empty(), "what is missing is no matter of order");
        assert_eq!(tokens("text t1x tx t00001 slow t00042x.").collect::<Vec<_>>(), ["t00042x"]);
    }
}
