//! Whether sampling settings make sense. In: the settings of a request. Out: which of them is wrong. Must not know: logits.

use loquat_contract::Sampling;

use crate::InferenceError;

/// Checks the settings for a model that gives `vocabulary` logits.
///
/// # Errors
/// A number is NaN or out of its range, or the bias names an id that the model does not have.
pub(crate) fn validate(sampling: &Sampling, vocabulary: usize) -> Result<(), InferenceError> {
    let within = |name: &str, value: f32, from: f32, to: f32| {
        if value.is_finite() && (from..=to).contains(&value) {
            return Ok(());
        }
        let range = if to == f32::MAX { format!("{from} or more") } else { format!("from {from} to {to}") };
        Err(InferenceError::Sampling(format!("{name} is {value}, and has to be {range}")))
    };
    within("temperature", sampling.temperature, 0.0, f32::MAX)?;
    within("top_p", sampling.top_p, 0.0, 1.0)?;
    within("min_p", sampling.min_p, 0.0, 1.0)?;
    within("repetition_penalty", sampling.repetition_penalty, f32::MIN_POSITIVE, f32::MAX)?;
    // OpenAI's interface allows -2 to 2; some models need more.
    within("presence_penalty", sampling.presence_penalty, -100.0, 100.0)?;
    within("frequency_penalty", sampling.frequency_penalty, -100.0, 100.0)?;
    for (&id, &bias) in &sampling.logit_bias {
        if id as usize >= vocabulary {
            let last = vocabulary.saturating_sub(1);
            return Err(InferenceError::Sampling(format!(
                "logit_bias names the id {id}, and the model's ids end with {last}"
            )));
        }
        if bias.is_nan() || bias == f32::INFINITY {
            return Err(InferenceError::Sampling(format!(
                "logit_bias of the id {id} is {bias}, and has to be a number"
            )));
        }
    }
    Ok(())
}
