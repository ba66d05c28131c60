//! What the files are. In: the folder `page/`, built in. Out: each file as browsers get it, plain and packed, and the version of them
//! all.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::join::{joined, stripped};
use crate::serve::hex;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const JSON: &str = "application/json";
const SVG: &str = "image/svg+xml";

macro_rules! sources {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../page/", $name)))),*]
    };
}

/// The chat's modules, each after those that it imports from.
pub(super) const MODULES: [(&str, &str); 19] = sources![
    "storage.js",
    "element.js",
    "words.js",
    "client.js",
    "stream.js",
    "draft.js",
    "conversation.js",
    "document.js",
    "answer.js",
    "files.js",
    "why.js",
    "graph.js",
    "panel.js",
    "exchange.js",
    "composer.js",
    "export.js",
    "menu.js",
    "chat.js",
    "loquat.js",
];

/// The other files.
pub(super) const SOURCES: [(&str, &str); 7] = sources![
    "icon.svg",
    "index.html",
    "page.css",
    "style.css",
    "widget.js",
    "words/en.json",
    "words/zh.json",
];

/// One file as browsers get it.
pub(super) struct File {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) content: Vec<u8>,
    /// The content by gzip.
    pub(super) packed: Vec<u8>,
    /// The entity tags, with their quotes.
    pub(super) tag: String,
    pub(super) packed_tag: String,
}

impl File {
    fn new(name: String, content: String) -> Self {
        let kind = match name.rsplit('.').next() {
            Some("html") => HTML,
            Some("css") => CSS,
            Some("json") => JSON,
            Some("svg") => SVG,
            _ => SCRIPT,
        };
        let digest = &hex(&Sha256::digest(&content))[..16];
        let (tag, packed_tag) = (format!("\"{digest}\""), format!("\"{digest}-gzip\""));
        Self {
            name,
            kind,
            packed: packed(content.as_bytes()),
            content: content.into_bytes(),
            tag,
            packed_tag,
        }
    }
}

/// Every file.
pub(super) struct Files {
    files: Vec<File>,
    /// Stands for the contents of them all.
    pub(super) version: String,
}

impl Files {
    pub(super) fn read() -> Self {
        let mut digest = Sha256::new();
        MODULES.iter().chain(&SOURCES).for_each(|(_, content)| digest.update(content));
        let version = hex(&digest.finalize())[..12].to_owned();
        let mut files = vec![File::new("loquat.js".to_owned(), chat())];
        for (name, content) in SOURCES {
            if let Some(stem) = name.strip_suffix(".json") {
                files.push(File::new(format!("{stem}.js"), format!("export default {};\n", content.trim())));
            }
            let content = match name {
                "widget.js" => stripped(content),
                _ => content.to_owned(),
            };
            files.push(File::new(name.to_owned(), content.replace("{version}", &version)));
        }
        Self { files, version }
    }

    pub(super) fn find(&self, name: &str) -> Option<&File> {
        self.files.iter().find(|file| file.name == name)
    }

    #[cfg(test)]
    pub(super) fn all(&self) -> &[File] {
        &self.files
    }
}

/// The chat as one module. Its styles are in it: under a strict policy of a site, what a script sets is allowed where `script-src`
/// allows the script.
fn chat() -> String {
    let styles = SOURCES.iter().find(|(name, _)| *name == "style.css").map_or("", |(_, content)| content);
    let styles = format!("const styles = {};", serde_json::json!(stripped(styles)));
    joined(std::iter::once(styles.as_str()).chain(MODULES.iter().map(|(_, content)| *content)))
}

/// By gzip; what cannot be packed, which a vector always can, stays empty.
fn packed(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(content);
    written.and_then(|()| encoder.finish()).unwrap_or_default()
}
