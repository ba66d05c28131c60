//! The kernels: they compile for GPUs of three generations, and give what the processor's backend gives, in both precisions: thread by
//! thread on an emulated device everywhere, and on a GPU where there is one.

use std::path::PathBuf;

use loquat_packages::{Listed, Packages};

use super::agree::Both;
use super::emulated::{Emulated, kernel_names, preprocessed};
use super::kernels::Module;
use super::{Cuda, CudaOptions, Precision, compile, libraries};

mod models;

/// What rounding takes: some of 24 bits, or of 8.
const TOLERANCES: [(Precision, f32); 2] = [(Precision::Full, 2e-5), (Precision::Mixed, 2e-2)];

fn on_the_emulator(check: impl Fn(&mut Both<Cuda<Emulated>>)) {
    for (precision, tolerance) in TOLERANCES {
        let mut cuda = Cuda::over(Emulated::default(), precision);
        // Room for the logits of 128 tokens, so that those of more are taken in parts.
        cuda.logits = 1;
        check(&mut Both::new(cuda, tolerance));
    }
}

#[test]
fn products_of_views_agree() {
    on_the_emulator(Both::products);
}

#[test]
fn rows_of_tables_agree() {
    on_the_emulator(Both::tables);
}

#[test]
fn norms_agree() {
    on_the_emulator(Both::norms);
}

#[test]
fn attention_without_tensor_cores_agrees() {
    on_the_emulator(|both| both.attention_of_short_rows(&[6, 40]));
}

#[test]
fn attention_on_tensor_cores_agrees() {
    on_the_emulator(|both| {
        both.attention_of_short_rows(&[16]);
        both.attention(&[16]);
    });
}

#[test]
fn attention_on_tensor_cores_agrees_for_wide_heads() {
    on_the_emulator(|both| both.attention_of_a_row(&[64, 128]));
}

#[test]
fn elements_agree() {
    on_the_emulator(Both::elements);
}

#[test]
fn losses_agree() {
    on_the_emulator(Both::losses);
}

#[test]
fn steps_of_adamw_agree() {
    on_the_emulator(Both::steps);
}

#[test]
fn models_learn_alike() {
    let folder = tempfile::tempdir().unwrap();
    models::write(folder.path());
    for (precision, tolerance) in TOLERANCES {
        models::alike(folder.path(), tolerance, || Cuda::over(Emulated::default(), precision));
    }
}

#[test]
fn all_agree_on_a_gpu() {
    for (precision, tolerance) in TOLERANCES {
        let mut gpu = match Cuda::open(&CudaOptions { precision, ..CudaOptions::default() }) {
            Ok(gpu) => gpu,
            Err(reason) => {
                assert!(
                    std::env::var_os("LOQUAT_TEST_GPU").is_none(),
                    "LOQUAT_TEST_GPU is set, but {reason}"
                );
                eprintln!("SKIPPED: {reason}");
                return;
            }
        };
        gpu.logits = 1;
        let mut both = Both::new(gpu, tolerance);
        both.products();
        both.tables();
        both.norms();
        let dimensions = [6, 16, 40, 64, 80, 96, 128, 256];
        both.attention(&dimensions);
        both.attention_of_short_rows(&dimensions);
        both.elements();
        both.losses();
        both.steps();
        let folder = tempfile::tempdir().unwrap();
        models::write(folder.path());
        let options = CudaOptions { precision, ..CudaOptions::default() };
        models::alike(folder.path(), tolerance, || Cuda::open(&options).unwrap());
    }
}

#[test]
fn without_cuda_the_reason_and_what_to_do_is_said() {
    let Err(error) = Cuda::open(&CudaOptions { device: 4096, ..CudaOptions::default() }) else {
        panic!("there are not so many GPUs");
    };
    let said = error.to_string();
    assert!(["nvidia", "NVIDIA"].iter().any(|name| said.contains(name)), "{said}");
    assert!(said.contains("GPU 4096"), "{said}");
}

/// The compiler of Python's package, which needs no GPU.
fn nvrtc() -> PathBuf {
    let leftovers = std::env::current_exe().unwrap().parent().unwrap().join("packages");
    let requirements =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/backend/cuda/tests/requirements.txt");
    Packages::new(leftovers.to_str().unwrap(), "nvrtc").python(&requirements, Listed::All).unwrap()
}

#[test]
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn kernels_compile_for_ampere_hopper_and_blackwell() {
    libraries::preload(&[nvrtc()]);
    for architecture in ["sm_80", "sm_90a", "sm_100"] {
        // The others differ in sizes alone.
        let skipped =
            |module| architecture != "sm_90a" && [Module::Flash(16), Module::Flash(96)].contains(&module);
        for module in Module::ALL.into_iter().filter(|module| !skipped(*module)) {
            let option = format!("--gpu-architecture={architecture}");
            let code = compile::code(module, &option, true)
                .unwrap_or_else(|fault| panic!("{architecture}: {fault}"));
            // The names that are asked for are in it as they are.
            for kernel in kernel_names(&preprocessed(&module.source())) {
                let named = code.windows(kernel.len()).any(|part| part == kernel.as_bytes());
                assert!(named, "{architecture}: {kernel} is not in {}", module.name());
            }
        }
    }
    // What a driver is given that is newer than the compiler.
    let text = compile::code(Module::Norm, "--gpu-architecture=compute_80", false).unwrap();
    assert!(String::from_utf8(text).unwrap().contains(".entry norm_bf16_f32_4"));
    let fault = compile::code(Module::Norm, "--gpu-architecture=sm_1", true).unwrap_err().to_string();
    assert!(fault.contains("norm.cu does not compile"), "{fault}");
}
