//! What rendering promises. In: trees made by chance and by hand. Out: whether Markdown reads back, and nobody is called.

use super::Format;
use crate::Mentioned;
use crate::document::{Block, Document, Inline};

/// Numbers by chance, the same in each run (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % end as u64).unwrap()
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    fn text(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..=self.below(5) {
            text.push_str(self.pick(MARKS));
            text.push_str(self.pick(&["", " ", "  "]));
        }
        text
    }

    fn inlines(&mut self, depth: usize) -> Vec<Inline> {
        (0..=self.below(4)).map(|_| self.inline(depth)).collect()
    }

    fn inline(&mut self, depth: usize) -> Inline {
        match self.below(if depth < 3 { 10 } else { 6 }) {
            0 => Inline::Break,
            1 => Inline::Code(self.pick(&["let x", " a ", "`", "a``b`", "x|y", "\\", "*a*"]).to_owned()),
            2..6 => Inline::Text(self.text()),
            6 | 7 => Inline::Strong(self.inlines(depth + 1)),
            8 => Inline::Emphasis(self.inlines(depth + 1)),
            _ => Inline::Link { url: self.pick(URLS).to_owned(), label: self.inlines(depth + 1) },
        }
    }

    fn document(&mut self, depth: usize) -> Document {
        Document { blocks: (0..=self.below(3)).map(|_| self.block(depth)).collect() }
    }

    fn block(&mut self, depth: usize) -> Block {
        match self.below(if depth < 3 { 9 } else { 6 }) {
            0 => Block::Heading(self.inlines(1)),
            1 => Block::Code {
                language: self.pick(&["", "rust", "c++", "objective-c"]).to_owned(),
                text: self.pick(CODES).to_owned(),
            },
            2 => {
                let width = 1 + self.below(3);
                let mut row = || (0..width).map(|_| self.inlines(1)).collect();
                Block::Table { header: row(), rows: vec![row(), row()] }
            }
            3..6 => Block::Paragraph(self.inlines(0)),
            6 | 7 => Block::List {
                start: [None, Some(1), Some(9), Some(1969)][self.below(4)],
                items: (0..=self.below(3)).map(|_| self.document(depth + 1)).collect(),
            },
            _ => Block::Quote(self.document(depth + 1)),
        }
    }
}

const MARKS: &[&str] = &[
    "word",
    "Zürich",
    "你好",
    "，",
    "مرحبا",
    "👩‍👩‍👧",
    "*",
    "**",
    "_",
    "a_b",
    "`",
    "```",
    "[x]",
    "](y)",
    "<b>",
    "&amp;",
    "&",
    "#",
    "##",
    "-",
    "+",
    ">",
    "1.",
    "2)",
    "=",
    "---",
    "~~~",
    "|",
    "\\",
    "!",
    "(z)",
    ":",
    "[a]: http://b",
    "http://x_y_",
    "\u{301}",
    "\"",
    "'",
    "<!--",
    "<@1>",
    "1969.",
    "\t",
    "{",
    "$",
];
const URLS: &[&str] = &[
    "https://a.b/c_(d)",
    "https://a.b/((",
    "a b",
    "mailto:x@y.z",
    "http://x?a=1&amp;b=*2*",
    "",
    "x|y",
    "<>",
];
const CODES: &[&str] =
    &["a", "fn f() {\n\n\tg()\n}\n", "````", "  x\n```\n", "\n\n a", "~~~\n<b>&amp;\\", "> - 1. x"];

/// The tree with a space on both sides of emphasis: beside letters or other emphasis Markdown may not see it.
fn plain_styles(document: &Document) -> Document {
    fn line(inlines: &[Inline]) -> Vec<Inline> {
        let mut out: Vec<Inline> = Vec::new();
        for inline in inlines {
            let is_style = |inline: &Inline| matches!(inline, Inline::Strong(_) | Inline::Emphasis(_));
            if out.last().is_some_and(|last| is_style(last) || is_style(inline)) {
                out.push(Inline::Text(" ".to_owned()));
            }
            out.push(match inline {
                Inline::Strong(inner) => Inline::Strong(line(inner)),
                Inline::Emphasis(inner) => Inline::Emphasis(line(inner)),
                Inline::Link { url, label } => Inline::Link { url: url.clone(), label: line(label) },
                other => other.clone(),
            });
        }
        out
    }
    fn block(block: &Block) -> Block {
        match block {
            Block::Paragraph(inlines) => Block::Paragraph(line(inlines)),
            Block::Heading(inlines) => Block::Heading(line(inlines)),
            Block::List { start, items } => {
                Block::List { start: *start, items: items.iter().map(plain_styles).collect() }
            }
            Block::Quote(inner) => Block::Quote(plain_styles(inner)),
            Block::Table { header, rows } => {
                let row = |row: &Vec<Vec<Inline>>| row.iter().map(|cell| line(cell)).collect();
                Block::Table { header: row(header), rows: rows.iter().map(row).collect() }
            }
            other => other.clone(),
        }
    }
    Document { blocks: document.blocks.iter().map(block).collect() }.normalised()
}

/// The letters and digits of a text.
fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

#[test]
fn markdown_reads_back_as_the_tree() {
    let mut worst: Option<(String, Document, Document)> = None;
    for seed in 0..4_000 {
        let tree = plain_styles(&Chance(seed).document(0).normalised());
        let markdown = tree.render(Format::Markdown);
        let read = Document::from_markdown(&markdown);
        if read != tree && worst.as_ref().is_none_or(|(shortest, ..)| markdown.len() < shortest.len()) {
            worst = Some((markdown, read, tree));
        }
    }
    if let Some((markdown, read, tree)) = worst {
        assert_eq!(read, tree, "{markdown}");
    }
}

#[test]
fn no_word_is_lost_whatever_the_tree() {
    for seed in 0..2_000 {
        let tree = Chance(seed).document(0);
        let read = Document::from_markdown(&tree.render(Format::Markdown));
        assert_eq!(
            letters(&read.render(Format::Plain)),
            letters(&tree.render(Format::Plain)),
            "seed {seed}:\n{}",
            tree.render(Format::Markdown)
        );
    }
}

#[test]
fn normal_form_is_a_fixed_point() {
    for seed in 0..2_000 {
        let tree = Chance(seed).document(0).normalised();
        assert_eq!(tree.normalised(), tree, "seed {seed}");
    }
}

#[test]
fn no_word_of_markdown_is_lost() {
    for seed in 0..4_000 {
        let mut chance = Chance(seed);
        let mut text = String::new();
        for _ in 0..=chance.below(20) {
            // What stands behind a fence names a language.
            let mark = chance.pick(MARKS);
            text.push_str(mark);
            text.push_str(if matches!(mark, "```" | "~~~") { "\n" } else { "" });
            text.push_str(chance.pick(&["", " ", "\n", "\n\n", "  \n", "\n    "]));
        }
        let tree = Document::from_markdown(&text);
        let words = |text: &str| letters(&text.replace("&amp;", "").replace("http://", ""));
        // Numbers may be a list's, and targets a link's: what is compared are the other words.
        let plain = words(&tree.render(Format::Plain));
        for word in ["word", "Zürich", "你好", "مرحبا"] {
            assert_eq!(
                plain.matches(word).count(),
                words(&text).matches(word).count(),
                "seed {seed}: {word}\n{text:?}\n{tree:?}"
            );
        }
    }
}

fn text(text: &str) -> Inline {
    Inline::Text(text.to_owned())
}

#[test]
fn nobody_is_called_by_words() {
    let split = |name: &str| {
        let (start, end) = name.split_at(3);
        vec![text(start), Inline::Emphasis(vec![text(end)]), text("x"), text(start), text(end)]
    };
    for name in ["@everyone", "@here", "@Everyone", "<@123>", "<@&123>", "<#123>", "<@!1>"] {
        let label = vec![text(name)];
        let link = Inline::Link { url: format!("https://x/{name}"), label };
        let code = Block::Code { language: String::new(), text: format!("```\n{name}") };
        let mut blocks = vec![
            Block::Paragraph(vec![text(name), Inline::Break, Inline::Strong(vec![text(name)]), link]),
            Block::Heading(split(name)),
            Block::Table { header: vec![vec![text(name)]], rows: vec![vec![split(name)]] },
            code,
        ];
        blocks.push(Block::Quote(Document { blocks: blocks.clone() }));
        let tree = Document { blocks };
        let markdown = tree.render(Format::Markdown).to_lowercase();
        let plain = tree.render(Format::Plain).to_lowercase();
        for call in ["@everyone", "@here"] {
            assert!(!markdown.contains(call), "{markdown}");
            assert!(!plain.contains(call), "{plain}");
        }
        for (at, _) in markdown.match_indices("<@").chain(markdown.match_indices("<#")) {
            assert!(markdown[..at].ends_with('\\'), "{markdown}");
        }
    }
}

#[test]
fn mentions_and_citations_are_written_for_each_format() {
    let person = Mentioned { id: "7".to_owned(), name: "Ann".to_owned() };
    let tree = Document {
        blocks: vec![Block::Paragraph(vec![
            Inline::Mention(person),
            text(" said"),
            Inline::Citation(1),
            text("(so): "),
        ])],
    };
    assert_eq!(tree.render(Format::Plain), "@Ann said[1](so):");
    assert_eq!(tree.render(Format::Markdown), "<@7> said[1]\\(so):");
    assert_eq!(tree.render(Format::Html), "@Ann said[1](so):");
}

const SAMPLE: &str = "# Title

Some *words*, `code` and [a link](https://x.y).\\
Next <https://z>, [run](javascript:x) \"q\" <b>.

- one
  - two
- ```rust
  let x = 1;
  ```

3. three
4. four

> said
>
> > before

| a | b |
|---|--:|
| 你好 | **2** |
";

#[test]
fn plain_is_words_alone() {
    let plain = "Title

Some words, code and a link (https://x.y).
Next https://z, run (javascript:x) \"q\" <b>.

• one
  • two
•
let x = 1;

3. three
4. four

> said
>
> > before

a    | b
你好 | 2";
    assert_eq!(Document::from_markdown(SAMPLE).render(Format::Plain), plain);
}

#[test]
fn html_has_few_elements_and_escapes_the_rest() {
    let html = "<b>Title</b>

Some <i>words</i>, <code>code</code> and <a href=\"https://x.y\">a link</a>.
Next <a href=\"https://z\">https://z</a>, run (javascript:x) &quot;q&quot; &lt;b&gt;.

• one
  • two
• <pre><code class=\"language-rust\">let x = 1;</code></pre>

3. three
4. four

<blockquote>said

&gt; before</blockquote>

<pre>a    | b
你好 | 2</pre>";
    assert_eq!(Document::from_markdown(SAMPLE).render(Format::Html), html);
}

#[test]
fn markdown_keeps_its_structure() {
    let markdown = "## Title

Some *words*, `code` and [a link](https://x.y).  
Next <https://z>, [run](javascript:x) \"q\" \\<b>.

- one
  - two
- ```rust
  let x = 1;
  ```

3. three
4. four

> said
>
> > before

| a | b |
| --- | --- |
| 你好 | **2** |";
    assert_eq!(Document::from_markdown(SAMPLE).render(Format::Markdown), markdown);
}

#[test]
fn what_markdown_would_hide_is_kept() {
    for (markdown, plain) in [
        ("It was in\n1969.", "It was in 1969."),
        ("1969.", "1969."),
        ("[note]: https://x.y", "[note]: https://x.y"),
        ("[a][b]\n\n[b]: https://x.y", "a (https://x.y)"),
        ("![alt](https://x.y)", "alt (https://x.y)"),
        ("<div>\nfoo\n</div>", "<div>\nfoo\n</div>"),
        ("| a |\n|---|\n| b | c | d |", "a |   |\nb | c | d"),
        ("你好，\n世界\nis hello\nworld", "你好，世界is hello world"),
        ("<a@b.c>", "a@b.c"),
        ("a\n\n***\n\nb", "a\n\nb"),
        ("    code", "code"),
    ] {
        assert_eq!(Document::from_markdown(markdown).render(Format::Plain), plain, "{markdown}");
    }
}

#[test]
fn deep_nesting_and_long_input_end() {
    for deep in [
        ">".repeat(5_000),
        "- ".repeat(2_000),
        "**a ".repeat(2_000) + &"b** ".repeat(2_000),
        "[".repeat(5_000),
    ] {
        let tree = Document::from_markdown(&format!("{deep} word"));
        for format in [Format::Plain, Format::Markdown, Format::Html] {
            assert!(tree.render(format).contains("word"));
        }
    }
}

#[test]
fn chats_get_tables_as_code_and_fences_of_three() {
    let shown = |markdown: &str| Document::from_markdown(markdown).render(Format::ChatMarkdown);
    assert_eq!(
        shown("| name | n |\n|---|---|\n| 不丹 | 1 |\n| a | 22 |"),
        "```\nname | n\n不丹 | 1\na    | 22\n```"
    );
    assert_eq!(shown("> a\n>\n> b"), "> a\n> \n> b");
    assert_eq!(shown("- a\n  - b\n  - c"), "- a\n  - b\n  - c");
    assert_eq!(shown("```c++\nx\n```"), "```c++\nx\n```");
    let fenced = shown("````\n```\ninside\n```\n````");
    assert!(fenced.starts_with("```\n") && !fenced.contains("````"), "{fenced}");
    assert_eq!(fenced.matches("```").count(), 2, "{fenced}");
    assert!(shown("@everyone <@5>").contains("@\u{200b}everyone \\<@5"));
}

#[test]
fn no_bracket_ends_the_address_of_a_link_too_early_in_a_chat() {
    let tree = Document::from_markdown("**[it](https://example.org/a_(b)?c=(d))**");
    assert_eq!(tree.render(Format::ChatMarkdown), "**[it](https://example.org/a_%28b%29?c=%28d%29)**");
}

#[test]
fn chats_show_no_quotes_inside_of_lists() {
    let tree = Document::from_markdown("- one\n\n  > said\n  >\n  > - and more\n\n> quoted");
    assert_eq!(tree.render(Format::ChatMarkdown), "- one\n\n  said\n  - and more\n\n> quoted");
}
