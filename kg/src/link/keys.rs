//! The keys under which a name is found. In: a name. Out: its folded form, and looser ones.

use super::fold::{fold, key, loosen, transcribed};

/// How a key comes from its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As folded.
    Whole,
    /// Without its leading article.
    Bare,
    /// Without diacritics and punctuation, or with umlauts transcribed.
    Loose,
}

/// Calls `take` with each key of a name: as it is, without its leading article, and looser forms.
pub(crate) fn keys_of(name: &str, mut take: impl FnMut(Form, &str)) {
    if let Some((whole, loose)) = plain_keys(name) {
        take(Form::Whole, &whole);
        bare(&whole).into_iter().for_each(|bare| take(Form::Bare, bare));
        loose.iter().for_each(|loose| take(Form::Loose, loose));
        return;
    }
    let folded = fold(name);
    let whole = key(&folded);
    if whole.is_empty() {
        return;
    }
    take(Form::Whole, &whole);
    bare(&whole).into_iter().for_each(|bare| take(Form::Bare, bare));
    transcribed(&whole).iter().for_each(|umlauts| take(Form::Loose, umlauts));
    let loose = key(&loosen(&folded));
    if !loose.is_empty() && loose != whole {
        take(Form::Loose, &loose);
    }
}

/// The name without its article; `None` where it has none, or little else.
fn bare(whole: &str) -> Option<&str> {
    let articles = ["the ", "a ", "an ", "der ", "die ", "das "];
    let bare = articles.iter().find_map(|article| whole.strip_prefix(article))?;
    (bare.chars().count() > 2).then_some(bare)
}

/// The folded and the loose key of a name in ASCII, by the same rules and faster.
fn plain_keys(name: &str) -> Option<(String, Option<String>)> {
    if !name.is_ascii() || name.is_empty() {
        return None;
    }
    let mut whole = String::with_capacity(name.len());
    let mut loose = String::with_capacity(name.len());
    for byte in name.bytes() {
        let c = match byte.to_ascii_lowercase() {
            byte if byte.is_ascii_whitespace() || byte.is_ascii_control() => ' ',
            byte => byte as char,
        };
        let spaced = |text: &str| text.is_empty() || text.ends_with(' ');
        if c != ' ' || !spaced(&whole) {
            whole.push(c);
        }
        match c {
            '.' | '\'' => {}
            c if c.is_ascii_alphanumeric() => loose.push(c),
            _ if spaced(&loose) => {}
            _ => loose.push(' '),
        }
    }
    whole.truncate(whole.trim_end().len());
    loose.truncate(loose.trim_end().len());
    if whole.is_empty() {
        return None;
    }
    let loose = Some(loose).filter(|loose| !loose.is_empty() && *loose != whole);
    Some((whole, loose))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_fast_way_gives_the_same_keys(name in "[ -~\\t\\r\\n]{0,24}") {
            if let Some((whole, loose)) = plain_keys(&name) {
                let folded = fold(&name);
                prop_assert_eq!(&key(&folded), &whole);
                let slow = Some(key(&loosen(&folded))).filter(|slow| !slow.is_empty() && *slow != whole);
                prop_assert_eq!(slow, loose);
            } else {
                prop_assert!(key(&fold(&name)).is_empty());
            }
        }
    }

    #[test]
    fn names_have_several_keys() {
        let keys = |name: &str| {
            let mut keys = Vec::new();
            keys_of(name, |form, key| keys.push((form, key.to_owned())));
            keys
        };
        let expect = |form, key: &str| (form, key.to_owned());
        assert_eq!(
            keys("The Netherlands"),
            [expect(Form::Whole, "the netherlands"), expect(Form::Bare, "netherlands")]
        );
        assert_eq!(
            keys("München"),
            [expect(Form::Whole, "münchen"), expect(Form::Loose, "muenchen"), expect(Form::Loose, "munchen")]
        );
        assert_eq!(
            keys("lodash.merge"),
            [expect(Form::Whole, "lodash.merge"), expect(Form::Loose, "lodashmerge")]
        );
        assert_eq!(keys(" "), []);
    }
}
