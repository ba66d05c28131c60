//! Where a request comes from. In: the address at the other end, and what proxies say. Out: the address of whoever asked. It believes
//! nobody but those whom the config names.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, HeaderName, Request, header};
use ipnet::IpNet;

use crate::WebError;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies that are believed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxies(Vec<IpNet>);

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    /// From this machine itself, through no proxy.
    Here,
    /// From this address; of IPv6, the network of 64 bits that one household or host has.
    From(IpAddr),
}

impl Proxies {
    /// Refuses what is neither an address nor a network.
    pub(crate) fn new(written: &[String]) -> Result<Self, WebError> {
        let network = |text: &String| {
            let alone = || text.parse::<IpAddr>().map(IpNet::from);
            text.parse().or_else(|_| alone()).map_err(|_| WebError::Proxy(text.clone()))
        };
        written.iter().map(network).collect::<Result<_, _>>().map(Self)
    }

    /// Whether what this address says of others is believed.
    pub(crate) fn believes(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address.to_canonical()))
    }

    /// Where a request comes from.
    pub(super) fn client<B>(&self, request: &Request<B>) -> Client {
        // Without a connection, such as in tests, there is nobody but us.
        let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() else {
            return Client::Here;
        };
        let (peer, said) = (peer.ip().to_canonical(), Said::of(request.headers()));
        if !self.believes(peer) {
            // A proxy on this machine that the config does not name: everybody would seem to be here.
            return if peer.is_loopback() && said == Said::Nothing { Client::Here } else { counted(peer) };
        }
        let Said::By(chain) = said else { return counted(peer) };
        // Each proxy adds who asked it at the end, so that what is believed is read from there.
        let mut nearest = peer;
        for address in chain.into_iter().rev() {
            let Some(address) = address else { break };
            nearest = address;
            if !self.believes(address) {
                break;
            }
        }
        counted(nearest)
    }
}

fn counted(address: IpAddr) -> Client {
    Client::From(match address.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX))),
        ip => ip,
    })
}

/// What proxies say.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    /// Who asked, the first proxy's word first; `None` where it is no address.
    By(Vec<Option<IpAddr>>),
    /// Two headers that differ: one of them may be the asker's own.
    TwoThings,
}

impl Said {
    fn of(headers: &HeaderMap) -> Self {
        let usual = parts(headers, &X_FORWARDED_FOR, |part| Some(part));
        let standard = parts(headers, &header::FORWARDED, |part| {
            // RFC 7239: for=192.0.2.60;proto=http;by=203.0.113.43
            let mut pairs = part.split(';').filter_map(|pair| pair.trim().split_once('='));
            pairs.find(|(name, _)| name.eq_ignore_ascii_case("for")).map(|(_, value)| value.trim_matches('"'))
        });
        match (usual, standard) {
            (None, None) => Self::Nothing,
            (Some(chain), None) | (None, Some(chain)) => Self::By(chain),
            (Some(one), Some(other)) if one == other => Self::By(one),
            (Some(_), Some(_)) => Self::TwoThings,
        }
    }
}

/// The addresses of a header that may come more than once; `None` where it does not come.
fn parts(
    headers: &HeaderMap,
    name: &HeaderName,
    of: impl Fn(&str) -> Option<&str>,
) -> Option<Vec<Option<IpAddr>>> {
    headers.contains_key(name).then(|| {
        let values = headers.get_all(name).iter();
        let lines = values.map(|value| value.to_str().unwrap_or("?"));
        lines.flat_map(|line| line.split(',').map(str::trim)).map(|part| of(part).and_then(address)).collect()
    })
}

/// An address with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let inside = || text.strip_prefix('[')?.split_once(']').map(|(ip, _)| ip.parse().ok())?;
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let ip: Option<IpAddr> = text.parse().ok().or_else(inside).or_else(with_port);
    ip.map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(trusted: &[&str], peer: &str, headers: &[(&str, &str)]) -> Client {
        let trusted: Vec<String> = trusted.iter().map(|text| (*text).to_owned()).collect();
        let mut request = Request::builder().uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let peer: IpAddr = peer.parse().unwrap();
        let request = request.extension(ConnectInfo(SocketAddr::new(peer, 4711))).body(()).unwrap();
        Proxies::new(&trusted).unwrap().client(&request)
    }

    fn from(ip: &str) -> Client {
        Client::From(ip.parse().unwrap())
    }

    #[test]
    fn nobody_is_believed_who_is_not_named() {
        let forged = [("x-forwarded-for", "203.0.113.9")];
        assert_eq!(client(&[], "198.51.100.7", &forged), from("198.51.100.7"));
        assert_eq!(client(&["10.0.0.0/8"], "198.51.100.7", &forged), from("198.51.100.7"));
        assert_eq!(client(&["10.0.0.0/8"], "10.1.2.3", &forged), from("203.0.113.9"));
    }

    #[test]
    fn what_the_asker_wrote_itself_is_left_out() {
        let chain = |text: &str| client(&["10.0.0.0/8"], "10.0.0.1", &[("x-forwarded-for", text)]);
        assert_eq!(chain("1.2.3.4, 198.51.100.7"), from("198.51.100.7"));
        assert_eq!(chain("1.2.3.4, 198.51.100.7, 10.0.0.2"), from("198.51.100.7"), "over two proxies");
        assert_eq!(chain("not an address, 10.0.0.2"), from("10.0.0.2"));
        assert_eq!(chain(""), from("10.0.0.1"));
        let twice = [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-for", "198.51.100.7")];
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &twice), from("198.51.100.7"));
    }

    #[test]
    fn both_headers_are_read_and_must_agree() {
        let standard = |text: &str| client(&["127.0.0.1"], "127.0.0.1", &[("forwarded", text)]);
        assert_eq!(standard("for=198.51.100.7;proto=https"), from("198.51.100.7"));
        assert_eq!(standard("for=1.2.3.4, For=\"[2001:db8:1:2::3]:4711\""), from("2001:db8:1:2::"));
        assert_eq!(standard("for=unknown"), from("127.0.0.1"));
        let forged = [("x-forwarded-for", "198.51.100.7"), ("forwarded", "for=1.2.3.4")];
        assert_eq!(client(&["127.0.0.1"], "127.0.0.1", &forged), from("127.0.0.1"));
    }

    #[test]
    fn neighbours_of_one_network_count_as_one() {
        let near = client(&[], "2001:db8:1:2::3", &[]);
        assert_eq!(near, client(&[], "2001:db8:1:2:ffff::1", &[]));
        assert_ne!(near, client(&[], "2001:db8:1:3::3", &[]));
        assert_eq!(client(&[], "::ffff:198.51.100.7", &[]), from("198.51.100.7"));
    }

    #[test]
    fn only_who_is_here_without_a_proxy_is_here() {
        assert_eq!(client(&[], "127.0.0.1", &[]), Client::Here);
        assert_eq!(client(&[], "::1", &[]), Client::Here);
        assert_eq!(client(&[], "127.0.0.1", &[("x-forwarded-for", "127.0.0.1")]), from("127.0.0.1"));
        assert_eq!(
            client(&["127.0.0.1"], "127.0.0.1", &[("x-forwarded-for", "127.0.0.1")]),
            from("127.0.0.1")
        );
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for wrong in ["", "localhost", "10.0.0.0/33", "10.0.0"] {
            assert!(Proxies::new(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
