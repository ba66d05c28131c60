//! The names in words. In: a text. Out: where Telegram would find a name and call whoever has it; or the text with names that call nobody.

use std::ops::Range;

/// The shortest name that Telegram gives.
const SHORTEST: usize = 3;

/// Where each `@name` is.
pub(super) fn names(text: &str) -> Vec<Range<usize>> {
    let is_of_name = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    let mut found = Vec::new();
    for (at, sign) in text.match_indices('@') {
        let is_inside_word = text[..at].chars().next_back().is_some_and(char::is_alphanumeric);
        let start = at + sign.len();
        let length = text[start..].chars().take_while(is_of_name).count();
        if !is_inside_word && length >= SHORTEST {
            found.push(at..start + length);
        }
    }
    found
}

/// The text with a wide sign before each name, which Telegram takes for no sign. It is no longer.
pub(super) fn muted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for name in names(text) {
        out.push_str(&text[at..name.start]);
        out.push('＠');
        at = name.start + '@'.len_utf8();
    }
    out.push_str(&text[at..]);
    out
}
