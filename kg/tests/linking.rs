//! Linking through the front door: a graph on disk, text in, mentions and absent names out.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

use loquat_contract::{EntityId, Knowledge};
use loquat_kg::{Graph, ImportOptions};

const FACTS: &str = "\
paris\trdfs:label\tParis
paris\tcountry\tFrance
paris\tpopulation\t2102650
paris\triver\tSeine
paris-texas\trdfs:label\tParis
paris-texas\tstate\tTexas
Dallas\tstate\tTexas
Bhutan\tcapital\tThimphu
";

fn graph() -> (tempfile::TempDir, Graph) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("facts.tsv");
    std::fs::write(&file, FACTS).unwrap();
    let graph = Graph::open(folder.path().join("graph")).unwrap();
    graph.import(&file, &ImportOptions::default(), |_| {}).unwrap();
    (folder, graph)
}

fn meant(graph: &Graph, text: &str, about: &[&str]) -> Vec<String> {
    let about: Vec<EntityId> = about.iter().copied().map(EntityId::from).collect();
    let mentions = graph.linked(text, &about).mentions;
    mentions.iter().map(|mention| mention.candidates[0].entity.id.to_string()).collect()
}

#[tokio::test]
async fn the_conversation_decides_between_namesakes() {
    let (_folder, graph) = graph();
    assert_eq!(meant(&graph, "Where is Paris?", &[]), ["paris"]);
    assert_eq!(meant(&graph, "Where is Paris?", &["Texas"]), ["paris-texas"]);
    // Two facts away: both are in Texas.
    assert_eq!(meant(&graph, "Where is Paris?", &["Dallas"]), ["paris-texas"]);
    assert_eq!(meant(&graph, "Which river has Paris in France?", &[]), ["paris", "France"]);
    assert_eq!(meant(&graph, "Which state is Paris in?", &[]), ["paris-texas"]);
    let about = [EntityId::from("Texas")];
    let mentions = graph.link_in("And Paris?", &about).await.unwrap();
    assert_eq!(mentions[0].candidates[0].entity.id.as_str(), "paris-texas");
    let unknown = [EntityId::from("nobody knows it")];
    assert_eq!(graph.link_in("And Paris?", &unknown).await.unwrap(), graph.link("And Paris?").await.unwrap());
}

#[test]
fn names_that_are_not_in_the_graph_are_told() {
    let (_folder, graph) = graph();
    let linked = graph.linked("Is Thimphu Philharmonic better than Narnia's, or Bhutan?", &[]);
    let unlinked: Vec<&str> = linked.unlinked.iter().map(|name| name.text.as_str()).collect();
    assert_eq!(unlinked, ["Thimphu Philharmonic", "Narnia"]);
    assert_eq!(linked.mentions.len(), 1);
    assert_eq!(linked.mentions[0].text, "Bhutan");
    assert_eq!(linked.evidence.len(), 1);
    assert!(graph.linked("What is the capital of Bhutan?", &[]).unlinked.is_empty());
}
