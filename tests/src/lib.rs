//! What the tests across crates share: the example bots on their real models, in stores of their own; the real program, run as its user
//! would run it; and a client of its web chat.

pub mod program;
pub mod server;

use std::path::{Path, PathBuf};

use anyhow::Context;
use loquat::config::{Loaded, load};
use loquat::parts::{Parts, assemble};
use loquat::progress::Screen;
use loquat_contract::{ConversationId, Fact, Language, Reply, Value};
use tempfile::TempDir;

/// A bot of `examples/`, opened as its user would open it, except that its data lies in a folder that goes away.
pub struct ExampleBot {
    /// Everything it is made of.
    pub parts: Parts,
    _data: TempDir,
}

/// The workspace's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("..")).to_owned()
}

/// The config of `examples/NAME`, with its data in `data`.
///
/// # Errors
/// When the config is wrong.
pub fn config(name: &str, data: &Path) -> anyhow::Result<Loaded> {
    let file = root().join("examples").join(name).join("loquat.toml");
    let set = |key: &str, folder: &str| (key.to_owned(), data.join(folder).display().to_string());
    let overrides = vec![set("graph.store", "graph"), set("journal.folder", "journal")];
    Ok(load(Some(&file), std::iter::empty(), &overrides)?)
}

impl ExampleBot {
    /// Opens `examples/NAME`; fetches and converts models that are not in the cache yet.
    ///
    /// # Errors
    /// When anything of it cannot be had.
    pub fn open(name: &str) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let parts = assemble(&config(name, data.path())?, &Screen::default())?;
        Ok(Self { parts, _data: data })
    }

    /// Says `text` in a conversation.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn ask(&self, conversation: &str, text: &str) -> anyhow::Result<Reply> {
        let conversation = ConversationId {
            bot: "example".to_owned(),
            platform: "test".to_owned(),
            channel: conversation.to_owned(),
            thread: None,
        };
        Ok(self.parts.engine.answer(&conversation, text, &mut |_| ()).await?)
    }

    /// The facts that a reply cites, out of the graph.
    ///
    /// # Errors
    /// When a citation is of no fact that the graph has: no reply may do that.
    pub fn cited(&self, reply: &Reply) -> anyhow::Result<Vec<Fact>> {
        let fact = |citation: &loquat_contract::Citation| {
            let graph = self.parts.graph.local().context("the examples have local graphs")?;
            let shown = graph.show(&citation.subject, 1000);
            let mut facts = shown.into_iter().flat_map(|shown| shown.facts);
            facts
                .find(|fact| fact.id == citation.id)
                .with_context(|| format!("{citation:?} is not in the graph"))
        };
        reply.citations.iter().map(fact).collect()
    }
}

/// Writes a page of a platform for tests to `NAME.html` in the folder that `LOQUAT_LOOK` names, for a browser to show; without it, does
/// nothing.
///
/// # Errors
/// When the page cannot be had or written.
pub fn look(page: &str, name: &str) -> anyhow::Result<()> {
    let Some(folder) = std::env::var_os("LOQUAT_LOOK") else { return Ok(()) };
    let html = ureq::get(page).call()?.body_mut().read_to_string()?;
    Ok(std::fs::write(Path::new(&folder).join(name).with_extension("html"), html)?)
}

/// Whether a fact says what a table of questions expects: a name of its object in any language, the number as written, the beginning
/// of the text; or its subject, where the question gives the object.
pub fn says(fact: &Fact, expected: &str) -> bool {
    let object = match &fact.object {
        Value::Entity(entity) => entity.names().any(|name| name == expected),
        Value::Number { value, .. } => expected.parse() == Ok(*value),
        Value::Boolean(value) => expected.parse() == Ok(*value),
        Value::Text(label) => label.text.starts_with(expected),
        Value::Date(text) | Value::Url(text) => text == expected,
        other => other.text(&Language::english()) == expected,
    };
    object || fact.subject.names().any(|name| name == expected)
}

/// A row of a `questions.tsv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What is asked.
    pub text: String,
    /// The objects that the answer has to cite; behind `=` its values, in any order; `-` where it has to abstain, `?` where it has to
    /// ask back.
    pub expected: Vec<String>,
    /// The last part of the predicate's IRI.
    pub predicate: String,
    /// The conversation that it belongs to; its rows are in order.
    pub dialogue: String,
}

/// The questions of `examples/NAME`.
///
/// # Errors
/// When the file cannot be read.
pub fn questions(name: &str) -> anyhow::Result<Vec<Question>> {
    let path = root().join("examples").join(name).join("questions.tsv");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let row = |(number, line): (usize, &str)| {
        let mut cells = line.split('\t');
        let mut cell = || cells.next().unwrap_or_default().to_owned();
        let (text, expected, predicate, dialogue) = (cell(), cell(), cell(), cell());
        let dialogue = if dialogue.is_empty() { format!("row {number}") } else { dialogue };
        Question { text, expected: expected.split("; ").map(str::to_owned).collect(), predicate, dialogue }
    };
    Ok(text.lines().skip(1).enumerate().filter(|(_, line)| !line.is_empty()).map(row).collect())
}
