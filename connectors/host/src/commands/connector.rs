//! `loquat connector new`. In: a name, and where Loquat is. Out: a crate that is a copy of `examples/connector` under that name. Knows
//! nothing of what connectors do.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};

use crate::cli::ConnectorCommand;

/// Each file as it is called in the new crate, and its text.
macro_rules! skeleton {
    ($($file:literal),* $(,)?) => {
        &[$(($file, include_str!(concat!("../../../../examples/connector/", $file)))),*]
    };
}

/// The connector that is copied. Its manifest is not: it leans on Loquat's workspace.
const SKELETON: &[(&str, &str)] = skeleton![
    "README.md",
    "examples/talk_back.rs",
    "src/config.rs",
    "src/deliver.rs",
    "src/deliver/link.rs",
    "src/encode.rs",
    "src/lib.rs",
    "src/receive.rs",
    "src/receive/hand_on.rs",
    "src/receive/understand.rs",
    "src/tests.rs",
    "src/tests/conformance.rs",
    "src/tests/fake.rs",
    "src/tests/fake/server.rs",
    "src/tests/fakes.rs",
    "src/tests/lines.rs",
    "src/tests/talking.rs",
    "src/wire.rs",
];

/// The manifest of the new crate. The versions are those of Loquat's workspace; a test compares them.
const MANIFEST: &str = r#"[package]
name = "loquat-postbox"
description = "A connector for Loquat"
version = "0.1.0"
edition = "2024"
rust-version = "1.92"
publish = false

# A workspace of its own, wherever it lies.
[workspace]

[dependencies]
loquat-contract = { path = CONTRACT }
serde = { version = "1", features = ["derive"] }
serde_json = "1"
thiserror = "2"
tokio = { version = "1.54", features = ["io-util", "macros", "net", "rt-multi-thread", "signal", "sync", "time"] }
tracing = "0.1"

[dev-dependencies]
anyhow = "1"
loquat-conformance = { path = CONFORMANCE }
toml = "1.2"
"#;

/// Names that would clash with what the skeleton uses of Loquat: its crates, and `ConnectorError`.
const TAKEN: [&str; 3] = ["conformance", "connector", "contract"];

/// A connector's name out of the command line: what can follow `loquat-` in the name of a crate, and be made into a type's name.
pub(crate) fn connector_name(text: &str) -> Result<String, &'static str> {
    let is_word =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if !text.starts_with(|c: char| c.is_ascii_lowercase()) || !text.split('-').all(is_word) {
        return Err("write lower-case letters and digits, the first one a letter; a single - may join words");
    }
    if TAKEN.contains(&text) || text.contains("postbox") {
        return Err("Loquat has another use for this name; choose the platform's own");
    }
    Ok(text.to_owned())
}

pub(super) fn connector(command: &ConnectorCommand) -> anyhow::Result<ExitCode> {
    let ConnectorCommand::New { name, path, loquat } = command;
    let folder = path.clone().unwrap_or_else(|| PathBuf::from(format!("loquat-{name}")));
    let files = files(name, &found(loquat.as_deref())?);
    let is_free = fs::read_dir(&folder).map_or(!folder.exists(), |mut entries| entries.next().is_none());
    ensure!(
        is_free,
        "{} is there already and not empty; remove it, or name another folder with `--path`",
        folder.display()
    );
    let mut out = anstream::stdout();
    for (file, text) in files {
        let path = folder.join(file);
        let written =
            fs::create_dir_all(path.parent().unwrap_or(&folder)).and_then(|()| fs::write(&path, text));
        written.with_context(|| format!("{} cannot be written", path.display()))?;
        writeln!(out, "wrote {}", path.display())?;
    }
    writeln!(out, "\nIt works as it is; try it:\n\n  cd {}\n  cargo test", folder.display())?;
    Ok(ExitCode::SUCCESS)
}

/// The clone of Loquat, from its root.
fn found(loquat: Option<&Path>) -> anyhow::Result<PathBuf> {
    let folder = loquat.unwrap_or(Path::new("."));
    ensure!(
        ["contract", "conformance"].iter().all(|part| folder
            .join("core")
            .join(part)
            .join("Cargo.toml")
            .is_file()),
        "{} is no clone of Loquat: it has no core/contract and core/conformance, which a connector is built with; \
         clone Loquat, and name its folder with `--loquat DIR`",
        if loquat.is_some() { folder.display().to_string() } else { "this folder".to_owned() }
    );
    folder.canonicalize().with_context(|| format!("{} cannot be read", folder.display()))
}

/// The files of the new crate: where each goes, and what it says.
fn files(name: &str, loquat: &Path) -> Vec<(&'static str, String)> {
    let part =
        |part: &str| toml::Value::from(loquat.join("core").join(part).display().to_string()).to_string();
    // The folders last: no part of them is to be renamed.
    let manifest = renamed(MANIFEST, name)
        .replace("CONTRACT", &part("contract"))
        .replace("CONFORMANCE", &part("conformance"));
    let formatting = include_str!("../../../../rustfmt.toml").to_owned();
    let own =
        [("Cargo.toml", manifest), (".gitignore", "/target\n".to_owned()), ("rustfmt.toml", formatting)];
    let copied = |(file, text): &(&'static str, &str)| (*file, renamed(&without_scorecard(text), name));
    own.into_iter().chain(SKELETON.iter().map(copied)).collect()
}

/// The text without the example's scorecard: the new crate has not earned one yet. Its first `cargo test` puts it there.
fn without_scorecard(text: &str) -> String {
    let [begin, end] = ["<!-- conformance -->\n", "<!-- /conformance -->"];
    match text.split_once(begin).and_then(|(before, rest)| Some((before, rest.split_once(end)?.1))) {
        Some((before, after)) => format!("{before}{begin}{end}{after}"),
        None => text.to_owned(),
    }
}

/// The text with `name` in place of “postbox”, written as what stands there is: a module, a type, a constant, else a name.
fn renamed(text: &str, name: &str) -> String {
    let snake = name.replace('-', "_");
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    let camel: String = name.split('-').map(capital).collect();
    text.replace("loquat_postbox", &format!("loquat_{snake}"))
        .replace("Postbox", &camel)
        .replace("POSTBOX", &snake.to_uppercase())
        .replace("postbox", name)
}

#[cfg(test)]
mod tests;
