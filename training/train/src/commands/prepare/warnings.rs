//! What a set lacks for the steps after it. In: the recipe, and the set's statistics. Out: sentences, each with what to do.

use loquat_prepare::{Kind, Part, Statistics};

use crate::recipe::Recipe;

/// With fewer questions than these a share that is measured may be off by more than a tenth.
const ENOUGH: usize = 50;
/// The kinds whose examples `eval` asks, as questions that stand for themselves.
const ASKED: [Kind; 4] = [Kind::Fact, Kind::List, Kind::MultiHop, Kind::YesNo];
/// The kinds that are not made from the graph.
const BESIDE: [Kind; 3] = [Kind::Dialogue, Kind::Text, Kind::Rehearsal];

/// What to be told of before the set is used.
pub(super) fn warnings(recipe: &Recipe, statistics: &Statistics) -> Vec<String> {
    let settings = &recipe.prepare;
    let mut warnings = Vec::new();
    let of = |kind: Kind, part: Part| {
        statistics
            .kinds
            .get(kind.name())
            .and_then(|parts| parts.get(part.name()))
            .copied()
            .unwrap_or_default()
    };
    let wanted = settings.examples;
    let from_graph: usize = Kind::ALL
        .into_iter()
        .filter(|kind| !BESIDE.contains(kind))
        .flat_map(|kind| Part::ALL.map(|part| of(kind, part)))
        .sum();
    // Without a limit there is nothing to fall short of.
    if settings.graph.is_some() && from_graph < wanted / 2 {
        warnings.push(format!(
            "{from_graph} examples came of the graph, where `prepare.examples` asks for {wanted}; name sets in `prepare.graph.questions`, or raise \
             `generated` and `reworded` in `[prepare.graph]`"
        ));
    }
    if statistics.examples.get(Part::Dev.name()).is_none_or(|count| *count == 0) {
        warnings.push(
            "the set has no dev.jsonl, without which `run` cannot tell when to stop or which weights are best; raise `prepare.split.dev`, or \
             give more to learn from"
                .to_owned(),
        );
    }
    let asked: usize = ASKED.into_iter().map(|kind| of(kind, Part::Test)).sum();
    if asked < ENOUGH && recipe.eval.questions.is_empty() {
        warnings.push(format!(
            "test.jsonl has {asked} examples that `eval` can ask: with fewer than {ENOUGH} its numbers say little; name sets in \
             `eval.questions`, or raise `prepare.split.test`"
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_set_lacks_is_told_with_both_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recipe.toml");
        let told = |more: &str, statistics: &Statistics| {
            std::fs::write(&path, format!("name = \"x\"\nbase = \"smollm2\"\noutput = \"out\"\n{more}"))
                .unwrap();
            warnings(&Recipe::load(&path, &[]).unwrap(), statistics)
        };
        let mut statistics = Statistics::default();
        let parts = [("train", 80_usize), ("test", 12)].map(|(part, count)| (part.to_owned(), count));
        statistics.kinds.insert("fact".to_owned(), parts.clone().into());
        statistics.kinds.insert("dialogue".to_owned(), [("train".to_owned(), 900)].into());
        statistics.examples = parts.into();
        let all = told("[prepare]\nexamples = 1000\n[prepare.graph]\n", &statistics);
        for (warning, words) in all.iter().zip([
            "92 examples came of the graph, where `prepare.examples` asks for 1000",
            "dev.jsonl",
            "has 12 examples",
        ]) {
            assert!(warning.contains(words), "{warning}");
        }
        assert_eq!(all.len(), 3, "{all:?}");
        statistics.examples.insert("dev".to_owned(), 5);
        let few = told(
            "[prepare]\nexamples = 0\n[prepare.graph]\n[eval]\nquestions = [\"q.jsonl\"]\n",
            &statistics,
        );
        assert!(few.is_empty(), "{few:?}");
    }
}
