//! Taking a port. In: the config. Out: an open listener whose link can be shown before anything is served.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use crate::deliver::Mailboxes;
use crate::serve::Secret;
use crate::{Config, WebEgress, WebError, WebIngress};
use loquat_contract::BotCard;

/// How many ports after the configured one are tried.
const FURTHER_PORTS: u16 = 20;

/// An open port that nothing is served on yet; dropping it frees the port.
#[derive(Debug)]
pub struct Bound {
    pub(crate) listener: TcpListener,
    pub(crate) config: Config,
    pub(crate) secret: Secret,
    address: SocketAddr,
}

/// Takes the configured port, or the next free one.
///
/// # Errors
///
/// [`WebError::Open`] for an address that others reach without a token, [`WebError::PortsTaken`] where none of the
/// ports is free, [`WebError::Bind`] for anything else that the system refuses.
pub fn bind(config: &Config) -> Result<Bound, WebError> {
    config.check()?;
    let last = config.port.saturating_add(if config.port == 0 { 0 } else { FURTHER_PORTS });
    for port in config.port..=last {
        let address = SocketAddr::new(config.host, port);
        let failed = |source| WebError::Bind { address, source };
        match TcpListener::bind(address) {
            Ok(listener) => {
                listener.set_nonblocking(true).map_err(failed)?;
                let address = listener.local_addr().map_err(failed)?;
                let secret = Secret::passing()?;
                return Ok(Bound { listener, config: config.clone(), secret, address });
            }
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(source) => return Err(failed(source)),
        }
    }
    Err(WebError::PortsTaken { first: config.port, last })
}

impl Bound {
    /// Keeps what must outlive a restart in this folder: the secret that guests' tokens are signed with. Without it, guests are
    /// strangers after a restart.
    ///
    /// # Errors
    ///
    /// [`WebError::Secret`] where the folder or what is in it cannot be used.
    pub fn keep_in(self, folder: &Path) -> Result<Self, WebError> {
        Ok(self.with_secret(Secret::kept_in(folder)?))
    }

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
        format!("http://{shown}:{}", self.address.port())
    }

    /// The two halves of the connector. Connections wait until the ingress runs.
    pub fn connect(self, bot: BotCard) -> (WebIngress, WebEgress) {
        let mailboxes = Arc::new(Mailboxes::new());
        let egress = WebEgress::new(mailboxes.clone());
        (WebIngress { bound: self, bot, mailboxes }, egress)
    }
}
