//! Taking a port. In: the config. Out: an open listener whose link can be shown before anything is served.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use loquat_contract::{BotCard, Knowledge};

use super::{Access, HostSite, Mount, Origins, Proxies, ReadyCheck, Secret, Tls};
use crate::deliver::Mailboxes;
use crate::files::Store;
use crate::keys::Keys;
use crate::{Config, WebEgress, WebError, WebIngress};

/// How many ports after the configured one are tried.
const FURTHER_PORTS: u16 = 20;

/// An open port that nothing is served on yet; dropping it frees the port.
pub struct Bound {
    pub(crate) listener: TcpListener,
    pub(crate) config: Config,
    pub(crate) secret: Secret,
    pub(crate) keys: Option<Keys>,
    pub(crate) host_site: Option<Arc<HostSite>>,
    pub(crate) tls: Option<Tls>,
    pub(crate) origins: Origins,
    pub(crate) proxies: Proxies,
    pub(crate) mounts: Vec<Mount>,
    pub(crate) checks: Vec<(String, ReadyCheck)>,
    pub(crate) files: Option<Arc<Store>>,
    pub(crate) knowledge: Option<Arc<dyn Knowledge>>,
    address: SocketAddr,
}

impl std::fmt::Debug for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bound").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Takes the configured port, or the next free one.
///
/// # Errors
///
/// [`WebError::Open`] for an address that others reach where nothing says who may chat, others for what else cannot be meant;
/// [`WebError::Tls`] and [`WebError::PublicKey`] for files that are no good; [`WebError::PortsTaken`] where none of the ports is free,
/// [`WebError::Bind`] for anything else that the system refuses.
pub fn bind(config: &Config) -> Result<Bound, WebError> {
    config.check()?;
    let tls = Tls::new(&config.tls)?;
    let host_site = HostSite::new(&config.identity)?.map(Arc::new);
    let (listener, address) = listen(config)?;
    Ok(Bound {
        listener,
        address,
        secret: Secret::passing()?,
        keys: None,
        host_site,
        tls,
        origins: Origins::new(&config.origins)?,
        proxies: Proxies::new(&config.trusted_proxies)?,
        mounts: Vec::new(),
        checks: Vec::new(),
        files: None,
        knowledge: None,
        config: config.clone(),
    })
}

fn listen(config: &Config) -> Result<(TcpListener, SocketAddr), WebError> {
    let last = config.port.saturating_add(if config.port == 0 { 0 } else { FURTHER_PORTS });
    for port in config.port..=last {
        let address = SocketAddr::new(config.host, port);
        let failed = |source| WebError::Bind { address, source };
        match TcpListener::bind(address) {
            Ok(listener) => {
                listener.set_nonblocking(true).map_err(failed)?;
                let address = listener.local_addr().map_err(failed)?;
                return Ok((listener, address));
            }
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(source) => return Err(failed(source)),
        }
    }
    Err(WebError::PortsTaken { first: config.port, last })
}

impl Bound {
    /// Keeps in this folder what must outlive a restart: the secret that guests' tokens are signed with, and in `files` the files that
    /// come with messages. API keys are read from there, too ([`Keys::kept_in`]). Without a folder, guests are strangers after a
    /// restart, and there are no files and no API keys.
    ///
    /// # Errors
    ///
    /// [`WebError::Secret`] or [`WebError::Files`] where the folder or what is in it cannot be used.
    pub fn keep_in(self, folder: &Path) -> Result<Self, WebError> {
        let secret = Secret::kept_in(folder)?;
        let place = folder.join("files");
        let files = Store::open(&place, &self.config.files)
            .map_err(|source| WebError::Files { folder: place, source })?;
        Ok(Self { secret, keys: Some(Keys::kept_in(folder)), files: Some(files), ..self })
    }

    /// Lets people look around in this graph from what an answer cites.
    #[must_use]
    pub fn with_knowledge(self, graph: Arc<dyn Knowledge>) -> Self {
        Self { knowledge: Some(graph), ..self }
    }

    /// Serves a router under a path, such as `/v1`, behind the same checks, limits and headers as the chat. The router's own paths
    /// begin behind that path. Its requests with an API key have the [`Person`](loquat_contract::Person) of the key among their
    /// extensions.
    ///
    /// # Errors
    ///
    /// [`WebError::MountPath`] where the path is none.
    ///
    /// # Panics
    ///
    /// When the ingress runs, where two routers have the same route, as `Router::nest` does.
    pub fn mount(mut self, path: &str, access: Access, router: Router) -> Result<Self, WebError> {
        self.mounts.push(Mount::new(path, access, router)?);
        Ok(self)
    }

    /// Has `/ready` say 503 while this check fails. Everybody reads the name, nobody but the log what is wrong.
    #[must_use]
    pub fn ready_if(mut self, name: &str, check: ReadyCheck) -> Self {
        self.checks.push((name.to_owned(), check));
        self
    }

    #[cfg(test)]
    pub(crate) fn with_secret(self, secret: Secret) -> Self {
        Self { secret, ..self }
    }

    /// The address listened on, with the port that was free.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether the configured port was taken by something else.
    pub fn moved(&self) -> bool {
        self.config.port != 0 && self.address.port() != self.config.port
    }

    /// The link to open in a browser on this machine.
    pub fn link(&self) -> String {
        let shown = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => "127.0.0.1".to_owned(),
            IpAddr::V6(ip) if ip.is_unspecified() => "[::1]".to_owned(),
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{shown}:{}", self.address.port())
    }

    /// The two halves of the connector. Connections wait until the ingress runs.
    pub fn connect(self, bot: BotCard) -> (WebIngress, WebEgress) {
        let mailboxes = Arc::new(Mailboxes::new());
        let egress = WebEgress::new(mailboxes.clone(), self.files.clone());
        (WebIngress { bound: self, bot, mailboxes }, egress)
    }
}
