//! What may be tried. In: ranges by the names of settings. Out: settings drawn from them. Knows no budget.

use std::collections::BTreeMap;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use super::Settings;

/// The value of a setting.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged, expecting = "a number, a word, true or false")]
pub enum Setting {
    /// Yes or no.
    Switch(bool),
    /// A whole number.
    Whole(i64),
    /// Any number.
    Number(f64),
    /// A word.
    Word(String),
}

/// Where a setting is drawn from.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(
    untagged,
    expecting = "a list of values such as [8, 16], or a range such as { low = 1e-5, high = 1e-3, log = true }"
)]
pub enum Range {
    /// One of these, each as likely.
    Choice(Vec<Setting>),
    /// A number between two, both included; a whole one where both are.
    Between {
        /// The least.
        low: Setting,
        /// The greatest.
        high: Setting,
        /// Whether each power of ten is as likely, as suits learning rates (Bergstra and Bengio 2012, section 2).
        #[serde(default)]
        log: bool,
    },
}

/// Ranges by the names of settings.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Space {
    /// The ranges.
    pub ranges: BTreeMap<String, Range>,
}

/// Why nothing can be drawn from a range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SpaceError {
    /// Nothing is to be tried.
    #[error(
        "no setting has a range; give at least one, such as \"run.rate\" = {{ low = 1e-5, high = 1e-3, log = true }}"
    )]
    Empty,
    /// A list is empty.
    #[error("`{name}` has a list without values; give some, or leave it out")]
    NoChoice {
        /// The setting.
        name: String,
    },
    /// An end is no number, or the ends are the wrong way round, or a logarithm of them does not exist.
    #[error("`{name}` has a range from {low} to {high}; {problem}")]
    Ends {
        /// The setting.
        name: String,
        /// The low end.
        low: Setting,
        /// The high end.
        high: Setting,
        /// What to do.
        problem: &'static str,
    },
}

impl Setting {
    /// The number that it is; none for words and switches.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Whole(whole) => Some(*whole as f64),
            Self::Number(number) => Some(*number),
            Self::Switch(_) | Self::Word(_) => None,
        }
    }
}

/// As TOML writes it, words without quotes.
impl std::fmt::Display for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Switch(on) => on.fmt(f),
            Self::Whole(whole) => whole.fmt(f),
            // With a point or an exponent, so that it is read as the same kind again.
            Self::Number(number) => write!(f, "{number:?}"),
            Self::Word(word) => f.write_str(word),
        }
    }
}

impl Space {
    /// Looks whether something can be drawn from every range.
    ///
    /// # Errors
    /// The first range from which nothing can be.
    pub fn check(&self) -> Result<(), SpaceError> {
        if self.ranges.is_empty() {
            return Err(SpaceError::Empty);
        }
        self.ranges.iter().try_for_each(|(name, range)| range.check(name))
    }

    /// The settings of so many trials: of the same seed always the same, however many follow. A trial is drawn again while an earlier one
    /// has its settings, which would be measured twice, but not forever: there may be no others.
    pub fn trials(&self, seed: u64, count: usize) -> Vec<Settings> {
        const DRAWS: usize = 100;
        let mut trials: Vec<Settings> = Vec::with_capacity(count);
        for number in 0..count as u64 {
            let mut random = ChaCha12Rng::seed_from_u64(seed);
            random.set_stream(number);
            let mut drawn = self.draw(&mut random);
            for _ in 1..DRAWS {
                if !trials.contains(&drawn) {
                    break;
                }
                drawn = self.draw(&mut random);
            }
            trials.push(drawn);
        }
        trials
    }

    fn draw(&self, random: &mut ChaCha12Rng) -> Settings {
        self.ranges.iter().map(|(name, range)| (name.clone(), range.draw(random))).collect()
    }
}

impl Range {
    fn check(&self, name: &str) -> Result<(), SpaceError> {
        let name = || name.to_owned();
        let (low, high, log) = match self {
            Self::Choice(choices) if choices.is_empty() => return Err(SpaceError::NoChoice { name: name() }),
            Self::Choice(_) => return Ok(()),
            Self::Between { low, high, log } => (low, high, *log),
        };
        let problem = match (low.number(), high.number()) {
            (Some(low), Some(high)) if !(low.is_finite() && high.is_finite()) => "both have to be finite",
            (Some(low), Some(high)) if low > high => "exchange them",
            (Some(low), Some(_)) if log && low <= 0.0 => "a logarithmic one has to be above 0",
            (Some(_), Some(_)) => return Ok(()),
            _ => "both have to be numbers; a list such as [\"cosine\", \"linear\"] takes words",
        };
        Err(SpaceError::Ends { name: name(), low: low.clone(), high: high.clone(), problem })
    }

    fn draw(&self, random: &mut ChaCha12Rng) -> Setting {
        // 53 bits, as many as a number has.
        let share = (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        match self {
            Self::Choice(choices) => {
                let at = (share * choices.len() as f64) as usize;
                choices.get(at).cloned().unwrap_or(Setting::Switch(false))
            }
            Self::Between { low: Setting::Whole(low), high: Setting::Whole(high), log } => {
                // Each whole number has as much room as the others, also at the ends.
                let (from, to) = (*low as f64 - 0.5, *high as f64 + 0.5);
                let drawn = if *log { along(from.max(0.5), to, share) } else { from + share * (to - from) };
                Setting::Whole((drawn.round() as i64).clamp(*low, *high))
            }
            Self::Between { low, high, log } => {
                let (low, high) = (low.number().unwrap_or_default(), high.number().unwrap_or_default());
                Setting::Number(if *log { along(low, high, share) } else { low + share * (high - low) })
            }
        }
    }
}

/// A share of the way by logarithm.
fn along(low: f64, high: f64, share: f64) -> f64 {
    (low.ln() + share * (high.ln() - low.ln())).exp().clamp(low, high)
}
