//! Loquat, through its public interface.

use std::path::Path;

use loquat_contract::EntityId;
use loquat_kg::{Edge, Graph, ImportOptions};
use petgraph::Direction;
use petgraph::visit::{EdgeRef, IntoEdgesDirected};

use crate::data::{Asked, OWNER};
use crate::engine::Engine;

pub(crate) struct Loquat(Graph);

impl Engine for Loquat {
    const NAME: &'static str = "loquat";

    fn open(folder: &Path) -> anyhow::Result<Self> {
        Ok(Self(Graph::open(folder)?))
    }

    fn load(&self, file: &Path) -> anyhow::Result<()> {
        let report = self.0.import(file, &ImportOptions::default(), |_| {})?;
        anyhow::ensure!(report.bad == 0, "{} bad lines: {:?}", report.bad, report.bad_lines.first());
        Ok(())
    }

    fn compact(&self) -> anyhow::Result<bool> {
        self.0.compact()?;
        Ok(true)
    }

    fn lookup(&self, asked: &Asked) -> anyhow::Result<usize> {
        // Names that differ by case are one to Loquat and several to RDF.
        let shown = self.0.show(&asked.name, usize::MAX);
        Ok(shown.iter().filter(|shown| shown.entity.names().any(|name| name == asked.name)).count())
    }

    fn two_hops(&self, asked: &Asked, limit: usize) -> anyhow::Result<usize> {
        let walk = self.0.walk();
        let Some(package) = walk.node(&EntityId::from(asked.iri.as_str())) else { return Ok(0) };
        let owns = |edge: &Edge| walk.predicate(*edge.weight()).is_some_and(|p| p.id.as_str() == OWNER);
        let mut packages = 0;
        for owner in walk.edges_directed(package, Direction::Outgoing).filter(owns) {
            for other in walk.edges_directed(owner.target(), Direction::Incoming).filter(owns) {
                let other = walk.entity(other.source());
                packages += usize::from(other.is_some_and(|other| !other.labels.is_empty()));
                if packages >= limit {
                    return Ok(packages);
                }
            }
        }
        Ok(packages)
    }

    fn lookup_at_once(&self, asked: &Asked) -> anyhow::Result<usize> {
        self.lookup(asked)
    }

    fn two_hops_at_once(&self, asked: &Asked, limit: usize) -> anyhow::Result<usize> {
        // The package itself and its owner are among the nodes.
        let near = self.0.neighbourhood(&EntityId::from(asked.iri.as_str()), 2, limit.saturating_add(1));
        let packages = near.edge_weights().filter(|fact| fact.predicate.id.as_str() == OWNER);
        Ok(packages.filter(|fact| !fact.subject.labels.is_empty()).count())
    }
}
