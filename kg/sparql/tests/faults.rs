//! Endpoints that fail: each failure is told apart, in time, with what to do. No secret is shown.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use loquat_contract::Knowledge;
use loquat_sparql::{Config, SparqlError, SparqlGraph};

/// Answers each request with what `answer` makes of its number and its text; it ends with the process.
fn endpoint(
    answer: impl Fn(usize, &str, &mut TcpStream) + Send + Sync + 'static,
) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/query", listener.local_addr().unwrap());
    let (answer, asked) = (Arc::new(answer), Arc::new(AtomicUsize::new(0)));
    let counter = asked.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (answer, counter) = (answer.clone(), counter.clone());
            std::thread::spawn(move || {
                let request = request(&mut stream);
                answer(counter.fetch_add(1, Ordering::SeqCst), &request, &mut stream);
            });
        }
    });
    (address, asked)
}

/// Reads a request with its body.
fn request(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut buffer = [0; 65536];
    loop {
        let read = stream.read(&mut buffer).unwrap_or_default();
        text.push_str(&String::from_utf8_lossy(&buffer[..read]));
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length = head
                .to_lowercase()
                .lines()
                .find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
            body.len() >= length.unwrap_or_default()
        });
        if whole || read == 0 {
            return text;
        }
    }
}

fn respond(stream: &mut TcpStream, status: &str, headers: &str, body: &str) {
    let length = body.len();
    let text =
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}");
    let _gone = stream.write_all(text.as_bytes());
}

const EMPTY: &str = r#"{"head":{"vars":["s"]},"results":{"bindings":[]}}"#;

fn config(endpoint: String) -> Config {
    Config { endpoint: Some(endpoint), token: Some("hush-hush".into()), timeout_s: 1, ..Config::default() }
}

fn failure(endpoint: String) -> SparqlError {
    let error = SparqlGraph::probe(&config(endpoint)).unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("hush"), "{shown}");
    error
}

#[test]
fn each_failure_says_what_to_do() {
    let (address, _) = endpoint(|_, _, stream| {
        std::thread::sleep(Duration::from_secs(3));
        respond(stream, "200 OK", "", EMPTY);
    });
    let begun = Instant::now();
    assert!(matches!(failure(address), SparqlError::Slow { seconds: 1, .. }));
    assert!(begun.elapsed() < Duration::from_secs(3));

    // A drop now and then is as slow as none.
    let (address, _) = endpoint(|_, _, stream| {
        let _gone =
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{\"head\":{\"vars\":[");
        while stream.write_all(b" ").is_ok() {
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let begun = Instant::now();
    assert!(matches!(failure(address), SparqlError::Slow { .. }));
    assert!(begun.elapsed() < Duration::from_secs(4));

    let (address, _) = endpoint(|_, request, stream| {
        // A server that shows the request's headers in its error.
        respond(stream, "500 Internal Server Error", "", &format!("out of memory\n{request}"));
    });
    let error = failure(address);
    assert!(
        matches!(error, SparqlError::Failed { status: 500, .. })
            && error.to_string().contains("out of memory")
    );

    let (address, _) = endpoint(|_, _, stream| respond(stream, "401 Unauthorized", "", "who?"));
    let error = failure(address).to_string();
    assert!(error.contains("graph.sparql.token"), "{error}");

    for body in [
        "<html>welcome</html>",
        "{\"head\":{\"vars\":[\"s\"]},\"results\":{\"bindings\":[{\"s\"",
        "{}",
        "",
        "null",
    ] {
        let (address, _) = endpoint(move |_, _, stream| respond(stream, "200 OK", "", body));
        let error = failure(address);
        assert!(matches!(error, SparqlError::NotResults { .. }), "{body}: {error}");
    }

    // Cut off in the middle of the body.
    let (address, _) = endpoint(|_, _, stream| {
        let _gone =
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"head\":{\"vars\":[\"s\"]},");
    });
    let error = failure(address);
    assert!(matches!(error, SparqlError::NotResults { .. }), "{error}");

    let (address, asked) =
        endpoint(|_, _, stream| respond(stream, "302 Found", "Location: /query?again=hush\r\n", ""));
    let error = failure(address);
    assert!(matches!(error, SparqlError::Moved { .. }), "{error}");
    assert_eq!(asked.load(Ordering::SeqCst), 1, "a redirect is not followed, so it cannot loop");

    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = failure(format!("http://{closed}/query"));
    assert!(
        matches!(error, SparqlError::Unreachable { .. }) && error.to_string().contains("start it"),
        "{error}"
    );
}

#[test]
fn a_huge_answer_is_cut_off() {
    let (address, _) = endpoint(|_, _, stream| {
        let row = r#"{"s":{"type":"uri","value":"http://example.com/a"}},"#;
        let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"head\":{\"vars\":[\"s\"]},\"results\":{\"bindings\":[");
        while stream.write_all(row.as_bytes()).is_ok() {}
    });
    let config = Config { max_rows: 1000, ..config(address) };
    let error = SparqlGraph::probe(&config).unwrap_err();
    assert!(matches!(&error, SparqlError::TooLarge { limit, .. } if limit == "1000 rows"), "{error}");
}

#[test]
fn a_broken_connection_is_tried_once_more() {
    let (address, asked) = endpoint(|number, request, stream| {
        assert!(
            request.contains("authorization: Bearer hush-hush")
                || request.contains("Authorization: Bearer hush-hush")
        );
        assert!(request.to_lowercase().contains("user-agent: loquat-sparql/"));
        if number > 0 {
            respond(stream, "200 OK", "", EMPTY);
        }
    });
    SparqlGraph::probe(&config(address)).unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 2);

    let (address, asked) = endpoint(|_, _, _| {});
    assert!(matches!(failure(address), SparqlError::Unreachable { .. }));
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_endpoint_that_is_down_is_left_alone() {
    let (address, asked) = endpoint(|number, _, stream| match number {
        0 => respond(stream, "200 OK", "", r#"{"head":{"vars":["p"]},"results":{"bindings":[]}}"#),
        _ => respond(stream, "503 Service Unavailable", "", "later"),
    });
    let config = config(address);
    let graph = tokio::task::spawn_blocking(move || SparqlGraph::connect(&config)).await.unwrap().unwrap();
    for _ in 0..3 {
        let error = graph.link("Bhutan").await.unwrap_err().to_string();
        assert!(error.contains("503") && error.contains("later"), "{error}");
    }
    let (begun, before) = (Instant::now(), asked.load(Ordering::SeqCst));
    let error = graph.link("Bhutan").await.unwrap_err().to_string();
    assert!(error.contains("asked again in") && error.contains("503"), "{error}");
    assert!(begun.elapsed() < Duration::from_millis(500));
    assert_eq!(asked.load(Ordering::SeqCst), before);
}

#[test]
fn a_refusal_of_the_schema_falls_back_to_what_is_declared() {
    let (address, _) = endpoint(|_, request, stream| {
        if request.contains("GROUP BY ?p") {
            respond(stream, "500 Internal Server Error", "", "too much");
        } else if request.contains("SELECT DISTINCT ?p FROM") || request.contains("SELECT DISTINCT ?p  WHERE")
        {
            let row = r#"{"p":{"type":"uri","value":"http://example.com/capital"}}"#;
            respond(
                stream,
                "200 OK",
                "",
                &format!(r#"{{"head":{{"vars":["p"]}},"results":{{"bindings":[{row}]}}}}"#),
            );
        } else {
            respond(stream, "200 OK", "", r#"{"head":{"vars":["s","p","o"]},"results":{"bindings":[]}}"#);
        }
    });
    let graph = SparqlGraph::connect(&config(address)).unwrap();
    let schema = graph.schema();
    assert_eq!(schema.predicates[0].id.as_str(), "http://example.com/capital");
    assert!(schema.sole_subjects.is_empty() && schema.generation.0 > 0);
}
