//! The likeliest token in one pass. In: logits. Out: the first id of the highest one. Must not know: settings.

use crate::InferenceError;

/// Logits that are looked at before their place is kept: few enough to be looked through again.
const BLOCK: usize = 1024;
/// Independent maxima, so that the processor compares several logits at once.
const LANES: usize = 16;

/// The first id of the highest logit, and that logit.
///
/// # Errors
/// A logit is NaN, or the highest is not finite.
pub(super) fn best(logits: &[f32]) -> Result<(u32, f32), InferenceError> {
    let (mut highest, mut found, mut nan) = (f32::NEG_INFINITY, 0, false);
    for (at, block) in (0..).step_by(BLOCK).zip(logits.chunks(BLOCK)) {
        let mut lanes = [f32::NEG_INFINITY; LANES];
        let mut nans = [false; LANES];
        let (chunks, rest) = block.as_chunks::<LANES>();
        for chunk in chunks {
            for ((lane, nan), &logit) in lanes.iter_mut().zip(&mut nans).zip(chunk) {
                *lane = if logit > *lane { logit } else { *lane };
                *nan |= logit.is_nan();
            }
        }
        for ((lane, nan), &logit) in lanes.iter_mut().zip(&mut nans).zip(rest) {
            *lane = if logit > *lane { logit } else { *lane };
            *nan |= logit.is_nan();
        }
        nan |= nans.contains(&true);
        let top = lanes.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        if top > highest {
            (highest, found) = (top, at);
        }
    }
    if nan || !highest.is_finite() {
        return Err(InferenceError::NotFinite);
    }
    let place = logits[found..].iter().position(|&logit| logit == highest);
    Ok(((found + place.unwrap_or_default()) as u32, highest))
}
