//! The workspace keeps its own rules: headers, lengths, the direction of dependencies, no hosts in code, no orphaned files.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use loquat_tests::root;
use serde_json::Value;

/// A file that is longer is asking to be split.
const LONGEST: usize = 500;

/// The hosts of registries and hubs, in halves so that this file does not name them either.
const HOSTS: [[&str; 2]; 5] = [
    ["pypi", ".org"],
    ["pythonhosted", ".org"],
    ["registry.npmjs", ".org"],
    ["huggingface", ".co"],
    ["crates", ".io"],
];

/// What belongs to few packages.
const OWNED: [(&str, &[&str]); 5] = [
    ("sled", &["loquat-store"]),
    ("ort", &["loquat-inference"]),
    (
        "axum",
        &[
            "loquat-web",
            "loquat-openai",
            "loquat-admin",
            "loquat-telegram",
            "loquat-fake-discord",
            "loquat-fake-telegram",
        ],
    ),
    ("serenity", &["loquat-discord"]),
    ("teloxide-core", &["loquat-telegram"]),
];

/// What stands beside the connectors and is none: it answers requests, and receives and delivers nothing of its own.
const NO_CONNECTORS: [&str; 4] = ["host", "openai", "admin", "webhook"];

/// What each package may use of the others: `None` is anything.
const MAY_USE: [(&str, Option<&[&str]>); 34] = [
    ("loquat-contract", Some(&[])),
    ("loquat-artifacts", Some(&[])),
    ("loquat-eval", Some(&["loquat-contract"])),
    ("loquat-export", Some(&[])),
    ("loquat-finetune", Some(&[])),
    ("loquat-prepare", Some(&["loquat-contract"])),
    ("loquat-report", Some(&[])),
    ("loquat-train", None),
    ("loquat-mapped", Some(&[])),
    ("loquat-store", Some(&[])),
    ("loquat-text", Some(&[])),
    ("loquat-inference", Some(&["loquat-contract"])),
    ("loquat-dialogue", Some(&["loquat-contract", "loquat-retrieve", "loquat-text"])),
    ("loquat-journal", Some(&["loquat-contract"])),
    ("loquat-dispatch", Some(&["loquat-contract"])),
    ("loquat-conformance", Some(&["loquat-contract", "loquat-dispatch", "loquat-journal"])),
    ("loquat-terms", Some(&["loquat-contract", "loquat-text"])),
    ("loquat-kg", Some(&["loquat-contract", "loquat-mapped", "loquat-store", "loquat-terms", "loquat-text"])),
    ("loquat-retrieve", Some(&["loquat-contract", "loquat-text"])),
    ("loquat-sparql", Some(&["loquat-contract", "loquat-terms", "loquat-text"])),
    ("loquat-terminal", Some(&["loquat-contract"])),
    ("loquat-web", Some(&["loquat-contract"])),
    ("loquat-openai", Some(&["loquat-contract"])),
    ("loquat-irc", Some(&["loquat-contract"])),
    ("loquat-discord", Some(&["loquat-contract"])),
    ("loquat-telegram", Some(&["loquat-contract"])),
    ("loquat-admin", Some(&["loquat-contract"])),
    ("loquat-webhook", Some(&["loquat-contract"])),
    ("loquat-postbox", Some(&["loquat-contract"])),
    ("loquat", None),
    // What stands in for a platform knows nothing of the bot.
    ("loquat-packages", Some(&[])),
    ("loquat-fake-discord", Some(&[])),
    ("loquat-fake-telegram", Some(&[])),
    ("loquat-tests", None),
];

/// The files of the workspace that end like this, built and fetched ones left out.
fn files(endings: &[&str]) -> Vec<PathBuf> {
    let mut folders = vec![root()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                let skipped = name.starts_with('.') || matches!(name, "target" | "node_modules" | "shared");
                if !skipped {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

/// The workspace's packages: name → the names of what they depend on, tests and examples aside.
fn packages() -> BTreeMap<String, Vec<String>> {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let uses = |package: &Value| {
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        dependencies.filter(|dependency| dependency["kind"] != "dev").map(name).collect()
    };
    metadata["packages"].as_array().unwrap().iter().map(|package| (name(package), uses(package))).collect()
}

#[test]
fn every_source_file_says_what_it_is_for_and_is_short() {
    let sources = files(&[".rs"]);
    assert!(sources.len() > 100, "the search itself works");
    let mut problems = Vec::new();
    for path in sources {
        let text = fs::read_to_string(&path).unwrap();
        if !text.starts_with("//! ") {
            problems.push(format!("{} does not open with `//!`", shown(&path)));
        }
        let lines = text.lines().count();
        if lines > LONGEST {
            problems.push(format!("{} has {lines} lines", shown(&path)));
        }
        if path.ends_with("mod.rs") {
            problems.push(format!("{}: name it after its folder", shown(&path)));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn dependencies_point_one_way() {
    let packages = packages();
    let ours: Vec<&String> = packages.keys().collect();
    let mut problems = Vec::new();
    for (name, uses) in &packages {
        let Some((_, allowed)) = MAY_USE.iter().find(|(known, _)| known == name) else {
            problems.push(format!("{name} is new: say in tests/tests/tidy.rs what it may use"));
            continue;
        };
        let Some(allowed) = allowed else { continue };
        let own = uses.iter().filter(|used| ours.contains(used));
        problems.extend(
            own.filter(|used| !allowed.contains(&used.as_str())).map(|used| format!("{name} uses {used}")),
        );
    }
    for (crate_name, owners) in OWNED {
        let users = packages.iter().filter(|(_, uses)| uses.iter().any(|used| used == crate_name));
        let users: Vec<&str> = users.map(|(name, _)| name.as_str()).collect();
        if users.iter().any(|user| !owners.contains(user)) || users.is_empty() {
            problems.push(format!("{crate_name} is for {owners:?} alone; it is used by {users:?}"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn no_registry_is_named_in_code() {
    let hosts = HOSTS.map(|parts| parts.concat());
    let mut problems = Vec::new();
    // `deny.toml` is there to say which registries dependencies may come from.
    for path in files(&[".rs", ".toml"]).iter().filter(|path| !path.ends_with("deny.toml")) {
        let text = fs::read_to_string(path).unwrap();
        for (number, line) in (1..).zip(text.lines()) {
            if let Some(host) = hosts.iter().find(|host| line.contains(host.as_str())) {
                problems.push(format!("{}:{number} names {host}", shown(path)));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_lexicon_is_in_use() {
    let code = fs::read_to_string(root().join("core/dialogue/src/lexicon.rs")).unwrap();
    let folder = root().join("core/dialogue/lexicon");
    let names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    assert!(!names.is_empty());
    for name in names {
        assert!(code.contains(&format!("include_str!(\"../lexicon/{name}\")")), "{name} is in no build");
    }
}

#[test]
fn every_package_keeps_the_workspaces_lints() {
    for path in files(&["Cargo.toml"]) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.contains("[workspace]") || text.contains("[lints]\nworkspace = true"),
            "{} does not",
            shown(&path)
        );
    }
}

#[test]
fn every_connector_runs_the_conformance_kit() {
    for entry in fs::read_dir(root().join("connectors")).unwrap() {
        let folder = entry.unwrap().path();
        if NO_CONNECTORS.iter().any(|name| folder.ends_with(name)) || !folder.is_dir() {
            continue;
        }
        let code = fs::read_to_string(folder.join("src/tests/conformance.rs"));
        let code = code.unwrap_or_else(|_| panic!("{} has no src/tests/conformance.rs", shown(&folder)));
        assert!(code.contains("loquat_conformance::conformance!("), "{} does not run it", shown(&folder));
        let readme = fs::read_to_string(folder.join("README.md")).unwrap();
        assert!(readme.contains("checks passed.") && !readme.contains("**failed**"), "{}", shown(&folder));
    }
}
