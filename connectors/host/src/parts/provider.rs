//! The config's providers → those of inference. In: `[runtime]`, where libraries lie. Out: the providers to try, and how each works.

use std::path::Path;

use loquat_artifacts::Cache;
use loquat_inference::{
    ArenaGrowth, CpuOptions, CudaOptions, Provider, ProviderOptions, Range, ShapeProfile, TensorRtOptions,
};

use super::library;
use crate::config::{Arena, Config, ProfileConfig, ProviderName};

/// The providers to try, best first; the processor is always the last.
pub(crate) fn providers(config: &Config) -> Vec<Provider> {
    let device = config.runtime.device;
    let provider = |name: &ProviderName| match name {
        ProviderName::TensorRt => Provider::TensorRt { device },
        ProviderName::Cuda => Provider::Cuda { device },
        ProviderName::Cpu => Provider::Cpu,
    };
    let mut providers: Vec<Provider> = config.runtime.providers.iter().map(provider).collect();
    if !providers.contains(&Provider::Cpu) {
        providers.push(Provider::Cpu);
    }
    providers
}

/// How each provider works; `runtime` is the ONNX Runtime in use.
pub(crate) fn options(config: &Config, cache: &Cache, runtime: &Path) -> ProviderOptions {
    let own = &config.runtime;
    let bytes = |megabytes: usize| Some(megabytes.saturating_mul(1_000_000)).filter(|&bytes| bytes > 0);
    ProviderOptions {
        cpu: CpuOptions {
            affinity: own.affinity.clone(),
            arena: own.arena,
            flush_denormals: own.flush_denormals,
        },
        cuda: CudaOptions {
            memory_limit: bytes(own.cuda.memory_limit_mb),
            arena: match own.cuda.arena {
                Arena::PowersOfTwo => ArenaGrowth::PowersOfTwo,
                Arena::AsRequested => ArenaGrowth::AsRequested,
            },
            tf32: own.cuda.tf32,
            libraries: library::folders(config, cache, runtime),
        },
        tensorrt: TensorRtOptions {
            cache: Some(own.tensorrt.engines.clone().unwrap_or_else(|| cache.root().join("tensorrt"))),
            fp16: own.tensorrt.fp16,
            workspace: bytes(own.tensorrt.workspace_mb),
            profile: own.tensorrt.profile.as_ref().map(profile),
        },
    }
}

fn profile(config: &ProfileConfig) -> ShapeProfile {
    let range = |[min, opt, max]: [usize; 3]| Range { min, opt, max };
    ShapeProfile { batch: range(config.batch), tokens: range(config.tokens), past: range(config.past) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_always_the_last_to_try() {
        let mut config = Config::default();
        config.runtime.device = 2;
        config.runtime.providers = vec![ProviderName::TensorRt, ProviderName::Cuda];
        assert_eq!(
            providers(&config),
            [Provider::TensorRt { device: 2 }, Provider::Cuda { device: 2 }, Provider::Cpu]
        );
    }

    #[test]
    fn every_key_reaches_its_option() {
        let mut config = Config::default();
        let own = &mut config.runtime;
        (own.threads, own.affinity, own.arena, own.flush_denormals) = (2, vec![1], false, true);
        own.cuda.memory_limit_mb = 500;
        own.cuda.arena = Arena::AsRequested;
        own.cuda.tf32 = true;
        own.tensorrt.workspace_mb = 3;
        own.tensorrt.engines = Some("/engines".into());
        own.tensorrt.profile = Some(ProfileConfig { batch: [1, 2, 3], tokens: [4, 5, 6], past: [7, 8, 9] });
        let options = options(&config, &Cache::at("/cache"), Path::new("/lib/libonnxruntime.so"));
        assert_eq!(options.cpu, CpuOptions { affinity: vec![1], arena: false, flush_denormals: true });
        assert_eq!((options.cuda.memory_limit, options.cuda.tf32), (Some(500_000_000), true));
        assert_eq!(options.cuda.arena, ArenaGrowth::AsRequested);
        assert_eq!((options.tensorrt.workspace, options.tensorrt.fp16), (Some(3_000_000), true));
        assert_eq!(options.tensorrt.cache.as_deref(), Some(Path::new("/engines")));
        let profile = options.tensorrt.profile.unwrap();
        assert_eq!((profile.batch.opt, profile.tokens.max, profile.past.min), (2, 6, 7));
    }
}
