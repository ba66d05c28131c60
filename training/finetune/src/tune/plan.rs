//! How many trials get how much. In: limits. Out: brackets of rungs. Knows no settings.

use serde::{Deserialize, Serialize};

/// A way to spend budget on trials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Plan {
    /// Each trial has all of the budget: Bergstra and Bengio, "Random Search for Hyper-Parameter Optimization", 2012.
    Random {
        /// How many trials.
        trials: usize,
        /// The budget of each.
        most: u64,
    },
    /// All begin with little; the best of each rung go on with more: Jamieson and Talwalkar, "Non-stochastic Best Arm Identification and
    /// Hyperparameter Optimization", 2016, with a factor other than 2 as in [`Hyperband`](Self::Hyperband).
    Halving {
        /// How many trials begin.
        trials: usize,
        /// The budget of the first rung.
        least: u64,
        /// The budget of the last rung.
        most: u64,
        /// By what the budget grows, and the trials shrink, from one rung to the next; at least 2.
        factor: u64,
    },
    /// Several rounds of halving, of which some begin with many trials and little, others with few and much, since nobody knows how early a
    /// loss tells: Li et al., "Hyperband", 2018, algorithm 1.
    Hyperband {
        /// The smallest budget.
        least: u64,
        /// The largest budget.
        most: u64,
        /// As of halving.
        factor: u64,
    },
}

/// Trials that compete with each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bracket {
    /// From the first with many trials to the last with few.
    pub rungs: Vec<Rung>,
}

/// How many trials have how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// How many of the best are left.
    pub trials: usize,
    /// What each may have cost by the end of it.
    pub budget: u64,
}

/// Why a plan is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Nothing is tried.
    #[error("a search needs at least one trial")]
    NoTrial,
    /// Budgets make no rungs.
    #[error(
        "the smallest budget is {least} and the largest {most}; the smallest has to be from 1 to the largest"
    )]
    Budgets {
        /// The smallest.
        least: u64,
        /// The largest.
        most: u64,
    },
    /// The factor keeps all trials.
    #[error("the factor is {factor}; from one rung to the next it has to be at least 2")]
    Factor {
        /// The factor.
        factor: u64,
    },
}

impl Plan {
    /// Looks whether it can be followed.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), PlanError> {
        if let Self::Random { trials: 0, .. } | Self::Halving { trials: 0, .. } = self {
            return Err(PlanError::NoTrial);
        }
        let (least, most, factor) = self.limits();
        if factor < 2 {
            return Err(PlanError::Factor { factor });
        }
        if least == 0 || least > most { Err(PlanError::Budgets { least, most }) } else { Ok(()) }
    }

    /// The brackets, one after another.
    pub fn brackets(&self) -> Vec<Bracket> {
        let (least, most, factor) = self.limits();
        match *self {
            Self::Random { trials, most } => vec![Bracket { rungs: vec![Rung { trials, budget: most }] }],
            Self::Halving { trials, .. } => vec![bracket(trials, &budgets(least, most, factor), factor)],
            Self::Hyperband { .. } => {
                let budgets = budgets(least, most, factor);
                let last = budgets.len() - 1;
                // From the bracket with all rungs to that with the last one alone. Each costs about as much.
                let of = |rungs: usize| {
                    let trials = (last + 1) as f64 * (factor as f64).powi(rungs as i32) / (rungs + 1) as f64;
                    bracket(trials.ceil() as usize, &budgets[last - rungs..], factor)
                };
                (0..=last).rev().map(of).collect()
            }
        }
    }

    /// How many trials begin.
    pub fn trials(&self) -> usize {
        self.brackets().iter().filter_map(|bracket| bracket.rungs.first()).map(|rung| rung.trials).sum()
    }

    /// The sum of what all trials cost at most, in units of budget, where each goes on from the rung before.
    pub fn cost(&self) -> u64 {
        let of = |bracket: &Bracket| {
            let mut before = 0;
            let mut cost: u64 = 0;
            for rung in &bracket.rungs {
                cost = cost.saturating_add((rung.budget - before).saturating_mul(rung.trials as u64));
                before = rung.budget;
            }
            cost
        };
        self.brackets().iter().map(of).fold(0, u64::saturating_add)
    }

    fn limits(&self) -> (u64, u64, u64) {
        match *self {
            Self::Random { most, .. } => (most, most, 2),
            Self::Halving { least, most, factor, .. } | Self::Hyperband { least, most, factor } => {
                (least, most, factor)
            }
        }
    }
}

/// The budgets of all rungs: the largest, and back from it by the factor as long as they are not below the smallest.
fn budgets(least: u64, most: u64, factor: u64) -> Vec<u64> {
    let mut budgets = vec![most];
    let mut power = factor.max(2);
    while most / power >= least.max(1) {
        budgets.push(most / power);
        power = power.saturating_mul(factor.max(2));
    }
    budgets.reverse();
    budgets
}

fn bracket(trials: usize, budgets: &[u64], factor: u64) -> Bracket {
    let mut left = trials.max(1);
    let mut rungs = Vec::with_capacity(budgets.len());
    for &budget in budgets {
        rungs.push(Rung { trials: left, budget });
        left = (left / factor.max(2) as usize).max(1);
    }
    Bracket { rungs }
}
