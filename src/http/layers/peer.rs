//! Who is at the other end of a connection, whatever a request says of itself.

use std::net::{IpAddr, Ipv4Addr};

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use crate::config::{Config, TrustedProxy};
use crate::error::{Error, Result};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// The longest name of a user that a proxy may send, in bytes.
const MAX_USER: usize = 128;

/// How a request came in. The server puts it into every request; without it, a request counts as come by TCP from this
/// node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// By TCP.
    Tcp {
        /// From this address.
        address: IpAddr,
        /// Whether by TLS.
        tls: bool,
    },
    /// By a unix socket, which no web page reaches.
    Unix {
        /// The user that the kernel names.
        user: Option<u32>,
    },
}

/// What is known of who sent a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its address; `None` at a unix socket.
    pub address: Option<IpAddr>,
    /// Whether it speaks TLS, to us or to a trusted proxy.
    pub secure: bool,
    /// The user of this machine, where the kernel says so.
    pub unix_user: Option<u32>,
    /// The user that a trusted proxy names.
    pub proxy_user: Option<String>,
}

impl Default for Client {
    fn default() -> Self {
        Client { address: Some(Ipv4Addr::LOCALHOST.into()), secure: false, unix_user: None, proxy_user: None }
    }
}

/// Whose headers about others are believed.
#[derive(Debug)]
pub(super) struct Proxies {
    networks: Vec<IpNet>,
    unix: bool,
    user_header: Option<HeaderName>,
}

impl Proxies {
    pub fn new(config: &Config) -> Self {
        let networks = config.trusted_proxies.iter().filter_map(|proxy| match proxy {
            TrustedProxy::Network(network) => Some(*network),
            TrustedProxy::Unix => None,
        });
        Proxies {
            networks: networks.collect(),
            unix: config.trusted_proxies.contains(&TrustedProxy::Unix),
            user_header: config.proxy_user_header.as_ref().and_then(|name| name.parse().ok()),
        }
    }

    /// Who sent a request. Headers that speak of someone else count only from a trusted proxy.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a proxy's header that names no user, or several.
    pub fn client(&self, request: &Request) -> Result<Client> {
        let peer = request.extensions().get::<Peer>().copied();
        let direct = match peer {
            None => Client::default(),
            Some(Peer::Tcp { address, tls }) => Client { address: Some(address), secure: tls, ..Client::default() },
            Some(Peer::Unix { user }) => Client { address: None, unix_user: user, ..Client::default() },
        };
        let trusted = match direct.address {
            None => self.unix,
            Some(address) => self.networks.iter().any(|network| network.contains(&address.to_canonical())),
        };
        if !trusted {
            return Ok(direct);
        }
        let headers = request.headers();
        let last = |name: HeaderName| headers.get_all(name).iter().next_back().and_then(|value| value.to_str().ok());
        let forwarded = last(FORWARDED_FOR).and_then(|list| list.rsplit(',').next()?.trim().parse().ok());
        Ok(Client {
            address: forwarded.or(direct.address),
            secure: direct.secure || last(FORWARDED_PROTO).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https")),
            // The proxy is not who asks.
            unix_user: None,
            proxy_user: self.user(headers)?,
        })
    }

    fn user(&self, headers: &HeaderMap) -> Result<Option<String>> {
        let Some(name) = &self.user_header else { return Ok(None) };
        let mut given = headers.get_all(name).iter();
        let user = match (given.next(), given.next()) {
            (None, _) => return Ok(None),
            (Some(user), None) => user.to_str().ok(),
            (Some(_), Some(_)) => None,
        };
        let user = user.filter(|user| (1..=MAX_USER).contains(&user.len()));
        user.map(|user| Some(user.to_owned())).ok_or_else(|| {
            Error::Invalid(format!("the proxy's header '{name}' must name one user, in 1 to {MAX_USER} characters"))
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;
    use crate::config::{Override, Surroundings};

    fn proxies(trusted: &str) -> Proxies {
        let option = |key, text: &str| Override { key, flag: "--test", texts: vec![text.to_owned()] };
        let options = vec![option("trusted_proxies", trusted), option("proxy_user_header", "X-User")];
        Proxies::new(&Config::load(&Surroundings::default(), None, options).unwrap())
    }

    fn request(peer: Peer, headers: &[(&str, &str)]) -> Request {
        let request = headers.iter().fold(Request::builder(), |it, (name, value)| it.header(*name, *value));
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(peer);
        request
    }

    const SPOOFED: [(&str, &str); 3] =
        [("x-forwarded-for", "9.9.9.9, 10.1.1.1"), ("x-forwarded-proto", "https"), ("x-user", "alice")];

    fn tcp(address: &str) -> Peer {
        Peer::Tcp { address: address.parse().unwrap(), tls: false }
    }

    #[test]
    fn headers_about_others_count_only_from_a_trusted_proxy() {
        let proxies = proxies("10.0.0.0/8");

        let direct = proxies.client(&request(tcp("192.0.2.1"), &SPOOFED)).unwrap();
        let unix = proxies.client(&request(Peer::Unix { user: Some(7) }, &SPOOFED)).unwrap();
        let proxied = proxies.client(&request(tcp("::ffff:10.0.0.9"), &SPOOFED)).unwrap();

        assert_eq!(direct, Client { address: "192.0.2.1".parse().ok(), ..Client::default() });
        assert_eq!(unix, Client { address: None, unix_user: Some(7), ..Client::default() });
        let alice = Some("alice".to_owned());
        // What the client wrote comes before what the proxy added.
        assert_eq!(
            proxied,
            Client { address: "10.1.1.1".parse().ok(), secure: true, unix_user: None, proxy_user: alice }
        );
    }

    #[test]
    fn a_proxy_at_a_unix_socket_is_not_who_asks() {
        let proxies = proxies("unix");

        let client = proxies.client(&request(Peer::Unix { user: Some(7) }, &SPOOFED[2..])).unwrap();

        assert_eq!((client.unix_user, client.proxy_user.as_deref(), client.address), (None, Some("alice"), None));
    }

    #[test]
    fn a_proxy_must_name_one_user() {
        let proxies = proxies("127.0.0.1");
        let long = "x".repeat(MAX_USER + 1);
        for headers in [&[("x-user", "a"), ("x-user", "b")][..], &[("x-user", "")], &[("x-user", long.as_str())]] {
            let refused = proxies.client(&request(tcp("127.0.0.1"), headers));
            assert!(matches!(refused, Err(Error::Invalid(_))), "{headers:?}");
        }
        assert_eq!(proxies.client(&request(tcp("127.0.0.1"), &[])).unwrap().proxy_user, None);
    }
}
