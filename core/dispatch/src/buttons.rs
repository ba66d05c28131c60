//! Buttons below a reply. In: a reply, and what the platform and the config allow. Out: rows of buttons with ids of the host's own, and what
//! an id stands for when it comes back. An id names an entry of the journal, so it means the same after every restart; whether
//! somebody may press it is decided where events come in.

mod press;

use loquat_contract::{Button, Capabilities, Choice, Language, Outcome, Part, Reply, Sequence, Verdict};
use serde::{Deserialize, Serialize};

use crate::settings::Settings;
use crate::words;
pub(crate) use press::Pressed;

/// The most buttons in a row, and the most rows that every platform with buttons takes.
const ROW: usize = 5;

/// What can be done with a reply by a button below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Shows why it says what it says.
    Why,
    /// Says that it is good.
    Good,
    /// Says that it is bad.
    Bad,
    /// Answers the question again.
    Retry,
    /// Says how to reach a person.
    Human,
}

impl Action {
    /// Every action.
    pub(crate) const ALL: [Self; 5] = [Self::Why, Self::Good, Self::Bad, Self::Retry, Self::Human];

    /// What its ids begin with, and what the config calls it.
    fn name(self) -> &'static str {
        match self {
            Self::Why => "why",
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Retry => "retry",
            Self::Human => "human",
        }
    }

    fn label(self, language: &Language) -> &'static str {
        let words = words::of(language);
        match self {
            Self::Why => words.label_why,
            Self::Good => "👍",
            Self::Bad => "👎",
            Self::Retry => words.label_retry,
            Self::Human => words.label_human,
        }
    }
}

/// What a button stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The choice at this place, counted from 0.
    Choice(usize),
    /// An action.
    Action(Action),
}

/// A button's meaning, and the entry that it belongs to. Its text is the id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id {
    pub(crate) meaning: Meaning,
    pub(crate) of: Sequence,
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.meaning {
            Meaning::Choice(place) => write!(f, "c{place}.")?,
            Meaning::Action(action) => write!(f, "{}.", action.name())?,
        }
        f.write_str(&base36(self.of.0))
    }
}

impl Id {
    /// What an id stands for; `None` for one that the host never gave.
    pub(crate) fn parse(id: &str) -> Option<Self> {
        let (name, of) = id.split_once('.')?;
        let is_plain = |c: char| c.is_ascii_digit() || c.is_ascii_lowercase();
        let of = Sequence(
            Some(of).filter(|of| of.chars().all(is_plain)).and_then(|of| u64::from_str_radix(of, 36).ok())?,
        );
        let action = Action::ALL.into_iter().find(|action| action.name() == name).map(Meaning::Action);
        let choice = || {
            let place = name.strip_prefix('c').filter(|place| place.chars().all(|c| c.is_ascii_digit()))?;
            place.parse().ok().map(Meaning::Choice)
        };
        Some(Self { meaning: action.or_else(choice)?, of })
    }
}

fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        digits.extend(u32::try_from(number % 36).ok().and_then(|digit| char::from_digit(digit, 36)));
        number /= 36;
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

/// The actions below a reply: those that are wanted and of use.
pub(crate) fn actions(reply: &Reply, settings: &Settings) -> Vec<Action> {
    let is_about_facts = matches!(reply.outcome, Outcome::Answered | Outcome::Abstained);
    let is_explained =
        !reply.gaps.is_empty() || reply.sentences.iter().any(|sentence| sentence.verdict != Verdict::NoClaim);
    let mut wanted = settings.actions.clone();
    if settings.human.is_some() && !wanted.contains(&Action::Human) {
        wanted.push(Action::Human);
    }
    let mut actions: Vec<Action> = Vec::new();
    for action in wanted {
        let is_of_use = match action {
            Action::Why => is_explained,
            Action::Good | Action::Bad | Action::Retry => is_about_facts,
            Action::Human => settings.human.is_some() && reply.outcome != Outcome::Smalltalk,
        };
        if is_of_use && !actions.contains(&action) {
            actions.push(action);
        }
    }
    actions
}

/// Puts buttons below the last part: the choices, where the platform has enough of them, and the actions, where there is room left.
pub(crate) fn add(
    parts: &mut [Part],
    choices: &[Choice],
    actions: &[Action],
    of: Sequence,
    language: &Language,
    capabilities: &Capabilities,
) {
    let Some(last) = parts.last_mut() else { return };
    let button =
        |meaning, label: &str| Button { id: Id { meaning, of }.to_string(), label: label.to_owned() };
    let choices = if are_buttons(choices, capabilities) { choices } else { &[] };
    let choices =
        choices.iter().enumerate().map(|(place, choice)| button(Meaning::Choice(place), &choice.label));
    let choices: Vec<Button> = choices.collect();
    let free = capabilities.buttons.saturating_sub(choices.len());
    let has_row = choices.len().div_ceil(ROW) < ROW;
    let actions = if actions.len() <= free && has_row { actions } else { &[] };
    let actions: Vec<Button> =
        actions.iter().map(|action| button(Meaning::Action(*action), action.label(language))).collect();
    // A choice is a whole line, where there is room for that.
    let rows = if choices.len() + usize::from(!actions.is_empty()) <= ROW { 1 } else { ROW };
    last.buttons = choices.chunks(rows).chain(actions.chunks(ROW)).map(<[Button]>::to_vec).collect();
}

/// Whether choices are buttons rather than numbered lines.
pub(crate) fn are_buttons(choices: &[Choice], capabilities: &Capabilities) -> bool {
    choices.len() <= capabilities.buttons
}

#[cfg(test)]
mod tests {
    use loquat_contract::testing;

    use super::*;

    #[test]
    fn an_id_is_short_plain_and_read_back() {
        for of in [0, 1, 35, 36, 1295, u64::MAX] {
            let meanings =
                Action::ALL.map(Meaning::Action).into_iter().chain([Meaning::Choice(0), Meaning::Choice(24)]);
            for meaning in meanings {
                let id = Id { meaning, of: Sequence(of) };
                let text = id.to_string();
                assert!(text.len() <= 32, "{text}");
                assert!(
                    text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.'),
                    "{text}"
                );
                assert_eq!(Id::parse(&text), Some(id));
            }
        }
        for strange in [
            "", "why", "why.", "why.-1", "why.+1", "c.1", "c+1.1", "cx.1", "WHY.1", "good.Z", "other.1",
            "why.1.2",
        ] {
            assert_eq!(Id::parse(strange), None, "{strange}");
        }
    }

    fn rows(choices: usize, capabilities: usize) -> Vec<usize> {
        let choices: Vec<Choice> =
            (0..choices).map(|n| Choice { label: n.to_string(), value: n.to_string() }).collect();
        let mut parts = [Part::default(), Part::default()];
        let actions = [Action::Why, Action::Good, Action::Bad];
        let capabilities = Capabilities { buttons: capabilities, ..Capabilities::default() };
        add(&mut parts, &choices, &actions, Sequence(7), &Language::english(), &capabilities);
        assert!(parts[0].buttons.is_empty(), "only the last part has buttons");
        parts[1].buttons.iter().map(Vec::len).collect()
    }

    #[test]
    fn choices_have_rows_of_their_own_while_there_is_room_and_actions_stand_below() {
        assert_eq!(rows(0, 25), [3]);
        assert_eq!(rows(3, 25), [1, 1, 1, 3]);
        assert_eq!(rows(5, 25), [5, 3]);
        assert_eq!(rows(12, 25), [5, 5, 2, 3]);
        assert_eq!(rows(25, 25), [5, 5, 5, 5, 5], "no room for actions");
        assert_eq!(rows(3, 4), [1, 1, 1]);
        assert_eq!(rows(4, 3), [3], "numbered lines above it");
        assert_eq!(rows(1, 0), [0_usize; 0]);
    }

    #[test]
    fn only_actions_that_are_wanted_and_of_use_are_shown() {
        let mut settings = Settings::default();
        let answered = Reply {
            outcome: Outcome::Answered,
            sentences: vec![loquat_contract::Sentence::new("x", Verdict::Supported, vec!["f".into()])],
            ..testing::reply("x")
        };
        use Action::{Bad, Good, Human, Retry, Why};
        assert_eq!(actions(&answered, &settings), [Why, Good, Bad, Retry]);
        assert_eq!(actions(&testing::reply("hello"), &settings), []);
        let abstained = Reply { outcome: Outcome::Abstained, ..testing::reply("no") };
        assert_eq!(actions(&abstained, &settings), [Good, Bad, Retry], "nothing is missing by name");
        settings.human = Some("Call 1.".into());
        assert_eq!(actions(&abstained, &settings), [Good, Bad, Retry, Human]);
        settings.actions = vec![Human, Why, Why];
        assert_eq!(actions(&answered, &settings), [Human, Why]);
        let clarified = Reply { outcome: Outcome::Clarified, ..testing::reply("Which?") };
        assert_eq!(actions(&clarified, &settings), [Human]);
    }
}
