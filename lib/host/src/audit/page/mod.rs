//! Shows a session as one HTML page that needs no other file: no script, no style sheet, no image.
//!
//! Any word of a log may come from a model or a stranger. So each word is escaped, invisible characters are
//! written out, and the page forbids the browser to load or run anything. A curve says who answered, as every
//! output of the project does.

mod draw;
mod text;

use std::collections::BTreeMap;

use code_evolution_wire::model::{Mode, Usage};

use self::text::{anchor, escape, pre};
use super::Checked;
use super::kept::Verdict;
use super::run::{Candidate, Exchange, Run};
use crate::models::meter;

pub use self::text::visible;

const STYLE: &str = "body{font-family:system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;line-height:1.45}\
    pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#8881;padding:.5rem}\
    table{border-collapse:collapse}td,th{border:1px solid #8886;padding:.2rem .5rem;text-align:left;vertical-align:top}\
    .broken{border:3px solid #c00;padding:.5rem}svg{max-width:100%;height:auto}summary{cursor:pointer}";

/// Returns the page of a session; `title` is the name of its log.
pub fn page(title: &str, run: &Run) -> String {
    let title = escape(title);
    let mut body = format!("<h1>{title}</h1>\n{}", head(run));
    body += &cost(run);
    for (number, (task, candidates)) in by_task(run).iter().enumerate() {
        body += &task_section(run, number + 1, task, candidates);
    }
    body += "<h2>Questions and replies</h2>\n";
    body += &run.exchanges.iter().map(exchange).collect::<String>();
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <style>{STYLE}</style></head>\n<body>\n{body}</body></html>\n"
    )
}

fn head(run: &Run) -> String {
    let chain = match &run.checked {
        Checked::Intact { .. } => {
            format!("<p>The log is {}.</p>", escape(&run.checked.to_string()))
        }
        Checked::Broken { .. } => format!(
            "<p class=\"broken\"><strong>The log is {}. What follows that line is not shown; do not \
             rely on the rest.</strong></p>",
            escape(&run.checked.to_string())
        ),
    };
    format!(
        "{chain}\n<p>Began {}. {} replies, {} verdicts, {} whole programs. This page shows what the log \
         says; <code>code_evolution_host audit rejudge</code> says whether its verdicts hold.</p>\n",
        escape(&run.began),
        run.exchanges.len(),
        run.candidates.len(),
        run.programs,
    )
}

/// Shows the tokens and the cost of the replies, grouped by who answered.
fn cost(run: &Run) -> String {
    let mut by_source: BTreeMap<String, (usize, Usage, Option<f64>)> = BTreeMap::new();
    for exchange in &run.exchanges {
        let (count, usage, dollars) =
            by_source.entry(exchange.source()).or_insert((0, Usage::default(), Some(0.0)));
        *count += 1;
        *usage = meter::add(*usage, exchange.usage);
        *dollars = dollars.zip(dollars_of(exchange)).map(|(sum, more)| sum + more);
    }
    let rows = by_source.iter().map(|(source, (count, usage, dollars))| {
        let dollars = dollars.map_or("price unknown".to_owned(), |dollars| format!("{dollars:.4}"));
        format!(
            "<tr><td>{}</td><td>{count}</td><td>{}</td><td>{}</td><td>{dollars}</td></tr>",
            escape(source),
            usage.input_tokens,
            usage.output_tokens
        )
    });
    format!(
        "<h2>Cost</h2>\n<table><tr><th>who answered</th><th>replies</th><th>tokens in</th>\
         <th>tokens out</th><th>US dollars, estimated ({})</th></tr>{}</table>\n",
        meter::PRICES_OF,
        rows.collect::<String>()
    )
}

/// Returns what a reply cost at the list price; `None` if no provider answered.
fn dollars_of(exchange: &Exchange) -> Option<f64> {
    match exchange.mode {
        Some(Mode::Live | Mode::Record) => {
            let (input, output) = meter::list_price(&exchange.model)?;
            let Usage { input_tokens, output_tokens } = exchange.usage;
            Some((input_tokens as f64 * input + output_tokens as f64 * output) / 1e6)
        }
        _ => Some(0.0),
    }
}

/// Groups the candidates by their task's digest. The tasks are in the order in which they first occur.
fn by_task(run: &Run) -> Vec<(&str, Vec<usize>)> {
    let mut tasks: Vec<(&str, Vec<usize>)> = Vec::new();
    for (index, candidate) in run.candidates.iter().enumerate() {
        match tasks.iter_mut().find(|(task, _)| *task == candidate.task) {
            Some((_, candidates)) => candidates.push(index),
            None => tasks.push((&candidate.task, vec![index])),
        }
    }
    tasks
}

fn task_section(run: &Run, number: usize, task: &str, candidates: &[usize]) -> String {
    let first = &run.candidates[candidates[0]];
    let mut section = match run.task(first) {
        Some(kept) => {
            let hidden = kept.task.cases.iter().filter(|case| case.hidden).count();
            format!(
                "<h2>Task {number}: <code>{}</code></h2>\n<p>{} cases, {hidden} of them hidden from \
                 models. Compiled by {}.</p>\n",
                escape(&kept.task.signature),
                kept.task.cases.len(),
                escape(kept.toolchain.lines().next().unwrap_or("an unknown compiler")),
            )
        }
        None => format!(
            "<h2>Task {number}</h2>\n<p>The task itself was not kept ({}).</p>\n",
            escape(task)
        ),
    };
    section += &draw::curve(run, candidates);
    section += &draw::lineage(run, candidates);
    for &index in candidates {
        section += &candidate(run, &run.candidates[index]);
    }
    section
}

fn candidate(run: &Run, candidate: &Candidate) -> String {
    let verdict = candidate.kept.as_ref().map(|kept| &kept.verdict);
    let ending = verdict.map_or("not kept".to_owned(), Verdict::ending);
    let label =
        candidate.label.as_deref().unwrap_or("not word for word from a reply: a cell's own");
    let parents: Vec<String> = candidate
        .parents
        .iter()
        .map(|&parent| format!("<a href=\"#{0}\">{0}</a>", anchor(run.candidates[parent].line)))
        .collect();
    let parents = match parents.is_empty() {
        true => String::new(),
        false => format!(" · from {}", parents.join(", ")),
    };
    let reply = candidate.exchange.map(|exchange| run.exchanges[exchange].line);
    let reply =
        reply.map_or(String::new(), |line| format!(" · <a href=\"#reply-{line}\">its reply</a>"));
    let mut body = String::new();
    if let Some(kept) = &candidate.kept {
        body += &pre(&kept.code);
        body += &cases(run, candidate, &kept.verdict);
    }
    format!(
        "<details id=\"{0}\"><summary>{0} · {1} · {2}</summary><p>{3}{parents}{reply}</p>{body}</details>\n",
        anchor(candidate.line),
        escape(&ending),
        escape(label),
        escape(&candidate.time),
    )
}

fn cases(run: &Run, candidate: &Candidate, verdict: &Verdict) -> String {
    let task = run.task(candidate);
    let rows = verdict.cases.iter().enumerate().map(|(index, case)| {
        let name = task.and_then(|kept| kept.task.cases.get(index)).map_or("", |case| &case.name);
        let got = match (&case.got, case.panicked) {
            (Some(got), _) => got,
            (None, true) => "(panicked)",
            (None, false) => "(no output)",
        };
        let result = if case.passed { "✓ passed" } else { "✗ failed" };
        format!("<tr><td>{result}</td><td>{}</td><td>{}</td></tr>", escape(name), escape(got))
    });
    match verdict.cases.is_empty() {
        true => String::new(),
        false => format!(
            "<table><tr><th>result</th><th>case</th><th>got</th></tr>{}</table>",
            rows.collect::<String>()
        ),
    }
}

fn exchange(exchange: &Exchange) -> String {
    let system = exchange.system.as_ref();
    let system = system.map_or(String::new(), |text| format!("<p>System prompt</p>{}", pre(text)));
    format!(
        "<details id=\"reply-{}\"><summary>{} · {}</summary>{system}<p>Prompt</p>{}<p>Reply · {} tokens in, \
         {} out</p>{}</details>\n",
        exchange.line,
        escape(&exchange.time),
        escape(&exchange.label),
        pre(&exchange.prompt),
        exchange.usage.input_tokens,
        exchange.usage.output_tokens,
        pre(&exchange.reply),
    )
}

#[cfg(test)]
mod tests;
