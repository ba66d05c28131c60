//! What computes. In: the recipe's device, precision and threads. Out: a backend, or what keeps it from being used.

use anyhow::bail;
use loquat_finetune::backend::Cpu;
use loquat_finetune::backend::cpu::Precision as Products;

use crate::recipe::{Device, Precision, RunRecipe};

/// A backend that can be used on this machine.
#[derive(Debug)]
pub enum Chosen {
    /// The processor.
    Cpu(Cpu),
}

/// The backend that the recipe asks for.
///
/// # Errors
/// When it is asked for and cannot be used here; `auto` takes the CPU then.
pub fn choose(run: &RunRecipe) -> anyhow::Result<Chosen> {
    match run.device {
        Device::Cuda => bail!("this build does not compute on GPUs; take `run.device = \"cpu\"`"),
        Device::Auto | Device::Cpu => {}
    }
    let products = match run.precision {
        Precision::F32 => Products::F32,
        Precision::Bf16 => Products::Bf16,
    };
    Ok(Chosen::Cpu(Cpu::with_precision(run.threads, products)?))
}
