//! N-Triples and N-Quads. In: chunks of lines. Out: one triple a line.
//!
//! Nearly all lines of large files have the same plain shape, which is taken apart here, because a parser's construction
//! costs more than the line. Every other line goes to `oxttl`, which also says what is wrong with a bad one.

use memchr::{memchr, memchr2, memrchr};
use oxrdf::TripleRef;
use oxttl::{NQuadsParser, NTriplesParser};

use super::ChunkReader;
use super::chunks::{Chunk, after_last_line, each_line};
use super::facts::Facts;
use super::gather::Gather;
use super::triple::{Part, Parts, Refusal};

/// A reader of either.
pub(super) struct NTriples {
    /// A line may name the triple's graph.
    pub(super) quads: bool,
}

impl ChunkReader for NTriples {
    fn read(&self, chunk: &Chunk, gather: &mut Gather<'_>) {
        let mut facts = Facts::default();
        let mut scratch = String::new();
        each_line(chunk, |number, line, raw| {
            let text = match line {
                Ok(line) => line,
                Err(reason) => return gather.bad(number, reason, raw),
            };
            scratch.clear();
            let read = match plain(text, self.quads, &mut scratch) {
                Some(parts) => facts.triple(parts, number, raw, gather).map_err(|refusal| refusal.reason),
                None => self.with_parser(text, number, &mut facts, gather),
            };
            if let Err(reason) = read {
                gather.bad(number, reason, raw);
            }
        });
        facts.close(gather);
    }

    /// Lines about the same subject stay together.
    fn cut(&self, bytes: &[u8], is_last: bool) -> Option<usize> {
        let end = after_last_line(bytes, is_last)?;
        if is_last || end == 0 {
            return Some(end);
        }
        let start_of = |end: usize| memrchr(b'\n', &bytes[..end - 1]).map_or(0, |at| at + 1);
        let subject = |start: usize| bytes[start..].split(|byte| matches!(byte, b' ' | b'\t' | b'\n')).next();
        let mut start = start_of(end);
        let last = subject(start);
        while start > 0 {
            let before = start_of(start);
            if subject(before) != last {
                return Some(start);
            }
            start = before;
        }
        Some(end)
    }
}

impl NTriples {
    fn with_parser(
        &self,
        line: &str,
        number: u64,
        facts: &mut Facts,
        gather: &mut Gather<'_>,
    ) -> Result<(), String> {
        let start = line.trim_start();
        if start.is_empty() || start.starts_with('#') {
            return Ok(());
        }
        let refused = |refusal: Refusal| refusal.reason;
        let mut take =
            |parts: Parts<'_>| facts.triple(parts, number, line.as_bytes(), gather).map_err(refused);
        if self.quads {
            NQuadsParser::new().for_slice(line).try_for_each(|quad| {
                let quad = quad.map_err(|error| error.message().to_owned())?;
                take(TripleRef::from(quad.as_ref()).into())
            })
        } else {
            NTriplesParser::new().for_slice(line).try_for_each(|triple| {
                let triple = triple.map_err(|error| error.message().to_owned())?;
                take(triple.as_ref().into())
            })
        }
    }
}

/// The triple of a line in the usual shape; `None` leaves the line to the parser. `scratch` takes a text with escapes.
fn plain<'a>(line: &'a str, quads: bool, scratch: &'a mut String) -> Option<Parts<'a>> {
    let (subject, rest) = iri(line)?;
    let (predicate, rest) = iri(blanks(rest))?;
    let rest = blanks(rest);
    let (object, rest) = match rest.as_bytes().first()? {
        b'<' => iri(rest).map(|(iri, rest)| (Part::Iri(iri), rest))?,
        b'"' => literal(&rest[1..], scratch)?,
        _ => return None,
    };
    let mut rest = blanks(rest);
    if quads && rest.starts_with('<') {
        rest = blanks(iri(rest)?.1);
    }
    let rest = rest.strip_prefix('.')?;
    blanks(rest).is_empty().then_some(Parts { subject: Some(subject), predicate, object })
}

fn blanks(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

/// `<an IRI>` whose validity is plain to see, and what follows it.
fn iri(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('<')?;
    let end = memchr(b'>', inner.as_bytes())?;
    let iri = &inner[..end];
    let after = iri.strip_prefix("http")?;
    let rest = after.strip_prefix("://").or_else(|| after.strip_prefix("s://"))?.as_bytes();
    let host =
        rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')).count();
    // Behind the host a path; one number sign at the most.
    let plain = match rest.get(host) {
        None => true,
        Some(b'/') => {
            let mut fragments = 0;
            rest[host..].iter().all(|byte| {
                fragments += u8::from(*byte == b'#');
                PLAIN[usize::from(*byte)] && fragments <= 1
            })
        }
        Some(_) => false,
    };
    (plain && host > 0).then(|| (iri, &inner[end + 1..]))
}

/// The characters of an IRI that are allowed in any of its parts behind the host, and the number sign.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        plain[byte] = matches!(
            byte as u8,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b'!' | b'$' | b'&' | b'\''
            | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@' | b'#' | b'?'
        );
        byte += 1;
    }
    plain
};

/// A literal behind its opening quote, and what follows it.
fn literal<'a>(text: &'a str, scratch: &'a mut String) -> Option<(Part<'a>, &'a str)> {
    let mut end = memchr2(b'"', b'\\', text.as_bytes())?;
    let value = if text.as_bytes()[end] == b'"' {
        &text[..end]
    } else {
        end = unescaped(text, end, scratch)?;
        scratch.as_str()
    };
    if memchr2(b'\r', b'\n', &text.as_bytes()[..end]).is_some() {
        return None;
    }
    let rest = &text[end + 1..];
    if let Some(tagged) = rest.strip_prefix('@') {
        let length = tagged.bytes().take_while(|byte| byte.is_ascii_lowercase() || *byte == b'-').count();
        let (language, rest) = tagged.split_at(length);
        let mut parts = language.split('-');
        let first = parts.next().is_some_and(|part| (2..=3).contains(&part.len()));
        let plain = first && language.len() <= 8 && parts.all(|part| matches!(part.len(), 2..=8));
        return (plain && rest.starts_with([' ', '\t', '.']))
            .then_some((Part::Literal { text: value, datatype: None, language: Some(language) }, rest));
    }
    let (datatype, rest) = match rest.strip_prefix("^^") {
        Some(rest) => iri(rest).map(|(iri, rest)| (Some(iri), rest))?,
        None => (None, rest),
    };
    // As the parser has it: a string is a literal without a datatype.
    let datatype = datatype.filter(|iri| *iri != "http://www.w3.org/2001/XMLSchema#string");
    Some((Part::Literal { text: value, datatype, language: None }, rest))
}

/// Resolves the escapes of a literal, of which the first is known; gives where its closing quote stands.
fn unescaped(text: &str, first: usize, scratch: &mut String) -> Option<usize> {
    let mut done = 0;
    let mut at = first;
    loop {
        scratch.push_str(&text[done..at]);
        if text.as_bytes()[at] == b'"' {
            return Some(at);
        }
        let digits = match text.as_bytes().get(at + 1)? {
            b'u' => 4,
            b'U' => 8,
            escape => {
                scratch.push(match escape {
                    b't' => '\t',
                    b'n' => '\n',
                    b'r' => '\r',
                    b'b' => '\u{8}',
                    b'f' => '\u{c}',
                    b'"' => '"',
                    b'\'' => '\'',
                    b'\\' => '\\',
                    _ => return None,
                });
                0
            }
        };
        if digits > 0 {
            let hex =
                text.get(at + 2..at + 2 + digits).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))?;
            scratch.push(char::from_u32(u32::from_str_radix(hex, 16).ok()?)?);
        }
        done = at + 2 + digits;
        at = done + memchr2(b'"', b'\\', &text.as_bytes()[done..])?;
    }
}

#[cfg(test)]
mod tests {
    use oxrdf::Triple;
    use oxttl::NTriplesParser;
    use proptest::prelude::*;

    use super::*;

    fn parsed(line: &str) -> Option<Triple> {
        let mut triples = NTriplesParser::new().for_slice(line);
        let first = triples.next()?.ok()?;
        triples.next().is_none().then_some(first)
    }

    /// What is taken apart here is what the parser would have made of it.
    fn agrees(line: &str) -> bool {
        let mut scratch = String::new();
        let Some(mine) = plain(line, false, &mut scratch) else { return true };
        let Some(triple) = parsed(line) else { return false };
        let theirs = Parts::from(TripleRef::from(&triple));
        format!("{mine:?}") == format!("{theirs:?}")
    }

    #[test]
    fn the_usual_lines_are_read_without_the_parser() {
        for line in [
            "<http://e.x/a> <http://e.x/p> <http://e.x/b> .",
            "<http://www.wikidata.org/entity/Q42>\t<http://schema.org/name>\t\"\\u4E0D\\u4E39\"@zh-hans .",
            "<http://e.x/a> <http://e.x/p> \"1.5\"^^<http://www.w3.org/2001/XMLSchema#decimal>.",
            "<https://e.x/a?b=c#d> <http://e.x/p> \"a \\\"b\\\" \\\\ \\n\" . ",
        ] {
            assert!(plain(line, false, &mut String::new()).is_some(), "{line}");
            assert!(agrees(line), "{line}");
        }
        let quad = "<http://e.x/a> <http://e.x/p> \"b\" <http://e.x/g> .";
        assert!(plain(quad, true, &mut String::new()).is_some());
        assert!(plain(quad, false, &mut String::new()).is_none());
    }

    #[test]
    fn lines_about_a_subject_stay_together() {
        let text = b"<a> <p> <b> .\n<c> <p> <d> .\n<c> <p> <e> .\n<c> <p";
        let reader = NTriples { quads: false };
        assert_eq!(reader.cut(text, false), Some(14));
        assert_eq!(reader.cut(text, true), Some(text.len()));
        assert_eq!(reader.cut(b"<c> <p> <d> .\n<c> <p> <e> .\n", false), Some(28));
        assert_eq!(reader.cut(b"<c> <p> <d> .", false), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]
        #[test]
        fn no_line_is_read_otherwise_than_by_the_parser(line in prop_oneof![
            "<https?://[a-z.%:]{0,4}/?[a-z#?%/é\\[]{0,5}> <http://e\\.x/[a-z]> (<http://e\\.x/[ -~]{0,4}>|\"([a-zé\n\r\\x00\\x7f]|\\\\[tnu\"\\\\]){0,4}(00e9)?\"(@[a-zA-Z-]{1,12}|\\^\\^<http://e\\.x/[a-z]>)?) ?\\.( #.)?",
            "[<>\"a-z:/@^. \\\\]{0,40}",
        ]) {
            prop_assert!(agrees(&line), "{line}");
        }
    }
}
