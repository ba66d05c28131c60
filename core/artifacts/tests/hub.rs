//! The hub source against a local server that answers as a hub does: listing, metadata by range, bytes.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests: a failure should stop them")]

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use loquat_artifacts::{Artifact, Cache, Clients, FetchError, HubAccess, HubFiles, Silent, Source, ensure};
use sha2::{Digest as _, Sha256};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const TOKEN: &str = "hf_secretsecret";

/// Files by path, each with the entity tag that the server announces; and the requests it saw.
struct Hub {
    endpoint: String,
    seen: Arc<Mutex<Vec<String>>>,
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn serve(files: BTreeMap<&'static str, (String, Vec<u8>)>, private: bool) -> Hub {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer(stream, &files, private, &log);
        }
    });
    Hub { endpoint, seen }
}

fn answer(
    mut stream: TcpStream,
    files: &BTreeMap<&str, (String, Vec<u8>)>,
    private: bool,
    log: &Mutex<Vec<String>>,
) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(first)) = lines.next() else { return };
    let headers: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let header = |name: &str| {
        headers.iter().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    log.lock().unwrap().push(path.clone());
    let mut reply = |status: &str, extra: &str, body: &[u8]| {
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{extra}\r\n");
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
    };
    if private && header("authorization").as_deref() != Some(&format!("Bearer {TOKEN}")) {
        return reply("401 Unauthorized", "", b"no");
    }
    if path.starts_with("/api/models/owner/model") {
        let siblings: Vec<_> = files.keys().map(|name| format!("{{\"rfilename\":\"{name}\"}}")).collect();
        let body = format!("{{\"sha\":\"{COMMIT}\",\"siblings\":[{}]}}", siblings.join(","));
        return reply("200 OK", "Content-Type: application/json\r\n", body.as_bytes());
    }
    let name = path.strip_prefix(&format!("/owner/model/resolve/{COMMIT}/")).unwrap_or_default();
    let Some((tag, bytes)) = files.get(name) else { return reply("404 Not Found", "", b"") };
    let range = header("range").and_then(|range| {
        let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
        let to = to.parse().unwrap_or(bytes.len() - 1);
        Some((from.parse::<usize>().ok()?, to.min(bytes.len() - 1)))
    });
    let (from, to) = range.unwrap_or((0, bytes.len() - 1));
    let extra = format!(
        "ETag: \"{tag}\"\r\nx-repo-commit: {COMMIT}\r\nContent-Range: bytes {from}-{to}/{}\r\n",
        bytes.len()
    );
    reply("206 Partial Content", &extra, &bytes[from..=to]);
}

fn model() -> BTreeMap<&'static str, (String, Vec<u8>)> {
    let graph = vec![42_u8; 100_000];
    BTreeMap::from([
        ("README.md", ("1".repeat(40), b"read me".to_vec())),
        ("config.json", ("2".repeat(40), b"{}".to_vec())),
        ("onnx/model.onnx", (sha256(&graph), graph)),
    ])
}

fn artifact() -> Artifact {
    Artifact {
        name: "Model".into(),
        folder: "hub/owner--model".into(),
        source: Source::Hub {
            repo: "owner/model".into(),
            revision: "main".into(),
            files: HubFiles::OnnxModel { graph: None },
        },
        own_copy: None,
    }
}

fn cache(folder: &tempfile::TempDir, hub: &Hub, token: Option<&str>) -> Cache {
    let access =
        HubAccess { endpoint: Some(hub.endpoint.clone()), token: token.map(|token| token.to_owned().into()) };
    Cache::at(folder.path()).with_clients(Clients { hub: access, ..Clients::default() })
}

#[test]
fn a_model_folder_comes_with_the_files_of_its_layout() {
    let (folder, hub) = (tempfile::tempdir().unwrap(), serve(model(), false));
    let cache = cache(&folder, &hub, None);
    let path = ensure(&artifact(), &cache, &Silent).unwrap();
    assert_eq!(fs::read(path.join("config.json")).unwrap(), b"{}");
    assert_eq!(fs::read(path.join("onnx/model.onnx")).unwrap(), vec![42_u8; 100_000]);
    assert!(!path.join("README.md").exists());
    let asked = hub.seen.lock().unwrap().len();
    ensure(&artifact(), &cache, &Silent).unwrap();
    assert_eq!(hub.seen.lock().unwrap().len(), asked, "what is there asks for nothing");
}

#[test]
fn a_large_file_with_other_bytes_than_announced_is_refused() {
    let mut files = model();
    files.get_mut("onnx/model.onnx").unwrap().0 = sha256(b"something else");
    let (folder, hub) = (tempfile::tempdir().unwrap(), serve(files, false));
    let error = ensure(&artifact(), &cache(&folder, &hub, None), &Silent).unwrap_err();
    assert!(
        matches!(&error, FetchError::Mismatch { path, .. } if path.contains("onnx/model.onnx")),
        "{error}"
    );
    assert!(!folder.path().join("hub").exists());
}

#[test]
fn a_token_opens_a_private_repository_and_is_shown_nowhere() {
    let (folder, hub) = (tempfile::tempdir().unwrap(), serve(model(), true));
    let refused = ensure(&artifact(), &cache(&folder, &hub, Some("hf_wrongwrong")), &Silent).unwrap_err();
    assert!(refused.to_string().contains("401"), "{refused}");
    assert!(!format!("{refused} {refused:?}").contains("wrongwrong"));
    let cache = cache(&folder, &hub, Some(TOKEN));
    assert!(!format!("{cache:?}").contains("secretsecret"));
    ensure(&artifact(), &cache, &Silent).unwrap();
}

#[test]
fn without_a_hub_the_command_and_the_place_are_named_and_a_folder_put_there_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let hub = Hub { endpoint: format!("http://{closed}"), seen: Arc::default() };
    let cache = cache(&folder, &hub, None);
    let said = ensure(&artifact(), &cache, &Silent).unwrap_err().to_string();
    let place = folder.path().join("hub/owner--model");
    assert!(said.contains("hf download owner/model --revision main"), "{said}");
    assert!(said.contains(&place.display().to_string()), "{said}");

    fs::create_dir_all(&place).unwrap();
    fs::write(place.join("config.json"), "{}").unwrap();
    assert!(ensure(&artifact(), &cache, &Silent).is_err(), "a folder without a graph is no model");
    fs::write(place.join("model.onnx"), "graph").unwrap();
    assert_eq!(ensure(&artifact(), &cache, &Silent).unwrap(), place);
}
