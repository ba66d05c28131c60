//! Awkward replies: as long as they may be and longer, in every script, with code, tables, lists, links and mentions.

use crate::check::{settled, stage};
use crate::platform::{Fixture, Platform, Shown};
use crate::scorecard::{Outcome, Scorecard};
use crate::script::{AWKWARD, MAKE, awkward};

/// What has to come through of a text: everything but white space and what may be markup.
fn significant(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && !c.is_ascii_punctuation() && !matches!(c, '•' | '\u{200b}' | '…'))
        .collect()
}

pub(crate) async fn check<F: Fixture>(test: &str, card: &mut Scorecard) -> anyhow::Result<()> {
    let stage = stage::<F>(test).await?;
    let limit = stage.told()?.length();
    for (name, what) in AWKWARD {
        let before = stage.platform.shown("a").len();
        let said = stage.say("a", &format!("{MAKE} {name}")).await?;
        let audit = settled(&stage).await?;
        let shown = stage.platform.shown("a");
        let shown = shown.get(before..).unwrap_or_default();
        let problem = audit
            .problems
            .first()
            .cloned()
            .or_else(|| problem(name, &awkward(name, &said.token, limit), shown));
        let outcome = match problem {
            None => Outcome::Passed("every character came through, within the limit".to_owned()),
            Some(problem) => Outcome::Failed(problem),
        };
        card.add(format!("It copes with {what}"), outcome);
    }
    Ok(())
}

/// What is wrong with the messages that a reply became.
fn problem(name: &str, reply: &str, shown: &[Shown]) -> Option<String> {
    if let Some(fault) = shown.iter().find_map(|shown| shown.fault.as_ref()) {
        return Some(format!("the platform would not take it: {fault}"));
    }
    if let Some(notified) = shown.iter().find(|shown| !shown.notified.is_empty()) {
        return Some(format!("it notifies {:?}", notified.notified));
    }
    if let Some(blank) = shown.iter().position(|shown| shown.text.trim().is_empty()) {
        return Some(format!("message {} is blank", blank + 1));
    }
    let fences =
        |shown: &Shown| shown.text.lines().filter(|line| line.trim_start().starts_with("```")).count();
    if name == "code"
        && let Some(open) = shown.iter().position(|shown| fences(shown) % 2 == 1)
    {
        return Some(format!("message {} leaves a code fence open", open + 1));
    }
    let (wanted, got) = (
        words(name, reply),
        words(name, &shown.iter().map(|shown| shown.text.as_str()).collect::<Vec<_>>().join("\n")),
    );
    if wanted == got {
        return None;
    }
    let differ = wanted.chars().zip(got.chars()).take_while(|(wanted, got)| wanted == got).count();
    let around = |text: &str| text.chars().skip(differ.saturating_sub(10)).take(30).collect::<String>();
    Some(format!(
        "it came through altered at character {differ}: {:?} became {:?}",
        around(&wanted),
        around(&got)
    ))
}

/// What is compared of a text. A table that goes on in the next message repeats its head.
fn words(name: &str, text: &str) -> String {
    let text = significant(text);
    if name == "table" { text.replace("namevalue", "") } else { text }
}
