//! Takes credentials out of text that is about to be shown. In: what a client program or library said. Out: the same
//! without the user part and the query of any URL. It must not know which program spoke.

const MARK: &str = "[redacted]";

/// `text` with `scheme://user:password@host/path?query` turned into `scheme://[redacted]@host/path?[redacted]`.
pub(crate) fn urls(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        clean.push_str(before);
        let end = after
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`'))
            .unwrap_or(after.len());
        let (url, tail) = after.split_at(end);
        push_url(&mut clean, url);
        rest = tail;
    }
    clean.push_str(rest);
    clean
}

fn push_url(clean: &mut String, url: &str) {
    // A password may hold "/" or "?" unescaped, so the last "@" decides, not the first slash: rather too much is hidden.
    let shown = match url.rfind('@') {
        Some(at) => {
            clean.push_str(MARK);
            &url[at..]
        }
        None => url,
    };
    match shown.split_once('?') {
        Some((path, _)) => {
            clean.push_str(path);
            clean.push('?');
            clean.push_str(MARK);
        }
        None => clean.push_str(shown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_parts_and_queries_are_hidden() {
        let said =
            "Looking in indexes: https://me:hunter2@pypi.local/simple, \"http://h/x?token=abc\" at once";
        assert_eq!(
            urls(said),
            "Looking in indexes: https://[redacted]@pypi.local/simple, \"http://h/x?[redacted]\" at once"
        );
    }

    #[test]
    fn a_password_with_odd_characters_is_hidden_whole() {
        assert_eq!(urls("get https://u:p/a?s@h/p failed"), "get https://[redacted]@h/p failed");
    }

    #[test]
    fn text_without_urls_is_kept() {
        assert_eq!(urls("mail me@example: no :// here"), "mail me@example: no :// here");
    }
}
