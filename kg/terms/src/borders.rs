//! Where names may begin and end. In: a message. Out: a yes or no for each of its bytes.

use unicode_segmentation::UnicodeSegmentation;

use crate::fold::is_unspaced;

/// For each byte offset, whether a name may begin or end there: between grapheme clusters, but not within a word. A possessive `'s` is no part of the
/// word before it; another apostrophe is (`don't`), though a name may begin after it (`d'Ivoire`).
pub fn borders(text: &str) -> Vec<bool> {
    let mut borders = vec![false; text.len() + 1];
    let clusters: Vec<(usize, &str)> = text.grapheme_indices(true).collect();
    let word = |at: usize| {
        let c = clusters.get(at).and_then(|(_, cluster)| cluster.chars().next());
        c.is_some_and(|c| c.is_alphanumeric() && !is_unspaced(c))
    };
    for (at, (start, cluster)) in clusters.iter().enumerate() {
        let joined = at > 0 && word(at - 1) && word(at);
        let apostrophe = matches!(*cluster, "'" | "’") && at > 0 && word(at - 1) && word(at + 1);
        let possessive =
            clusters.get(at + 1).is_some_and(|(_, s)| s.eq_ignore_ascii_case("s")) && !word(at + 2);
        borders[*start] = !joined && (!apostrophe || possessive);
    }
    borders[text.len()] = true;
    borders
}
