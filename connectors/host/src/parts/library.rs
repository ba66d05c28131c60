//! Which ONNX Runtime, and which libraries of CUDA. In: the config, this machine. Out: an artefact or paths, and what it would take to
//! get what is missing. Fetches nothing.

use std::path::{Path, PathBuf};
use std::process::Command;

use loquat_artifacts::{Artifact, Cache, FetchError, catalog, path_of};
use loquat_inference::{CUDA_PACKAGES, TENSORRT_PACKAGES};

use crate::config::{Config, Library, ProviderName};

/// What is downloaded for CUDA and cuDNN, and what TensorRT adds, in GB: those that `onnxruntime-gpu` 1.31 goes with.
const CUDA_GB: &str = "1.3 GB";
const TENSORRT_GB: &str = "some GB more for TensorRT";

/// Where the library comes from.
#[derive(Clone, Debug)]
pub(crate) enum Choice {
    /// It is the config's own.
    Own(PathBuf),
    /// It is fetched.
    Fetched(Box<Artifact>),
}

impl Choice {
    /// What the config and this machine lead to.
    ///
    /// # Errors
    /// Nothing is pinned for this platform.
    pub(crate) fn of(config: &Config) -> Result<Self, FetchError> {
        let gpu = match &config.runtime.library {
            Library::File(path) => return Ok(Self::Own(path.clone())),
            Library::Cpu => false,
            Library::Gpu => true,
            Library::Auto => config.runtime.wants_gpu() && has_driver() && catalog::onnxruntime_gpu().is_ok(),
        };
        let artifact = if gpu { catalog::onnxruntime_gpu()? } else { catalog::onnxruntime()? };
        let own = "set `runtime.library` in the config, or LOQUAT_RUNTIME__LIBRARY";
        Ok(Self::Fetched(Box::new(artifact.with_own_copy(own))))
    }

    /// Where it lies, or will.
    pub(crate) fn path(&self, cache: &Cache) -> PathBuf {
        match self {
            Self::Own(path) => path.clone(),
            Self::Fetched(artifact) => path_of(artifact, cache),
        }
    }
}

/// Whether this machine has a driver of NVIDIA's; on Windows a library always asks the system.
pub(crate) fn has_driver() -> bool {
    cfg!(windows) || ["/dev/nvidiactl", "/dev/dxg"].iter().any(|device| Path::new(device).exists())
}

/// The folder that [`command`] installs to.
fn own_folder(cache: &Cache) -> PathBuf {
    cache.root().join("cuda-13")
}

/// The one command that brings the libraries of CUDA, and of TensorRT where that is asked for, and how much it downloads. One, because
/// pip puts no second package into a folder that it has filled already.
pub(crate) fn command(config: &Config, cache: &Cache) -> String {
    let tensorrt = config.runtime.providers.contains(&ProviderName::TensorRt);
    let also: &[&str] = if tensorrt { &TENSORRT_PACKAGES } else { &[] };
    let packages: Vec<String> =
        CUDA_PACKAGES.iter().chain(also).map(|package| format!("'{package}'")).collect();
    let size = if tensorrt { format!("{CUDA_GB}, and {TENSORRT_GB}") } else { CUDA_GB.to_owned() };
    let python = cache.clients.python.display();
    let folder = own_folder(cache);
    format!("{python} -m pip install --target {} {} (downloads {size})", folder.display(), packages.join(" "))
}

/// The folders in which libraries of CUDA may lie, for the config's providers: the config's own, the cache's, those of Python's packages
/// beside the library and of the environment that is active; where these hold none, those of the Python on the search path.
pub(crate) fn folders(config: &Config, cache: &Cache, library: &Path) -> Vec<PathBuf> {
    if !config.runtime.wants_gpu() {
        return Vec::new();
    }
    let mut roots = config.runtime.cuda.libraries.clone();
    roots.push(own_folder(cache));
    // …/site-packages/onnxruntime/capi/libonnxruntime.so
    roots.extend(library.ancestors().nth(3).map(Path::to_owned));
    for name in ["VIRTUAL_ENV", "CONDA_PREFIX"] {
        roots.extend(std::env::var_os(name).into_iter().flat_map(|root| packages(Path::new(&root))));
    }
    let found: Vec<PathBuf> = roots.iter().flat_map(|root| within(root)).collect();
    if found.len() > config.runtime.cuda.libraries.len() {
        return found;
    }
    let of_python = asked(&cache.clients.python);
    found.into_iter().chain(of_python.iter().flat_map(|root| within(root))).collect()
}

/// Folders with libraries: the root itself where it holds some, and those of `nvidia-*` and TensorRT packages in it.
fn within(root: &Path) -> Vec<PathBuf> {
    let lib = if cfg!(windows) { "bin" } else { "lib" };
    let mut found = vec![root.to_owned(), root.join("tensorrt_libs")];
    found.retain(|folder| holds_libraries(folder));
    let nvidia = std::fs::read_dir(root.join("nvidia")).into_iter().flatten().flatten();
    let mut packages: Vec<PathBuf> =
        nvidia.map(|entry| entry.path().join(lib)).filter(|folder| holds_libraries(folder)).collect();
    packages.sort();
    found.extend(packages);
    found
}

fn holds_libraries(folder: &Path) -> bool {
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
    names.map(|entry| entry.file_name()).any(|name| {
        let name = name.to_string_lossy();
        // libcudart, libcublas, libcudnn, libnvinfer, libnvrtc …
        ["libcu", "libnv", "cu", "nv"].iter().any(|start| name.starts_with(start))
            && (name.contains(".so") || name.ends_with(".dll"))
    })
}

/// The folders of packages of a Python environment.
fn packages(environment: &Path) -> Vec<PathBuf> {
    let versions = std::fs::read_dir(environment.join("lib")).into_iter().flatten().flatten();
    let pythons = versions.filter(|entry| entry.file_name().to_string_lossy().starts_with("python"));
    let mut found: Vec<PathBuf> = pythons.map(|entry| entry.path().join("site-packages")).collect();
    found.push(environment.join("Lib/site-packages"));
    found.retain(|folder| folder.is_dir());
    found
}

/// What Python itself says of its packages' folders; none where there is no Python.
fn asked(python: &Path) -> Vec<PathBuf> {
    let code = "import site, sysconfig; print(sysconfig.get_path('purelib'), site.getusersitepackages(), \
                *site.getsitepackages(), sep='\\n')";
    let output = Command::new(python).args(["-c", code]).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let mut found: Vec<PathBuf> = text.lines().map(PathBuf::from).collect();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn wanting_cuda() -> Config {
        let mut config = Config::default();
        config.runtime.providers = vec![ProviderName::Cuda];
        config
    }

    #[test]
    fn the_library_is_the_one_that_is_named() {
        let name = |config: &Config| match Choice::of(config).unwrap() {
            Choice::Own(path) => path.display().to_string(),
            Choice::Fetched(artifact) => artifact.folder,
        };
        let mut config = wanting_cuda();
        config.runtime.library = Library::File("/opt/libonnxruntime.so".into());
        assert_eq!(name(&config), "/opt/libonnxruntime.so");
        config.runtime.library = Library::Cpu;
        assert!(name(&config).starts_with("onnxruntime/"));
        if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            config.runtime.library = Library::Gpu;
            assert!(name(&config).starts_with("onnxruntime-gpu/"));
            config.runtime.library = Library::Auto;
            assert_eq!(name(&config).starts_with("onnxruntime-gpu/"), has_driver());
        }
        assert!(name(&Config::default()).starts_with("onnxruntime/"), "nobody asked for a GPU");
    }

    #[test]
    fn libraries_are_found_in_folders_of_packages() {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::at(root.path().join("cache"));
        let site = root.path().join("venv/lib/python3.12/site-packages");
        let library = site.join("onnxruntime/capi/libonnxruntime.so");
        for file in
            ["nvidia/cu13/lib/libcudart.so.13", "nvidia/cudnn/lib/libcudnn.so.9", "nvidia/doc/lib/readme"]
        {
            let file = site.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        let found = folders(&wanting_cuda(), &cache, &library);
        assert_eq!(found, [site.join("nvidia/cu13/lib"), site.join("nvidia/cudnn/lib")]);
        assert!(
            folders(&Config::default(), &cache, &library).is_empty(),
            "nothing is looked for without a GPU"
        );
        assert_eq!(packages(&root.path().join("venv")), [site]);
    }

    #[test]
    fn the_command_names_every_package_and_its_size() {
        let cache = Cache::at("/cache");
        let mut config = wanting_cuda();
        let cuda = command(&config, &cache);
        assert!(
            cuda.contains("--target /cache/cuda-13")
                && cuda.contains("'nvidia-cudnn-cu13")
                && cuda.contains("GB")
        );
        assert!(!cuda.contains("tensorrt"));
        config.runtime.providers.insert(0, ProviderName::TensorRt);
        assert!(command(&config, &cache).contains("'tensorrt-cu13-libs"));
    }
}
