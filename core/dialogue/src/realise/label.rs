//! The name of a relation as words. In: a label as tables have it ("directed_by", "placeOfBirth", "出 生 地"). Out: words that can
//! stand in a sentence. Knows nothing of facts.

use loquat_text::is_han;

/// The label as words: underscores and humps are spaces, words in capitals at the beginning or throughout are in lower case, unless they
/// are abbreviations.
pub(crate) fn readable(label: &str) -> String {
    let label = label.trim().trim_end_matches([':', '\u{FF1A}', '?', '\u{FF1F}']).trim();
    if label.chars().any(is_han) {
        return without_gaps(label);
    }
    let is_shouted = label.contains('_') && !label.chars().any(char::is_lowercase);
    let spaced = label.replace('_', " ");
    let has_words = spaced.trim().contains(' ');
    let has_hyphens = !has_words && spaced.matches('-').count() > 1;
    let spaced = if has_hyphens { spaced.replace('-', " ") } else { spaced };
    let words = spaced
        .split_whitespace()
        .flat_map(|word| if has_words { vec![word.to_owned()] } else { humps(word) });
    let words: Vec<String> =
        words.map(|word| if is_shouted { word.to_lowercase() } else { lowered(&word) }).collect();
    words.join(" ")
}

/// Chinese without the spaces that some tables set between characters.
fn without_gaps(label: &str) -> String {
    let chars: Vec<char> = label.chars().collect();
    let is_gap = |at: usize| {
        chars[at].is_whitespace()
            && (at.checked_sub(1).is_some_and(|before| is_han(chars[before]))
                || chars.get(at + 1).is_some_and(|next| is_han(*next)))
    };
    (0..chars.len()).filter(|at| !is_gap(*at)).map(|at| chars[at]).collect()
}

/// "placeOfBirth" as "place", "Of" and "Birth"; "isoAlpha3" as "iso" and "Alpha3". A word without a hump stays whole ("iPhone" does not:
/// as a relation it would be rare).
fn humps(word: &str) -> Vec<String> {
    let mut humps: Vec<String> = Vec::new();
    let mut previous = ' ';
    for c in word.chars() {
        match humps.last_mut() {
            Some(hump) if !(c.is_uppercase() && previous.is_lowercase()) => hump.push(c),
            _ => humps.push(c.to_string()),
        }
        previous = c;
    }
    humps
}

/// In lower case where only the first letter is a capital: "Place" but "IMDb" and "ISO" as they are.
fn lowered(word: &str) -> String {
    let mut chars = word.chars();
    let first = chars.next();
    let rest = chars.as_str();
    let has_one_capital = !rest.is_empty() && !rest.chars().any(char::is_uppercase);
    match first {
        Some(first) if has_one_capital => first.to_lowercase().chain(rest.chars()).collect(),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_tables_read_as_words() {
        for (label, words) in [
            ("directed_by", "directed by"),
            ("DIRECTED_BY", "directed by"),
            ("placeOfBirth", "place of birth"),
            ("Place of birth", "place of birth"),
            ("Release Date", "release date"),
            ("date-of-birth", "date of birth"),
            ("e-mail", "e-mail"),
            ("has_imdb_rating", "has imdb rating"),
            ("IMDb rating", "IMDb rating"),
            ("ISBN", "ISBN"),
            ("capital", "capital"),
            ("定 义", "定义"),
            ("isbn 码", "isbn码"),
            ("出生日期：", "出生日期"),
        ] {
            assert_eq!(readable(label), words);
        }
    }
}
