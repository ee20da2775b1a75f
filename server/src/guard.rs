//! Which host names are answered to.
//!
//! A page anywhere can point a name of its own at 127.0.0.1 and then talk to this server as if it were same-origin
//! (DNS rebinding). The browser still sends that foreign name in `Host`, so it is looked at before anything else.

use axum::http::{HeaderMap, Uri, header};

use crate::{Config, Refusal};

/// The allow-list.
#[derive(Clone, Debug)]
pub struct Hosts {
    /// `None` answers to every name.
    allowed: Option<Vec<String>>,
}

impl Hosts {
    /// Loopback names when listening on a loopback address; named hosts always; every name only when listening
    /// elsewhere with no name given.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let loopback = config.listen.ip().is_loopback();
        if !loopback && config.hosts.is_empty() {
            return Self { allowed: None };
        }
        let mut allowed: Vec<String> = config.hosts.iter().map(|name| name.to_ascii_lowercase()).collect();
        allowed.extend(["localhost", "127.0.0.1", "[::1]"].map(String::from));
        if loopback {
            allowed.push(match config.listen.ip() {
                std::net::IpAddr::V4(ip) => ip.to_string(),
                std::net::IpAddr::V6(ip) => format!("[{ip}]"),
            });
        }
        Self { allowed: Some(allowed) }
    }

    /// Look at what a request says; the port does not matter, since it may come through a tunnel.
    ///
    /// # Errors
    /// [`Refusal::NoHost`] without exactly one readable host, [`Refusal::ForeignHost`] for one that is not allowed.
    pub fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut values = headers.get_all(header::HOST).iter();
        let named = match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().map_err(|_| Refusal::NoHost)?,
            _ => return Err(Refusal::NoHost),
        };
        // An absolute request target must not smuggle in another name than the header.
        let target = uri.authority().map(axum::http::uri::Authority::as_str);
        for name in std::iter::once(named).chain(target) {
            let name = without_port(name).to_ascii_lowercase();
            if name.is_empty() {
                return Err(Refusal::NoHost);
            }
            if self.allowed.as_ref().is_some_and(|allowed| !allowed.contains(&name)) {
                return Err(Refusal::ForeignHost);
            }
        }
        Ok(())
    }
}

/// `name:port` → `name`, `[::1]:port` → `[::1]`; anything else as it stands, so that it matches nothing.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !ends_inside_brackets(name) => name,
        _ => host,
    }
}

fn ends_inside_brackets(name: &str) -> bool {
    name.starts_with('[') && !name.ends_with(']')
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::Options;
    use axum::http::HeaderValue;

    fn check(hosts: &Hosts, name: &str) -> Result<(), Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(name).unwrap());
        hosts.check(&Uri::from_static("/"), &headers)
    }

    fn hosts(listen: &str, names: &[&str]) -> Hosts {
        let names = (!names.is_empty()).then(|| names.iter().map(ToString::to_string).collect());
        let options = Options { listen: Some(listen.parse().unwrap()), hosts: names, ..Options::default() };
        Hosts::new(&Config::load(options).unwrap())
    }

    #[test]
    fn loopback_answers_to_loopback_names_only() {
        let hosts = hosts("127.0.0.1:8787", &[]);
        for name in ["localhost", "LOCALHOST:8787", "127.0.0.1:8787", "127.0.0.1", "[::1]:1", "[::1]"] {
            assert_eq!(check(&hosts, name), Ok(()), "{name}");
        }
        for name in [
            "evil.example",
            "evil.example:8787",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "127.0.0.2",
            "0.0.0.0",
            "user@localhost",
            "[::1",
            "localhost:80:80",
            "localhost.",
        ] {
            assert_eq!(check(&hosts, name), Err(Refusal::ForeignHost), "{name}");
        }
        assert_eq!(check(&hosts, ""), Err(Refusal::NoHost));
    }

    #[test]
    fn a_named_host_is_added() {
        let hosts = hosts("127.0.0.1:8787", &["Alcove.example"]);
        assert_eq!(check(&hosts, "alcove.example:443"), Ok(()));
        assert_eq!(check(&hosts, "localhost"), Ok(()));
    }

    #[test]
    fn a_public_server_answers_to_all_names_until_one_is_given() {
        assert_eq!(check(&hosts("0.0.0.0:80", &[]), "any.example"), Ok(()));
        assert_eq!(check(&hosts("0.0.0.0:80", &["a.example"]), "any.example"), Err(Refusal::ForeignHost));
    }

    #[test]
    fn no_host_two_hosts_and_a_different_target_are_refused() {
        let hosts = hosts("127.0.0.1:8787", &[]);
        let mut headers = HeaderMap::new();
        assert_eq!(hosts.check(&Uri::from_static("/"), &headers), Err(Refusal::NoHost));
        headers.append(header::HOST, HeaderValue::from_static("localhost"));
        let foreign = Uri::from_static("http://evil.example/");
        assert_eq!(hosts.check(&foreign, &headers), Err(Refusal::ForeignHost));
        headers.append(header::HOST, HeaderValue::from_static("localhost"));
        assert_eq!(hosts.check(&Uri::from_static("/"), &headers), Err(Refusal::NoHost));
    }
}
