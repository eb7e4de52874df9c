//! Sends one HTTP request and reads its response.

use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use code_evolution_wire::model::Ask;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Response, StatusCode};
use serde_json::Value;

use super::fault::{Fault, Origin, Trouble};
use super::{Client, STREAM_FACTOR};
use crate::models::endpoint::{CurrentEndpoint, host};
use crate::models::reply::{self, Extent};
use crate::models::response::{self, Completion};
use crate::models::server_error;
use crate::models::stream::{Events, Lines};
use crate::models::text::clean;
use crate::models::waits;
use crate::models::{ModelError, Progress, alike::Profile};

/// The largest body that is read, in bytes. An answer of 100,000 tokens takes a tenth of it.
const LARGEST_BODY: usize = 4 * 1024 * 1024;
/// The message about a stream that ended too early.
pub(super) const ENDED_EARLY: &str = "the stream ended before the answer did";
/// How many models the error for an unknown model lists.
const MODELS_NAMED: usize = 10;

impl Client {
    /// Sends a request once.
    pub(super) async fn attempt(
        &self,
        body: &Value,
        ask: &Ask,
        progress: Progress<'_>,
    ) -> Result<Completion, Fault> {
        let most = if ask.stream { self.timeout * STREAM_FACTOR } else { self.timeout };
        let exchange = self.exchange(body, ask, progress);
        match tokio::time::timeout(self.clock.real_duration(most), exchange).await {
            Ok(outcome) => outcome,
            Err(_) => Err(self.timed_out(most)),
        }
    }

    fn timed_out(&self, after: Duration) -> Fault {
        Fault::Final(ModelError::Provider(format!(
            "{} did not finish its answer within {} s: try again, lower max_tokens, or raise LLM_TIMEOUT",
            self.endpoint.provider.name,
            after.as_secs(),
        )))
    }

    fn url(reached: &CurrentEndpoint, path: &str) -> String {
        format!("{}/{path}", reached.base.as_str().trim_end_matches('/'))
    }

    fn headers(reached: &CurrentEndpoint) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(key) = &reached.key
            // A `Key` holds only graphic ASCII characters, which every header may hold.
            && let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {}", key.expose()))
        {
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        headers
    }

    async fn exchange(
        &self,
        body: &Value,
        ask: &Ask,
        progress: Progress<'_>,
    ) -> Result<Completion, Fault> {
        let accept = if ask.stream { "text/event-stream" } else { "application/json" };
        let reached = self.endpoint.reach().map_err(Fault::Final)?;
        let request = self
            .http
            .post(Client::url(&reached, "chat/completions"))
            .headers(Client::headers(&reached))
            .header(ACCEPT, accept)
            .json(body);
        let sent =
            tokio::time::timeout(self.clock.real_duration(self.timeout), request.send()).await;
        let mut response = match sent {
            Ok(sent) => sent.map_err(|error| broken(&error))?,
            Err(_) => return Err(self.timed_out(self.timeout)),
        };
        self.answered.store(true, Ordering::Relaxed);
        self.pace.learn(response.headers());
        let (status, headers) = (response.status(), response.headers().clone());
        if status.is_redirection() {
            return Err(self.redirected(status, &headers));
        }
        let mut reading = Reading::new(status.is_success() && ask.stream);
        loop {
            let chunk = response.chunk();
            match tokio::time::timeout(self.clock.real_duration(self.timeout), chunk).await {
                Ok(Ok(Some(piece))) => reading.push(&piece, progress)?,
                Ok(Ok(None)) => break,
                Ok(Err(error)) => {
                    // If the body was cut, a refusal is still a refusal, but half an answer is not an answer.
                    if status.is_success() {
                        return Err(broken(&error));
                    }
                    break;
                }
                Err(_) => return Err(self.timed_out(self.timeout)),
            }
            if reading.done {
                break;
            }
        }
        let header = |name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
        let origin = Origin {
            endpoint: &self.endpoint,
            retry_after: waits::in_headers(&header, SystemTime::now())
                .filter(|_| !status.is_success()),
            tokens_a_minute: header("x-ratelimit-limit-tokens").and_then(|n| n.trim().parse().ok()),
            limit: header("x-ratelimit-type").unwrap_or_default(),
            ask,
            request: body,
            through: self.route.through(),
        };
        if status.is_success() {
            reading.completion(&origin, progress)
        } else {
            Err(origin.refusal(status.as_u16(), &reading.body))
        }
    }

    fn redirected(&self, status: StatusCode, headers: &HeaderMap) -> Fault {
        let target = headers
            .get(LOCATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| self.endpoint.base.join(text).ok())
            .map_or_else(|| "elsewhere".to_owned(), |url| self.endpoint.show(&host(&url), 100));
        Fault::Final(ModelError::Provider(format!(
            "{} redirects to {target} (HTTP {}), and the key is not sent after it: set LLM_BASE_URL to the right address, or log in to the network",
            host(&self.endpoint.base),
            status.as_u16(),
        )))
    }

    /// Makes the error for a model that the server does not have, with a list of those it has.
    pub(super) async fn unknown_model(&self, message: &str) -> ModelError {
        let (name, model) = (self.endpoint.provider.name, &self.endpoint.model);
        let wait = self.clock.real_duration(self.timeout.min(Duration::from_secs(15)));
        let offered = tokio::time::timeout(wait, self.models()).await.ok().flatten();
        let offers = match offered.filter(|models| !models.is_empty()) {
            Some(mut models) => {
                let wanted = Profile::new(model);
                models.sort_by_cached_key(|id| {
                    let alike = wanted.alike(&Profile::new(id));
                    ((1.0 - alike) * 1e6) as u64
                });
                let more = models.len().saturating_sub(MODELS_NAMED);
                models.truncate(MODELS_NAMED);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                format!("it offers {}{more}", models.join(", "))
            }
            None => "its list of models could not be read".to_owned(),
        };
        ModelError::Provider(format!(
            "{name} has no model `{model}` ({message}); {offers}: set LLM_MODEL, or `model` in the setup cell"
        ))
    }

    /// Returns what `GET /models` lists; `None` if the list cannot be read.
    async fn models(&self) -> Option<Vec<String>> {
        let reached = self.endpoint.reach().ok()?;
        let request =
            self.http.get(Client::url(&reached, "models")).headers(Client::headers(&reached));
        let response = request.send().await.ok()?.error_for_status().ok()?;
        let body: Value = serde_json::from_slice(&whole(response).await?).ok()?;
        let list = body.get("data").or_else(|| body.get("models")).unwrap_or(&body).as_array()?;
        let id = |model: &Value| {
            let id = model.get("id").or_else(|| model.get("name"))?.as_str()?;
            // Gemini lists `models/gemini-…` but takes the name without `models/`.
            Some(self.endpoint.show(id.strip_prefix("models/").unwrap_or(id), 100))
        };
        Some(list.iter().filter_map(id).collect())
    }
}

/// Reads a whole body; `None` if it is too large or breaks off.
async fn whole(mut response: Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.ok()? {
        body.extend_from_slice(&piece);
        if body.len() > LARGEST_BODY {
            return None;
        }
    }
    Some(body)
}

/// Describes a connection that could not be made, or that broke.
fn broken(error: &reqwest::Error) -> Fault {
    // reqwest's own message repeats the address and hides the cause.
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let what = if error.is_connect() { "no connection" } else { "the connection broke" };
    let why = format!("{what} ({})", clean(&cause.to_string(), 200));
    if distrusts(error) {
        return Fault::Final(ModelError::Config(format!(
            "the server's certificate is not trusted: {why}; log in to the network, or set SSL_CERT_FILE to your organisation's certificates and start again"
        )));
    }
    if error.is_builder() {
        return Fault::Final(ModelError::Config(format!(
            "the request cannot be made: {why}; check LLM_BASE_URL"
        )));
    }
    let trouble = if error.is_connect() { Trouble::Unreached } else { Trouble::Broken };
    Fault::Retry { why, after: None, trouble }
}

/// Returns whether the server's certificate was refused. If so, the server did not get the key.
fn distrusts(error: &(dyn std::error::Error + 'static)) -> bool {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return matches!(tls, rustls::Error::InvalidCertificate(_));
    }
    // `source` of an I/O error skips the error inside it, so look at that error first.
    match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        Some(inner) => distrusts(inner),
        None => error.source().is_some_and(distrusts),
    }
}

/// A body that is being received.
struct Reading {
    body: Vec<u8>,
    size: usize,
    stream: Option<Streamed>,
    done: bool,
}

#[derive(Default)]
struct Streamed {
    events: Events,
    lines: Lines,
    completion: Completion,
    /// How many bytes of the text have been searched for whole lines.
    seen: usize,
    /// Whether any event was understood.
    any: bool,
    /// An event that holds an error.
    error: Option<Value>,
    /// Whether the server said that the answer is complete.
    complete: bool,
    /// Whether the server said that nothing more comes.
    closed: bool,
}

impl Reading {
    fn new(stream: bool) -> Self {
        Reading { body: Vec::new(), size: 0, stream: stream.then(Streamed::default), done: false }
    }

    fn push(&mut self, piece: &[u8], progress: Progress) -> Result<(), Fault> {
        self.size += piece.len();
        if self.size > LARGEST_BODY {
            return Err(Fault::Final(ModelError::NoAnswer(format!(
                "the reply is larger than {} MB, too large for an answer: check LLM_BASE_URL",
                LARGEST_BODY / (1024 * 1024),
            ))));
        }
        let Some(streamed) = &mut self.stream else {
            self.body.extend_from_slice(piece);
            return Ok(());
        };
        for event in streamed.events.push(piece) {
            streamed.event(&event, progress);
        }
        // Until the first event arrives, the body may still be a single object.
        if !streamed.any {
            self.body.extend_from_slice(piece);
        }
        // The token counts may still come after the finish reason.
        self.done = streamed.closed || streamed.complete && streamed.completion.usage.is_some();
        Ok(())
    }

    fn completion(mut self, origin: &Origin, progress: Progress) -> Result<Completion, Fault> {
        if let Some(mut streamed) = self.stream.take() {
            // An event that is not JSON was cut in two.
            let mut torn = false;
            if let Some(event) = streamed.events.finish() {
                torn = event.trim() != "[DONE]" && serde_json::from_str::<Value>(&event).is_err();
                streamed.event(&event, progress);
            }
            let begun = streamed.completion.says_something();
            if let Some(error) = &streamed.error {
                match origin.error_inside(error) {
                    // If the stream broke after the answer began, the question is repeated once; then the
                    // answer counts as cut.
                    Fault::Retry { why, .. } if begun => streamed.completion.error = Some(why),
                    fault => return Err(fault),
                }
            } else if streamed.any && !streamed.complete {
                if !begun || torn {
                    let why = ENDED_EARLY.to_owned();
                    return Err(Fault::Retry { why, after: None, trouble: Trouble::Broken });
                }
                streamed.completion.no_end = true;
            }
            if streamed.any {
                streamed.tell(Extent::Cut, progress);
                response::finish(&mut streamed.completion);
                return Ok(streamed.completion);
            }
        }
        let completion = origin.completion(&self.body)?;
        if origin.wants_stream() {
            reply::visible(&completion.text, Extent::Whole).lines().for_each(progress);
        }
        Ok(completion)
    }
}

impl Streamed {
    fn event(&mut self, data: &str, progress: Progress) {
        if data.trim() == "[DONE]" {
            self.any = true;
            self.complete = true;
            self.closed = true;
            return;
        }
        // A piece that is not JSON is a server's comment or noise; the end shows whether everything arrived.
        let Ok(chunk) = serde_json::from_str::<Value>(data) else { return };
        if server_error::error(&chunk, false).is_some() {
            self.error = Some(chunk);
            return;
        }
        self.any = true;
        response::add_chunk(&mut self.completion, &chunk);
        self.complete |= self.completion.finish_reason.is_some();
        self.grown(progress);
    }

    /// Reports the new text, once a line of it is complete.
    fn grown(&mut self, progress: Progress) {
        if self.completion.text[self.seen..].contains('\n') {
            self.seen = self.completion.text.len();
            let visible = reply::visible(&self.completion.text, Extent::Cut);
            self.lines.grown(&visible, progress);
        }
    }

    /// Reports the rest of the text.
    fn tell(&mut self, extent: Extent, progress: Progress) {
        let visible = reply::visible(&self.completion.text, extent);
        self.lines.finish(&visible, progress);
    }
}
