//! Links a text against an endpoint and reads the facts around what it names, and says how long both take, asked for and remembered.
//!
//! ```text
//! cargo run --release -p loquat-sparql --example ask -- http://127.0.0.1:7878/query "What is the capital of Bhutan?"
//! ```

use std::time::Instant;

use loquat_contract::{Knowledge, Language};
use loquat_sparql::{Config, SparqlGraph};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the answer is what the program is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (endpoint, text) = (arguments.next(), arguments.next().unwrap_or_default());
    let config = Config { endpoint, timeout_s: 120, ..Config::default() };
    let start = Instant::now();
    let graph = tokio::task::spawn_blocking(move || SparqlGraph::connect(&config)).await??;
    let predicates = graph.schema().predicates.len();
    println!("{predicates} predicates, generation {}, in {:.1?}", graph.schema().generation, start.elapsed());
    for round in ["asked for", "remembered"] {
        let start = Instant::now();
        let mentions = graph.link(&text).await?;
        println!("{round}: linked in {:.1?}", start.elapsed());
        for mention in mentions {
            let entity = &mention.candidates[0].entity;
            let start = Instant::now();
            let facts = graph.facts(&entity.id, 512).await?;
            let label = entity.label(&Language::english());
            println!(
                "  {} → {label} {}: {} facts in {:.1?}",
                mention.text,
                entity.id,
                facts.len(),
                start.elapsed()
            );
        }
    }
    Ok(())
}
