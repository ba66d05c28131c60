//! What linking asks of the graph. In: nodes. Out: what lies around them. The only way from here to facts.

/// The graph around its nodes, read with bounds. Without it linking still works, by names and their prior alone.
pub(crate) trait Surroundings {
    /// Whether one of the node's names is written exactly like this.
    fn is_named(&self, node: u32, name: &str) -> bool;

    /// Gives at most `limit` nodes that share a fact with this one, either way; a node may come twice.
    fn neighbours(&self, node: u32, limit: usize, each: &mut dyn FnMut(u32));

    /// Gives the predicates of at most `limit` facts either way, by their places in the schema; one may come twice.
    fn predicates(&self, node: u32, limit: usize, each: &mut dyn FnMut(u32));

    /// Gives what tells the node from its namesakes, in a few words, in any language.
    fn descriptions(&self, node: u32, each: &mut dyn FnMut(&str));
}
