//! Says what to do when a server cannot be reached; the advice fits the address and the proxies.

use std::path::Path;

use reqwest::Url;

use crate::models::endpoint::{host, is_local};
use crate::models::environment::{Env, set};

/// What is between this process and a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Route {
    /// The proxy and where it comes from: `proxy:3128, from HTTPS_PROXY`.
    proxy: Option<String>,
    /// Whether this process runs in a container, where `localhost` means the container itself.
    in_container: bool,
}

impl Route {
    /// Finds the way that the HTTP client takes to an address.
    pub(super) fn to(base: &Url, env: Env) -> Self {
        let marks = ["/.dockerenv", "/run/.containerenv"];
        let in_container = set(env, "container").is_some()
            || set(env, "KUBERNETES_SERVICE_HOST").is_some()
            || marks.iter().any(|mark| Path::new(mark).exists());
        let proxy = if is_local(base) { None } else { proxy(base, env) };
        Route { proxy, in_container }
    }

    /// Returns words about the proxy to add to a message, because the proxy may have answered instead of the
    /// server.
    pub(super) fn through(&self) -> String {
        self.proxy
            .as_ref()
            .map_or_else(String::new, |proxy| format!(" (through the proxy {proxy})"))
    }

    /// Says what to do about an address that has never answered.
    pub(super) fn unreachable(&self, base: &Url) -> String {
        let name = host(base);
        if !is_local(base) {
            return match &self.proxy {
                Some(proxy) => format!(
                    "is {name} reachable from here through the proxy {proxy}? NO_PROXY={} goes around it, LLM_MODE=scripted works offline",
                    base.host_str().unwrap_or(&name),
                ),
                None => format!("is {name} reachable from here? LLM_MODE=scripted works offline"),
            };
        }
        let elsewhere = match (self.in_container, base.port()) {
            (true, port) => format!(
                " Inside a container, {name} is the container itself: for a server on the machine around it set LLM_BASE_URL={}://host.docker.internal{}{}, and start the container with --add-host=host.docker.internal:host-gateway",
                base.scheme(),
                port.map_or_else(String::new, |port| format!(":{port}")),
                base.path().trim_end_matches('/'),
            ),
            (false, _) => String::new(),
        };
        format!("is the server at {name} running?{elsewhere}")
    }
}

/// Returns the proxy that the environment names for an address, without credentials.
fn proxy(base: &Url, env: Env) -> Option<String> {
    let wanted = match base.scheme() {
        "https" => ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
        _ => ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
    };
    let (name, address) = wanted.iter().find_map(|name| Some((*name, set(env, name)?)))?;
    let around = set(env, "no_proxy").or_else(|| set(env, "NO_PROXY")).unwrap_or_default();
    let host_name = base.host_str()?;
    let goes_around = around.split(',').map(str::trim).any(|entry| {
        let entry = entry.trim_start_matches('.');
        let is_below = || {
            host_name
                .strip_suffix(entry)
                .is_some_and(|front| front.is_empty() || front.ends_with('.'))
        };
        entry == "*" || !entry.is_empty() && is_below()
    });
    if goes_around {
        return None;
    }
    let address = if address.contains("://") { address } else { format!("http://{address}") };
    let shown = Url::parse(&address).map_or_else(|_| "that is named".to_owned(), |url| host(&url));
    Some(format!("{shown}, from {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(base: &str, env: &[(&str, &str)]) -> (Route, Url) {
        let base = Url::parse(base).unwrap();
        let get = |name: &str| {
            env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        (Route::to(&base, &get), base)
    }

    #[test]
    fn a_proxy_on_the_way_is_named() {
        let proxy = ("HTTPS_PROXY", "http://me:secret@proxy.example:3128");
        let (through, base) = route("https://api.example.org/v1", &[proxy]);
        let told = through.unreachable(&base);
        assert!(told.contains("proxy proxy.example:3128, from HTTPS_PROXY"), "{told}");
        assert!(!told.contains("secret") && told.contains("NO_PROXY=api.example.org"), "{told}");
        for around in ["example.org", ".example.org", "a, api.example.org", "*"] {
            let (through, base) =
                route("https://api.example.org/v1", &[proxy, ("NO_PROXY", around)]);
            assert!(!through.unreachable(&base).contains("proxy."), "{around}");
        }
        // The proxy is not for this scheme, or not for this machine.
        for base in ["http://api.example.org/v1", "https://localhost:1/v1", "https://127.0.0.1/v1"]
        {
            let (through, base) = route(base, &[proxy]);
            assert!(through.through().is_empty() && !through.unreachable(&base).contains("proxy"));
        }
        let (through, _) = route("http://api.example.org/v1", &[("all_proxy", "socks5://p:1080")]);
        assert_eq!(through.through(), " (through the proxy p:1080, from all_proxy)");
    }

    #[test]
    fn inside_a_container_localhost_is_the_container() {
        let base = "http://localhost:11434/v1";
        let (inside, url) = route(base, &[("container", "podman")]);
        let told = inside.unreachable(&url);
        assert!(told.contains("is the server at localhost:11434 running?"), "{told}");
        assert!(told.contains("LLM_BASE_URL=http://host.docker.internal:11434/v1"), "{told}");
        let outside = Route::default().unreachable(&url);
        assert!(!outside.contains("docker"), "{outside}");
        let (inside, url) = route("https://api.example.org/v1", &[("container", "podman")]);
        assert!(!inside.unreachable(&url).contains("docker"));
    }
}
