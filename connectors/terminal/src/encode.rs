//! What the bot says, as a terminal shows it. In: sentences and citations. Out: text with ANSI colours.

use loquat_contract::{FactId, Language, Policy, Reply, Sentence, Verdict};
use owo_colors::OwoColorize;

/// The sentences of a reply, each with the numbers of its facts: `Thimphu is the capital. [1]`
pub(crate) fn sentences(reply: &Reply) -> String {
    let mut text = Text::default();
    for sentence in &reply.sentences {
        text.push(sentence, &reply.citation_numbers(sentence), Doubt::of(reply, sentence).as_ref());
    }
    text.rendered
}

/// How a sentence is told that the facts do not support.
struct Doubt {
    /// What is said of it; nothing where the policy is to send it as it is.
    mark: Option<&'static str>,
    /// Whether the facts say otherwise, and not just nothing.
    is_denied: bool,
}

impl Doubt {
    fn of(reply: &Reply, sentence: &Sentence) -> Option<Self> {
        let is_denied = match sentence.verdict {
            Verdict::Contradicted => true,
            Verdict::Unsupported => false,
            Verdict::Supported | Verdict::NoClaim => return None,
        };
        let is_chinese = reply.language.matches(&Language::chinese());
        let mark = match (is_denied, is_chinese) {
            _ if reply.policy == Policy::Open => None,
            (false, false) => Some("not in my facts"),
            (false, true) => Some("我的事实中没有"),
            (true, false) => Some("my facts say otherwise"),
            (true, true) => Some("与我的事实不符"),
        };
        Some(Self { mark, is_denied })
    }
}

/// What is known of a reply that is still being written.
#[derive(Default)]
pub(crate) struct Draft {
    text: Text,
    facts: Vec<FactId>,
    /// How many sentences were shown or held back.
    seen: usize,
    held: bool,
}

impl Draft {
    /// Takes the sentences so far, and says what to print of the new ones. From the first unsupported sentence on that is
    /// nothing: how it is shown depends on the policy, which only the reply tells.
    pub(crate) fn show(&mut self, sentences: &[Sentence]) -> &str {
        let printed = self.text.rendered.len();
        for sentence in sentences.iter().skip(self.seen) {
            self.push(sentence);
        }
        self.seen = self.seen.max(sentences.len());
        &self.text.rendered[printed..]
    }

    fn push(&mut self, sentence: &Sentence) {
        self.held |= sentence.verdict.is_doubtful();
        if self.held {
            return;
        }
        // A reply numbers its citations in the order of their first use, so they can be counted ahead.
        for fact in &sentence.facts {
            if !self.facts.contains(fact) {
                self.facts.push(fact.clone());
            }
        }
        let position = |fact: &FactId| self.facts.iter().position(|known| known == fact);
        let numbers: Vec<usize> = sentence.facts.iter().filter_map(position).map(|index| index + 1).collect();
        self.text.push(sentence, &numbers, None);
    }

    /// Whether nothing was printed.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.rendered.is_empty()
    }

    /// What is left to print of the reply; `None` where it says something else than what was printed.
    pub(crate) fn rest<'a>(&self, reply: &'a str) -> Option<&'a str> {
        reply.strip_prefix(self.text.rendered.as_str())
    }
}

#[derive(Default)]
struct Text {
    rendered: String,
    /// The last character of the last sentence.
    last: Option<char>,
    /// Whether that sentence ended with a mark.
    marked: bool,
}

impl Text {
    /// Adds a sentence; a doubtful one is marked. Facts that say otherwise stand within the mark, so that they do not look like support.
    fn push(&mut self, sentence: &Sentence, numbers: &[usize], doubt: Option<&Doubt>) {
        let words = clean(&sentence.text);
        if let (Some(last), Some(first)) = (self.last, words.chars().next()) {
            let spaced = last.is_whitespace() || first.is_whitespace();
            // Behind a mark there is always a space, whatever the script.
            if !spaced && (self.marked || !is_unspaced(last) && !is_unspaced(first)) {
                self.rendered.push(' ');
            }
        }
        self.last = words.chars().next_back().or(self.last);
        let cited: String =
            numbers.iter().map(|number| format!(" {}", format!("[{number}]").green())).collect();
        match doubt {
            None => {
                self.marked = !numbers.is_empty();
                self.rendered += &format!("{words}{cited}");
            }
            Some(Doubt { mark: None, .. }) => {
                self.marked = false;
                self.rendered += &words;
            }
            Some(Doubt { mark: Some(mark), is_denied }) => {
                self.marked = true;
                let cited = if *is_denied { cited.as_str() } else { "" };
                self.rendered +=
                    &format!("{} {}{cited}{}", words.yellow(), format!("({mark}").dimmed(), ")".dimmed());
            }
        }
    }
}

/// Scripts whose sentences stand side by side: CJK punctuation, kana, ideographs, full-width forms.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3000}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}')
}

/// What the person can choose from, a numbered line each: the number alone chooses.
pub(crate) fn choices(reply: &Reply) -> String {
    let lines = (1..).zip(&reply.choices);
    let line = |(number, choice): (usize, &loquat_contract::Choice)| {
        format!("  {number}. {}\n", clean(&choice.label).replace('\n', " "))
    };
    lines.map(line).collect()
}

/// What follows an answer: the facts that it cites, a line each; facts in a row from one source name it once.
pub(crate) fn sources(reply: &Reply) -> String {
    let mut lines = String::new();
    let mut citations = (1..).zip(&reply.citations).peekable();
    while let Some((number, citation)) = citations.next() {
        let [subject, predicate, object, source] =
            [&citation.subject, &citation.predicate, &citation.object, &*citation.source].map(clean);
        let mut line = format!("[{number}] {subject} — {predicate} — {object}");
        if citations.peek().is_none_or(|(_, next)| next.source != citation.source) {
            line += &format!(" ({source})");
        }
        lines += &format!("  {}\n", line.replace('\n', " ").dimmed());
    }
    lines
}

/// A whole reply as the terminal shows it: the sentences, and below what can be chosen and the facts that they rest on.
pub fn render(reply: &Reply) -> String {
    format!("{}\n{}{}", sentences(reply), choices(reply), sources(reply))
}

/// Without control characters but line breaks and tabs: what a graph or a model says must not steer the terminal.
pub(crate) fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}
