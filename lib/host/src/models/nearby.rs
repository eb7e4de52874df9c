//! Finds model servers that already run on this machine.
//!
//! A participant without a key may have such a server and forget it. The host mentions these servers but
//! never uses them: the participant chooses the model.

use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;

use super::provider::find;
use super::text::clean;

/// How long a server on this machine may take to list its models. A closed port answers at once.
const PATIENCE: Duration = Duration::from_millis(500);
/// The largest list of models that is read, in bytes.
const LARGEST_LIST: usize = 256 * 1024;
/// How many models are listed.
const NAMED: usize = 5;

/// A place where a server may listen.
struct Place {
    name: &'static str,
    base: String,
    /// The settings that select the server.
    settings: String,
}

/// Returns one line for each server that listens at its usual address.
pub(super) fn mentions() -> Vec<String> {
    let row = |name: &'static str, provider: &str| {
        let base = find(provider).map_or_else(String::new, |provider| provider.base.to_owned());
        Place { name, base, settings: format!("LLM_PROVIDER={provider}") }
    };
    let llama = "http://localhost:8080/v1";
    mentions_of(&[
        row("Ollama", "ollama"),
        row("LM Studio", "lmstudio"),
        Place {
            name: "llama.cpp's server",
            base: llama.to_owned(),
            settings: format!("LLM_BASE_URL={llama}"),
        },
    ])
}

fn mentions_of(places: &[Place]) -> Vec<String> {
    let asked = std::thread::scope(|scope| {
        let asked: Vec<_> =
            places.iter().map(|place| scope.spawn(|| models(&place.base))).collect();
        asked.into_iter().map(|asked| asked.join().ok().flatten()).collect::<Vec<_>>()
    });
    let found = places.iter().zip(asked).filter_map(|(place, models)| Some((place, models?)));
    found.map(|(place, models)| place.mention(&models)).collect()
}

impl Place {
    fn mention(&self, models: &[String]) -> String {
        let Place { name, settings, .. } = self;
        let named: Vec<String> = models.iter().take(NAMED).map(|model| clean(model, 60)).collect();
        match named.first() {
            None => format!("{name} runs on this machine, without a model"),
            Some(first) => {
                let more = models.len().saturating_sub(NAMED);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                let all = named.join(", ");
                format!(
                    "{name} runs on this machine and has {all}{more}: {settings} LLM_MODEL={first} asks it"
                )
            }
        }
    }
}

/// Returns the models that a server offers; `None` if nothing there speaks the protocol.
fn models(base: &str) -> Option<Vec<String>> {
    let url = Url::parse(&format!("{base}/models")).ok()?;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .ok()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let list = async {
        let mut response = http.get(url).send().await.ok()?;
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.ok()? {
            body.extend_from_slice(&piece);
            if body.len() > LARGEST_LIST {
                return None;
            }
        }
        let list: List =
            serde_json::from_slice(&body).ok().filter(|_| response.status().is_success())?;
        Some(list.data.into_iter().map(|model| model.id).collect())
    };
    let found =
        runtime.block_on(async { tokio::time::timeout(PATIENCE, list).await.ok().flatten() });
    runtime.shutdown_background();
    found
}

/// The protocol's list of models.
#[derive(Deserialize)]
struct List {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// Starts a server that answers every request with this body; without a body, it never answers.
    fn place(body: Option<&'static str>) -> Place {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}/v1", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let mut open = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = [0; 1024];
                let length = stream.read(&mut request).unwrap();
                assert!(request[..length].starts_with(b"GET /v1/models "));
                if let Some(body) = body {
                    write!(
                        stream,
                        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                        body.len()
                    )
                    .unwrap();
                }
                open.push(stream);
            }
        });
        Place { name: "Some server", base, settings: "LLM_PROVIDER=some".to_owned() }
    }

    #[test]
    fn a_listening_server_is_mentioned_with_its_models() {
        let models = place(Some(
            r#"{"object":"list","data":[{"id":"small:1b","object":"model"},{"id":"b"},{"id":"c"},{"id":"d"},{"id":"e"},{"id":"f"}]}"#,
        ));
        let silent = place(None);
        let other = place(Some("<html>not a model server</html>"));
        let empty = place(Some(r#"{"data":[]}"#));
        let nobody = Place { base: "http://127.0.0.1:1/v1".to_owned(), ..place(None) };
        let found = mentions_of(&[silent, models, other, nobody, empty]);
        assert_eq!(
            found,
            [
                "Some server runs on this machine and has small:1b, b, c, d, e and 1 more: LLM_PROVIDER=some LLM_MODEL=small:1b asks it",
                "Some server runs on this machine, without a model",
            ]
        );
    }
}
