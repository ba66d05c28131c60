//! What names are taken, and whether a new crate has everything. That it builds and passes its tests is tried in
//! `tests/tests/connector_new.rs`.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::*;

/// Loquat's own folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(file: &str) -> Table {
    fs::read_to_string(root().join(file)).unwrap().parse().unwrap()
}

#[test]
fn a_name_is_one_that_a_crate_and_a_type_can_have() {
    for name in ["pigeon", "x", "my-chat", "mail2-go"] {
        assert_eq!(connector_name(name).as_deref(), Ok(name));
    }
    for name in
        ["", "Pigeon", "2go", "-a", "a-", "a--b", "a_b", "a b", "a/b", "naïve", "contract", "my-postbox"]
    {
        assert!(connector_name(name).is_err(), "{name}");
    }
}

#[test]
fn each_kind_of_name_is_written_as_such() {
    let text =
        "use loquat_postbox::PostboxIngress; // POSTBOX_ADDRESS, postbox.address, loquat-postbox, Postbox";
    let expected =
        "use loquat_my_chat::MyChatIngress; // MY_CHAT_ADDRESS, my-chat.address, loquat-my-chat, MyChat";
    assert_eq!(renamed(text, "my-chat"), expected);
}

#[test]
fn every_file_of_the_example_is_in_the_new_crate() {
    let example = root().join("examples/connector").canonicalize().unwrap();
    let (mut folders, mut there) = (vec![example.clone()], BTreeSet::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    there.insert(path.strip_prefix(&example).unwrap().display().to_string());
                }
            }
        }
    }
    there.extend([".gitignore", "rustfmt.toml"].map(str::to_owned));
    let files = files("pigeon", Path::new("/loquat"));
    assert_eq!(files.iter().map(|(file, _)| (*file).to_owned()).collect::<BTreeSet<_>>(), there);
    for (file, text) in files {
        assert!(!text.to_lowercase().contains("postbox"), "{file} still has the old name");
        assert!(!text.contains("checks passed"), "{file} claims what was not tried");
    }
}

#[test]
fn the_new_crate_has_the_examples_dependencies_in_the_workspaces_versions() {
    let (workspace, example) = (read("Cargo.toml"), read("examples/connector/Cargo.toml"));
    let known = &workspace["workspace"]["dependencies"];
    let manifest: Table = files("pigeon", Path::new("/a \"b\""))[0].1.parse().unwrap();
    for key in ["edition", "rust-version"] {
        assert_eq!(manifest["package"][key], workspace["workspace"]["package"][key], "{key}");
    }
    for kind in ["dependencies", "dev-dependencies"] {
        let (own, expected) = (manifest[kind].as_table().unwrap(), example[kind].as_table().unwrap());
        assert_eq!(own.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        for (name, wanted) in own {
            if let Some(part) = name.strip_prefix("loquat-") {
                assert_eq!(wanted["path"].as_str(), Some(format!("/a \"b\"/core/{part}").as_str()));
                continue;
            }
            assert_eq!(version(wanted), version(&known[name]), "{name}");
            let missing: Vec<_> =
                features(wanted).into_iter().filter(|one| !features(&known[name]).contains(one)).collect();
            assert!(missing.is_empty(), "{name}: the workspace is without {missing:?}");
        }
    }
}

fn version(dependency: &Value) -> &str {
    dependency.as_str().or_else(|| dependency.get("version")?.as_str()).unwrap()
}

fn features(dependency: &Value) -> Vec<&str> {
    let features = dependency.get("features").and_then(Value::as_array);
    features.into_iter().flatten().filter_map(Value::as_str).collect()
}
