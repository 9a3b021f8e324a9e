//! What protects the server from web pages: browsers send requests on behalf of any page, with the user's network
//! position, and these checks tell the pages apart. Contract section 9.

use std::net::IpAddr;

use axum::http::{HeaderMap, Method, Uri, header};

use crate::config::{Config, host_name};

/// Names that always mean this server.
const OWN_NAMES: [&str; 2] = ["localhost", "0.0.0.0"];

/// Which names and origins are ours.
#[derive(Debug)]
pub(super) struct BrowserRules {
    /// Lower case; a name, `*.domain` or `*`.
    hosts: Vec<String>,
    /// Lower case; `scheme://host[:port]` or `*`.
    origins: Vec<String>,
}

/// Whose page sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Page {
    /// No browser says that a page is behind it.
    None,
    /// A page of this server.
    Own,
    /// A page of localhost, at another port.
    Local,
    /// A page of an origin in the configuration.
    Allowed,
    /// A page of any origin, which the configuration allows; without credentials.
    AnyAllowed,
    /// Some other page.
    Foreign,
}

impl BrowserRules {
    pub(super) fn new(config: &Config) -> Self {
        let mut hosts = config.allowed_hosts.clone();
        let node = config.node_name.to_ascii_lowercase();
        // Nobody else can make a name without a domain resolve, so the short form is safe too.
        hosts.extend(node.split_once('.').map(|(short, _)| short.to_owned()));
        hosts.push(node);
        hosts.extend(config.listen.iter().filter_map(|address| match address {
            crate::config::ListenAddress::Tcp { host, .. } => Some(host.to_ascii_lowercase()),
            crate::config::ListenAddress::Unix(_) => None,
        }));
        BrowserRules { hosts, origins: config.allowed_origins.clone() }
    }

    /// Whether the request names this server, in one way and once.
    ///
    /// A page that rebinds its own DNS name to this server's address sends that name here. HTTP/1.1 demands one `Host`;
    /// a target in absolute form must name the same.
    pub(super) fn is_for_us(&self, headers: &HeaderMap, target: &Uri) -> bool {
        let mut given = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (given.next(), given.next()) else { return false };
        let Ok(host) = host.to_str() else { return false };
        let same_target = target.authority().is_none_or(|authority| authority.as_str().eq_ignore_ascii_case(host));
        same_target && host_name(host).is_some_and(|name| self.is_our_name(name))
    }

    fn is_our_name(&self, name: &str) -> bool {
        if OWN_NAMES.iter().any(|own| name.eq_ignore_ascii_case(own)) || name.parse().is_ok_and(is_private) {
            return true;
        }
        self.hosts.iter().any(|allowed| match allowed.strip_prefix('*') {
            Some("") => true,
            Some(domain) => {
                let start = name.len().checked_sub(domain.len());
                start.is_some_and(|at| at > 0 && name.get(at..).is_some_and(|end| end.eq_ignore_ascii_case(domain)))
            }
            None => name.eq_ignore_ascii_case(allowed),
        })
    }

    /// Whose page sent the request, as far as the browser says.
    ///
    /// `Sec-Fetch-Site` is set by browsers alone and covers what the server cannot know, as which name and scheme a proxy
    /// in front of it has. Only secure pages send it; for the others `Origin` is compared with `Host`.
    pub(super) fn page(&self, headers: &HeaderMap) -> Page {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let origin = match (origins.next(), origins.next()) {
            (None, _) => return Page::None,
            (Some(origin), None) => origin.to_str().unwrap_or_default().to_ascii_lowercase(),
            (Some(_), Some(_)) => return Page::Foreign,
        };
        let same_host = match (origin.strip_prefix("http://"), text(header::HOST)) {
            (Some(authority), Some(host)) => authority.eq_ignore_ascii_case(host.strip_suffix(":80").unwrap_or(host)),
            _ => false,
        };
        let is_own = match text(header::HeaderName::from_static("sec-fetch-site")) {
            Some(site) => site == "same-origin",
            None => same_host,
        };
        if is_own {
            return Page::Own;
        }
        let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        let of_localhost = authority
            .and_then(host_name)
            .is_some_and(|name| name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback()));
        if self.origins.contains(&origin) {
            Page::Allowed
        } else if of_localhost {
            Page::Local
        } else if self.origins.iter().any(|allowed| allowed == "*") {
            Page::AnyAllowed
        } else {
            Page::Foreign
        }
    }
}

/// Whether a request of this method may change something, so that a foreign page must not send it.
pub(super) fn changes_something(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Addresses that no name outside of the site's control leads to: an address typed as such cannot be rebound.
fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Override, Surroundings};

    fn rules(options: &[(&'static str, &str)]) -> BrowserRules {
        let surroundings = Surroundings { node_name: "login1.cluster.example".to_owned(), ..Surroundings::default() };
        let overrides = options
            .iter()
            .map(|(key, text)| Override { key, flag: "--test", texts: vec![(*text).to_owned()] })
            .collect();
        BrowserRules::new(&Config::load(&surroundings, None, overrides).unwrap())
    }

    fn is_for_us(rules: &BrowserRules, hosts: &[&str], target: &str) -> bool {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(header::HOST, host.parse().unwrap());
        }
        rules.is_for_us(&headers, &target.parse().unwrap())
    }

    fn page(rules: &BrowserRules, headers: &[(&'static str, &str)]) -> Page {
        let headers = headers.iter().map(|(name, value)| {
            (header::HeaderName::from_static(name), header::HeaderValue::from_str(value).unwrap())
        });
        rules.page(&headers.collect())
    }

    #[test]
    fn names_of_this_server_are_accepted_with_any_port_case_and_a_final_dot() {
        let rules = rules(&[("allowed_hosts", "Track.Example.org")]);

        for host in [
            "localhost",
            "localhost:5000",
            "LOCALHOST:1",
            "localhost.",
            "localhost.:5000",
            "127.0.0.1",
            "127.0.0.1:80",
            "[::1]",
            "[::1]:5000",
            "0.0.0.0:5000",
            "10.1.2.3:5000",
            "172.16.0.1",
            "172.31.255.255:9",
            "192.168.0.7",
            "[fd00::7]:5000",
            "[fc00::1]",
            "track.example.org",
            "TRACK.example.org:8443",
            "track.example.org.",
            "login1.cluster.example:5000",
            "login1:5000",
        ] {
            assert!(is_for_us(&rules, &[host], "/x"), "{host}");
        }
    }

    #[test]
    fn other_names_are_refused_and_so_is_what_names_the_server_in_two_ways() {
        let rules = rules(&[("allowed_hosts", "track.example.org")]);

        for host in [
            "evil.example",
            "localhost.evil",
            "127.0.0.1.evil",
            "localhost.evil.example:5000",
            "172.32.0.1",
            "8.8.8.8",
            "",
            "[2001:db8::1]:5000",
            "x.track.example.org",
            "localhost:5000:5000",
            "localhost@evil.example",
            "localhost/x",
            "[::1",
            "[localhost]",
            "login1.evil.example",
            "localhost:99999",
            "*",
        ] {
            assert!(!is_for_us(&rules, &[host], "/x"), "{host}");
        }
        assert!(!is_for_us(&rules, &[], "/x"));
        assert!(!is_for_us(&rules, &["localhost", "localhost"], "/x"));
        assert!(!is_for_us(&rules, &["localhost:5000"], "http://evil.example/x"));
        assert!(is_for_us(&rules, &["localhost:5000"], "http://LOCALHOST:5000/x"));
    }

    #[test]
    fn a_star_allows_names_below_a_domain_or_every_name() {
        let below = rules(&[("allowed_hosts", "*.example.org")]);
        let all = rules(&[("allowed_hosts", "*")]);

        assert!(is_for_us(&below, &["a.example.org"], "/"));
        assert!(!is_for_us(&below, &["example.org"], "/"));
        assert!(!is_for_us(&below, &["evilexample.org"], "/"));
        assert!(!is_for_us(&below, &[".example.org"], "/"));
        assert!(is_for_us(&all, &["anything.example"], "/"));
    }

    #[test]
    fn an_address_that_is_listened_on_is_a_name_of_the_server() {
        let rules = rules(&[("listen", "192.0.2.7:5000"), ("allow_open", "true")]);

        assert!(is_for_us(&rules, &["192.0.2.7:5000"], "/"));
        assert!(!is_for_us(&rules, &["192.0.2.8:5000"], "/"));
    }

    #[test]
    fn pages_are_told_apart_by_what_the_browser_says() {
        let rules = rules(&[("allowed_origins", "https://Portal.example.org")]);
        let host = ("host", "track.example.org:5000");

        for (headers, expected) in [
            (vec![host], Page::None),
            (vec![host, ("origin", "http://track.example.org:5000")], Page::Own),
            (vec![host, ("origin", "https://track.example.org"), ("sec-fetch-site", "same-origin")], Page::Own),
            (vec![host, ("origin", "http://track.example.org:5000"), ("sec-fetch-site", "cross-site")], Page::Foreign),
            (vec![("host", "track.example.org:80"), ("origin", "http://track.example.org")], Page::Own),
            (vec![host, ("origin", "http://localhost:3000")], Page::Local),
            (vec![host, ("origin", "http://127.0.0.1")], Page::Local),
            (vec![host, ("origin", "http://[::1]:8888")], Page::Local),
            (vec![host, ("origin", "https://portal.example.org")], Page::Allowed),
            (vec![host, ("origin", "http://portal.example.org")], Page::Foreign),
            (vec![host, ("origin", "https://portal.example.org:8443")], Page::Foreign),
            (vec![host, ("origin", "http://track.example.org:5001")], Page::Foreign),
            (vec![host, ("origin", "https://track.example.org:5000")], Page::Foreign),
            (vec![host, ("origin", "http://localhost.evil.example")], Page::Foreign),
            (vec![host, ("origin", "null")], Page::Foreign),
            (vec![host, ("origin", "")], Page::Foreign),
            (vec![host, ("origin", "http://evil.example"), ("sec-fetch-site", "cross-site")], Page::Foreign),
        ] {
            assert_eq!(page(&rules, &headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn a_star_allows_every_origin_but_none_with_credentials() {
        let rules = rules(&[("allowed_origins", "*")]);

        assert_eq!(page(&rules, &[("host", "localhost"), ("origin", "https://any.example")]), Page::AnyAllowed);
    }
}
