//! Questions in other words. In: rewordings, which somebody wrote who did not see the bot's word lists, and items. Out: items, every
//! third of them reworded where a rewording fits it. The same ones each time.

use std::path::Path;

use regex::{Captures, Regex};
use serde::Deserialize;

use crate::error::EvalError;
use crate::item::Item;
use crate::read::Format;
use crate::sample::draw;

/// One question in so many is reworded.
const EVERY: u64 = 3;

#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    rewording: Vec<RawRewording>,
}

/// `path` and whatever else a file notes beside these is for people.
#[derive(Deserialize)]
struct RawRewording {
    pattern: String,
    set: Option<String>,
    relation: Option<String>,
    forms: Vec<String>,
}

#[derive(Debug)]
struct Rewording {
    pattern: Regex,
    set: Option<String>,
    relation: Option<String>,
    forms: Vec<String>,
}

/// Rewordings of the questions of some sets.
#[derive(Debug, Default)]
pub struct Paraphrases {
    rewordings: Vec<Rewording>,
}

impl Paraphrases {
    /// Reads a file of them: `[[rewording]]` tables with a `pattern` (a regular expression with named groups over the whole question),
    /// `forms` (texts with those names in braces), and, where they hold for some questions only, the `set`'s format and the `relation`.
    ///
    /// # Errors
    /// When the file cannot be read, or something in it is not understood.
    pub fn read(path: &Path) -> Result<Self, EvalError> {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|source| EvalError::Read { path: path.into(), source })?;
        Self::parse(&text).map_err(|reason| EvalError::Paraphrases { path: path.into(), reason })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let raw: Raw = toml::from_str(text).map_err(|error| error.to_string())?;
        let rewording = |raw: RawRewording| {
            let pattern = Regex::new(&raw.pattern).map_err(|error| format!("{}: {error}", raw.pattern))?;
            if raw.forms.is_empty() {
                return Err(format!("{} has no `forms`", raw.pattern));
            }
            for form in &raw.forms {
                let mut names = pattern.capture_names().flatten();
                let filled =
                    names.by_ref().fold(form.clone(), |form, name| form.replace(&format!("{{{name}}}"), ""));
                if filled.contains(['{', '}']) {
                    return Err(format!("{form:?} has a name in braces that {} does not have", raw.pattern));
                }
            }
            Ok(Rewording { pattern, set: raw.set, relation: raw.relation, forms: raw.forms })
        };
        let rewordings: Vec<Rewording> =
            raw.rewording.into_iter().map(rewording).collect::<Result<_, _>>()?;
        if rewordings.is_empty() {
            Err("it has no [[rewording]]".to_owned())
        } else {
            Ok(Self { rewordings })
        }
    }

    /// Adds another file's.
    pub fn extend(&mut self, other: Self) {
        self.rewordings.extend(other.rewordings);
    }

    /// Rewords every third item, where a rewording fits.
    pub fn apply(&self, format: Format, items: &mut [Item]) {
        for item in items {
            if draw(item, "reword").is_multiple_of(EVERY)
                && let Some(question) = self.reword(format, item)
                && let Some(turn) = item.turns.first_mut()
            {
                turn.say = question;
                item.is_paraphrase = true;
            }
        }
    }

    fn reword(&self, format: Format, item: &Item) -> Option<String> {
        let [turn] = item.turns.as_slice() else { return None };
        let fits = |rewording: &&Rewording| {
            let set = rewording.set.as_deref().is_none_or(|set| set == format.name());
            let of = |relation: &str| item.relation.as_deref().is_none_or(|asked| asked == relation);
            set && rewording.relation.as_deref().is_none_or(of)
        };
        let mut fitting = self.rewordings.iter().filter(fits);
        let (rewording, captures) =
            fitting.find_map(|rewording| Some((rewording, rewording.pattern.captures(&turn.say)?)))?;
        // The remainder is of the number of forms, which is a `usize`.
        let which = usize::try_from(draw(item, "form") % rewording.forms.len() as u64).unwrap_or(0);
        Some(fill(&rewording.forms[which], &rewording.pattern, &captures))
    }
}

fn fill(form: &str, pattern: &Regex, captures: &Captures<'_>) -> String {
    // What is put in may have braces of its own, so the form is gone through once.
    let mut filled = String::new();
    let mut rest = form;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        let known = pattern.capture_names().flatten().any(|known| known == name);
        filled.push_str(before);
        filled.push_str(captures.name(name).filter(|_| known).map_or("", |group| group.as_str()));
        rest = after;
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::Turn;

    const FILE: &str = r#"
        [[rewording]]
        pattern = '^What kind of work does (?P<name>.+) do\?$'
        set = "entityquestions"
        relation = "occupation"
        forms = ["What is the job of {name}?", "{name} works as what"]
    "#;

    fn items() -> Vec<Item> {
        let item = |n: usize| Item {
            id: n.to_string(),
            relation: Some("occupation".to_owned()),
            turns: vec![Turn { say: format!("What kind of work does {{A}} {n} do?"), ..Turn::default() }],
            ..Item::default()
        };
        (0..300).map(item).collect()
    }

    #[test]
    fn a_third_is_reworded_with_the_name_kept() {
        let paraphrases = Paraphrases::parse(FILE).unwrap();
        let mut reworded = items();
        paraphrases.apply(Format::EntityQuestions, &mut reworded);
        let changed: Vec<&Item> = reworded.iter().filter(|item| item.is_paraphrase).collect();
        assert!((70..130).contains(&changed.len()), "{}", changed.len());
        for item in changed {
            let said = &item.turns[0].say;
            let forms = [
                format!("What is the job of {{A}} {}?", item.id),
                format!("{{A}} {} works as what", item.id),
            ];
            assert!(forms.contains(said), "{said}");
        }
        let mut others = items();
        paraphrases.apply(Format::MetaQa, &mut others);
        assert_eq!(others, items());
    }

    #[test]
    fn what_cannot_be_filled_is_refused() {
        let wrong = FILE.replace("{name} works", "{who} works");
        assert!(Paraphrases::parse(&wrong).unwrap_err().contains("{who}"));
        assert!(Paraphrases::parse("").unwrap_err().contains("rewording"));
        assert!(Paraphrases::parse(&FILE.replace("(?P<name>", "(?P<name")).is_err());
    }
}
