//! What is PyTorch's on the processor is PyTorch's on a GPU, where there is one.

use loquat_finetune::backend::Cuda;
use loquat_finetune::backend::cuda::{CudaOptions, Precision};

use super::decoder::{check, follow_full, follow_lora};

/// The GPU, or why there is none.
fn gpu(precision: Precision) -> Option<Cuda> {
    match Cuda::open(&CudaOptions { precision, ..CudaOptions::default() }) {
        Ok(gpu) => Some(gpu),
        Err(reason) => {
            assert!(std::env::var_os("LOQUAT_TEST_GPU").is_none(), "LOQUAT_TEST_GPU is set, but {reason}");
            eprintln!("SKIPPED: {reason}");
            None
        }
    }
}

#[test]
fn gradients_on_a_gpu_are_pytorchs() {
    for name in ["tied", "untied"] {
        for checkpointing in [false, true] {
            let Some(gpu) = gpu(Precision::Full) else { return };
            check(gpu, name, checkpointing, 2e-5);
        }
    }
}

#[test]
fn gradients_in_bf16_on_a_gpu_are_near_them() {
    for name in ["tied", "untied"] {
        let Some(gpu) = gpu(Precision::Mixed) else { return };
        check(gpu, name, false, 5e-2);
    }
}

#[test]
fn fifty_losses_on_a_gpu_are_pytorchs() {
    if let Some(gpu) = gpu(Precision::Full) {
        follow_full(gpu);
    }
}

#[test]
fn fifty_losses_of_lora_on_a_gpu_are_pytorchs() {
    if let Some(gpu) = gpu(Precision::Full) {
        follow_lora(gpu);
    }
}
