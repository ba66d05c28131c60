//! Where artefacts are kept and which programs get them. In: the environment, or paths given by the caller. Out: a
//! [`Cache`]. It must not know any particular artefact.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use secrecy::SecretString;

use crate::FetchError;

/// The cache folder, with the clients that fill it.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
    /// The programs and the hub that artefacts come through.
    pub clients: Clients,
}

impl Cache {
    /// `loquat` in the user's cache folder (`$XDG_CACHE_HOME`, else `~/.cache`; on Windows the local application data).
    ///
    /// # Errors
    /// [`FetchError::NoHome`] where there is no home folder and `XDG_CACHE_HOME` is not set.
    pub fn from_env() -> Result<Self, FetchError> {
        let strategy = etcetera::choose_base_strategy().map_err(|_| FetchError::NoHome)?;
        Ok(Self { root: strategy.cache_dir().join("loquat"), clients: Clients::from_env() })
    }

    /// A cache in `root`, filled through the default programs.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), clients: Clients::default() }
    }

    /// The same cache, filled through `clients`.
    #[must_use]
    pub fn with_clients(mut self, clients: Clients) -> Self {
        self.clients = clients;
        self
    }

    /// The folder that everything is in.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a person puts an archive that was downloaded elsewhere; it is verified like any other.
    pub fn offline_folder(&self) -> PathBuf {
        self.root.join("offline")
    }
}

/// The programs that speak to registries, and the access to a hub.
#[derive(Clone, Debug)]
pub struct Clients {
    /// Python with pip, run as `PYTHON -m pip`.
    pub python: PathBuf,
    /// npm.
    pub npm: PathBuf,
    /// The model hub.
    pub hub: HubAccess,
}

impl Default for Clients {
    /// `python3` and `npm` from the search path, and the hub client's own endpoint without a token.
    fn default() -> Self {
        let (python, npm) = if cfg!(windows) { ("python", "npm.cmd") } else { ("python3", "npm") };
        Self { python: python.into(), npm: npm.into(), hub: HubAccess::default() }
    }
}

impl Clients {
    /// The default programs, with the hub's endpoint and token from `HF_ENDPOINT` and `HF_TOKEN`.
    pub fn from_env() -> Self {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let hub = HubAccess { endpoint: set("HF_ENDPOINT"), token: set("HF_TOKEN").map(SecretString::from) };
        Self { hub, ..Self::default() }
    }
}

/// How to reach a hub. Its `Debug` print shows no token.
#[derive(Clone, Debug, Default)]
pub struct HubAccess {
    /// Base URL; `None` is the client's own.
    pub endpoint: Option<String>,
    /// Access token, for private repositories.
    pub token: Option<SecretString>,
}
