//! `loquat connector new` as somebody uses it: what it writes builds by itself, conforms, and passes its tests, without a network.

use std::fs;
use std::path::Path;
use std::process::Command;

use loquat_tests::program::{User, finish};
use loquat_tests::root;

/// `cargo test` in the folder, as its owner would run it: nothing of what cargo tells these tests is left in it.
fn cargo_test(package: &Path, target: &Path) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    for (name, _) in std::env::vars_os() {
        let known = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "LOQUAT_"].iter().any(|prefix| known.starts_with(prefix)) {
            cargo.env_remove(&name);
        }
    }
    cargo.args(["test", "--offline"]).current_dir(package);
    // Built once and kept; without what only a debugger reads, it is built faster.
    cargo.env("CARGO_TARGET_DIR", target).env("CARGO_PROFILE_DEV_DEBUG", "0");
    cargo
}

#[test]
fn a_new_connector_builds_and_conforms_and_is_not_overwritten() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("connector-new");
    let package = folder.join("loquat-pigeon");
    if package.exists() {
        fs::remove_dir_all(&package).unwrap();
    }
    let user = User::on_a_fresh_machine().unwrap();
    let (path, loquat) = (package.display().to_string(), root().display().to_string());
    let new = ["connector", "new", "pigeon", "--path", &path, "--loquat", &loquat];
    let ran = user.run(new).unwrap();
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out.contains(&format!("wrote {path}/src/lib.rs\n")), "{}", ran.out);
    assert!(ran.out.ends_with(&format!("  cd {path}\n  cargo test\n")), "{}", ran.out);

    let again = user.run(new).unwrap();
    assert_eq!(again.code, Some(1), "{}", again.out);
    assert!(again.err.contains("--path"), "{}", again.err);

    let readme = || fs::read_to_string(package.join("README.md")).unwrap();
    assert!(readme().contains("<!-- conformance -->\n<!-- /conformance -->"), "it claims no scorecard yet");

    // The versions that this workspace is built with are on this machine.
    fs::copy(root().join("Cargo.lock"), package.join("Cargo.lock")).unwrap();
    let tested = finish(cargo_test(&package, &folder.join("target")), "").unwrap();
    assert_eq!(tested.code, Some(0), "{}\n{}", tested.out, tested.err);
    assert!(tested.out.contains("test tests::conformance::conformance ... ok"), "{}", tested.out);
    // The same card as that of the example that it is a copy of.
    let card = |readme: &str| {
        let (_, card) = readme.split_once("<!-- conformance -->").unwrap();
        card.split_once("<!-- /conformance -->").unwrap().0.to_owned()
    };
    let example = fs::read_to_string(root().join("examples/connector/README.md")).unwrap();
    assert!(card(&example).contains(" checks passed."), "{example}");
    assert_eq!(card(&readme()), card(&example));
}

#[test]
fn a_name_that_cannot_be_and_a_folder_without_loquat_are_refused() {
    let user = User::on_a_fresh_machine().unwrap();
    let ran = user.run(["connector", "new", "Pigeon"]).unwrap();
    assert_eq!(ran.code, Some(2), "{}", ran.out);
    assert!(ran.err.contains("lower-case"), "{}", ran.err);
    let ran = user.run(["connector", "new", "pigeon"]).unwrap();
    assert_eq!(ran.code, Some(1), "{}", ran.out);
    assert!(ran.err.contains("clone Loquat") && ran.err.contains("--loquat"), "{}", ran.err);
    assert!(!user.path("loquat-pigeon").exists());
}
