//! Who is in which part. In: the entities of each example. Out: its part, so that no entity is in two. What has an entity in common
//! stays together; where that ties nearly everything together, the examples that tie are left out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use petgraph::unionfind::UnionFind;
use serde::Serialize;

use crate::dice::digest;
use crate::settings::Split;

/// A part of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// What is learnt from.
    Train,
    /// By which checkpoints are chosen.
    Dev,
    /// For the report.
    Test,
}

impl Part {
    /// All parts.
    pub const ALL: [Self; 3] = [Self::Train, Self::Dev, Self::Test];

    /// Its name, and that of its file without the ending.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Dev => "dev",
            Self::Test => "test",
        }
    }
}

/// How a set was split.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Division {
    /// How many groups there are that have no entity in common.
    pub components: usize,
    /// How many examples the largest of them has.
    pub largest: usize,
    /// How many examples were left out because they tie entities of different parts.
    pub bridges: usize,
    /// How many examples there were.
    pub examples: usize,
}

/// The part of each example, in their order; `None` for one that is left out. One without entities stands for itself.
pub(crate) fn split(
    entities: &[BTreeSet<String>],
    settings: &Split,
    seed: u64,
) -> (Vec<Option<Part>>, Division) {
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut names: Vec<String> = Vec::new();
    let own: Vec<String> = (0..entities.len()).map(|place| format!("\u{0}{place}")).collect();
    let of = |place: usize| -> Vec<&str> {
        if entities[place].is_empty() {
            vec![own[place].as_str()]
        } else {
            entities[place].iter().map(String::as_str).collect()
        }
    };
    for place in 0..entities.len() {
        for name in of(place) {
            numbers.entry(name).or_insert_with(|| {
                names.push(name.to_owned());
                names.len() - 1
            });
        }
    }
    let mut sets = UnionFind::new(names.len());
    for place in 0..entities.len() {
        for pair in of(place).windows(2) {
            sets.union(numbers[pair[0]], numbers[pair[1]]);
        }
    }
    let root = |place: usize| sets.find(numbers[of(place)[0]]);
    let mut components: BTreeMap<usize, usize> = BTreeMap::new();
    (0..entities.len()).for_each(|place| *components.entry(root(place)).or_default() += 1);

    let total = entities.len() as f64;
    let mut order: Vec<(u64, usize)> =
        components.keys().map(|root| (digest(seed, "split", &names[*root]), *root)).collect();
    order.sort_unstable();
    let mut parts: HashMap<usize, Part> = HashMap::new();
    let mut filled: HashMap<Part, f64> = HashMap::new();
    for (part, share) in [(Part::Test, settings.test), (Part::Dev, settings.dev)] {
        for (_, root) in &order {
            let size = components[root] as f64;
            let has = filled.entry(part).or_default();
            // One that is larger than the part is no sample of it.
            if !parts.contains_key(root) && *has + size <= (share * total).ceil().max(1.0) && share > 0.0 {
                parts.insert(*root, part);
                *has += size;
            }
        }
    }
    let mut largest = components.iter().map(|(root, size)| (*size, *root)).max().unwrap_or_default();
    let lacks = |part: Part, share: f64| {
        (share * total - filled.get(&part).copied().unwrap_or_default()).max(0.0) / total.max(1.0)
    };
    let (lacking_test, lacking_dev) = (lacks(Part::Test, settings.test), lacks(Part::Dev, settings.dev));
    let is_broken = lacking_test > settings.test / 2.0 || lacking_dev > settings.dev / 2.0;
    // Within the largest each entity has a part of its own, and who stands between is left out.
    let share = largest.0 as f64 / total.max(1.0);
    let of_entity = |name: &str| {
        let drawn = digest(seed, "entity", name) as f64 / u64::MAX as f64 * share;
        if drawn < lacking_test {
            Part::Test
        } else if drawn < lacking_test + lacking_dev {
            Part::Dev
        } else {
            Part::Train
        }
    };
    let mut bridges = 0;
    let mut assigned: Vec<Option<Part>> = (0..entities.len())
        .map(|place| {
            let root = root(place);
            if let Some(part) = parts.get(&root) {
                return Some(*part);
            }
            if !is_broken || root != largest.1 {
                return Some(Part::Train);
            }
            let own: BTreeSet<Part> = of(place).into_iter().map(of_entity).collect();
            let part = (own.len() == 1).then(|| own.first().copied()).flatten();
            bridges += usize::from(part.is_none());
            part
        })
        .collect();
    // What cannot be divided is learnt.
    if !assigned.contains(&Some(Part::Train)) {
        assigned.iter_mut().for_each(|part| *part = Some(Part::Train));
        bridges = 0;
    }
    if entities.is_empty() {
        largest.0 = 0;
    }
    let division =
        Division { components: components.len(), largest: largest.0, bridges, examples: entities.len() };
    (assigned, division)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[usize]) -> BTreeSet<String> {
        names.iter().map(|name| format!("e{name}")).collect()
    }

    fn check(examples: &[BTreeSet<String>]) -> (HashMap<Part, usize>, Division) {
        let settings = Split { dev: 0.1, test: 0.1 };
        let (parts, division) = split(examples, &settings, 3);
        let mut of: HashMap<&String, Part> = HashMap::new();
        let mut counts: HashMap<Part, usize> = HashMap::new();
        for (example, part) in examples.iter().zip(&parts) {
            let Some(part) = part else { continue };
            *counts.entry(*part).or_default() += 1;
            for entity in example {
                assert_eq!(of.entry(entity).or_insert(*part), part, "{entity} leaks");
            }
        }
        assert_eq!(counts.values().sum::<usize>() + division.bridges, examples.len());
        (counts, division)
    }

    #[test]
    fn no_entity_is_in_two_parts() {
        let apart: Vec<_> = (0..500).map(|n| set(&[n / 3, 1000 + n / 3])).collect();
        let (counts, division) = check(&apart);
        assert_eq!((division.components, division.largest, division.bridges), (167, 3, 0));
        assert!(
            (45..=50).contains(&counts[&Part::Test]) && (45..=50).contains(&counts[&Part::Dev]),
            "{counts:?}"
        );
    }

    #[test]
    fn a_chain_through_everything_is_broken_where_it_must_be() {
        let chain: Vec<_> =
            (0..1000).map(|n| if n % 2 == 0 { set(&[n]) } else { set(&[n - 1, n + 1]) }).collect();
        let (counts, division) = check(&chain);
        assert_eq!((division.components, division.largest), (1, 1000));
        assert!(division.bridges > 0 && division.bridges < 350, "{division:?}");
        assert!(counts[&Part::Test] > 40 && counts[&Part::Dev] > 40, "{counts:?}");
        assert_eq!(split(&[], &Split::default(), 1).0, []);
    }

    #[test]
    fn what_cannot_be_divided_is_learnt() {
        for seed in 0..200 {
            for few in [vec![set(&[1])], vec![set(&[1]), set(&[2])], vec![set(&[1]); 30]] {
                let (parts, _) = split(&few, &Split::default(), seed);
                assert!(parts.iter().all(|part| *part == Some(Part::Train)), "{parts:?}");
            }
        }
    }
}
