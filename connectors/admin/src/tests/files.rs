//! The page's files: all there, and nothing in them that its policy would refuse, or that could make markup of text.

use std::collections::BTreeSet;
use std::path::Path;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use tower::ServiceExt;

use super::text;
use crate::page;

async fn file(path: &str) -> (StatusCode, axum::http::HeaderMap, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = page().oneshot(request).await.unwrap();
    (response.status(), response.headers().clone(), text(response).await)
}

#[tokio::test]
async fn every_file_is_served_under_a_policy_that_lets_nothing_else_run() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("page");
    let mut sources = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let path = if name == "index.html" { "/".to_owned() } else { format!("/{name}") };
        let (status, headers, content) = file(&path).await;
        assert_eq!(status, StatusCode::OK, "{name} is not served");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';") && !policy.contains("unsafe"));
        assert_eq!(headers["x-frame-options"], "DENY");
        sources.push((name, content));
    }
    let names: BTreeSet<&str> = sources.iter().map(|(name, _)| name.as_str()).collect();
    for (name, content) in &sources {
        for forbidden in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "://"] {
            // A namespace of drawings is no address that is asked.
            let content = content.replace("http://www.w3.org/2000/svg", "");
            assert!(!content.contains(forbidden), "{name} has {forbidden}");
        }
        if name.ends_with(".js") {
            let imported = content.lines().filter_map(|line| line.split(" from \"./").nth(1));
            for imported in imported.filter_map(|rest| rest.split('"').next()) {
                assert!(names.contains(imported), "{name} imports {imported}");
            }
        }
        if name.ends_with(".html") {
            assert!(!content.contains("style=") && !content.contains("<style") && !content.contains(" on"));
            assert!(
                content.matches("<script").count() == content.matches("<script type=\"module\" src=").count()
            );
        }
    }
}
