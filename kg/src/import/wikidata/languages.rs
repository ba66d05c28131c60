//! Which names of Wikidata stand for a language. In: terms with their tags, and the languages that are wanted. Out: one name
//! a language, and further ones.

use loquat_contract::Language;

use super::entity::Term;

/// Chinese from one script to the other, the likeliest first.
const SIMPLIFIED: [&str; 4] = ["zh-hans", "zh-cn", "zh-sg", "zh-my"];
const TRADITIONAL: [&str; 4] = ["zh-hant", "zh-tw", "zh-hk", "zh-mo"];

/// One term a language that is wanted, the nearest there is, and that of `mul`, which holds for all; then the terms of
/// the language's other varieties that say something else. Without wanted languages, all.
pub(super) fn chosen<'t, 'a>(
    terms: &[&'t Term<'a>],
    wanted: &[Language],
) -> (Vec<&'t Term<'a>>, Vec<&'t Term<'a>>) {
    if wanted.is_empty() {
        return (terms.to_vec(), Vec::new());
    }
    let mut names: Vec<&Term<'_>> = terms.iter().copied().filter(|term| &*term.language == "mul").collect();
    let mut further: Vec<&Term<'_>> = Vec::new();
    for wanted in wanted {
        let mut varieties: Vec<(usize, &Term<'_>)> =
            terms.iter().filter_map(|term| Some((distance(wanted, &term.language)?, *term))).collect();
        varieties.sort_by_key(|(distance, _)| *distance);
        let mut varieties = varieties.into_iter().map(|(_, term)| term);
        let Some(name) = varieties.next() else { continue };
        if !names.iter().any(|known| known.language == name.language) {
            names.push(name);
        }
        for other in varieties {
            let says = |known: &&Term<'_>| known.value == other.value;
            let known = names.iter().any(|known| known.language == other.language);
            if !known && *other.value != *name.value && !further.iter().any(says) {
                further.push(other);
            }
        }
    }
    (names, further)
}

/// How far a tag is from a language; `None` where it is another language.
fn distance(wanted: &Language, tag: &str) -> Option<usize> {
    let (head, rest) = tag.split_at_checked(wanted.primary().len())?;
    if head != wanted.primary() || !(rest.is_empty() || rest.starts_with('-')) {
        return None;
    }
    if tag == wanted.as_str() {
        return Some(0);
    }
    if wanted.primary() == "zh" {
        let traditional = TRADITIONAL.contains(&wanted.as_str());
        let (near, far) = if traditional { (TRADITIONAL, SIMPLIFIED) } else { (SIMPLIFIED, TRADITIONAL) };
        let place =
            |tags: [&str; 4], from: usize| tags.iter().position(|known| *known == tag).map(|at| from + at);
        // Classical Chinese, Wu and others have tags of their own, which begin otherwise.
        return match tag {
            "zh" => Some(6),
            _ => place(near, 1).or(place(far, 7)),
        };
    }
    Some(if rest.is_empty() { 1 } else { 2 })
}

/// The language of a Wikipedia by the name of its site, such as `enwiki`; `None` where it is none.
pub(super) fn of_wikipedia(site: &str) -> Option<String> {
    const OTHERS: [&str; 10] = [
        "commons",
        "species",
        "meta",
        "mediawiki",
        "wikidata",
        "sources",
        "wikimania",
        "incubator",
        "outreach",
        "wikifunctions",
    ];
    let language = site.strip_suffix("wiki")?;
    (!language.is_empty() && !OTHERS.contains(&language)).then(|| language.replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::super::entity::Text;
    use super::*;

    fn choose(terms: &[(&'static str, &'static str)], wanted: &[&str]) -> (Vec<String>, Vec<String>) {
        let text = |text: &'static str| Text(Cow::Borrowed(text));
        let terms: Vec<Term<'_>> =
            terms.iter().map(|(tag, value)| Term { language: text(tag), value: text(value) }).collect();
        let wanted: Vec<Language> = wanted.iter().map(Language::new).collect();
        let (names, further) = chosen(&terms.iter().collect::<Vec<_>>(), &wanted);
        let shown = |terms: Vec<&Term<'_>>| {
            terms.iter().map(|term| format!("{}:{}", &*term.language, &*term.value)).collect()
        };
        (shown(names), shown(further))
    }

    #[test]
    fn the_nearest_variety_is_taken_and_mul_always() {
        let (names, further) = choose(
            &[("en-gb", "Colour"), ("zh-tw", "顏色"), ("zh-cn", "颜色"), ("mul", "Color"), ("de", "Farbe")],
            &["en", "zh"],
        );
        assert_eq!(names, ["mul:Color", "en-gb:Colour", "zh-cn:颜色"]);
        assert_eq!(further, ["zh-tw:顏色"]);
        assert_eq!(choose(&[("zh-cn", "a"), ("zh-hk", "b"), ("zh", "c")], &["zh-hant"]).0, ["zh-hk:b"]);
        assert_eq!(choose(&[("zh-classical", "a"), ("enm", "b")], &["zh", "en"]).0, Vec::<String>::new());
        assert_eq!(choose(&[("en", "a"), ("de", "a")], &[]).0.len(), 2);
    }

    #[test]
    fn wikipedias_are_told_from_their_sisters() {
        assert_eq!(of_wikipedia("zh_min_nanwiki").as_deref(), Some("zh-min-nan"));
        for other in ["commonswiki", "enwikiquote", "wiki", "dewikisource"] {
            assert_eq!(of_wikipedia(other), None, "{other}");
        }
    }
}
