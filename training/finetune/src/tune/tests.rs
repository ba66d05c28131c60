//! Searches over functions whose least value is known.

use std::collections::BTreeMap;
use std::convert::Infallible;

use proptest::prelude::*;

use super::{Bracket, Plan, PlanError, Range, Rung, Setting, Space, SpaceError, best, search, search_with};

fn space(ranges: &str) -> Space {
    serde_json::from_str(ranges).unwrap()
}

fn rates() -> Space {
    space(
        r#"{"rate": {"low": 1e-6, "high": 1e-1, "log": true}, "rank": {"low": 1, "high": 64},
            "schedule": ["cosine", "linear", "constant"]}"#,
    )
}

/// A loss with its least value, 0, at a rate of 1e-3, rank 16 and cosine, on top of what training longer takes away.
fn loss(settings: &BTreeMap<String, Setting>, budget: u64) -> f64 {
    let number = |name: &str| settings[name].number().unwrap();
    let schedule = if settings["schedule"] == Setting::Word("cosine".into()) { 0.0 } else { 0.3 };
    (number("rate").log10() + 3.0).powi(2)
        + ((number("rank") - 16.0) / 64.0).powi(2)
        + schedule
        + 4.0 / budget as f64
}

#[test]
fn draws_are_within_their_ranges_and_as_likely_as_they_say() {
    let space = rates();
    space.check().unwrap();
    let drawn = space.trials(7, 3000);
    assert_eq!(drawn[..6], space.trials(7, 6));
    assert_ne!(drawn[5], space.trials(8, 6)[5]);
    // Five decades, each as likely; 64 whole numbers; three words. Four standard deviations of a binomial of 3000.
    let near = |count: usize, share: f64| {
        let deviation = (3000.0 * share * (1.0 - share)).sqrt();
        assert!((count as f64 - 3000.0 * share).abs() < 4.0 * deviation, "{count} of 3000, expected {share}");
    };
    for decade in -6..-1 {
        let within = |rate: f64| rate.log10().floor() as i32 == decade;
        near(drawn.iter().filter(|settings| within(settings["rate"].number().unwrap())).count(), 0.2);
    }
    for rank in [1, 64] {
        near(drawn.iter().filter(|settings| settings["rank"] == Setting::Whole(rank)).count(), 1.0 / 64.0);
    }
    let linear = Setting::Word("linear".into());
    near(drawn.iter().filter(|settings| settings["schedule"] == linear).count(), 1.0 / 3.0);
}

#[test]
fn no_settings_are_tried_twice_while_there_are_others() {
    let space = space(r#"{"rate": [0.1, 0.2, 0.3], "rank": [4, 8]}"#);
    for seed in 0..20 {
        let drawn = space.trials(seed, 6);
        assert!((0..6).all(|at| !drawn[..at].contains(&drawn[at])), "{drawn:?}");
        // A seventh is one of those.
        assert!(drawn.contains(&space.trials(seed, 7)[6]));
    }
}

#[test]
fn ranges_that_hold_nothing_are_named() {
    assert_eq!(Space::default().check(), Err(SpaceError::Empty));
    for (ranges, said) in [
        (r#"{"rank": []}"#, "`rank` has a list without values"),
        (r#"{"rate": {"low": 1.0, "high": 0.1}}"#, "exchange"),
        (r#"{"rate": {"low": 0.0, "high": 0.1, "log": true}}"#, "above 0"),
        (r#"{"schedule": {"low": "a", "high": "b"}}"#, "both have to be numbers"),
    ] {
        let error = space(ranges).check().unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    let error = serde_json::from_str::<Space>(r#"{"rate": {"lo": 1}}"#).unwrap_err().to_string();
    assert!(error.contains("a range such as"), "{error}");
}

#[test]
fn a_setting_reads_as_it_was_written() {
    for setting in [Setting::Whole(16), Setting::Number(2.0), Setting::Number(1e-5), Setting::Switch(true)] {
        let again: Setting = serde_json::from_str(&setting.to_string()).unwrap();
        assert_eq!(again, setting);
    }
}

#[test]
fn random_search_finds_what_is_near_the_least() {
    let plan = Plan::Random { trials: 60, most: 10 };
    let trials =
        search::<Infallible>(&rates(), &plan, 1, 1, |ask| Ok(loss(ask.settings, ask.budget))).unwrap();
    assert_eq!(trials.len(), 60);
    let found = best(&trials).unwrap();
    assert!(trials.iter().all(|trial| trial.loss() >= found.loss()));
    assert!(found.loss() < 0.4 + 0.35, "{found:?}");
}

#[test]
fn halving_spends_less_and_keeps_the_best() {
    let plan = Plan::Halving { trials: 27, least: 1, most: 9, factor: 3 };
    assert_eq!(
        plan.brackets(),
        [Bracket {
            rungs: vec![
                Rung { trials: 27, budget: 1 },
                Rung { trials: 9, budget: 3 },
                Rung { trials: 3, budget: 9 }
            ]
        }]
    );
    // 27 · 1, then 9 · 2 and 3 · 6 more; random search over as many would cost 243.
    assert_eq!(plan.cost(), 63);
    let mut asked = Vec::new();
    let trials = search::<Infallible>(&rates(), &plan, 3, 1, |ask| {
        asked.push((ask.trial, ask.budget));
        Ok(loss(ask.settings, ask.budget))
    })
    .unwrap();
    assert_eq!(asked.len(), 27 + 9 + 3);
    // The order of these losses is the same after any budget, so the best of all is found.
    let all = search::<Infallible>(&rates(), &Plan::Random { trials: 27, most: 9 }, 3, 1, |ask| {
        Ok(loss(ask.settings, ask.budget))
    })
    .unwrap();
    assert_eq!(best(&trials).unwrap().settings, best(&all).unwrap().settings);
    let budgets = best(&trials).unwrap().losses.iter().map(|(budget, _)| *budget);
    assert_eq!(budgets.collect::<Vec<_>>(), [1, 3, 9]);
}

#[test]
fn a_trial_that_is_good_early_alone_does_not_win() {
    // What begins well (a high rate) ends badly: the winner is judged by the largest budget.
    let space = space(r#"{"rate": {"low": 0.0, "high": 1.0}}"#);
    let of = |rate: f64, budget: u64| if budget < 4 { 1.0 - rate } else { rate };
    let plan = Plan::Hyperband { least: 1, most: 4, factor: 2 };
    let trials = search::<Infallible>(&space, &plan, 1, 1, |ask| {
        Ok(of(ask.settings["rate"].number().unwrap(), ask.budget))
    })
    .unwrap();
    let found = best(&trials).unwrap();
    assert_eq!(found.budget(), 4);
    let full = trials.iter().filter(|trial| trial.budget() == 4);
    assert!(full.clone().count() > 1 && full.clone().all(|trial| trial.loss() >= found.loss()));
    // Its bracket without halving has what halving would have thrown away.
    assert_eq!(found.bracket, 2);
}

#[test]
fn hyperbands_brackets_are_those_of_the_paper() {
    // Li et al. 2018, algorithm 1 with R = 81 and a factor of 3.
    let plan = Plan::Hyperband { least: 1, most: 81, factor: 3 };
    let found: Vec<Vec<(usize, u64)>> = plan
        .brackets()
        .into_iter()
        .map(|bracket| bracket.rungs.iter().map(|rung| (rung.trials, rung.budget)).collect())
        .collect();
    assert_eq!(found[0], [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)]);
    assert_eq!(found[1], [(34, 3), (11, 9), (3, 27), (1, 81)]);
    assert_eq!(found[2], [(15, 9), (5, 27), (1, 81)]);
    assert_eq!(found[3], [(8, 27), (2, 81)]);
    assert_eq!(found[4], [(5, 81)]);
}

#[test]
fn what_diverged_is_the_worst_and_goes_no_further() {
    let space = space(r#"{"rate": {"low": 0.0, "high": 1.0}}"#);
    let plan = Plan::Halving { trials: 8, least: 1, most: 8, factor: 2 };
    let of = |rate: f64| if rate > 0.3 { f64::NAN } else { rate };
    let measure = |ask: &super::Ask<'_>| Ok(of(ask.settings["rate"].number().unwrap()));
    let trials = search::<Infallible>(&space, &plan, 5, 1, measure).unwrap();
    assert!(trials.iter().any(|trial| trial.loss().is_finite()), "the seed draws one that holds");
    for trial in &trials {
        let diverged = trial.settings["rate"].number().unwrap() > 0.3;
        assert_eq!(trial.loss().is_infinite(), diverged);
        assert!(!diverged || trial.losses.len() == 1);
    }
    assert!(best(&trials).unwrap().loss() <= 0.3);
    let none = search::<Infallible>(&space, &plan, 5, 1, |_| Ok(f64::NAN)).unwrap();
    assert_eq!(best(&none), None);
}

struct Watched(Vec<usize>);

impl super::Objective<Infallible> for &mut Watched {
    fn measure(&mut self, ask: &super::Ask<'_>) -> Result<f64, Infallible> {
        assert!(!self.0.contains(&ask.trial), "what is over is not asked for");
        Ok(if ask.trial == 2 { f64::NAN } else { ask.trial as f64 })
    }

    fn over(&mut self, trial: usize) {
        self.0.push(trial);
    }
}

#[test]
fn it_is_told_which_trials_go_no_further() {
    let plan = Plan::Halving { trials: 6, least: 1, most: 4, factor: 2 };
    let mut watched = Watched(Vec::new());
    let trials = search_with(&rates(), &plan, 1, 1, &mut watched).unwrap();
    assert_eq!(best(&trials).unwrap().number, 0);
    // Six, then the best three, then the best one; the one that diverged goes with the first.
    assert_eq!(watched.0, [4, 5, 2, 1, 3]);
}

#[test]
fn seeds_are_averaged_and_a_search_that_broke_off_asks_the_same_again() {
    let plan = Plan::Halving { trials: 6, least: 1, most: 4, factor: 2 };
    // Noise that several seeds average away.
    let noisy = |ask: &super::Ask<'_>| {
        let noise = if ask.repeat == 0 { 5.0 * ask.trial as f64 } else { -5.0 * ask.trial as f64 };
        loss(ask.settings, ask.budget) + noise
    };
    let mut kept = Vec::new();
    let broken = search(&rates(), &plan, 2, 2, |ask| {
        if kept.len() == 9 {
            return Err("the disk is full");
        }
        kept.push((ask.trial, ask.repeat, ask.budget, noisy(ask)));
        Ok(noisy(ask))
    });
    assert_eq!(broken, Err("the disk is full"));
    let mut measured = 0;
    let trials = search::<Infallible>(&rates(), &plan, 2, 2, |ask| {
        let key = (ask.trial, ask.repeat, ask.budget);
        let known = kept.iter().find(|(trial, repeat, budget, _)| (*trial, *repeat, *budget) == key);
        measured += usize::from(known.is_none());
        Ok(known.map_or_else(|| noisy(ask), |(.., loss)| *loss))
    })
    .unwrap();
    let whole = search::<Infallible>(&rates(), &plan, 2, 2, |ask| Ok(noisy(ask))).unwrap();
    assert_eq!(trials, whole);
    assert_eq!(measured, 2 * (6 + 3 + 1) - 9);
    let plain =
        search::<Infallible>(&rates(), &plan, 2, 1, |ask| Ok(loss(ask.settings, ask.budget))).unwrap();
    for (a, b) in whole.iter().zip(&plain) {
        assert!((a.loss() - b.loss()).abs() < 1e-9);
    }
}

#[test]
fn plans_that_cannot_be_followed_say_why() {
    assert_eq!(Plan::Random { trials: 0, most: 1 }.check(), Err(PlanError::NoTrial));
    let halving = |least, most, factor| Plan::Halving { trials: 4, least, most, factor };
    assert_eq!(halving(1, 8, 1).check(), Err(PlanError::Factor { factor: 1 }));
    assert_eq!(halving(9, 8, 2).check(), Err(PlanError::Budgets { least: 9, most: 8 }));
    assert_eq!(halving(0, 8, 2).check(), Err(PlanError::Budgets { least: 0, most: 8 }));
    assert_eq!(halving(8, 8, 2).check(), Ok(()));
}

proptest! {
    #[test]
    fn any_plan_ends_with_the_largest_budget(least in 1..50_u64, more in 0..200_u64, factor in 2..6_u64, trials in 1..60_usize) {
        let most = least + more;
        for plan in [Plan::Halving { trials, least, most, factor }, Plan::Hyperband { least, most, factor }] {
            prop_assert_eq!(plan.check(), Ok(()));
            for Bracket { rungs } in plan.brackets() {
                prop_assert_eq!(rungs.last().unwrap().budget, most);
                for pair in rungs.windows(2) {
                    prop_assert!(pair[0].budget < pair[1].budget && pair[0].trials >= pair[1].trials);
                    prop_assert!(pair[0].budget >= least && pair[1].trials >= 1);
                }
            }
        }
    }

    #[test]
    fn any_draw_is_within_its_range(low in -1e3..1e3_f64, width in 0.0..1e3_f64, whole in -50..50_i64, seed: u64) {
        let ranges = BTreeMap::from([
            ("even".to_owned(), Range::Between { low: Setting::Number(low), high: Setting::Number(low + width), log: false }),
            ("whole".to_owned(), Range::Between { low: Setting::Whole(whole), high: Setting::Whole(whole + 3), log: false }),
            ("log".to_owned(), Range::Between { low: Setting::Whole(1), high: Setting::Whole(9), log: true }),
        ]);
        let drawn = Space { ranges }.trials(seed, 1).remove(0);
        let number = |name: &str| drawn[name].number().unwrap();
        prop_assert!((low..=low + width).contains(&number("even")));
        prop_assert!((whole..=whole + 3).contains(&(number("whole") as i64)) && matches!(drawn["whole"], Setting::Whole(_)));
        prop_assert!((1..=9).contains(&(number("log") as i64)));
    }
}
