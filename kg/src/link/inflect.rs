//! Plurals. In: the folded characters of a message. Out: endings there, with what the singular has in their place.

use super::fold::Folded;

/// English endings of the plural and the singular's, longest first; regular ones follow a name of four letters or more
/// ("buses" and "boxes" aside).
const IRREGULAR: [(&str, &str); 9] = [
    ("children", "child"),
    ("eople", "erson"),
    ("eeth", "ooth"),
    ("eese", "oose"),
    ("ies", "y"),
    ("ves", "f"),
    ("ves", "fe"),
    ("men", "man"),
    ("eet", "oot"),
];
const REGULAR: [(&str, &str); 2] = [("es", ""), ("s", "")];

/// German ones that leave the stem as it is; only for messages in German.
const GERMAN: [(&str, &str); 5] = [("innen", "in"), ("en", ""), ("er", ""), ("e", ""), ("n", "")];

/// The endings that begin at `at`: their length in characters, and the singular's ending.
pub(super) fn endings(
    characters: &[Folded],
    at: usize,
    german: bool,
) -> impl Iterator<Item = (usize, &'static str)> {
    let is_letter = characters.get(at).is_some_and(|folded| folded.c.is_ascii_lowercase());
    // With nothing between: the loose form has dropped the apostrophe of a possessive.
    let joined = at == 0 || is_letter && characters[at].start == characters[at - 1].end;
    let before = at.checked_sub(1).map_or(' ', |last| characters[last].c);
    let long = at >= 4 && before.is_ascii_lowercase();
    let hissing = at >= 3 && matches!(before, 's' | 'x' | 'z' | 'h');
    let regular = REGULAR.iter().filter(move |(ending, _)| match *ending {
        "s" => long && before != 's',
        _ => long || hissing,
    });
    let german = GERMAN.iter().filter(move |_| german && at >= 4 && before.is_alphabetic());
    let all = IRREGULAR.iter().chain(regular).chain(german).filter(move |_| is_letter && joined);
    all.filter(move |(ending, _)| {
        let rest = &characters[at..];
        rest.len() >= ending.len() && rest.iter().zip(ending.chars()).all(|(folded, c)| folded.c == c)
    })
    .map(|(ending, singular)| (ending.len(), *singular))
}
