//! Measures the cost of asking a model, without the model:
//! `cargo bench -p code_evolution_host --bench models`, or `binder/bench models`.
//!
//! An echo server on this machine stands for a provider, so this measures the client, the cassettes, the
//! extraction and the audit log. A bare reqwest client does the same for comparison.

#[path = "echo/mod.rs"]
mod echo;
#[path = "measured/mod.rs"]
mod measured;

use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Context;
use bare::Bare;
use code_evolution_host::audit::Log;
use code_evolution_host::models::Models;
use code_evolution_host::models::reply::code;
use code_evolution_wire::model::{Ask, ModelChoice};
use code_evolution_wire::reading::ReplyText;
use measured::{Sample, quick};

mod bare {
    //! A bare reqwest client, for comparison.

    use serde_json::{Value, json};

    /// reqwest with its runtime.
    pub struct Bare {
        runtime: tokio::runtime::Runtime,
        http: reqwest::Client,
        url: String,
    }

    impl Bare {
        pub fn new(base: &str) -> anyhow::Result<Bare> {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let http = reqwest::Client::builder().no_proxy().build()?;
            Ok(Bare { runtime, http, url: format!("{base}/chat/completions") })
        }

        fn request(&self, prompt: &str, stream: bool) -> reqwest::RequestBuilder {
            let messages = json!([{"role": "user", "content": prompt}]);
            let body = json!({"model": "echo", "messages": messages, "stream": stream});
            self.http.post(&self.url).json(&body)
        }

        /// Returns the text of the answer.
        pub fn ask(&self, prompt: &str) -> anyhow::Result<String> {
            self.runtime.block_on(text(self.request(prompt, false)))
        }

        /// Asks the same question this many times, all at once.
        pub fn ask_at_once(&self, prompt: &str, count: usize) -> anyhow::Result<()> {
            let tasks: Vec<_> =
                (0..count).map(|_| self.runtime.spawn(text(self.request(prompt, false)))).collect();
            for task in tasks {
                self.runtime.block_on(task)??;
            }
            Ok(())
        }

        /// Waits for the first bytes of a streamed answer.
        pub fn first_bytes(&self, prompt: &str) -> anyhow::Result<()> {
            self.runtime.block_on(async {
                let mut response = self.request(prompt, true).send().await?;
                anyhow::ensure!(response.chunk().await?.is_some(), "an empty answer");
                Ok(())
            })
        }
    }

    async fn text(request: reqwest::RequestBuilder) -> anyhow::Result<String> {
        let answer: Value = request.send().await?.json().await?;
        Ok(answer["choices"][0]["message"]["content"].to_string())
    }
}

/// The delay of the server in the rows about waiting.
const DELAY: Duration = Duration::from_millis(100);

fn main() -> anyhow::Result<()> {
    let (rounds, count) = if quick() { (1, 20) } else { (5, 500) };
    client(rounds, count)?;
    around(rounds, count)
}

fn open(base: &str) -> anyhow::Result<Models> {
    let environment = |name: &str| match name {
        "LLM_BASE_URL" => Some(base.to_owned()),
        "LLM_MODEL" => Some("echo".to_owned()),
        _ => None,
    };
    Models::open(&ModelChoice::default(), &environment).map_err(anyhow::Error::msg)
}

/// Measures one call, many calls at once, and the first line of a streamed answer.
fn client(rounds: usize, count: usize) -> anyhow::Result<()> {
    let server = |delay| -> anyhow::Result<String> {
        Ok(format!("http://{}/v1", echo::server(delay, || "hi".to_owned())?))
    };
    let quiet = |_: &str| ();
    let ask = Ask::new("Repair this function. ".repeat(40));
    let prompt = &ask.messages[0].content;
    println!("| ms | ours | bare reqwest | ours takes more |");
    println!("|---|---|---|---|");
    let row = |name: &str, ours: Sample, bare: Sample| {
        println!("| {name} | {ours} | {bare} | {:.3} |", ours.median() - bare.median());
    };

    let base = server(Duration::ZERO)?;
    let (models, bare) = (open(&base)?, Bare::new(&base)?);
    row(
        "a call, on an open connection",
        Sample::milliseconds(rounds, count, || {
            (0..count).try_for_each(|_| models.ask(&ask, &quiet).map(drop))?;
            Ok(())
        })?,
        Sample::milliseconds(rounds, count, || {
            (0..count).try_for_each(|_| bare.ask(prompt).map(drop))
        })?,
    );
    row(
        "the first call of a session, with the client made",
        Sample::milliseconds(rounds, 1, || {
            open(&base)?.ask(&ask, &quiet)?;
            Ok(())
        })?,
        Sample::milliseconds(rounds, 1, || Bare::new(&base)?.ask(prompt).map(drop))?,
    );

    let base = server(DELAY)?;
    let (models, bare) = (open(&base)?, Bare::new(&base)?);
    let asks = vec![ask.clone(); 30];
    row(
        "30 calls of 100 ms (ours asks four at once, bare all)",
        Sample::milliseconds(rounds, 1, || {
            models.ask_many(&asks, &quiet)?;
            Ok(())
        })?,
        Sample::milliseconds(rounds, 1, || bare.ask_at_once(prompt, asks.len()))?,
    );
    let streamed = Ask { stream: true, ..ask.clone() };
    let firsts = (0..rounds.max(3)).map(|_| {
        let first: Mutex<Option<Duration>> = Mutex::new(None);
        let started = Instant::now();
        models.ask(&streamed, &|_| {
            if let Ok(mut first) = first.lock() {
                first.get_or_insert_with(|| started.elapsed());
            }
        })?;
        let first = first.into_inner()?.context("a streamed answer showed no line")?;
        Ok(first.as_secs_f64() * 1e3)
    });
    row(
        "first line of an answer that streams for 100 ms",
        Sample::of(firsts.collect::<anyhow::Result<Vec<f64>>>()?),
        Sample::milliseconds(rounds.max(3), 1, || bare.first_bytes(prompt))?,
    );
    Ok(())
}

/// Measures the work around the calls: cassettes, code in replies, the audit log.
fn around(rounds: usize, count: usize) -> anyhow::Result<()> {
    let quiet = |_: &str| ();
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("script.toml");
    let mut script = "kind = \"script\"\n".to_owned();
    for step in 0..100 {
        script += &format!(
            "[[exchange]]\nprompt = '''\nStep {step}. {}'''\nreplies = [\"a\", \"b\"]\n",
            "Write fn one. ".repeat(100)
        );
    }
    std::fs::write(&path, script)?;
    let choice =
        ModelChoice { cassette: Some(path.display().to_string()), ..ModelChoice::default() };
    println!("\n| what | ms |");
    println!("|---|---|");
    let row = |name: &str, sample: Sample| println!("| {name} | {sample} |");
    row(
        "open a script of 100 exchanges",
        Sample::milliseconds(rounds, 1, || {
            Models::open(&choice, &|_| None)?;
            Ok(())
        })?,
    );
    let scripted = Models::open(&choice, &|_| None)?;
    let answer = |name: &str, prompt: String, count: usize| -> anyhow::Result<()> {
        let ask = Ask::new(prompt);
        let sample = Sample::milliseconds(rounds, count, || {
            (0..count).try_for_each(|_| scripted.ask(&ask, &quiet).map(drop))?;
            Ok(())
        })?;
        row(name, sample);
        Ok(())
    };
    let words = "Write fn one. ";
    answer("a scripted reply, exact", format!("Step 70. {}", words.repeat(100)), count)?;
    answer("a scripted reply, the nearest of 100", format!("Step 70! {}", words.repeat(99)), 20)?;
    let reply = format!(
        "Sure!\n\n```rust\n{}fn one() -> u8 {{ 1 }}\n```\nDone.",
        "fn other() { /* … */ }\n".repeat(150)
    );
    let reply = ReplyText {
        text: reply,
        finish_reason: "stop".to_owned(),
        max_tokens: 0,
        asked: Vec::new(),
    };
    row(
        "the code of a reply of 4 KB",
        Sample::milliseconds(rounds, count, || {
            for _ in 0..count {
                code::extract(&reply, "one")?;
            }
            Ok(())
        })?,
    );
    let log = Log::new(folder.path().join("audit.jsonl"));
    let ask = Ask::new("Repair this function. ".repeat(40));
    row(
        "a line of the audit log",
        Sample::milliseconds(rounds, count, || {
            (0..count).try_for_each(|_| log.asked(&ask).map(drop))
        })?,
    );
    Ok(())
}
