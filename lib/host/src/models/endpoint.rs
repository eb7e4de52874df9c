//! The server that is asked.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use reqwest::Url;

use super::ModelError;
use super::key::Key;
use super::local::LocalModel;
use super::provider::Provider;
use super::text::{clean, printable};

/// A provider's server, and everything needed to call it.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    pub(super) provider: &'static Provider,
    /// The address, without a slash at the end, credentials or a query.
    pub(super) base: Url,
    pub(super) model: String,
    pub(super) key: Option<Key>,
    /// Where the key came from.
    pub(super) key_from: String,
    /// The model that the lab runs itself. It reports its own address, which may change; `base` and `key` are
    /// then unused.
    pub(super) local: Option<Arc<LocalModel>>,
}

/// The current address for a request, and the key for it.
pub(super) struct CurrentEndpoint<'a> {
    pub(super) base: Cow<'a, Url>,
    pub(super) key: Option<Cow<'a, Key>>,
}

impl Endpoint {
    /// Returns where a request goes now. Starts the local model if it is chosen and not running.
    ///
    /// # Errors
    /// [`ModelError::Provider`] if the local model cannot be started.
    pub(super) fn reach(&self) -> Result<CurrentEndpoint<'_>, ModelError> {
        match &self.local {
            Some(local) => {
                let (base, key) = local.reach()?;
                Ok(CurrentEndpoint { base: Cow::Owned(base), key: Some(Cow::Owned(key)) })
            }
            None => Ok(CurrentEndpoint {
                base: Cow::Borrowed(&self.base),
                key: self.key.as_ref().map(Cow::Borrowed),
            }),
        }
    }

    /// Hides the key in a text.
    pub(super) fn hide(&self, text: &str) -> String {
        self.key.as_ref().map_or_else(|| text.to_owned(), |key| key.redact(text))
    }

    /// Shortens a server's text to at most this many characters of one line. Hides the key first: if a key
    /// were cut, its rest would show.
    pub(super) fn show(&self, text: &str, most: usize) -> String {
        clean(&self.hide(&printable(text)), most)
    }
}

/// Returns the name of an address in messages: no path, no credentials.
pub(super) fn host(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => "the server".to_owned(),
    }
}

/// Returns whether an address is on this machine, in any spelling: a loopback address, the unspecified
/// address (`0.0.0.0`), or the address of a network card.
pub(super) fn is_local(url: &Url) -> bool {
    let Some(name) = url.host_str() else { return false };
    let Ok(address) = name.trim_matches(['[', ']']).parse::<IpAddr>() else {
        let name = name.trim_end_matches('.');
        return name == "localhost" || name.ends_with(".localhost");
    };
    let address = address.to_canonical();
    // A socket can be bound only to an address of this machine. Nothing is sent.
    address.is_loopback()
        || address.is_unspecified()
        || std::net::UdpSocket::bind((address, 0)).is_ok()
}

/// Reads an address.
///
/// # Errors
/// [`ModelError::Config`] if it is not an address, or has a part that is not allowed there.
pub(super) fn parse_base(address: &str) -> Result<Url, ModelError> {
    // The address may hold a key, so a message never repeats it.
    let wrong = |why: &str| {
        Err(ModelError::Config(format!(
            "LLM_BASE_URL {why}: it should read like http://localhost:11434/v1"
        )))
    };
    let Ok(url) = Url::parse(address.trim_end_matches('/')) else {
        return wrong("is not an address");
    };
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return wrong("is not an http or https address");
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return wrong("holds credentials or a query (a key belongs in LLM_API_KEY)");
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_this_machine_is_local() {
        let is = |host: &str| is_local(&Url::parse(&format!("http://{host}:11434/v1")).unwrap());
        for here in [
            "localhost",
            "LOCALHOST",
            "localhost.",
            "ollama.localhost",
            "a.b.localhost.",
            "127.0.0.1",
            "127.1",
            "127.9.9.9",
            "2130706433",
            "0.0.0.0",
            "0",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
        ] {
            assert!(is(here), "{here}");
        }
        for elsewhere in [
            "example.org",
            "localhost.example.org",
            "notlocalhost",
            "192.0.2.1",
            "[2001:db8::1]",
            "8.8.8.8",
        ] {
            assert!(!is(elsewhere), "{elsewhere}");
        }
        // The address that this machine uses to reach others is its own.
        let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
        if socket.connect("192.0.2.1:9").is_ok() {
            let own = socket.local_addr().unwrap().ip();
            assert!(is(&own.to_string()), "{own}");
        }
    }
}
