//! SentencePiece's BPE: pieces with scores, `▁` for spaces, bytes for what no piece covers. In: metadata. Out: the
//! parts of `tokenizer.json`, with the scores turned into ranked merges.
//!
//! llama.cpp joins, again and again, the two neighbours whose joined text is the piece with the highest score, the
//! leftmost ones of equals. Ranked merges do the same when every way to halve a piece is a merge and pieces are ranked
//! by score. Kudo and Richardson, "SentencePiece", 2018; Sennrich et al., "Neural Machine Translation of Rare Words
//! with Subword Units", 2016.

use std::cmp::Reverse;

use serde_json::{Value, json};

use super::{BYTE, CONTROL, Entries, Parts, UNKNOWN, USER_DEFINED};
use crate::error::{ExportError, Result};
use crate::gguf::Metadata;

/// What stands for a space.
const SPACE: &str = "▁";
/// Longer runs as pieces are not checked, and refused; known vocabularies have up to 31.
const LONGEST_RUN: usize = 64;

type Refuse<'a> = &'a dyn Fn(String) -> ExportError;

pub(super) fn read<'a>(
    metadata: &'a Metadata,
    vocabulary: &Entries<'a>,
    refuse: Refuse<'_>,
) -> Result<(Parts, Vec<(&'a str, &'a str)>)> {
    for byte in 0..=u8::MAX {
        let text = format!("<0x{byte:02X}>");
        let kind = vocabulary.ids.get(text.as_str()).and_then(|&id| vocabulary.kinds.get(id));
        if kind != Some(&BYTE) {
            return Err(refuse(format!("the vocabulary has no byte token `{text}`")));
        }
    }
    let key = "tokenizer.ggml.scores";
    let scores = metadata.required(key, metadata.floats(key)?)?;
    if scores.len() != vocabulary.tokens.len() || scores.iter().any(|score| score.is_nan()) {
        let problem = format!("has no number for each of {} tokens", vocabulary.tokens.len());
        return Err(metadata.error(key, problem));
    }
    let key = "tokenizer.ggml.add_space_prefix";
    let prefix = metadata.boolean(key)?.unwrap_or(true);
    Ok((parts(prefix), merges(vocabulary, &scores, refuse)?))
}

fn parts(prefix: bool) -> Parts {
    let sequence = |kind: &str, items: Vec<Value>| json!({ "type": "Sequence", kind: items });
    let replace =
        |from: &str, to: &str| json!({ "type": "Replace", "pattern": { "String": from }, "content": to });
    let mut normalizers = vec![replace(" ", SPACE)];
    let mut decoders =
        vec![replace(SPACE, " "), json!({ "type": "ByteFallback" }), json!({ "type": "Fuse" })];
    if prefix {
        normalizers.insert(0, json!({ "type": "Prepend", "prepend": SPACE }));
        decoders.push(json!({ "type": "Strip", "content": " ", "start": 1, "stop": 0 }));
    }
    Parts {
        normalizer: Some(sequence("normalizers", normalizers)),
        decoder: sequence("decoders", decoders),
        byte_fallback: true,
        add_bos: true,
        add_space_prefix: prefix,
        ..Parts::default()
    }
}

/// A piece, and every way to halve it into two pieces.
struct Halved<'a> {
    id: usize,
    text: &'a str,
    halves: Vec<(&'a str, &'a str)>,
}

/// The merges, those of better pieces first.
fn merges<'a>(
    vocabulary: &Entries<'a>,
    scores: &[f32],
    refuse: Refuse<'_>,
) -> Result<Vec<(&'a str, &'a str)>> {
    let known = |piece: &str| vocabulary.ids.contains_key(piece);
    let mut pieces = Vec::new();
    for (id, &text) in vocabulary.tokens.iter().enumerate() {
        if !is_put_together(text, vocabulary.kinds[id]) {
            continue;
        }
        let halves = text.char_indices().skip(1).map(|(at, _)| text.split_at(at));
        let mut halves = halves.filter(|(left, right)| known(left) && known(right)).collect::<Vec<_>>();
        if halves.is_empty() {
            continue;
        }
        // A character of its own may stand in for its bytes in llama.cpp, but not in ranked merges.
        if let Some(alone) = text.chars().find(|c| !known(c.encode_utf8(&mut [0; 4]))) {
            return Err(refuse(format!("the vocabulary has `{text}` and no piece `{alone}`")));
        }
        // Runs of one character grow from the left.
        halves.reverse();
        pieces.push(Halved { id, text, halves });
    }
    pieces.sort_by(|a, b| scores[b.id].total_cmp(&scores[a.id]).then(b.text.len().cmp(&a.text.len())));
    let ranked = pieces.iter().filter(|piece| vocabulary.kinds[piece.id] != BYTE).collect::<Vec<_>>();
    for group in ranked.chunk_by(|a, b| scores[a.id] == scores[b.id]).filter(|group| group.len() > 1) {
        if !are_runs(group) {
            let (a, b) = (group[0].text, group[1].text);
            return Err(refuse(format!("pieces `{a}` and `{b}` have one score, which ranks none of them")));
        }
    }
    Ok(pieces.into_iter().flat_map(|piece| piece.halves).collect())
}

/// Whether text that has this piece may reach it by merges, rather than be found as a whole or hold no such text.
fn is_put_together(text: &str, kind: u64) -> bool {
    match kind {
        UNKNOWN | CONTROL => false,
        USER_DEFINED => text.contains(SPACE) && !text.contains(' '),
        _ => true,
    }
}

/// Whether pieces of one score, longest first, are runs of spaces that both ways of choosing cut alike: the leftmost
/// of equals, as llama.cpp does, and the longest piece with the longest left half, as their merges are ranked.
fn are_runs(group: &[&Halved<'_>]) -> bool {
    let space = SPACE.chars().next();
    let lengths = group
        .iter()
        .map(|piece| piece.text.chars().all(|c| Some(c) == space).then(|| piece.text.chars().count()));
    let Some(lengths) = lengths.collect::<Option<Vec<_>>>() else { return false };
    let longest = lengths.first().copied().unwrap_or(0);
    longest <= LONGEST_RUN
        && (1..=4 * longest).all(|run| cut(run, &lengths, false) == cut(run, &lengths, true))
}

/// The lengths of the pieces into which a run of spaces is put together.
fn cut(run: usize, lengths: &[usize], ranked: bool) -> Vec<usize> {
    let mut symbols = vec![1; run];
    loop {
        let pairs = symbols.windows(2).enumerate().filter(|(_, pair)| lengths.contains(&(pair[0] + pair[1])));
        let order = |(at, pair): &(usize, &[usize])| match ranked {
            true => (Reverse(pair[0] + pair[1]), Reverse(pair[0]), *at),
            false => (Reverse(0), Reverse(0), *at),
        };
        let Some((at, pair)) = pairs.min_by_key(order) else { return symbols };
        let joined = pair[0] + pair[1];
        symbols.splice(at..at + 2, [joined]);
    }
}
