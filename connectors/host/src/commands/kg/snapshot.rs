//! `loquat kg compact` and `kg check`. In: the graph. Out: its snapshot with all edits, or the news that it was damaged.

use std::io::Write;

use anyhow::bail;
use loquat_kg::Graph;

pub(super) fn compact(graph: &Graph) -> anyhow::Result<()> {
    let edits = graph.stats()?.edits;
    graph.compact()?;
    let bytes = graph.stats()?.snapshot_bytes;
    writeln!(anstream::stdout(), "the snapshot has {edits} edits more; it takes {bytes} bytes")?;
    Ok(())
}

pub(super) fn check(graph: &Graph) -> anyhow::Result<()> {
    let mut out = anstream::stdout();
    if graph.check() {
        writeln!(out, "the snapshot is sound")?;
    } else if graph.check() {
        writeln!(out, "the snapshot was damaged; it is made anew from the store, and sound")?;
    } else {
        bail!(
            "the snapshot is damaged and could not be made anew from the store; check the disk, and if it stays so, move {} away \
             and import the source files again",
            graph.path().display()
        );
    }
    Ok(())
}
