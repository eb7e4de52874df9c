//! Draws the curve and the family tree of one task's candidates, as inline SVG. Both have a title that says
//! what they show, for readers who cannot see them.

use super::super::run::{Candidate, Run};
use super::text::{anchor, escape};

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 240.0;
const MARGIN: f64 = 40.0;
/// A tree with more candidates is not drawn, because nobody could read it.
const MOST_IN_TREE: usize = 80;
/// The height of a generation and the width of a candidate in the tree.
const STEP: (f64, f64) = (70.0, 60.0);

/// Draws the share of cases that each candidate passes, in order, and the best so far.
pub fn curve(run: &Run, candidates: &[usize]) -> String {
    let shares: Vec<f64> = candidates.iter().map(|&index| share(&run.candidates[index])).collect();
    let mut best = 0.0_f64;
    let best_so_far: Vec<f64> = shares
        .iter()
        .map(|&share| {
            best = best.max(share);
            best
        })
        .collect();
    let x = |n: usize| {
        let step = (WIDTH - 2.0 * MARGIN) / (shares.len().max(2) - 1) as f64;
        MARGIN + n as f64 * step
    };
    let y = |share: f64| HEIGHT - MARGIN - share * (HEIGHT - 2.0 * MARGIN);
    let dots: String = shares
        .iter()
        .zip(candidates)
        .enumerate()
        .map(|(n, (share, &index))| {
            let (x, y) = (x(n), y(*share));
            let name = anchor(run.candidates[index].line);
            format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"#0072b2\"><title>{name}: {:.0} %</title></circle>", share * 100.0)
        })
        .collect();
    let points =
        best_so_far.iter().enumerate().map(|(n, &best)| format!("{:.1},{:.1}", x(n), y(best)));
    let line = points.collect::<Vec<_>>().join(" ");
    let title = format!(
        "Share of cases passed by {} candidates in the order in which they were judged; best: {:.0} %. {}",
        shares.len(),
        best * 100.0,
        who(run, candidates)
    );
    let title = escape(&title);
    let (bottom, right) = (HEIGHT - MARGIN, WIDTH - MARGIN);
    format!(
        "<figure><svg role=\"img\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-size=\"12\"><title>{title}</title>\
         <path d=\"M{MARGIN},{MARGIN}V{bottom}H{right}\" fill=\"none\" stroke=\"#888\"/>\
         <text x=\"4\" y=\"{MARGIN}\" fill=\"#888\">100 %</text><text x=\"4\" y=\"{bottom}\" fill=\"#888\">0 %</text>\
         <text x=\"{MARGIN}\" y=\"{}\" fill=\"#888\">candidates in order; dots: share of cases passed, line: best so far</text>\
         <polyline points=\"{line}\" fill=\"none\" stroke=\"#d55e00\" stroke-width=\"2\"/>{dots}</svg>\
         <figcaption>{title}</figcaption></figure>\n",
        HEIGHT - 10.0
    )
}

/// Draws a tree from parents to descendants: one row per generation. Empty if no candidate has a parent.
pub fn lineage(run: &Run, candidates: &[usize]) -> String {
    if candidates.iter().all(|&index| run.candidates[index].parents.is_empty()) {
        return String::new();
    }
    let explained = "A candidate's parents are those whose source stands word for word in the prompt \
                     that its reply answers.";
    if candidates.len() > MOST_IN_TREE {
        return format!(
            "<p>{explained} There are too many to draw; each names its parents below.</p>\n"
        );
    }
    let mut rows: Vec<usize> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for &index in candidates {
        let row = run.candidates[index].generation;
        rows.resize(rows.len().max(row + 1), 0);
        let (down, across) = STEP;
        places.insert(index, (30.0 + rows[row] as f64 * across, 30.0 + row as f64 * down));
        rows[row] += 1;
    }
    let mut lines = String::new();
    let mut nodes = String::new();
    for &index in candidates {
        let (x, y) = places[&index];
        let child = &run.candidates[index];
        for (from_x, from_y) in child.parents.iter().filter_map(|parent| places.get(parent)) {
            lines +=
                &format!("<path d=\"M{from_x},{from_y}L{x},{y}\" stroke=\"#888\" fill=\"none\"/>");
        }
        let (name, percent) = (anchor(child.line), share(child) * 100.0);
        nodes += &format!(
            "<a href=\"#{name}\"><rect x=\"{}\" y=\"{}\" width=\"50\" height=\"34\" rx=\"5\" fill=\"#fff\" stroke=\"#0072b2\"/>\
             <text x=\"{x}\" y=\"{}\" text-anchor=\"middle\" fill=\"#000\">{name}</text>\
             <text x=\"{x}\" y=\"{}\" text-anchor=\"middle\" fill=\"#000\">{percent:.0} %</text></a>",
            x - 25.0,
            y - 17.0,
            y - 3.0,
            y + 12.0
        );
    }
    let widest = rows.iter().max().copied().unwrap_or(1);
    let (width, height) = (widest as f64 * STEP.1 + 20.0, rows.len() as f64 * STEP.0);
    format!(
        "<figure><svg role=\"img\" width=\"{width}\" viewBox=\"0 0 {width} {height}\" font-size=\"11\">\
         <title>Family tree of {} candidates in {} generations</title>{lines}{nodes}</svg>\
         <figcaption>{explained} {}</figcaption></figure>\n",
        candidates.len(),
        rows.len(),
        escape(&who(run, candidates))
    )
}

/// Returns the share of cases that a candidate passes, from 0 to 1.
fn share(candidate: &Candidate) -> f64 {
    let verdict = candidate.kept.as_ref().map(|kept| &kept.verdict);
    let share = verdict.map_or(0.0, |v| v.passed as f64 / v.total.max(1) as f64);
    share.clamp(0.0, 1.0)
}

/// Says who wrote the candidates.
fn who(run: &Run, candidates: &[usize]) -> String {
    let mut labels: Vec<String> = Vec::new();
    for &index in candidates {
        let candidate = &run.candidates[index];
        let label = match (candidate.exchange, &candidate.label) {
            (Some(exchange), _) => run.exchanges[exchange].source(),
            (None, Some(label)) => label.clone(),
            (None, None) => "a cell".to_owned(),
        };
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    format!("Written by: {}.", labels.join("; "))
}
