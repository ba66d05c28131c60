//! On a real Oxigraph server, out of its Python wheel. Prints `SKIPPED` where there is no wheel for the platform.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "what a test cannot do without fails it")]

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use loquat_artifacts::{Artifact, Cache, Pin, Silent, Source, WheelTarget, ensure};
use loquat_contract::testing::knowledge;
use loquat_contract::{EntityId, Fact, Knowledge, Language, Mention, Value};
use loquat_kg::{Graph, ImportOptions};
use loquat_sparql::{Config, SparqlGraph};
use tempfile::{TempDir, tempdir};

/// No test measures time; this only ends one that hangs.
const PATIENCE: Duration = Duration::from_secs(60);

static STARTING: Mutex<()> = Mutex::new(());

/// The server (MIT or Apache-2.0), pinned.
fn artifact() -> Option<Artifact> {
    if (std::env::consts::OS, std::env::consts::ARCH) != ("linux", "x86_64") {
        println!("SKIPPED: the server's wheel is pinned for Linux on x86-64 alone");
        return None;
    }
    let pin = |file: &str, sha256: &str, bytes| Pin { file: file.into(), sha256: sha256.into(), bytes };
    Some(Artifact {
        name: "Oxigraph 0.5.13".into(),
        folder: "oxigraph/0.5.13-linux-x86_64".into(),
        source: Source::Pip {
            package: "oxigraph".into(),
            version: "0.5.13".into(),
            target: Some(WheelTarget {
                implementation: "py".into(),
                platform: "manylinux_2_28_x86_64".into(),
            }),
            wheel: pin(
                "oxigraph-0.5.13-py3-none-manylinux_2_28_x86_64.whl",
                "dbb295a905adda409f18ce154b1353d07d20954ca3ea65dc546fc153c95c2c05",
                8_631_352,
            ),
            member: "oxigraph-0.5.13.data/scripts/oxigraph".into(),
            contents: pin(
                "oxigraph",
                "05f54af6d7ebd73888a600bcf25017ef304c51726428f6dae10d32e9185618be",
                22_221_832,
            ),
            beside: Vec::new(),
        },
        own_copy: None,
    })
}

/// A server that ends with its last use.
struct Oxigraph {
    process: Child,
    config: Config,
    base: String,
    _folder: TempDir,
}

impl Drop for Oxigraph {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _ended = self.process.wait();
    }
}

impl Oxigraph {
    fn start() -> Option<Self> {
        // One at a time: a program that another thread's new process has still open for writing cannot be started.
        let starting = STARTING.lock().unwrap();
        let cached = ensure(&artifact()?, &Cache::from_env().unwrap(), &Silent).unwrap();
        let folder = tempdir().unwrap();
        let program = executable(&cached, folder.path());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new(program)
            .args(["serve", "--location"])
            .arg(folder.path().join("data"))
            .args(["--bind", &format!("127.0.0.1:{port}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        drop(starting);
        let base = format!("http://127.0.0.1:{port}");
        let config = Config { endpoint: Some(format!("{base}/query")), cache_s: 0, ..Config::default() };
        let server = Self { process, config, base, _folder: folder };
        let begun = Instant::now();
        while let Err(error) = SparqlGraph::probe(&server.config) {
            assert!(begun.elapsed() < PATIENCE, "{error}");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(server)
    }

    /// Puts triples into the default graph, or a named one.
    fn load(&self, graph: Option<&str>, turtle: &str) {
        let address = match graph {
            Some(graph) => format!("{}/store?graph={graph}", self.base),
            None => format!("{}/store?default", self.base),
        };
        ureq::post(&address).content_type("text/turtle").send(turtle).unwrap();
    }

    /// A connection; it blocks, so it is made on a thread that may.
    async fn connect(&self, config: Config) -> SparqlGraph {
        tokio::task::spawn_blocking(move || SparqlGraph::connect(&config)).await.unwrap().unwrap()
    }
}

#[cfg(unix)]
fn executable(cached: &Path, folder: &Path) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let program = folder.join("oxigraph");
    std::fs::copy(cached, &program).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    program
}

#[cfg(not(unix))]
fn executable(cached: &Path, _folder: &Path) -> std::path::PathBuf {
    cached.to_owned()
}

#[tokio::test]
async fn it_keeps_the_promises_of_every_graph() {
    let Some(server) = Oxigraph::start() else { return };
    server.load(None, knowledge::TURTLE);
    let graph = server.connect(server.config.clone()).await;
    knowledge::keeps_its_promises(&graph).await.unwrap();
    // The same with everything remembered, the second time round.
    let graph = server.connect(Config { cache_s: 300, ..server.config.clone() }).await;
    knowledge::keeps_its_promises(&graph).await.unwrap();
    knowledge::keeps_its_promises(&graph).await.unwrap();

    // A named graph is one of its own.
    let name = "http://example.com/other";
    server.load(Some(name), "<http://example.com/x> <http://example.com/p> <http://example.com/bt> .");
    let graph = server.connect(Config { graph: Some(name.into()), ..server.config.clone() }).await;
    assert_eq!(graph.schema().predicates.len(), 1);
    assert!(graph.link("Bhutan").await.unwrap().is_empty());
    assert_eq!(graph.facts(&EntityId::from("http://example.com/x"), 9).await.unwrap().len(), 1);
}

const PAGES: &str = r#"@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
<https://guide.example/> rdfs:label "travel guide"@en ;
    <https://guide.example/homepage> <https://guide.example/start> ;
    <https://guide.example/publisher> <https://publisher.example/> .
<https://press.example/> <https://guide.example/printer> <https://imprimeur.example/> .
<https://imprimeur.example/> rdfs:label "l'imprimeur"@fr .
<https://guide.example/start> a <https://schema.example/WebPage> .
<https://publisher.example/> rdfs:label "the publisher"@en .
"#;

#[tokio::test]
async fn it_says_the_same_of_the_world_as_the_embedded_graph() {
    let Some(server) = Oxigraph::start() else { return };
    let folder = tempdir().unwrap();
    let world = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/world/world.ttl");
    let pages = folder.path().join("pages.ttl");
    // An address of which only a class without a name is told, and ones that are entities, of which one has a name in no
    // language that is spoken here.
    std::fs::write(&pages, PAGES).unwrap();
    let embedded = Graph::open(folder.path().join("graph")).unwrap();
    for file in [&world, &pages] {
        server.load(None, &std::fs::read_to_string(file).unwrap());
        embedded.import(file, &ImportOptions::default(), |_| {}).unwrap();
    }
    let remote = server.connect(Config { cache_s: 300, ..server.config.clone() }).await;

    let ids = |graph: &dyn Knowledge| {
        graph.schema().predicates.iter().map(|p| p.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&remote), ids(&embedded));
    let told = |facts: Vec<Fact>| {
        let english = Language::english();
        let line = |fact: &Fact| {
            // A store may give a number back in another form, as 38394 for 38394.0; it is the same fact.
            let object = match &fact.object {
                Value::Number { value, .. } => value.to_string(),
                object => object.text(&english),
            };
            let subject = fact.subject.label(&english);
            format!("{} {subject} {} {object}", fact.id, fact.predicate.id)
        };
        facts.iter().map(line).collect::<BTreeSet<_>>()
    };
    let spans = |mentions: &[Mention]| {
        let span = |m: &Mention| (m.range.clone(), m.candidates[0].entity.id.clone());
        mentions.iter().map(span).collect::<Vec<_>>()
    };
    for text in [
        "What is the capital of Bhutan?",
        "中国的人口是多少？",
        "Does Switzerland border France?",
        "the euro",
        "the travel guide",
    ] {
        let (here, there) = (embedded.link(text).await.unwrap(), remote.link(text).await.unwrap());
        assert!(!here.is_empty());
        assert_eq!(spans(&there), spans(&here), "{text}");
        for mention in &here {
            let entity = &mention.candidates[0].entity.id;
            let here = told(embedded.facts(entity, 500).await.unwrap());
            let there = told(remote.facts(entity, 500).await.unwrap());
            assert!(here.len() > 1);
            let missing: Vec<_> = here.difference(&there).collect();
            let more: Vec<_> = there.difference(&here).collect();
            assert!(missing.is_empty() && more.is_empty(), "{entity}: {missing:#?} {more:#?}");
        }
    }
    // What has a name in French alone is called by its id there, and is an entity all the same.
    let cited = |facts: Vec<Fact>| facts.iter().map(|fact| fact.id.to_string()).collect::<Vec<_>>();
    let press = EntityId::from("https://press.example/");
    let here = cited(embedded.facts(&press, 9).await.unwrap());
    assert_eq!((here.len(), cited(remote.facts(&press, 9).await.unwrap())), (1, here));
}

#[tokio::test]
async fn a_change_is_seen_after_its_time() {
    let Some(server) = Oxigraph::start() else { return };
    server.load(None, "<http://example.com/a> <http://example.com/p> 1 .");
    let graph = server.connect(Config { schema_s: 1, ..server.config.clone() }).await;
    let before = graph.schema();
    assert_eq!(before.predicates.len(), 1);
    server.load(None, "<http://example.com/a> <http://example.com/q> 2 .");
    let begun = Instant::now();
    while graph.schema().generation == before.generation {
        assert!(begun.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(graph.schema().predicates.len(), 2);
}
