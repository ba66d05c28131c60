//! What computes. In: the recipe's device, precision and threads. Out: a backend, or what keeps it from being used.

use std::path::Path;
use std::sync::Once;

use anyhow::Context;
use loquat_finetune::backend::cpu::Precision as Products;
use loquat_finetune::backend::cuda::{CudaOptions, Precision as CudaPrecision};
use loquat_finetune::backend::{BackendError, Cpu, Cuda};

use crate::recipe::{Device, Precision, RunRecipe};

/// A backend that can be used on this machine.
#[derive(Debug)]
pub enum Chosen {
    /// The processor.
    Cpu(Cpu),
    /// A GPU.
    Cuda(Box<Cuda>),
}

/// The backend that the recipe asks for.
///
/// # Errors
/// When it is asked for and cannot be used here; `auto` takes the CPU then, and says why on a machine with a GPU.
pub fn choose(run: &RunRecipe) -> anyhow::Result<Chosen> {
    match run.device {
        Device::Cpu => {}
        Device::Cuda => {
            let advice = "the GPU cannot be used; `run.device = \"cpu\"` goes without";
            return Ok(Chosen::Cuda(Box::new(gpu(run).context(advice)?)));
        }
        // Where there is no driver, nobody expects a GPU.
        Device::Auto if !has_driver() => {}
        Device::Auto => match gpu(run) {
            Ok(gpu) => return Ok(Chosen::Cuda(Box::new(gpu))),
            Err(reason) => anstream::eprintln!("training goes on the CPU, since {reason}"),
        },
    }
    let products = match run.precision {
        Precision::F32 => Products::F32,
        Precision::Bf16 if Products::Bf16.supported() => {
            // Said once, not of each trial.
            static SAID: Once = Once::new();
            SAID.call_once(|| {
                if let Some(cost) = Products::Bf16.cost().filter(|cost| *cost > 1.1) {
                    anstream::eprintln!(
                        "this processor's products of bf16 take {cost:.1} times as long as those of f32: `run.precision = \"f32\"` is faster here"
                    );
                }
            });
            Products::Bf16
        }
        Precision::Bf16 => {
            anstream::eprintln!(
                "training computes in f32: `run.precision` is bf16, for which this processor has no instructions (AVX512-BF16)"
            );
            Products::F32
        }
    };
    Ok(Chosen::Cpu(Cpu::with_precision(run.threads, products)?))
}

fn gpu(run: &RunRecipe) -> Result<Cuda, BackendError> {
    let precision = match run.precision {
        Precision::F32 => CudaPrecision::Full,
        Precision::Bf16 => CudaPrecision::Mixed,
    };
    Cuda::open(&CudaOptions { precision, ..CudaOptions::default() })
}

/// Whether this machine has a driver of NVIDIA's; on Windows a library always asks the system.
fn has_driver() -> bool {
    cfg!(windows) || ["/dev/nvidiactl", "/dev/dxg"].iter().any(|device| Path::new(device).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_gpu_auto_takes_the_cpu_and_cuda_says_what_is_missing() {
        if has_driver() {
            eprintln!("SKIPPED: there may be a GPU");
            return;
        }
        let recipe = |device| RunRecipe { device, threads: 1, ..RunRecipe::default() };
        assert!(matches!(choose(&recipe(Device::Auto)).unwrap(), Chosen::Cpu(_)));
        let said = format!("{:#}", choose(&recipe(Device::Cuda)).unwrap_err());
        assert!(said.contains("NVIDIA driver") && said.contains("`run.device = \"cpu\"`"), "{said}");
    }
}
