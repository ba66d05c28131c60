//! `qwen3`: queries and keys are normalised head by head; the head size is its own, not hidden size by heads.

use super::{Family, Keys, QKV, Result, Shape};

pub(super) fn read(keys: &Keys<'_>) -> Result<(Shape, Family)> {
    keys.refuse_extent("attention.sliding_window", 0)?;
    let shape = Shape { head_norms: true, biases: QKV, ..Shape::read(keys)? };
    Ok((shape, Family::QWEN3))
}
