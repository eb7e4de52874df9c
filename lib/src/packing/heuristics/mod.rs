//! First fit, best fit and FunSearch's two published heuristics, with the published figures.
//!
//! Each heuristic is a separate file. So it is both a function of this crate and a text that the jail can
//! compile and a model can read. The two published ones are rewritten from the paper's supplement.

mod best_fit;
mod first_fit;
mod funsearch_or;
mod funsearch_weibull;

/// A heuristic as a function and as source text.
#[derive(Debug, Clone, Copy)]
pub struct Heuristic {
    /// The name in a table.
    pub name: &'static str,
    /// The source: the item `fn priority(item: f64, bins: &[f64]) -> Vec<f64>`.
    pub source: &'static str,
    /// The same function, compiled.
    pub priority: fn(f64, &[f64]) -> Vec<f64>,
    /// The published excess on the OR3 dataset, in percent.
    pub published_or3: Option<f64>,
    /// The published excess on the Weibull 5k dataset, in percent.
    pub published_weibull: Option<f64>,
}

/// First fit: the first bin with room.
pub const FIRST_FIT: Heuristic = Heuristic {
    name: "first fit",
    source: include_str!("first_fit.rs"),
    priority: first_fit::priority,
    published_or3: Some(5.74),
    published_weibull: Some(4.23),
};

/// Best fit: the bin with the least room left over.
pub const BEST_FIT: Heuristic = Heuristic {
    name: "best fit",
    source: include_str!("best_fit.rs"),
    priority: best_fit::priority,
    published_or3: Some(5.37),
    published_weibull: Some(3.98),
};

/// The heuristic published for the OR datasets.
pub const FUNSEARCH_OR: Heuristic = Heuristic {
    name: "FunSearch (OR)",
    source: include_str!("funsearch_or.rs"),
    priority: funsearch_or::priority,
    published_or3: Some(3.11),
    published_weibull: None,
};

/// The heuristic published for the Weibull datasets.
pub const FUNSEARCH_WEIBULL: Heuristic = Heuristic {
    name: "FunSearch (Weibull)",
    source: include_str!("funsearch_weibull.rs"),
    priority: funsearch_weibull::priority,
    published_or3: None,
    published_weibull: Some(0.68),
};

/// All heuristics, the simplest first.
pub const ALL: [Heuristic; 4] = [FIRST_FIT, BEST_FIT, FUNSEARCH_OR, FUNSEARCH_WEIBULL];
