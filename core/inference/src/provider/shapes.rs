//! Shape profiles. In: a graph's inputs, the sizes to expect. Out: the three lists that TensorRT compiles for. Must not know: sessions.
//!
//! A decoder's inputs in the layout of the hub: `[batch, tokens]` for ids and positions, `[batch, context]` for the mask, and
//! `[batch, heads, past, size]` for each layer's keys and values.

use ort::value::{Outlet, ValueType};

/// The sizes that engines are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShapeProfile {
    /// Sequences that run together.
    pub batch: Range,
    /// Tokens of a sequence in one run.
    pub tokens: Range,
    /// Tokens of a sequence before that run.
    pub past: Range,
}

/// The sizes of one dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The least.
    pub min: usize,
    /// The one that is made fast.
    pub opt: usize,
    /// The most.
    pub max: usize,
}

impl Range {
    fn all(self) -> [usize; 3] {
        [self.min, self.opt, self.max]
    }
}

/// The lists of shapes, `name:1x2,name:…`: the least, the usual, the most.
pub(super) fn of(inputs: &[Outlet], profile: &ShapeProfile) -> Result<[String; 3], String> {
    let ordered = |range: Range| range.min <= range.opt && range.opt <= range.max;
    if ![profile.batch, profile.tokens, profile.past].into_iter().all(ordered) {
        return Err("the shape profile is out of order: each of its ranges goes from the least over the usual to the most"
            .to_owned());
    }
    let mut lists = [const { Vec::new() }; 3];
    for input in inputs {
        let ValueType::Tensor { shape, dimension_symbols, .. } = input.dtype() else { continue };
        let symbols: Vec<&str> = dimension_symbols.iter().map(String::as_str).collect();
        for (step, list) in lists.iter_mut().enumerate() {
            if let Some(sizes) = sizes(shape, &symbols, profile, step) {
                list.push(format!("{}:{}", input.name(), sizes));
            }
        }
    }
    Ok(lists.map(|list| list.join(",")))
}

/// The shape at one of the profile's three steps; `None` where the graph fixes it.
fn sizes(shape: &[i64], symbols: &[&str], profile: &ShapeProfile, step: usize) -> Option<String> {
    if shape.iter().all(|&size| size >= 0) {
        return None;
    }
    let [batch, tokens, past] = [profile.batch, profile.tokens, profile.past].map(|range| range.all()[step]);
    let size = |(axis, &fixed): (usize, &i64)| {
        let symbol = symbols.get(axis).map(|symbol| symbol.to_lowercase()).unwrap_or_default();
        let free = match axis {
            _ if fixed >= 0 => return fixed.to_string(),
            0 => batch,
            _ if symbol.contains("past") && (symbol.contains('+') || symbol.contains("total")) => {
                past + tokens
            }
            _ if symbol.contains("total") => past + tokens,
            _ if symbol.contains("past") || shape.len() == 4 => past,
            _ => tokens,
        };
        free.to_string()
    };
    Some(shape.iter().enumerate().map(size).collect::<Vec<_>>().join("x"))
}

#[cfg(test)]
mod tests {
    use super::{Range, ShapeProfile, sizes};

    #[test]
    fn each_free_dimension_takes_the_size_that_its_place_or_name_tells() {
        let profile = ShapeProfile {
            batch: Range { min: 1, opt: 4, max: 16 },
            tokens: Range { min: 1, opt: 64, max: 512 },
            past: Range { min: 0, opt: 100, max: 2000 },
        };
        let at = |shape: &[i64], symbols: &[&str], step| sizes(shape, symbols, &profile, step);
        assert_eq!(at(&[-1, -1], &["batch_size", "sequence_length"], 1).as_deref(), Some("4x64"));
        assert_eq!(at(&[-1, -1], &["batch_size", "total_sequence_length"], 2).as_deref(), Some("16x2512"));
        assert_eq!(
            at(&[-1, -1], &["batch_size", "past_sequence_length + 1"], 0).as_deref(),
            Some("1x1"),
            "the mask covers past and present"
        );
        let cache = ["batch_size", "", "past_sequence_length", ""];
        assert_eq!(at(&[-1, 3, -1, 64], &cache, 0).as_deref(), Some("1x3x0x64"));
        assert_eq!(at(&[-1, 3, -1, 64], &["", "", "", ""], 2).as_deref(), Some("16x3x2000x64"));
        assert_eq!(at(&[1, 128], &["", ""], 1), None, "TensorRT knows fixed shapes by itself");
    }
}
