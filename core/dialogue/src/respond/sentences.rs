//! Cuts a stream of text into sentences. In: pieces of text. Out: whole sentences, as soon as they end.

use crate::words::is_abbreviation;

/// Collects text until a sentence ends.
#[derive(Debug)]
pub(super) struct Splitter {
    pending: String,
}

impl Splitter {
    /// Starts with what the model was made to begin with.
    pub(super) fn new(begun: &str) -> Self {
        Self { pending: begun.to_owned() }
    }

    /// Adds text; gives the sentences that it ends.
    pub(super) fn push(&mut self, text: &str) -> Vec<String> {
        self.pending.push_str(text);
        let mut sentences = Vec::new();
        while let Some(end) = sentence_end(&self.pending) {
            let rest = self.pending.split_off(end);
            let sentence = std::mem::replace(&mut self.pending, rest);
            sentences.extend(trimmed(&sentence));
        }
        sentences
    }

    /// What is left when the stream has ended.
    pub(super) fn take(&mut self) -> Option<String> {
        trimmed(&std::mem::take(&mut self.pending))
    }
}

fn trimmed(sentence: &str) -> Option<String> {
    let sentence = sentence.trim();
    let bare = sentence.strip_prefix("- ").or_else(|| sentence.strip_prefix("* ")).unwrap_or(sentence);
    bare.chars().any(char::is_alphanumeric).then(|| bare.to_owned())
}

/// The byte after the first sentence; `None` while it may still go on.
fn sentence_end(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let end = at + c.len_utf8();
        let next = chars.peek().map(|(_, next)| *next);
        match c {
            '。' | '！' | '？' => return Some(closing_end(text, end)),
            '\n' if text[..at].chars().any(char::is_alphanumeric) => return Some(end),
            '!' | '?' if next.is_some_and(|next| next.is_whitespace()) => return Some(end),
            '.' if next.is_some_and(|next| next.is_whitespace()) && !is_abbreviation(&text[..at]) => {
                return Some(end);
            }
            _ => {}
        }
    }
    None
}

/// Past a closing quotation mark or bracket.
fn closing_end(text: &str, end: usize) -> usize {
    text[end..]
        .chars()
        .take_while(|c| matches!(c, '”' | '』' | '」' | '）'))
        .map(char::len_utf8)
        .sum::<usize>()
        + end
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(text: &str) -> Vec<String> {
        let mut splitter = Splitter::new("");
        let mut sentences = splitter.push(text);
        sentences.extend(splitter.take());
        sentences
    }

    #[test]
    fn sentences_end_where_people_end_them() {
        assert_eq!(
            split("It is 5.2 km. Dr. Who lives in Washington, D.C. today! Right?"),
            ["It is 5.2 km.", "Dr. Who lives in Washington, D.C. today!", "Right?"]
        );
        assert_eq!(split("你好。不丹的首都是廷布!真的？是"), ["你好。", "不丹的首都是廷布!真的？", "是"]);
        assert_eq!(split("- One\n- Two\n\n"), ["One", "Two"]);
        assert!(split("\n ... \n").is_empty());
    }

    proptest! {
        /// However the stream is cut into pieces, the sentences are the same, and no letter is lost.
        #[test]
        fn pieces_do_not_matter(text in "[a-zA-Z0-9 .!?。\\n]{0,60}", cut in 0usize..60) {
            let cut = text.char_indices().nth(cut).map_or(text.len(), |(at, _)| at);
            let mut splitter = Splitter::new("");
            let mut pieces = splitter.push(&text[..cut]);
            pieces.extend(splitter.push(&text[cut..]));
            pieces.extend(splitter.take());
            prop_assert_eq!(&pieces, &split(&text));
            let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
            prop_assert_eq!(letters(&pieces.concat()), letters(&text));
        }
    }
}
