//! Citations become an embed. In: facts in words, and the reply's language. Out: numbered lines under a title. Facts are data: nothing in
//! them is markup.

use loquat_contract::{Citation, Document, Format, Language};
use serenity::all::CreateEmbed;

use super::UNIT;

/// The most characters of an embed's text; with its title it stays below what all embeds of a message may have.
const LONGEST: usize = 4096;
/// The most characters of a subject, predicate or object.
const WORDS: usize = 120;
/// The most characters of a source, which may be an address: half of one leads nowhere.
const SOURCE: usize = 500;
/// Room for the line that says how many are not named.
const MORE: usize = 40;

/// The embed; `None` where nothing is cited.
pub(super) fn citations(citations: &[Citation], language: &Language) -> Option<CreateEmbed> {
    if citations.is_empty() {
        return None;
    }
    let is_chinese = language.matches(&Language::chinese());
    let mut text = String::new();
    let mut rest = (1..).zip(citations).peekable();
    while let Some((number, citation)) = rest.next() {
        // Facts in a row from one source name it once, at the last of them.
        let names_source = rest.peek().is_none_or(|(_, next)| next.source != citation.source);
        let line = line(number, citation, names_source);
        if UNIT.measure(&text) + UNIT.measure(&line) + MORE > LONGEST {
            let left = citations.len() + 1 - number;
            text.push_str(&if is_chinese {
                format!("以及另外 {left} 条")
            } else {
                format!("and {left} more")
            });
            break;
        }
        text.push_str(&line);
        text.push('\n');
    }
    let title = if is_chinese { "来源" } else { "Sources" };
    Some(CreateEmbed::new().title(title).description(text.trim_end()))
}

fn line(number: usize, citation: &Citation, names_source: bool) -> String {
    let words = [&citation.subject, &citation.predicate, &citation.object].map(|text| short(text, WORDS));
    let source = if names_source { short(&citation.source, SOURCE) } else { String::new() };
    let source = if source.is_empty() { source } else { format!(" ({source})") };
    format!("[{number}] {}", plain(&format!("{}{source}", words.join(" — "))))
}

/// On one line, and its beginning where it is long.
fn short(text: &str, longest: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn plain(text: &str) -> String {
    Document::plain(text).render(Format::ChatMarkdown)
}
