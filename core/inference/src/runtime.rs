//! The shared library. In: its path. Out: the process's one ONNX Runtime environment, its logs sent to `tracing`.
//! Must not know: models, where the library came from.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ort::LoadDynamicError;
use ort::environment::Environment;
use ort::ep::ExecutionProvider;
use ort::logging::LogLevel;

use crate::InferenceError;
use crate::provider::{self, Provider, ProviderOptions, Skipped};

/// ONNX Runtime, loaded. Cheap to clone; one process has one.
#[derive(Clone, Debug)]
pub struct Runtime {
    environment: Environment,
    path: PathBuf,
}

/// Kept for the life of the process: `ort` allows one environment, and would not start a second after the first is gone.
static LOADED: Mutex<Option<Runtime>> = Mutex::new(None);

impl Runtime {
    /// Loads the library at `path`, or gives the one that is loaded from there already.
    ///
    /// # Errors
    /// The library is missing, no ONNX Runtime, older than 1.24, or another one is loaded.
    pub fn init(path: impl AsRef<Path>) -> Result<Self, InferenceError> {
        let path = std::path::absolute(path.as_ref()).unwrap_or_else(|_| path.as_ref().to_owned());
        let path = path.canonicalize().unwrap_or(path);
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = loaded.as_ref() {
            return if runtime.path == path {
                Ok(runtime.clone())
            } else {
                Err(InferenceError::RuntimeLoaded { loaded: runtime.path.clone(), asked: path })
            };
        }
        silence();
        let environment = ort::init_from(&path)
            .map_err(|error| explain(error, &path))?
            .with_name("loquat")
            .with_telemetry(false)
            .with_logger(Arc::new(log))
            .build()
            .map_err(InferenceError::RuntimeFailed)?;
        environment.set_log_level(LogLevel::Warning);
        Ok(loaded.insert(Self { environment, path }).clone())
    }

    /// The library in use.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the library says of its build: branch, commit and compiler flags.
    pub fn build_info(&self) -> &'static str {
        ort::info()
    }

    /// The version, such as `1.32.0`, where the library's build or file name tells it.
    pub fn version(&self) -> Option<String> {
        let file = self.path.file_name()?.to_str()?;
        find_version(file).or_else(|| find_version(self.build_info()))
    }

    /// The providers that this build of the library holds; whether one works is known when a model opens.
    pub fn providers(&self) -> Vec<Provider> {
        let mut built = Vec::new();
        if ort::ep::TensorRT::is_available().unwrap_or(false) {
            built.push(Provider::TensorRt { device: 0 });
        }
        if ort::ep::CUDA::is_available().unwrap_or(false) {
            built.push(Provider::Cuda { device: 0 });
        }
        built.push(Provider::Cpu);
        built
    }

    /// Loads what `provider` needs, as opening a model would.
    ///
    /// # Errors
    /// What it lacks, and what brings that. Whether it takes a model is known when one opens.
    pub fn probe(&self, provider: Provider, options: &ProviderOptions) -> Result<(), Skipped> {
        provider::probe(self, provider, options)
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }
}

/// Keeps the library from sending its maker events about the process.
///
/// From 1.32 on, its builds for Linux do so as soon as the environment is made, before [`with_telemetry`] could forbid it; the
/// variable is what they ask first.
///
/// [`with_telemetry`]: ort::environment::EnvironmentBuilder::with_telemetry
fn silence() {
    const VARIABLE: &str = "ORT_DISABLE_TELEMETRY";
    if std::env::var_os(VARIABLE).is_some() {
        return;
    }
    // SAFETY: done once, before the library is loaded. Rust's own readers and writers of the environment take turns; code
    // of other languages that reads it at this moment, such as a resolver of names, might see a torn list, so a
    // program that starts threads of such code earlier sets the variable itself.
    #[expect(unsafe_code, reason = "a library that is configured by the environment alone")]
    unsafe {
        std::env::set_var(VARIABLE, "1");
    }
}

fn explain(error: LoadDynamicError, path: &Path) -> InferenceError {
    let path = path.to_owned();
    match error {
        LoadDynamicError::BadVersion { version_str, .. } => {
            InferenceError::RuntimeTooOld { path, found: version_str, needed: ort::MINOR_VERSION }
        }
        LoadDynamicError::MissingApi { .. } => InferenceError::RuntimeForeign { path },
        LoadDynamicError::Dlopen { error, .. } => {
            let reason = if path.exists() { error.to_string() } else { "there is no such file".to_owned() };
            InferenceError::RuntimeMissing { path, reason }
        }
        other => InferenceError::RuntimeMissing { path, reason: other.to_string() },
    }
}

fn log(level: LogLevel, category: &str, _id: &str, location: &str, message: &str) {
    match level {
        LogLevel::Verbose => tracing::trace!(target: "onnxruntime", category, location, "{message}"),
        LogLevel::Info => tracing::debug!(target: "onnxruntime", category, location, "{message}"),
        LogLevel::Warning => tracing::debug!(target: "onnxruntime", category, location, "{message}"),
        // A failure reaches the caller as an error with advice; here it is the detail behind it.
        LogLevel::Error | LogLevel::Fatal => {
            tracing::warn!(target: "onnxruntime", category, location, "{message}");
        }
    }
}

/// The first `number.number.number` of a text.
fn find_version(text: &str) -> Option<String> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .map(|part| part.trim_matches('.'))
        .find(|part| {
            let numbers: Vec<_> = part.split('.').collect();
            numbers.len() == 3 && numbers.iter().all(|number| !number.is_empty())
        })
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ort::LoadDynamicError;

    use super::{Runtime, explain, find_version};
    use crate::InferenceError;

    #[test]
    fn version_is_read_from_file_and_build() {
        assert_eq!(find_version("libonnxruntime.so.1.32.0").as_deref(), Some("1.32.0"));
        assert_eq!(
            find_version("ORT Build Info: git-branch=rel-1.24.2, git-commit-id=ab12").as_deref(),
            Some("1.24.2")
        );
        assert_eq!(find_version("libonnxruntime.so"), None);
    }

    #[test]
    fn absent_library_is_named() {
        let error = Runtime::init("/no/such/libonnxruntime.so").unwrap_err();
        assert!(matches!(error, InferenceError::RuntimeMissing { .. }));
        assert!(error.to_string().contains("/no/such/libonnxruntime.so"), "{error}");
    }

    #[test]
    fn old_library_is_told_from_a_foreign_one() {
        let path = Path::new("/lib/libonnxruntime.so");
        let old = LoadDynamicError::BadVersion { version_str: "1.17.1".to_owned(), path: path.to_owned() };
        let advice = explain(old, path).to_string();
        assert!(advice.contains("1.17.1") && advice.contains("1.24 or later"), "{advice}");
        let foreign = LoadDynamicError::MissingApi { path: path.to_owned() };
        assert!(matches!(explain(foreign, path), InferenceError::RuntimeForeign { .. }));
    }

    #[test]
    fn file_that_is_no_library_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "not a library").unwrap();
        let error = Runtime::init(file.path()).unwrap_err();
        assert!(matches!(error, InferenceError::RuntimeMissing { .. }), "{error}");
    }
}
