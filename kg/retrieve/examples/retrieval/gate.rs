//! Whether an answer would be given. In: questions as they are, with the facts of their answers hidden, with their name unknown. Out: how
//! many are answered rightly, wrongly, not at all; what certainty is learnt from.

use std::io::Write;

use loquat_contract::{FactId, Language, Mention};
use loquat_retrieve::{Asked, Features, Group, Retrieval, Retriever, SURE};

use super::hidden::Hidden;
use super::sets::Question;
use super::{Failure, say};

/// What became of questions.
#[derive(Default)]
struct Outcomes {
    right: usize,
    wrong: usize,
    abstained: usize,
}

/// What became of a set's questions.
#[derive(Default)]
pub(crate) struct Gate {
    as_is: Outcomes,
    hidden: Outcomes,
    unknown: Outcomes,
}

impl Outcomes {
    fn add(&mut self, found: &Retrieval, question: &Question) -> bool {
        let best = found.groups.first().filter(|group| group.certainty >= SURE);
        let outcome = match best {
            None => &mut self.abstained,
            Some(group) if is_right(group, question) => &mut self.right,
            Some(_) => &mut self.wrong,
        };
        *outcome += 1;
        best.is_some()
    }

    fn cells(&self) -> String {
        let all = (self.right + self.wrong + self.abstained).max(1) as f64;
        let percent = |count: usize| format!("{:.1} %", 100.0 * count as f64 / all);
        format!("{} | {} | {}", percent(self.right), percent(self.wrong), percent(self.abstained))
    }
}

fn is_right(group: &Group, question: &Question) -> bool {
    group.answers.iter().any(|answer| question.accepts(&answer.value))
}

impl Gate {
    pub(crate) fn header() {
        say(
            "| questions | as they are: right | wrong | abstained | facts hidden: right | wrong | abstained | name unknown: right | wrong | abstained |",
        );
        say("|---|---|---|---|---|---|---|---|---|---|");
    }

    pub(crate) fn print(&self, name: &str) {
        let cells = [&self.as_is, &self.hidden, &self.unknown].map(Outcomes::cells);
        say(&format!("| {name} | {} |", cells.join(" | ")));
    }

    /// Asks a question whose result on the whole graph is known again without its facts and without its name.
    #[expect(clippy::too_many_arguments, reason = "one call; the example's parts are separate")]
    pub(crate) async fn ask(
        &mut self,
        retriever: &Retriever,
        graph: &Hidden,
        question: &Question,
        set: &str,
        (found, features): (&Retrieval, &[Features]),
        out: &mut Option<impl Write>,
        print: bool,
    ) -> Result<(), Failure> {
        self.as_is.add(found, question);
        write(out, set, "as is", question, found, features)?;
        let mut hidden = retriever.retrieve_with_features(question.text.as_str()).await?;
        // An answer may be reached in several ways.
        for _ in 0..6 {
            let right = hidden.0.groups.iter().filter(|group| is_right(group, question));
            let facts: Vec<FactId> = right
                .flat_map(|group| &group.answers)
                .filter_map(|answer| Some(answer.facts.last()?.id.clone()))
                .collect();
            if facts.is_empty() {
                break;
            }
            graph.hide(facts);
            hidden = retriever.retrieve_with_features(question.text.as_str()).await?;
        }
        graph.show_all();
        if self.hidden.add(&hidden.0, question) && print {
            report("hidden", question, &hidden.0);
        }
        write(out, set, "hidden", question, &hidden.0, &hidden.1)?;

        let best = found.groups.iter().find(|group| is_right(group, question));
        let Some(topic) = best.map(|group| group.topic.id.clone()) else { return Ok(()) };
        let mentions: Vec<Mention> = loquat_contract::Knowledge::link(graph, &question.text)
            .await?
            .into_iter()
            .filter(|mention| mention.candidates.iter().all(|candidate| candidate.entity.id != topic))
            .collect();
        let asked = Asked { text: &question.text, about: &[], mentions: Some(&mentions) };
        let unknown = retriever.retrieve_with_features(asked).await?;
        if self.unknown.add(&unknown.0, question) && print {
            report("unknown", question, &unknown.0);
        }
        write(out, set, "unknown", question, &unknown.0, &unknown.1)
    }
}

fn report(variant: &str, question: &Question, found: &Retrieval) {
    if let Some(group) = found.groups.first() {
        let path = group.reason(&Language::english());
        say(&format!("  {variant}: {} → {path} {:.3}", question.text, group.certainty));
    }
}

fn write(
    out: &mut Option<impl Write>,
    set: &str,
    variant: &str,
    question: &Question,
    found: &Retrieval,
    features: &[Features],
) -> Result<(), Failure> {
    let Some(file) = out else { return Ok(()) };
    let groups: Vec<serde_json::Value> = found
        .groups
        .iter()
        .zip(features)
        .map(|(group, features)| {
            let right = group.answers.iter().filter(|answer| question.accepts(&answer.value)).count();
            let values = |pairs: &[(&str, f32)]| pairs.iter().map(|(_, value)| *value).collect::<Vec<f32>>();
            serde_json::json!({
                "right": right, "all": group.answers.len(), "path": group.reason(&Language::english()),
                "features": values(&features.path), "signs": values(&features.certainty),
            })
        })
        .collect();
    let line = serde_json::json!({
        "set": set, "variant": variant, "question": question.text, "gold": question.answers.len(), "groups": groups,
    });
    writeln!(file, "{line}")?;
    Ok(())
}
