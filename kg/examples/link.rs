//! Links texts against a new graph of a file: `cargo run -p loquat-kg --example link -- GRAPH.ttl TEXT…`

use loquat_kg::{Graph, ImportOptions};

#[expect(clippy::print_stdout, reason = "the mentions are what the program is for")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("name a graph file and some texts")?;
    let folder = tempfile::tempdir()?;
    let graph = Graph::open(folder.path())?;
    graph.import(file, &ImportOptions::default(), |_| {})?;
    for text in arguments {
        println!("{text}");
        for mention in graph.mentions(&text) {
            for candidate in &mention.candidates {
                println!("  {:?} {} {:.2}", mention.text, candidate.entity.id, candidate.score);
            }
        }
    }
    Ok(())
}
