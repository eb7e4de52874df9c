//! The family tree of a population.
//!
//! There is one row per generation, the first on top, and a line from each parent to its child. A darker
//! box means a higher score; the score also stands in the box. Thick lines join the ancestors of the best.

mod draw;
mod words;

use std::collections::{HashMap, HashSet};

use super::figure;
use super::stamped::{Stamped, rests_on_replies};
use super::{Number, html, shows_itself};
use crate::error::Result;
use crate::inert;

pub(in crate::show) use draw::{readable_on, shade};

/// One member of a population.
///
/// ```
/// use code_evolution::show::Individual;
/// let child = Individual::new("b1", 85).generation(1).by("crossover", ["a1", "a3"]);
/// # let _ = child;
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Individual {
    label: String,
    score: f64,
    generation: usize,
    operator: String,
    parents: Vec<String>,
    same_as: Option<String>,
}

impl Individual {
    /// Creates a member of generation 0 without parents. The label is its name in the lineage.
    pub fn new(label: impl AsRef<str>, score: impl Number) -> Self {
        Individual {
            label: inert::line(label.as_ref()),
            score: score.to_f64(),
            generation: 0,
            operator: String::new(),
            parents: Vec::new(),
            same_as: None,
        }
    }

    /// Sets the individual's generation.
    pub fn generation(mut self, generation: usize) -> Self {
        self.generation = generation;
        self
    }

    /// Sets the operator that made the individual (`mutation`, `crossover`) and its parents' labels.
    pub fn by<P: AsRef<str>>(
        mut self,
        operator: impl AsRef<str>,
        parents: impl IntoIterator<Item = P>,
    ) -> Self {
        self.operator = inert::line(operator.as_ref());
        self.parents = parents.into_iter().map(|parent| inert::line(parent.as_ref())).collect();
        self
    }

    /// Marks it as the same program as an earlier member, its twin. The picture shows the twin's name
    /// beside it.
    pub fn same_as(mut self, label: impl AsRef<str>) -> Self {
        self.same_as = Some(inert::line(label.as_ref()));
        self
    }

    /// Returns `B3`, or `B3 = A2` for a twin.
    fn name(&self) -> String {
        match &self.same_as {
            Some(twin) => format!("{} = {twin}", self.label),
            None => self.label.clone(),
        }
    }
}

/// The family tree of a run.
///
/// ```
/// use code_evolution::show::{Individual, Lineage};
/// let mut lineage = Lineage::new("FizzBuzz");
/// lineage.add(Individual::new("match", 70));
/// lineage.add(Individual::new("table", 55));
/// lineage.add(Individual::new("child", 95).generation(1).by("crossover", ["match", "table"]));
/// assert!(lineage.alt().ends_with(
///     "The best is child with 95: child by crossover of match and table, from match and table."
/// ));
/// ```
#[derive(Clone)]
pub struct Lineage {
    title: String,
    individuals: Vec<Individual>,
    stamped: Stamped,
}

impl Lineage {
    /// Creates an empty lineage with this title.
    pub fn new(title: impl AsRef<str>) -> Self {
        Lineage {
            title: inert::line(title.as_ref()),
            individuals: Vec::new(),
            stamped: Stamped::default(),
        }
    }

    /// Adds an individual. An earlier individual with the same label is replaced.
    pub fn add(&mut self, individual: Individual) {
        match self.individuals.iter_mut().find(|known| known.label == individual.label) {
            Some(known) => *known = individual,
            None => self.individuals.push(individual),
        }
    }

    /// Describes the picture in sentences.
    pub fn alt(&self) -> String {
        words::alt(self)
    }

    /// Returns the picture as a complete SVG document.
    ///
    /// # Errors
    ///
    /// If plotters cannot draw it.
    pub fn to_svg(&self) -> Result<String> {
        Ok(draw::svg(self)?.0)
    }

    /// Returns the lineage as HTML: the picture, and a table that opens.
    pub fn to_html(&self) -> String {
        if self.individuals.is_empty() {
            return html::panel(&html::paragraph(&self.alt()));
        }
        let mut caption = "The darker a box, the higher its score.".to_owned();
        if self.individuals.iter().any(|one| one.same_as.is_some()) {
            caption += " “B = A”: B is the same as A.";
        }
        let drawn = draw::svg(self).map(|(svg, width, left_out)| {
            if left_out > 0 {
                caption += &format!(" The table holds {left_out} more, with lower scores.");
            }
            (svg, width)
        });
        let picture = figure::image(drawn, &self.alt());
        let caption = format!("<figcaption>{}</figcaption>", inert::html(&caption));
        let everyone = html::details("everyone", &words::table(self).to_html());
        html::panel(&format!("<figure style=\"margin: 0\">{picture}{caption}</figure>{everyone}"))
    }

    /// Returns the lineage as text: a table.
    pub fn to_text(&self) -> String {
        if self.individuals.is_empty() {
            return self.alt();
        }
        format!("{}\n{}\n{}", self.title, words::table(self), self.alt())
    }

    /// Returns the individual with the highest score; if several have it, the first of them.
    fn best(&self) -> Option<&Individual> {
        let scored = self.individuals.iter().filter(|individual| individual.score.is_finite());
        scored.reduce(|best, next| if next.score > best.score { next } else { best })
    }

    fn by_label(&self) -> HashMap<&str, &Individual> {
        self.individuals.iter().map(|individual| (individual.label.as_str(), individual)).collect()
    }

    /// Returns the best individual and then all its ancestors.
    fn ancestry(&self) -> Vec<&Individual> {
        let known = self.by_label();
        let mut line: Vec<&Individual> = self.best().into_iter().collect();
        let mut seen: HashSet<&str> = line.iter().map(|best| best.label.as_str()).collect();
        let mut next = 0;
        while next < line.len() {
            for parent in &line[next].parents {
                if let Some(parent) = known.get(parent.as_str())
                    && seen.insert(&parent.label)
                {
                    line.push(parent);
                }
            }
            next += 1;
        }
        line
    }
}
shows_itself!(Lineage);
rests_on_replies!(Lineage);

#[cfg(test)]
mod tests {
    use super::*;

    fn family() -> Lineage {
        let mut lineage = Lineage::new("family");
        lineage.add(Individual::new("a1", 20));
        lineage.add(Individual::new("a2", 35));
        lineage.add(Individual::new("b1", 50).generation(1).by("mutation", ["a1"]));
        lineage.add(Individual::new("b2", f64::NAN).generation(1).by("innovation", [""; 0]));
        lineage.add(Individual::new("c1", 95).generation(2).by("crossover", ["b1", "a2"]));
        lineage
    }

    #[test]
    fn ancestry_goes_back_to_the_first() {
        let lineage = family();
        let labels: Vec<&str> = lineage.ancestry().iter().map(|i| i.label.as_str()).collect();
        assert_eq!(labels, ["c1", "b1", "a2", "a1"]);
    }

    #[test]
    fn a_cycle_of_parents_ends() {
        let mut lineage = Lineage::new("circle");
        lineage.add(Individual::new("a", 1).by("mutation", ["b"]));
        lineage.add(Individual::new("b", 2).by("mutation", ["a"]));
        assert_eq!(lineage.ancestry().len(), 2);
        assert!(lineage.to_html().contains("<img "));
    }

    #[test]
    fn a_twin_is_named_in_picture_words_and_table() {
        let mut lineage = family();
        lineage.add(Individual::new("c2", 50).generation(2).by("crossover", ["a1"]).same_as("b1"));
        assert!(lineage.to_svg().expect("a picture").contains(">c2 = b1</text>"));
        assert!(lineage.alt().ends_with(" c2 is the same program as b1."), "{}", lineage.alt());
        assert!(lineage.to_text().contains("\nc2 = b1 "), "{}", lineage.to_text());
    }

    #[test]
    fn the_words_name_operators_and_scores() {
        assert_eq!(
            family().alt(),
            "Lineage “family”: 5 individuals in 3 generations, by mutation (1), innovation (1), \
             crossover (1). The best is c1 with 95: c1 by crossover of b1 and a2, b1 by mutation \
             of a1, from a2 and a1."
        );
    }

    #[test]
    fn the_picture_holds_every_label_and_score() {
        let svg = family().to_svg().expect("a picture");
        for text in ["a1", "a2", "b1", "b2", "c1", "20", "35", "50", "95", "no score", "crossover"]
        {
            assert!(svg.contains(&format!(">{text}</text>")), "{text} in {svg}");
        }
        assert_eq!(svg, family().to_svg().expect("the same picture"));
    }

    #[test]
    fn a_long_title_is_cut_and_the_picture_stays_small() {
        let mut lineage = Lineage::new("x".repeat(1_000));
        lineage.add(Individual::new("a1", 20));
        let (svg, width, _) = draw::svg(&lineage).expect("a picture");
        assert!(width < 900 && !svg.contains(&"x".repeat(81)), "{width} pixels");
    }

    #[test]
    fn a_large_generation_shows_its_best_and_their_ancestors() {
        let mut lineage = Lineage::new("crowd");
        for n in 0..40 {
            lineage.add(Individual::new(format!("a{n}"), n));
        }
        lineage.add(Individual::new("child", 99).generation(1).by("mutation", ["a0"]));
        let (svg, _, left_out) = draw::svg(&lineage).expect("a picture");
        assert_eq!(left_out, 41 - 1 - 8);
        assert!(svg.contains(">a0</text>") && svg.contains(">a39</text>"));
        assert!(!svg.contains(">a5</text>"));
    }

    #[test]
    fn an_empty_lineage_says_so() {
        assert_eq!(Lineage::new("empty").to_text(), "“empty” has nobody in it yet.");
    }
}
