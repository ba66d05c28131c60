//! TriG as Turtle. In: lines of TriG. Out: the same without the graphs around the triples, whose names are passed over.

use super::super::LineReader;
use super::super::gather::Gather;
use super::Turtle;
use super::scan::LongString;

/// A reader of TriG.
pub(in super::super) struct TriG {
    turtle: Turtle,
    open: Option<LongString>,
    /// A statement has begun that is not ended.
    pending: bool,
}

impl TriG {
    pub(in super::super) fn new(name: &str) -> Self {
        Self { turtle: Turtle::new(name), open: None, pending: false }
    }

    /// The line without the names and braces of graphs.
    fn unwrapped(&mut self, line: &str) -> String {
        let bytes = line.as_bytes();
        let mut text = Vec::with_capacity(bytes.len() + 2);
        // Where the statement begins that a brace would be the graph of.
        let mut begins = 0;
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let length = match (self.open, rest[0]) {
                (Some(_), b'\\') => 2,
                (Some(string), _) => {
                    let quotes: &[u8] = if string == LongString::Double { b"\"\"\"" } else { b"'''" };
                    let closes = rest.starts_with(quotes);
                    if closes {
                        self.open = None;
                    }
                    if closes { 3 } else { 1 }
                }
                (None, b'#') => break,
                (None, quote @ (b'"' | b'\'')) => {
                    self.pending = true;
                    if rest.starts_with(&[quote; 3]) {
                        self.open = Some(if quote == b'"' { LongString::Double } else { LongString::Single });
                        3
                    } else {
                        short_string(rest, quote)
                    }
                }
                (None, b'<') => {
                    self.pending = true;
                    rest.iter().position(|byte| matches!(byte, b'>' | b' ')).map_or(1, |end| end + 1)
                }
                (None, b'{') => {
                    text.truncate(begins);
                    if begins == 0 {
                        self.turtle.forget_statement();
                    }
                    self.pending = false;
                    at += 1;
                    continue;
                }
                (None, b'}') => {
                    text.extend_from_slice(if self.pending { b" ." } else { b" " });
                    self.pending = false;
                    begins = text.len();
                    at += 1;
                    continue;
                }
                (None, b'.')
                    if rest.get(1).is_none_or(|next| next.is_ascii_whitespace() || *next == b'}') =>
                {
                    self.pending = false;
                    begins = text.len() + 1;
                    1
                }
                (None, b' ' | b'\t') => 1,
                (None, _) => {
                    self.pending = true;
                    1
                }
            };
            let end = (at + length).min(bytes.len());
            text.extend_from_slice(&bytes[at..end]);
            at = end;
        }
        // Only ASCII was taken away.
        String::from_utf8(text).unwrap_or_default()
    }
}

/// Bytes of a string in single quotes, these included.
fn short_string(bytes: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

impl LineReader for TriG {
    fn line(&mut self, number: u64, line: &str, gather: &mut Gather<'_>) {
        let line = self.unwrapped(line);
        let directive = |word: &str| {
            line.trim_start().get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
        };
        if directive("PREFIX ") || directive("BASE ") {
            self.pending = false;
        }
        self.turtle.line(number, &line, gather);
    }

    fn finish(&mut self, gather: &mut Gather<'_>) {
        self.turtle.finish(gather);
    }
}

#[cfg(test)]
mod tests {
    use super::TriG;

    #[test]
    fn graphs_are_unwrapped() {
        let mut trig = TriG::new("a.trig");
        for (line, expected) in [
            ("@prefix ex: <http://e.x/#> .", "@prefix ex: <http://e.x/#> ."),
            ("ex:a ex:b ex:c . GRAPH ex:g {", "ex:a ex:b ex:c ."),
            ("  ex:d ex:e \"{ not . }\" . }", "  ex:d ex:e \"{ not . }\" .  "),
            ("<http://e.x/{g}> { ex:f ex:g 1.5 }", " ex:f ex:g 1.5  ."),
            ("{ ex:h ex:i \"\"\"open {", " ex:h ex:i \"\"\"open {"),
            ("closed }\"\"\" } # }", "closed }\"\"\"  . "),
        ] {
            assert_eq!(trig.unwrapped(line), expected);
        }
    }
}
