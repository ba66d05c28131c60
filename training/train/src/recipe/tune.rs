//! The recipe's table `[tune]`. In: TOML. Out: which settings are tried, and how long. Tries none.

use loquat_finetune::tune::{Plan, Range, Setting, Space};
use serde::{Deserialize, Serialize};

/// Units of budget that a whole run has.
pub const WHOLE: u64 = 1_000_000;
/// Keys that decide what a search reads once, for all trials.
const FIXED: [&str; 4] = ["run.set", "run.row_tokens", "run.device", "run.threads"];

/// Which settings are tried.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TuneRecipe {
    /// How trials share the time. Default: `halving`.
    pub search: Search,
    /// How many trials begin, for `random` and `halving`. Default: 9.
    pub trials: usize,
    /// By what the trials of a rung shrink, and what each may cost grows. Default: 3.
    pub factor: u64,
    /// The share of a whole run that the first rung has. Default: 0.1.
    pub least: f64,
    /// With how many seeds each trial is run; their mean decides. Default: 1.
    pub seeds: usize,
    /// The most documents of the dev part that trials are evaluated on; 0 is all. Default: 0.
    pub dev_documents: usize,
    /// Which keys of the recipe are tried, and from where. Default: none.
    pub space: Space,
}

/// A way to share time between trials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Search {
    /// Each trial is a whole run.
    Random,
    /// All begin with little, the best go on.
    Halving,
    /// Several rounds of halving, with fewer trials and longer beginnings from one to the next.
    Hyperband,
}

impl Default for TuneRecipe {
    fn default() -> Self {
        Self {
            search: Search::Halving,
            trials: 9,
            factor: 3,
            least: 0.1,
            seeds: 1,
            dev_documents: 0,
            space: Space::default(),
        }
    }
}

impl TuneRecipe {
    /// How trials share the time, in units of which a run has [`WHOLE`].
    pub fn plan(&self) -> Plan {
        let least = (self.least * WHOLE as f64).floor() as u64;
        match self.search {
            Search::Random => Plan::Random { trials: self.trials, most: WHOLE },
            Search::Halving => {
                Plan::Halving { trials: self.trials, least, most: WHOLE, factor: self.factor }
            }
            Search::Hyperband => Plan::Hyperband { least, most: WHOLE, factor: self.factor },
        }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if !(self.least > 0.0 && self.least <= 1.0) {
            return Err(format!("`tune.least` is {}; it has to be above 0 and at most 1", self.least));
        }
        if self.seeds == 0 {
            return Err("`tune.seeds` is 0; it has to be at least 1".to_owned());
        }
        self.plan().check().map_err(|problem| format!("`tune`: {problem}"))?;
        if self.space.ranges.is_empty() {
            // The other commands need none.
            return Ok(());
        }
        self.space.check().map_err(|problem| format!("`tune.space`: {problem}"))?;
        for (key, range) in &self.space.ranges {
            if !key.starts_with("run.") || FIXED.contains(&key.as_str()) {
                return Err(format!(
                    "`tune.space` has `{key}`; trials can differ in keys of `run`, but for {}",
                    FIXED.join(", ")
                ));
            }
            if let Range::Choice(choices) = range
                && choices.iter().any(|choice| matches!(choice, Setting::Number(number) if !number.is_finite()))
            {
                return Err(format!("`tune.space` has a value of `{key}` that is no finite number"));
            }
        }
        Ok(())
    }
}
