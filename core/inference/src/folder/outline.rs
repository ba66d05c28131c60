//! What a graph names. In: an ONNX file. Out: the external data files of its tensors, each long enough, and the keys and values that its
//! attention takes in place. Must not know: what the graph computes; it walks over the protobuf fields and reads only names.
//!
//! Field numbers are those of `onnx.proto3`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Component, Path, PathBuf};

use crate::InferenceError;

/// What [`of`] reads.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outline {
    /// The external data files, sorted.
    pub(super) weights: Vec<PathBuf>,
    /// Past keys and values that go into a `GroupQueryAttention`, which can write the present ones behind them.
    pub(super) in_place: BTreeSet<String>,
    /// Activations are quantised by one scale for all rows of a run, so that rows are not independent.
    pub(super) is_dynamic: bool,
}

/// The messages on the way to a tensor's external data, and to a node's inputs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    Entry,
}

impl Message {
    /// The message that `field` holds, if it is worth walking into.
    fn child(self, field: u64) -> Option<Self> {
        match (self, field) {
            (Self::Model, 7) | (Self::Attribute, 6 | 11) => Some(Self::Graph),
            (Self::Graph, 1) => Some(Self::Node),
            (Self::Node, 5) => Some(Self::Attribute),
            (Self::Graph, 5) | (Self::Attribute, 5 | 10) => Some(Self::Tensor),
            (Self::Tensor, 13) => Some(Self::Entry),
            _ => None,
        }
    }
}

/// Graphs nest in attributes of nodes; no real one comes near this.
const DEEPEST: usize = 64;

struct Walk {
    file: PathBuf,
    reader: BufReader<File>,
    at: u64,
    length: u64,
    entry: [String; 2],
    tensor: BTreeMap<String, String>,
    /// Bytes needed of each external file.
    needed: BTreeMap<String, u64>,
    /// The node's operator and inputs.
    operator: String,
    inputs: Vec<String>,
    in_place: BTreeSet<String>,
    is_dynamic: bool,
}

/// Operators that take one scale from all of their input.
const DYNAMIC: [&str; 2] = ["DynamicQuantizeLinear", "DynamicQuantizeMatMul"];

/// The operator that takes keys and values in place, and which of its inputs they are.
const ATTENTION: &str = "GroupQueryAttention";
const PAST: std::ops::Range<usize> = 3..5;

/// What `graph` names; its external data files are there and as long as its tensors need.
///
/// # Errors
/// The graph is cut short or no protobuf, or a file is missing or cut short.
pub(super) fn of(graph: &Path) -> Result<Outline, InferenceError> {
    let unreadable = |source| InferenceError::Unreadable { file: graph.to_owned(), source };
    let file = File::open(graph).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    let mut walk = Walk {
        file: graph.to_owned(),
        reader: BufReader::new(file),
        at: 0,
        length,
        entry: Default::default(),
        tensor: BTreeMap::new(),
        needed: BTreeMap::new(),
        operator: String::new(),
        inputs: Vec::new(),
        in_place: BTreeSet::new(),
        is_dynamic: false,
    };
    walk.message(Message::Model, length, 0)?;
    let folder = graph.parent().unwrap_or(Path::new("."));
    let weights = walk.needed.into_iter().map(|(location, needed)| whole(folder, &location, needed));
    let weights = weights.collect::<Result<_, _>>()?;
    Ok(Outline { weights, in_place: walk.in_place, is_dynamic: walk.is_dynamic })
}

fn whole(folder: &Path, location: &str, needed: u64) -> Result<PathBuf, InferenceError> {
    let relative = Path::new(location);
    let inside = relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let file = folder.join(relative);
    let missing = || InferenceError::PieceMissing {
        folder: folder.to_owned(),
        piece: location.to_owned(),
        advice: "the graph keeps its weights in it; fetch or convert the model again",
    };
    if !inside || !file.is_file() {
        return Err(missing());
    }
    let found = file.metadata().map_err(|_| missing())?.len();
    if found < needed { Err(InferenceError::Truncated { file, needed, found }) } else { Ok(file) }
}

impl Walk {
    fn message(&mut self, kind: Message, end: u64, depth: usize) -> Result<(), InferenceError> {
        if depth > DEEPEST {
            return Err(self.damaged("its graphs nest too deeply"));
        }
        while self.at < end {
            let key = self.varint()?;
            match key & 7 {
                0 => {
                    self.varint()?;
                }
                1 => self.skip(8)?,
                5 => self.skip(4)?,
                2 => {
                    let length = self.varint()?;
                    let field = key >> 3;
                    match kind.child(field) {
                        Some(child) => {
                            let end = self.at.saturating_add(length);
                            self.check(end)?;
                            self.message(child, end, depth + 1)?;
                            self.leave(child);
                        }
                        None if kind == Message::Entry && matches!(field, 1 | 2) => {
                            self.entry[usize::from(field == 2)] = self.text(length)?;
                        }
                        None if kind == Message::Node && field == 1 => {
                            let input = self.text(length)?;
                            self.inputs.push(input);
                        }
                        None if kind == Message::Node && field == 4 => self.operator = self.text(length)?,
                        None => self.skip(length)?,
                    }
                }
                _ => return Err(self.damaged("it is not a protobuf file")),
            }
        }
        Ok(())
    }

    /// An entry joins its tensor; a tensor says how much it needs of its file, a node what it takes in place.
    fn leave(&mut self, message: Message) {
        match message {
            Message::Entry => {
                let [key, value] = std::mem::take(&mut self.entry);
                self.tensor.insert(key, value);
            }
            Message::Tensor => {
                let tensor = std::mem::take(&mut self.tensor);
                if let Some(location) = tensor.get("location") {
                    let number = |key| tensor.get(key).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
                    let end = number("offset").saturating_add(number("length"));
                    let needed = self.needed.entry(location.clone()).or_default();
                    *needed = end.max(*needed);
                }
            }
            Message::Node => {
                let inputs = std::mem::take(&mut self.inputs);
                let operator = std::mem::take(&mut self.operator);
                self.is_dynamic |= DYNAMIC.contains(&operator.as_str());
                if operator == ATTENTION {
                    self.in_place.extend(inputs.into_iter().take(PAST.end).skip(PAST.start));
                }
            }
            _ => {}
        }
    }

    fn varint(&mut self) -> Result<u64, InferenceError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let mut byte = [0];
            self.bytes(&mut byte)?;
            value |= u64::from(byte[0] & 0x7f) << shift;
            if byte[0] < 0x80 {
                return Ok(value);
            }
        }
        Err(self.damaged("it is not a protobuf file"))
    }

    fn text(&mut self, length: u64) -> Result<String, InferenceError> {
        self.check(self.at.saturating_add(length))?;
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        self.bytes(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn bytes(&mut self, into: &mut [u8]) -> Result<(), InferenceError> {
        self.check(self.at.saturating_add(into.len() as u64))?;
        self.reader
            .read_exact(into)
            .map_err(|source| InferenceError::Unreadable { file: self.file.clone(), source })?;
        self.at += into.len() as u64;
        Ok(())
    }

    fn skip(&mut self, length: u64) -> Result<(), InferenceError> {
        let end = self.at.saturating_add(length);
        self.check(end)?;
        self.reader
            .seek_relative(i64::try_from(length).unwrap_or(i64::MAX))
            .map_err(|source| InferenceError::Unreadable { file: self.file.clone(), source })?;
        self.at = end;
        Ok(())
    }

    fn check(&self, end: u64) -> Result<(), InferenceError> {
        if end <= self.length {
            return Ok(());
        }
        Err(InferenceError::Truncated { file: self.file.clone(), needed: end, found: self.length })
    }

    fn damaged(&self, reason: &'static str) -> InferenceError {
        InferenceError::GraphDamaged { graph: self.file.clone(), reason }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::of;
    use crate::InferenceError;

    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![number << 3 | 2, u8::try_from(content.len()).unwrap()];
        bytes.extend(content);
        bytes
    }

    fn entry(key: &str, value: &str) -> Vec<u8> {
        field(13, &[field(1, key.as_bytes()), field(2, value.as_bytes())].concat())
    }

    /// A model whose one initializer lies in `weights.bin` at 4, 6 bytes long.
    fn model() -> Vec<u8> {
        let tensor = [entry("location", "weights.bin"), entry("offset", "4"), entry("length", "6")].concat();
        field(7, &field(5, &tensor))
    }

    #[test]
    fn external_files_are_found_and_measured() {
        let folder = tempfile::tempdir().unwrap();
        let graph = folder.path().join("model.onnx");
        fs::write(&graph, model()).unwrap();
        assert!(
            matches!(of(&graph), Err(InferenceError::PieceMissing { piece, .. }) if piece == "weights.bin")
        );

        let weights = folder.path().join("weights.bin");
        fs::write(&weights, [0; 9]).unwrap();
        assert!(matches!(of(&graph), Err(InferenceError::Truncated { needed: 10, found: 9, .. })));
        fs::write(&weights, [0; 10]).unwrap();
        assert_eq!(of(&graph).unwrap().weights, [weights]);
    }

    #[test]
    fn attention_says_what_it_takes_in_place() {
        let inputs =
            |names: &[&str]| -> Vec<u8> { names.iter().flat_map(|name| field(1, name.as_bytes())).collect() };
        let past = ["q", "k", "v", "past.key", "past.value", "seqlens_k"];
        let attention = [inputs(&past), field(4, b"GroupQueryAttention")].concat();
        let other = [inputs(&["a", "b", "c", "d"]), field(4, b"Concat")].concat();
        let folder = tempfile::tempdir().unwrap();
        let graph = folder.path().join("model.onnx");
        fs::write(&graph, field(7, &[field(1, &other), field(1, &attention)].concat())).unwrap();
        let found: Vec<String> = of(&graph).unwrap().in_place.into_iter().collect();
        assert_eq!(found, ["past.key", "past.value"]);
        assert!(!of(&graph).unwrap().is_dynamic);
        let dynamic = field(4, b"DynamicQuantizeLinear");
        fs::write(&graph, field(7, &[field(1, &other), field(1, &dynamic)].concat())).unwrap();
        assert!(of(&graph).unwrap().is_dynamic);
    }

    #[test]
    fn graph_cut_short_or_foreign_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let graph = folder.path().join("model.onnx");
        let whole = model();
        fs::write(&graph, &whole[..whole.len() - 3]).unwrap();
        assert!(matches!(of(&graph), Err(InferenceError::Truncated { .. })));
        fs::write(&graph, "<html>not found</html>").unwrap();
        assert!(matches!(of(&graph), Err(InferenceError::GraphDamaged { .. })));
    }

    #[test]
    fn weights_outside_the_folder_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let graph = folder.path().join("model.onnx");
        let tensor = entry("location", "../weights.bin");
        fs::write(&graph, field(7, &field(5, &tensor))).unwrap();
        assert!(matches!(of(&graph), Err(InferenceError::PieceMissing { .. })));
    }
}
