//! A set, for people. In: its statistics and some of its examples. Out: Markdown, and a picture.

mod picture;

use std::collections::BTreeMap;
use std::fmt::Write;

pub(crate) use picture::picture;

use crate::example::{Example, Kind, Role};
use crate::split::Part;
use crate::statistics::{Lengths, Statistics};

/// So many examples of each kind are shown.
const SHOWN: usize = 3;

/// The report; the picture lies beside it as `set.svg`.
pub(crate) fn markdown(statistics: &Statistics, parts: &BTreeMap<Part, Vec<Example>>) -> String {
    let mut out = String::from("# Training set\n\n![What the set consists of](set.svg)\n\n");
    let names = Part::ALL.map(Part::name);
    table(&mut out, "part", &["examples", "entities", "characters read", "learnt"], names.into_iter().map(|part| {
        let sum = |of: &BTreeMap<String, Lengths>| of.get(part).map_or(0, |lengths| lengths.sum);
        let count = |of: &BTreeMap<String, usize>| of.get(part).copied().unwrap_or_default();
        let row = [count(&statistics.examples), count(&statistics.entities), sum(&statistics.read), sum(&statistics.learnt)];
        (part.to_owned(), row.map(|number| number.to_string()).to_vec())
    }));
    out.push_str("## Kinds\n\n");
    let by_part = |of: &BTreeMap<String, usize>| {
        names.map(|part| of.get(part).copied().unwrap_or_default().to_string()).to_vec()
    };
    table(&mut out, "kind", &names, statistics.kinds.iter().map(|(kind, of)| (kind.clone(), by_part(of))));
    if !statistics.groups.is_empty() {
        out.push_str("## Relations\n\n");
        table(&mut out, "relation", &names, statistics.groups.iter().map(|(group, of)| (group.clone(), by_part(of))));
    }
    out.push_str("## Lengths in characters\n\n");
    let lengths = [("read", &statistics.read), ("learnt", &statistics.learnt)].into_iter().flat_map(|(what, of)| {
        of.iter().map(move |(part, l)| {
            let row = [l.least, l.median, l.p95, l.most].map(|number| number.to_string()).to_vec();
            (format!("{what}, {part}"), row)
        })
    });
    table(&mut out, "", &["least", "median", "95 %", "most"], lengths);
    out.push_str(&made(statistics));
    out.push_str("## Examples\n\n");
    for kind in Kind::ALL {
        let of_kind = parts.get(&Part::Train).into_iter().flatten().filter(|example| example.kind == kind);
        for example in of_kind.take(SHOWN) {
            out.push_str(&shown(example));
        }
    }
    out
}

/// How it was made, and what the parts have in common.
fn made(statistics: &Statistics) -> String {
    let mut out = String::from("## How it was made\n\n");
    let mut line = |text: String| {
        let _infallible = writeln!(out, "- {text}");
    };
    for (fate, count) in &statistics.asked {
        line(format!("{count} questions {}.", fate.told()));
    }
    for (source, removed) in &statistics.duplicates {
        line(format!("Said twice ({source}): {} the same, {} nearly.", removed.exact, removed.near));
    }
    for (source, division) in &statistics.division {
        line(format!(
            "Split ({source}): {} examples in {} groups that have no entity in common, the largest of {}; {} were left out that tied two parts \
             together.",
            division.examples, division.components, division.largest, division.bridges
        ));
    }
    for (parts, shared) in &statistics.shared {
        line(format!("In both {parts}: {} entities, {} examples.", shared.entities, shared.examples));
    }
    for (kind, count) in &statistics.cleaned {
        line(format!("Taken out of dialogues: {count} × {kind}."));
    }
    if statistics.bad_lines > 0 {
        line(format!("{} lines were not understood and left out.", statistics.bad_lines));
    }
    if statistics.kinds.contains_key(Kind::Fact.name()) {
        line(format!("{:.0} % of the answers of one fact say it as the prompt has it.", statistics.copied * 100.0));
    }
    for (language, refusal) in &statistics.refusals {
        line(format!("Where the facts do not tell ({language}): “{refusal}”"));
    }
    out.push('\n');
    out
}

fn table<'a>(
    out: &mut String,
    first: &str,
    heads: &[&str],
    rows: impl Iterator<Item = (String, Vec<String>)> + 'a,
) {
    let _infallible = writeln!(out, "| {first} | {} |\n|---|{}", heads.join(" | "), "---:|".repeat(heads.len()));
    for (name, numbers) in rows {
        let _infallible = writeln!(out, "| {} | {} |", name.replace('|', "\\|"), numbers.join(" | "));
    }
    out.push('\n');
}

/// An example without what the engine shows before every question.
fn shown(example: &Example) -> String {
    let mut out = format!("**{}**\n\n", example.kind.name());
    let mut quote = |who: &str, text: &str| {
        let _infallible = writeln!(out, "> {who}: {}\n", text.replace('\n', "  \n> "));
    };
    match (&example.text, example.kind) {
        (Some(text), _) => quote("text", &text.chars().take(400).collect::<String>()),
        (None, Kind::Dialogue) => example.messages.iter().for_each(|m| quote(name(m.role), &m.content)),
        (None, _) => {
            let last = example.messages.len().saturating_sub(2);
            example.messages[last..].iter().for_each(|m| quote(name(m.role), &m.content));
        }
    }
    out
}

fn name(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}
