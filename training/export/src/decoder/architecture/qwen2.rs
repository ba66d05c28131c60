//! `qwen2`: Qwen 1.5 to 2.5. Queries, keys and values have a bias.

use super::{Family, Keys, QKV, Result, Shape};

pub(super) fn read(keys: &Keys<'_>) -> Result<(Shape, Family)> {
    keys.refuse_extent("attention.sliding_window", 0)?;
    let shape = Shape { biases: QKV, ..Shape::read(keys)? };
    Ok((shape, Family::QWEN2))
}
