//! Where a request comes from. In: the address at the other end, and what proxies say. Out: the address of whoever asked. It believes
//! nobody but those whom the config names.

use std::net::IpAddr;

use axum::http::HeaderMap;
use ipnet::IpNet;

use crate::WebError;

/// The proxies that are believed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxies(Vec<IpNet>);

impl Proxies {
    /// Refuses what is neither an address nor a network.
    pub(crate) fn new(written: &[String]) -> Result<Self, WebError> {
        let network = |text: &String| {
            let alone = || text.parse::<IpAddr>().map(IpNet::from);
            text.parse().or_else(|_| alone()).map_err(|_| WebError::Proxy(text.clone()))
        };
        written.iter().map(network).collect::<Result<_, _>>().map(Self)
    }

    fn believes(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}
