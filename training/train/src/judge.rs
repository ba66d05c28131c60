//! How good weights are. In: a folder of weights, a session's documents. Out: their loss on the dev part. Trains nothing.

use std::path::Path;

use anyhow::Context;
use loquat_finetune::{Backend, Decoder, Learn, Loss, Options, Pack, Trainee};

use crate::device::{self, Chosen};
use crate::recipe::RunRecipe;
use crate::session::Session;

/// The mean cross-entropy on the session's dev documents, in nats.
///
/// # Errors
/// When the device cannot be used, or the model cannot be read.
pub fn loss(session: &Session, run: &RunRecipe, folder: &Path) -> anyhow::Result<f64> {
    match device::choose(run)? {
        Chosen::Cpu(backend) => loss_on(backend, session, run, folder),
    }
}

fn loss_on<B: Backend>(backend: B, session: &Session, run: &RunRecipe, folder: &Path) -> anyhow::Result<f64> {
    let dev = Pack::new(session.dev.clone(), run.limits()).context("dev.jsonl")?;
    let options = Options { learn: Learn::Nothing, checkpointing: false, seed: 0 };
    let mut model = Decoder::load(backend, folder, options)?;
    let mut sum = Loss::default();
    for plan in dev.in_order() {
        let part = model.evaluate(&dev.batch(&plan))?;
        sum.sum += part.sum;
        sum.weight += part.weight;
    }
    Ok(sum.mean())
}

/// Leaves so many, evenly spread; all for 0.
pub fn thin<T>(items: &mut Vec<T>, most: usize) {
    let count = items.len();
    if most == 0 || count <= most {
        return;
    }
    let mut at = 0;
    items.retain(|_| {
        at += 1;
        // So many of the first `at` stay.
        at * most / count != (at - 1) * most / count
    });
}

#[cfg(test)]
mod tests {
    use super::thin;

    #[test]
    fn what_is_left_is_spread_evenly() {
        let left = |count: usize, most| {
            let mut items: Vec<usize> = (0..count).collect();
            thin(&mut items, most);
            items
        };
        assert_eq!(left(10, 5), [1, 3, 5, 7, 9]);
        assert_eq!(left(7, 3).len(), 3);
        assert_eq!((left(3, 5).len(), left(3, 0).len()), (3, 3));
    }
}
