//! `loquat kg export`, `kg compact` and `kg check`. In: the graph. Out: N-Triples; its snapshot with all edits, or the news that it was
//! damaged.

use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, bail};
use loquat_kg::Graph;

use crate::progress::Screen;

/// Writes to the file, which is there whole or not at all, or to standard output.
pub(super) fn export(graph: &Graph, file: Option<&Path>, screen: &Screen) -> anyhow::Result<()> {
    let Some(file) = file else {
        graph.export(BufWriter::new(std::io::stdout().lock())).context("the graph could not be written")?;
        return Ok(());
    };
    let failed = || format!("{} cannot be written; free some space or name another place", file.display());
    let folder = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut part = tempfile::NamedTempFile::new_in(folder).with_context(failed)?;
    let exported = graph.export(BufWriter::with_capacity(1 << 18, &mut part)).with_context(failed)?;
    part.as_file().sync_all().with_context(failed)?;
    part.persist(file).with_context(failed)?;
    screen.say(&format!(
        "{}: {} facts, {} names and other descriptions",
        file.display(),
        exported.facts,
        exported.descriptions
    ));
    Ok(())
}

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
