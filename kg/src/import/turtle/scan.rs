//! Where statements end. In: a line of Turtle. Out: whether it ends a statement, and whether a long string stays open.

/// Which quotes an open long string needs to close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LongString {
    Double,
    Single,
}

/// What a line does to the statement it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scan {
    pub(super) ends_statement: bool,
    pub(super) open: Option<LongString>,
}

/// Looks at a line, given the long string that is open before it. A short string that the line leaves open is taken to
/// end with the line: Turtle allows nothing else, and so the mistake stays on its line.
pub(super) fn scan(line: &str, mut open: Option<LongString>) -> Scan {
    let bytes = line.as_bytes();
    let directive =
        |word: &str| line.trim_start().get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    if open.is_none() && (directive("PREFIX ") || directive("BASE ")) {
        return Scan { ends_statement: true, open };
    }
    let mut last = 0;
    let mut at = 0;
    while at < bytes.len() {
        if let Some(string) = open {
            let quotes: &[u8] = if string == LongString::Double { b"\"\"\"" } else { b"'''" };
            if bytes[at] == b'\\' {
                at += 2;
            } else if bytes[at..].starts_with(quotes) {
                open = None;
                last = b'"';
                at += 3;
            } else {
                at += 1;
            }
            continue;
        }
        let byte = bytes[at];
        match byte {
            b'#' => break,
            b'<' => match bytes[at..].iter().position(|b| matches!(b, b'>' | b' ')) {
                Some(length) => {
                    last = b'>';
                    at += length;
                }
                None => last = byte,
            },
            b'"' | b'\'' if bytes[at..].starts_with(&[byte; 3]) => {
                open = Some(if byte == b'"' { LongString::Double } else { LongString::Single });
                at += 2;
            }
            b'"' | b'\'' => match short_string_end(&bytes[at + 1..], byte) {
                Some(length) => {
                    last = byte;
                    at += length + 1;
                }
                None => {
                    let ends_statement = line.trim_end().ends_with('.');
                    return Scan { ends_statement, open: None };
                }
            },
            b' ' | b'\t' => {}
            _ => last = byte,
        }
        at += 1;
    }
    Scan { ends_statement: last == b'.' && open.is_none(), open }
}

/// Bytes before the closing quote.
fn short_string_end(bytes: &[u8], quote: u8) -> Option<usize> {
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == quote => return Some(at),
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{LongString, scan};

    #[test]
    fn full_stops_end_statements_outside_strings_iris_and_comments() {
        for line in
            ["a:b a:c a:d .", "a:b a:c 5 . # done", "@prefix a: <http://a.example/#> .", "PREFIX a: <b>", "."]
        {
            assert!(scan(line, None).ends_statement, "{line}");
        }
        for line in [
            "a:b a:c \"end.\" ;",
            "a:b a:c a:d ; # no.",
            "a:b a:c <http://a.example/.>",
            "",
            "# a.",
            "a:it \"it's.\"@en ,",
        ] {
            assert!(!scan(line, None).ends_statement, "{line}");
        }
        assert!(scan("a:b a:c \"open .", None).ends_statement);
    }

    #[test]
    fn long_strings_stay_open() {
        assert_eq!(scan("a:b a:c \"\"\"one.", None).open, Some(LongString::Double));
        assert!(!scan("two.", Some(LongString::Double)).ends_statement);
        let closed = scan("three\"\"\" .", Some(LongString::Double));
        assert!(closed.ends_statement && closed.open.is_none());
        assert_eq!(scan("it's '''", Some(LongString::Double)).open, Some(LongString::Double));
    }
}
