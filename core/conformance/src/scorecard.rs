//! What the checks came to. In: outcomes. Out: Markdown, which belongs into the connector's README.

use std::path::Path;

use anyhow::{Context, bail};

const BEGIN: &str = "<!-- conformance -->";
const END: &str = "<!-- /conformance -->";

/// What no check looks at yet.
const UNCHECKED: &str =
    "Not checked: reactions, leaving a conversation, removing a message, a conversation that moves.";

/// What a check came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It holds; and how that was seen. The same in every run.
    Passed(String),
    /// It means nothing on this platform; and why.
    NotApplicable(&'static str),
    /// It does not hold.
    Failed(String),
}

/// The checks of one connector.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scorecard {
    rows: Vec<(String, Outcome)>,
}

impl Scorecard {
    pub(crate) fn add(&mut self, check: impl Into<String>, outcome: Outcome) {
        self.rows.push((check.into(), outcome));
    }

    pub(crate) fn failures(&self) -> Vec<String> {
        let failed = |(check, outcome): &(String, Outcome)| match outcome {
            Outcome::Failed(problem) => Some(format!("{check}: {problem}")),
            _ => None,
        };
        self.rows.iter().filter_map(failed).collect()
    }

    pub(crate) fn markdown(&self) -> String {
        let passed = self.rows.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Passed(_))).count();
        let of =
            self.rows.iter().filter(|(_, outcome)| !matches!(outcome, Outcome::NotApplicable(_))).count();
        let mut text =
            format!("{passed} of {of} checks passed.\n\n| Check | Outcome | Evidence |\n|---|---|---|\n");
        for (check, outcome) in &self.rows {
            let (outcome, evidence) = match outcome {
                Outcome::Passed(evidence) => ("passed", evidence.as_str()),
                Outcome::NotApplicable(why) => ("does not apply", *why),
                Outcome::Failed(problem) => ("**failed**", problem.as_str()),
            };
            text +=
                &format!("| {check} | {outcome} | {} |\n", evidence.replace('|', "\\|").replace('\n', " "));
        }
        text + "\n" + UNCHECKED + "\n"
    }

    /// Compares it with the one in the README, or puts it there where there is none yet or `LOQUAT_BLESS` is set. A crate without
    /// a place for it keeps none.
    pub(crate) fn keep(&self, readme: &Path) -> anyhow::Result<()> {
        let Ok(text) = std::fs::read_to_string(readme) else { return Ok(()) };
        let Some((before, rest)) = text.split_once(BEGIN) else { return Ok(()) };
        let (there, after) =
            rest.split_once(END).with_context(|| format!("{} has no {END}", readme.display()))?;
        let now = format!("\n{}", self.markdown());
        if there == now {
            return Ok(());
        }
        if !there.trim().is_empty() && std::env::var_os("LOQUAT_BLESS").is_none() {
            bail!(
                "the scorecard in {} is not the present one; run the test with LOQUAT_BLESS=1",
                readme.display()
            );
        }
        Ok(std::fs::write(readme, format!("{before}{BEGIN}{now}{END}{after}"))?)
    }
}
