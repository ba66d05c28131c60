//! The whole numbers that a graph takes. In: new tokens, and how many tokens stand before them. Out: tensors for one run.
//! Must not know: keys and values.

use ort::session::SessionInputValue;
use ort::value::Tensor;

use crate::graph::{IntInput, Signature};

type Inputs<'a> = Vec<(std::borrow::Cow<'a, str>, SessionInputValue<'a>)>;

/// Ids `[rows, tokens]`, with attention mask `[rows, longest]`, positions `[rows, tokens]` and the number of logits to keep, as
/// far as the graph has such inputs. Row `i` has `lengths[i]` tokens already.
pub(crate) fn inputs<'a>(
    signature: &'a Signature,
    ids: &[u32],
    lengths: &[usize],
    keep: usize,
) -> Result<Inputs<'a>, ort::Error> {
    let rows = lengths.len();
    let tokens = ids.len() / rows.max(1);
    let total = lengths.iter().max().copied().unwrap_or(0) + tokens;
    let mut inputs = Inputs::with_capacity(4 + signature.cache.len());
    let mut add = |input: &'a IntInput, shape: Vec<usize>, numbers: Vec<i64>| {
        let value = tensor(input, shape, numbers)?;
        inputs.push((input.name.as_str().into(), value));
        Ok::<(), ort::Error>(())
    };
    add(&signature.input_ids, vec![rows, tokens], ids.iter().map(|&id| i64::from(id)).collect())?;
    if let Some(mask) = &signature.attention_mask {
        let numbers =
            lengths.iter().flat_map(|&length| (0..total).map(move |at| i64::from(at < length + tokens)));
        add(mask, vec![rows, total], numbers.collect())?;
    }
    if let Some(positions) = &signature.position_ids {
        let numbers = lengths.iter().flat_map(|&length| (length..length + tokens).map(|at| at as i64));
        add(positions, vec![rows, tokens], numbers.collect())?;
    }
    if let Some(input) = &signature.logits_to_keep {
        add(input, vec![1; input.rank], vec![keep as i64])?;
    }
    Ok(inputs)
}

fn tensor(
    input: &IntInput,
    shape: Vec<usize>,
    numbers: Vec<i64>,
) -> Result<SessionInputValue<'static>, ort::Error> {
    Ok(if input.wide {
        Tensor::from_array((shape, numbers))?.into()
    } else {
        let narrow = numbers.into_iter().map(|number| i32::try_from(number).unwrap_or(i32::MAX));
        Tensor::from_array((shape, narrow.collect::<Vec<_>>()))?.into()
    })
}
