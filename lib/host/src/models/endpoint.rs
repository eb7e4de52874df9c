//! The server that is asked.

use reqwest::Url;

use super::ModelError;
use super::key::Key;
use super::provider::Provider;
use super::text::{clean, printable};

/// A provider's server, with all that is needed to call it.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    pub(super) provider: &'static Provider,
    /// The address, without a slash at the end, credentials or a query.
    pub(super) base: Url,
    pub(super) model: String,
    pub(super) key: Option<Key>,
    /// Where the key came from.
    pub(super) key_from: String,
}

impl Endpoint {
    /// A text with the key hidden.
    pub(super) fn hide(&self, text: &str) -> String {
        self.key.as_ref().map_or_else(|| text.to_owned(), |key| key.redact(text))
    }

    /// A server's text as part of a line of at most so many characters. The key is hidden first:
    /// of one that was cut, the rest would show.
    pub(super) fn show(&self, text: &str, most: usize) -> String {
        clean(&self.hide(&printable(text)), most)
    }
}

/// What an address is called in messages: no path, no credentials.
pub(super) fn host(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => "the server".to_owned(),
    }
}

/// Whether an address is on this machine.
pub(super) fn is_local(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost" | "[::1]") => true,
        Some(host) => host.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback()),
        None => false,
    }
}

/// Reads an address.
///
/// # Errors
/// [`ModelError::Config`] where it is none, or holds what does not belong in it.
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
        return wrong("is no http or https address");
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return wrong("holds credentials or a query (a key belongs in LLM_API_KEY)");
    }
    Ok(url)
}
