//! What is said twice. In: texts. Out: which of them to keep: of those that are the same but for case, marks and spaces the first, and of
//! those that are nearly the same too (MinHash over triples of words, Broder 1997, found by banding).

use std::collections::HashSet;

use gaoya::minhash::{MinHashIndex, MinHasher, MinHasher32, calculate_minhash_params};
use serde::Serialize;
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// Numbers of a signature; the estimate of similarity errs by about 1/√256.
const HASHES: usize = 256;
/// Words that are compared together.
const SHINGLE: usize = 3;

/// How many were left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// The same after normalising.
    pub exact: usize,
    /// Nearly the same.
    pub near: usize,
}

/// A text, and with which others it is compared: those of the same scope.
pub(crate) struct Text {
    pub(crate) scope: String,
    pub(crate) text: String,
}

/// Which to keep, in their order.
pub(crate) fn unique(texts: &[Text], similarity: f64) -> (Vec<bool>, Removed) {
    let mut removed = Removed::default();
    let mut seen: HashSet<(String, Vec<String>)> = HashSet::new();
    let is_near_wanted = similarity <= 1.0;
    let (bands, width) = calculate_minhash_params(similarity.clamp(0.1, 0.99), HASHES);
    let hasher = MinHasher32::new(bands * width);
    let mut index: MinHashIndex<u32, usize> = MinHashIndex::new(bands, width, similarity.min(1.0));
    let mut kept = Vec::with_capacity(texts.len());
    for (place, text) in texts.iter().enumerate() {
        let words = words(&text.text);
        if !seen.insert((text.scope.clone(), words.clone())) {
            removed.exact += 1;
            kept.push(false);
            continue;
        }
        // Too short to be nearly anything.
        if !is_near_wanted || words.len() < SHINGLE {
            kept.push(true);
            continue;
        }
        let shingles = words.windows(SHINGLE).map(|triple| triple.join(" "));
        let signature = hasher.create_signature(shingles);
        let found = index.query_owned(&signature);
        let is_near = found.iter().any(|other| texts[*other].scope == text.scope);
        if is_near {
            removed.near += 1;
        } else {
            index.insert(place, signature);
        }
        kept.push(!is_near);
    }
    (kept, removed)
}

/// A text's words as they are compared.
fn words(text: &str) -> Vec<String> {
    text.nfkc().collect::<String>().unicode_words().map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(texts: &[(&str, &str)], similarity: f64) -> (Vec<bool>, Removed) {
        let texts: Vec<Text> = texts
            .iter()
            .map(|(scope, text)| Text { scope: (*scope).to_owned(), text: (*text).to_owned() })
            .collect();
        unique(&texts, similarity)
    }

    #[test]
    fn what_differs_by_a_word_in_many_is_kept_once() {
        let long = "The warranty on the Aurora headphones is two years from the day of delivery, and it covers the battery, the \
                    cushions, the cable and everything else that we have sold with them in one box since the first of May.";
        let other = long.replace("May", "June");
        let (which, removed) = kept(&[("", long), ("", &other), ("", "Something else is said here.")], 0.8);
        assert_eq!(which, [true, false, true]);
        assert_eq!(removed, Removed { exact: 0, near: 1 });
        assert_eq!(kept(&[("", long), ("", &other)], 1.1).1, Removed::default());
        assert_eq!(kept(&[("a", long), ("b", &other)], 0.8).1, Removed::default());
    }

    #[test]
    fn case_marks_and_width_make_no_difference() {
        let (which, removed) = kept(&[("", "What is it?"), ("", "what  is it"), ("", "Ｗhat is it!")], 2.0);
        assert_eq!((which, removed), (vec![true, false, false], Removed { exact: 2, near: 0 }));
    }
}
