//! The text of a grounded answer. In: its sentences, one by one. Out: pieces of one text, where in it each sentence stands, and the
//! citations as annotations.

use loquat_contract::{Citation, Policy, Reply, Sentence, Verdict};

use crate::wire::grounds::{Annotation, Checked, Triple, UrlCitation};

/// A text that grows by sentences.
pub(super) struct Content {
    policy: Policy,
    text: String,
    /// The text's length in characters.
    length: usize,
    /// Where each sentence begins and ends, in characters.
    ranges: Vec<(usize, usize)>,
}

impl Content {
    pub(super) fn new(policy: Policy) -> Self {
        Self { policy, text: String::new(), length: 0, ranges: Vec::new() }
    }

    /// How many sentences it has.
    pub(super) fn sentences(&self) -> usize {
        self.ranges.len()
    }

    /// The whole.
    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// Adds a sentence; gives what is new in the text, which is the same whether it is streamed or not.
    pub(super) fn add(&mut self, sentence: &Sentence) -> String {
        let separator = separator(&self.text, &sentence.text);
        let piece = format!("{separator}{}{}", sentence.text, self.mark(sentence));
        let begin = self.length + separator.len();
        self.ranges.push((begin, begin + sentence.text.chars().count()));
        self.length += piece.chars().count();
        self.text.push_str(&piece);
        piece
    }

    /// The words that mark a doubtful sentence, in its own language.
    fn mark(&self, sentence: &Sentence) -> &'static str {
        let is_han = sentence.text.chars().any(is_unspaced);
        match (sentence.verdict, self.policy) {
            (_, Policy::Open) | (Verdict::Supported | Verdict::NoClaim, _) => "",
            (Verdict::Contradicted, _) if is_han => "（与我的事实不符）",
            (Verdict::Contradicted, _) => " (my facts say otherwise)",
            (Verdict::Unsupported, _) if is_han => "（我的事实中没有）",
            (Verdict::Unsupported, _) => " (not in my facts)",
        }
    }

    /// For each sentence the citations that support it, where the sentence stands.
    pub(super) fn annotations(&self, reply: &Reply) -> Vec<Annotation> {
        let mut annotations = Vec::with_capacity(reply.citations.len());
        for (sentence, range) in reply.sentences.iter().zip(&self.ranges) {
            if !sentence.verdict.is_doubtful() {
                for number in reply.citation_numbers(sentence) {
                    let citation = reply.citations.get(number - 1);
                    annotations.extend(citation.map(|citation| annotation(citation, number, *range)));
                }
            }
        }
        annotations
    }

    /// Where each sentence stands, and what verification found of it.
    pub(super) fn checked(&self, reply: &Reply) -> Vec<Checked> {
        let sentences = reply.sentences.iter().zip(&self.ranges);
        let checked = |(sentence, (begin, end)): (&Sentence, &(usize, usize))| Checked {
            start_index: *begin,
            end_index: *end,
            verdict: sentence.verdict,
            wording: sentence.wording,
            citations: reply.citation_numbers(sentence),
        };
        sentences.map(checked).collect()
    }
}

fn annotation(citation: &Citation, number: usize, (begin, end): (usize, usize)) -> Annotation {
    let (start_index, end_index) = (begin, end);
    let title = format!("{} – {}: {}", citation.subject, citation.predicate, citation.object);
    let source = citation.source.as_ref();
    let is_address = source.starts_with("https://") || source.starts_with("http://");
    let url = (is_address && !source.contains(char::is_whitespace)).then(|| UrlCitation {
        start_index,
        end_index,
        title: title.clone(),
        url: citation.source.clone(),
    });
    Annotation {
        kind: if url.is_some() { "url_citation" } else { "loquat_citation" },
        url_citation: url,
        loquat_citation: Triple {
            start_index,
            end_index,
            number,
            title,
            fact: citation.id.clone(),
            entity: citation.entity.clone(),
            subject: citation.subject.clone(),
            predicate: citation.predicate.clone(),
            object: citation.object.clone(),
            source: citation.source.clone(),
        },
    }
}

/// What stands between two sentences: a line break beside one that has some, as lists and code have, and nothing where scripts have no
/// spaces.
fn separator(text: &str, next: &str) -> &'static str {
    match text.chars().last() {
        None => "",
        Some(_) if text.contains('\n') || next.contains('\n') => "\n\n",
        Some(last) if is_unspaced(last) => "",
        Some(_) => " ",
    }
}

/// Han, kana and the punctuation between them.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3000}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ff01}'..='\u{ff60}')
}

#[cfg(test)]
mod tests {
    use loquat_contract::testing::reply;
    use loquat_contract::{FactId, Generation};

    use super::*;

    fn citation(id: &str, source: &str) -> Citation {
        let [subject, predicate, object] = ["Bhutan", "capital", "Thimphu"].map(str::to_owned);
        let (id, since) = (FactId::from(id), Generation(1));
        Citation { id, entity: Default::default(), subject, predicate, object, source: source.into(), since }
    }

    #[test]
    fn annotations_stand_where_their_sentences_do_counted_in_characters() {
        let mut reply = reply("");
        reply.sentences = vec![
            Sentence::line("Grüße!"),
            Sentence::new("Thimphu is the capital.", Verdict::Supported, vec!["a".into(), "b".into()]),
            Sentence::new("It is large.", Verdict::Unsupported, vec!["a".into()]),
        ];
        reply.citations = vec![citation("a", "https://example.org/a"), citation("b", "a file.ttl")];
        let mut content = Content::new(Policy::Hedged);
        let pieces: Vec<String> = reply.sentences.iter().map(|sentence| content.add(sentence)).collect();
        let annotations = content.annotations(&reply);
        let kinds: Vec<&str> = annotations.iter().map(|found| found.kind).collect();
        assert_eq!(kinds, ["url_citation", "loquat_citation"]);
        assert_eq!(&*annotations[0].url_citation.as_ref().unwrap().url, "https://example.org/a");
        let characters: Vec<char> = pieces.concat().chars().collect();
        for found in &annotations {
            let Triple { start_index, end_index, .. } = found.loquat_citation;
            let text: String = characters[start_index..end_index].iter().collect();
            assert_eq!(text, "Thimphu is the capital.");
        }
        assert_eq!(content.into_text(), "Grüße! Thimphu is the capital. It is large. (not in my facts)");
    }

    #[test]
    fn sentences_are_joined_as_their_scripts_are() {
        let said = |sentences: [&str; 2]| {
            let mut content = Content::new(Policy::Strict);
            sentences.iter().map(|text| content.add(&Sentence::line(*text))).collect::<String>()
        };
        assert_eq!(said(["不丹的首都是廷布。", "货币是努扎姆。"]), "不丹的首都是廷布。货币是努扎姆。");
        assert_eq!(said(["One.", "- two\n- three"]), "One.\n\n- two\n- three");
        assert_eq!(said(["One.", "Two."]), "One. Two.");
    }
}
