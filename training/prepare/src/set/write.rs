//! The folder of a set. In: its parts. Out: `train.jsonl`, `dev.jsonl`, `test.jsonl`, `statistics.json`, `report.md`, `set.svg`. Each file is whole or
//! the one that was there before; a part without examples has none.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use crate::error::PrepareError;
use crate::example::Example;
use crate::split::Part;
use crate::statistics::Statistics;

pub(super) fn write(
    folder: &Path,
    parts: &BTreeMap<Part, Vec<Example>>,
    statistics: &Statistics,
) -> Result<(), PrepareError> {
    for part in Part::ALL {
        let path = folder.join(format!("{}.jsonl", part.name()));
        let mut text = Vec::new();
        for example in parts.get(&part).into_iter().flatten() {
            serde_json::to_writer(&mut text, example)
                .map_err(|error| PrepareError::Write { path: folder.to_owned(), source: error.into() })?;
            text.push(b'\n');
        }
        if text.is_empty() {
            remove(&path)?;
        } else {
            replace(&path, &text)?;
        }
    }
    let json = serde_json::to_vec_pretty(statistics)
        .map_err(|error| PrepareError::Write { path: folder.to_owned(), source: error.into() })?;
    replace(&folder.join("statistics.json"), &json)?;
    replace(&folder.join("set.svg"), crate::report::picture(statistics).as_bytes())?;
    replace(&folder.join("report.md"), crate::report::markdown(statistics, parts).as_bytes())
}

/// Removes what an earlier set had.
fn remove(path: &Path) -> Result<(), PrepareError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(PrepareError::Write { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Writes a file beside its place and moves it there.
fn replace(path: &Path, content: &[u8]) -> Result<(), PrepareError> {
    let write = |source| PrepareError::Write { path: path.to_owned(), source };
    let beside = path.with_extension("partial");
    let mut file = std::fs::File::create(&beside).map_err(write)?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(write)?;
    std::fs::rename(&beside, path).map_err(write)
}
