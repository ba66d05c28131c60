//! One form for text that means the same. In: text. Out: folded characters, each with the bytes it came from.

use loquat_text::simplified;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation;

/// A folded character and the bytes of the grapheme cluster it came from. A cluster can fold to several characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Folded {
    /// The character.
    pub c: char,
    /// Where its cluster begins in the text, in bytes.
    pub start: u32,
    /// Where its cluster ends.
    pub end: u32,
}

/// NFKC, lower case (ß as ss), traditional Chinese as simplified, quotes and dashes in their plain form, runs of space as
/// one; variation selectors and other marks without width are dropped.
pub fn fold(text: &str) -> Vec<Folded> {
    let mut folded: Vec<Folded> = Vec::with_capacity(text.len());
    for (start, cluster) in text.grapheme_indices(true) {
        let range = (start as u32, (start + cluster.len()) as u32);
        if let &[byte] = cluster.as_bytes() {
            push(&mut folded, byte.to_ascii_lowercase() as char, range);
            continue;
        }
        for c in cluster.nfkc().flat_map(char::to_lowercase) {
            match c {
                '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}' | '\u{ad}' => {}
                'ß' => {
                    push(&mut folded, 's', range);
                    push(&mut folded, 's', range);
                }
                'ς' => push(&mut folded, 'σ', range),
                '’' | '‘' | 'ʼ' | '`' => push(&mut folded, '\'', range),
                '‐'..='―' | '−' => push(&mut folded, '-', range),
                _ => push(&mut folded, simplified(c), range),
            }
        }
    }
    folded
}

fn push(folded: &mut Vec<Folded>, c: char, (start, end): (u32, u32)) {
    let c = if c.is_whitespace() || c.is_control() { ' ' } else { c };
    match folded.last_mut() {
        Some(last) if c == ' ' && last.c == ' ' => last.end = end,
        _ => folded.push(Folded { c, start, end }),
    }
}

/// The looser form: letters without diacritics; full stops and apostrophes dropped, other punctuation as space.
pub fn loosen(folded: &[Folded]) -> Vec<Folded> {
    let mut loose: Vec<Folded> = Vec::with_capacity(folded.len());
    for &Folded { c, start, end } in folded {
        let range = (start, end);
        match c {
            '.' | '\'' => {}
            'æ' => "ae".chars().for_each(|c| push(&mut loose, c, range)),
            'œ' => "oe".chars().for_each(|c| push(&mut loose, c, range)),
            'þ' => "th".chars().for_each(|c| push(&mut loose, c, range)),
            'ø' => push(&mut loose, 'o', range),
            'ł' => push(&mut loose, 'l', range),
            'đ' | 'ð' => push(&mut loose, 'd', range),
            'ı' => push(&mut loose, 'i', range),
            _ if c.is_ascii_alphanumeric() || is_unspaced(c) => push(&mut loose, c, range),
            _ if c.is_ascii_punctuation() || "·、，。！？：；“”„«»…¡¿".contains(c) => {
                push(&mut loose, ' ', range);
            }
            _ => std::iter::once(c)
                .nfd()
                .filter(|c| !is_combining_mark(*c))
                .for_each(|c| push(&mut loose, c, range)),
        }
    }
    loose
}

/// The loose form without the words for "and", which "&" leaves out already; `None` where it has none.
pub fn without_and(loose: &[Folded]) -> Option<Vec<Folded>> {
    let is_and = |word: &[Folded]| {
        ["and", "und"].iter().any(|and| {
            let word = word.split_last().filter(|(last, _)| last.c == ' ').map_or(word, |(_, rest)| rest);
            word.iter().map(|folded| folded.c).eq(and.chars())
        })
    };
    let mut words = loose.split_inclusive(|folded| folded.c == ' ');
    if !words.clone().any(is_and) {
        return None;
    }
    // At the beginning it joins nothing.
    let first = words.next().unwrap_or_default();
    Some(first.iter().chain(words.filter(|word| !is_and(word)).flatten()).copied().collect())
}

/// The folded characters as a key of the index, without space at the ends.
pub fn key(folded: &[Folded]) -> String {
    let key: String = folded.iter().map(|folded| folded.c).collect();
    key.trim().to_owned()
}

/// A text folded as loosely as names are, but for its punctuation: for search, which splits words there.
pub fn fold_text(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let folded = fold(text);
    let plain = |Folded { c, .. }: &Folded| {
        let mut loose = loosen(&[Folded { c: *c, start: 0, end: 0 }]);
        let dropped = loose.is_empty();
        if dropped {
            loose.push(Folded { c: ' ', start: 0, end: 0 });
        }
        loose
    };
    folded.iter().flat_map(plain).map(|folded| folded.c).collect()
}

/// How German writes a name where it has no umlauts: `muenchen`. `None` where the name has none.
pub fn transcribed(key: &str) -> Option<String> {
    key.contains(['ä', 'ö', 'ü']).then(|| key.replace('ä', "ae").replace('ö', "oe").replace('ü', "ue"))
}

/// Whether a character belongs to a script that is written without spaces between words, or, as Korean, with endings
/// joined to the word.
pub fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c),
        0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff       // Thai, Lao; Burmese; Khmer
        | 0x3040..=0x30ff | 0x31f0..=0x31ff                       // kana
        | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff     // Han
        | 0x20000..=0x323af
        | 0xac00..=0xd7af)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{fold, key, loosen, transcribed};

    fn folded(text: &str) -> String {
        key(&fold(text))
    }

    fn loose(text: &str) -> String {
        key(&loosen(&fold(text)))
    }

    #[test]
    fn forms_of_a_name_fold_alike() {
        assert_eq!(folded("Ｂhutan"), "bhutan");
        assert_eq!(folded("STRASSE"), folded("Straße"));
        assert_eq!(folded("Cafe\u{301}"), "café");
        assert_eq!(folded("聯合國  總部"), "联合国 总部");
        assert_eq!(folded("Bhutan’s"), "bhutan's");
        assert_eq!(folded("❤\u{fe0f}"), folded("❤"));
        assert_eq!(loose("São Tomé & Príncipe"), "sao tome principe");
        assert_eq!(loose("U.S.A."), "usa");
        assert_eq!(loose("Łódź"), "lodz");
        assert_eq!(loose("Guinea-Bissau"), "guinea bissau");
        assert_eq!(transcribed("münchen").as_deref(), Some("muenchen"));
    }

    proptest! {
        #[test]
        fn ranges_are_whole_characters_in_order(text in "\\PC{0,60}") {
            let folded = fold(&text);
            for form in [loosen(&folded), folded] {
                let mut before = 0;
                for f in form {
                    prop_assert!(text.get(f.start as usize..f.end as usize).is_some_and(|s| !s.is_empty()));
                    prop_assert!(f.start >= before);
                    before = f.start;
                }
            }
        }

        #[test]
        fn folding_twice_changes_nothing_more(text in "[a-zA-Zäöüß 聯合國体'.-]{0,30}") {
            let once = folded(&text);
            prop_assert_eq!(folded(&once), once);
        }
    }
}
