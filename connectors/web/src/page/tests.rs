//! The files: their size, what they may do, and how browsers keep them.

use axum::http::{HeaderName, StatusCode, header};
use http_body_util::BodyExt;

use super::files::{MODULES, SOURCES};
use super::*;

/// What the widget may weigh, packed; the issue of the web chat sets it.
const LARGEST: usize = 40 * 1024;

fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
}

fn scripts() -> impl Iterator<Item = &'static File> {
    FILES.all().iter().filter(|file| file.name.ends_with(".js"))
}

fn folder() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("page")
}

#[test]
fn the_widget_is_small() {
    let sizes: Vec<_> = scripts().map(|file| (&file.name, file.packed.len())).collect();
    let total: usize = sizes.iter().map(|(_, size)| size).sum();
    assert!(sizes.len() == 4 && total > 10_000, "{sizes:?}");
    assert!(total <= LARGEST, "{total} bytes: {sizes:?}");
    println!("{total} bytes of gzip: {sizes:?}");
}

#[test]
fn what_is_packed_is_the_same() {
    for file in FILES.all() {
        let mut plain = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(file.packed.as_slice()), &mut plain)
            .unwrap();
        assert_eq!(plain, file.content, "{}", file.name);
    }
}

#[test]
fn every_file_of_the_folder_is_served() {
    let known: Vec<_> = MODULES.iter().chain(&SOURCES).map(|(name, _)| *name).collect();
    let mut seen = 0;
    for place in [folder(), folder().join("words")] {
        for path in
            std::fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file())
        {
            let name = path.strip_prefix(folder()).unwrap().to_str().unwrap().to_owned();
            assert!(known.contains(&name.as_str()), "{name} is in the folder, and is not served");
            seen += 1;
        }
    }
    assert_eq!(seen, known.len());
}

#[test]
fn the_modules_can_be_one() {
    let mut names = std::collections::HashSet::from(["styles"]);
    let mut before = vec!["style.js".to_owned()];
    for (module, content) in MODULES {
        for line in content.lines() {
            let import = line.strip_prefix("import ");
            if let Some(from) = import.and_then(|rest| rest.split("from \"./").nth(1)) {
                let from = from.strip_suffix("\";").unwrap();
                assert!(before.iter().any(|name| name == from), "{module} imports {from}, which comes later");
            }
            assert!(
                import.is_none_or(|rest| rest.ends_with("\";") && !rest.contains(" as ")),
                "{module}: {line}"
            );
            assert!(line.matches('`').count() % 2 == 0, "{module} has a text over lines: {line}");
            assert!(!line.starts_with("export {") && !line.starts_with("export default"), "{module}: {line}");
        }
        for name in join::names(content) {
            assert!(names.insert(name), "{module} has {name}, and so has a module before it");
        }
        before.push(module.to_owned());
    }
    assert!(names.len() > 60);
}

#[test]
fn comments_and_indentation_are_left_out() {
    let modules = [
        "// What.\nimport { b } from \"./b.js\";\n\n/** A. */\nexport function a() {\n  // Why.\n  return \"// no /* comment\";\n}\n",
        "/*\n * More.\n */\nexport const c = 1;",
    ];
    assert_eq!(join::joined(modules), "function a() {\nreturn \"// no /* comment\";\n}\nconst c = 1;\n");
}

#[test]
fn no_text_can_become_markup_and_no_other_host_is_asked() {
    let forbidden = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "srcdoc",
        "cookie",
    ];
    for file in FILES.all().iter().filter(|file| file.name.ends_with(".js") || file.name.ends_with(".html")) {
        let text = std::str::from_utf8(&file.content).unwrap();
        for word in forbidden {
            assert!(!text.contains(word), "{} has {word}", file.name);
        }
        let addresses =
            text.match_indices("://").map(|(at, _)| &text[at.saturating_sub(5)..(at + 20).min(text.len())]);
        let foreign: Vec<_> =
            addresses.filter(|at| !at.contains("//www.w3.org") && !at.contains("…/widget.js")).collect();
        assert!(foreign.is_empty(), "{} names {foreign:?}", file.name);
    }
}

#[test]
fn languages_have_the_same_keys() {
    let keys = |name: &str| -> Vec<String> {
        let file = FILES.find(name).unwrap();
        let words: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(&file.content).unwrap();
        // Chinese has one form of the plural.
        words.keys().filter(|key| !key.ends_with(".one")).cloned().collect()
    };
    let english = keys("words/en.json");
    assert_eq!(english, keys("words/zh.json"));
    let text: String = MODULES.iter().map(|(_, content)| *content).collect();
    for key in english.iter().filter(|key| !["language", "name", "direction"].contains(&key.as_str())) {
        let stem = key.split('.').next().unwrap();
        let is_used = [
            format!("words(\"{stem}\""),
            format!("words(`{stem}."),
            format!("? \"{stem}\" :"),
            format!(": \"{stem}\")"),
        ]
        .iter()
        .any(|use_of| text.contains(use_of.as_str()));
        assert!(is_used, "nothing says {key}");
    }
}

#[tokio::test]
async fn a_version_is_kept_for_good_and_other_files_are_asked_for_again() {
    let asked =
        |name: &str, version: &str| asset(Path((version.to_owned(), name.to_owned())), HeaderMap::new());
    let now = asked("loquat.js", &FILES.version).await;
    assert_eq!(now.headers()[header::CACHE_CONTROL], FOR_GOOD);
    assert_eq!(asked("loquat.js", "0123456789ab").await.headers()[header::CACHE_CONTROL], ASK_AGAIN);
    assert_eq!(asked("../Cargo.toml", &FILES.version).await.status(), StatusCode::NOT_FOUND);
    let page = named("index.html", &HeaderMap::new());
    assert_eq!(page.headers()[header::CACHE_CONTROL], ASK_AGAIN);
    let page = String::from_utf8(page.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
    assert!(page.contains(&format!("assets/{}/loquat.js", FILES.version)) && !page.contains('{'), "{page}");
}

#[tokio::test]
async fn a_file_that_the_browser_has_is_not_sent_again() {
    let whole = named("widget.js", &headers(&[(header::ACCEPT_ENCODING, "br, gzip")]));
    assert_eq!(whole.headers()[header::CONTENT_ENCODING], "gzip");
    let tag = whole.headers()[header::ETAG].to_str().unwrap().to_owned();
    let again =
        headers(&[(header::ACCEPT_ENCODING, "gzip"), (header::IF_NONE_MATCH, &format!("\"x\", W/{tag}"))]);
    let again = named("widget.js", &again);
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert!(again.into_body().collect().await.unwrap().to_bytes().is_empty());
    // Without gzip it is another representation, with a tag of its own.
    let plain = headers(&[(header::ACCEPT_ENCODING, "gzip;q=0"), (header::IF_NONE_MATCH, &tag)]);
    let plain = named("widget.js", &plain);
    assert_eq!(plain.status(), StatusCode::OK);
    assert!(!plain.headers().contains_key(header::CONTENT_ENCODING));
    assert!(plain.into_body().collect().await.unwrap().to_bytes().starts_with(b"(() =>"));
}
