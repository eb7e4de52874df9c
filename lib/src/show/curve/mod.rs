//! Scores by generation, or other values counted step by step.
//!
//! One line of a cell makes the plot. The plot has three forms: a picture with labelled axes (each line has
//! its own colour, marker and label, so no reader depends on colour), a sentence in the picture's `alt`
//! text, and a table that opens. Long series are thinned to what a screen can show; see [`thin`].

pub(super) mod axis;
mod draw;
mod series;
mod thin;
mod words;

use super::figure;
use super::stamped::{Stamped, rests_on_replies};
use super::{Number, html, shows_itself};
use crate::error::Result;
use crate::inert;
use crate::stamp::Stamp;
use series::{Data, Series};

/// A plot of one or more series over generations, attempts or rounds.
///
/// ```
/// use code_evolution::show::FitnessCurve;
///
/// let best = [20, 60, 85, 100, 100];
/// let seeds = vec![vec![20.0, 20.0, 35.0, 35.0, 50.0], vec![0.0, 20.0, 40.0, 55.0, 55.0]];
/// let curve = FitnessCurve::new("Best score by generation")
///     .x("generation")
///     .y("score")
///     .series("LLM", &best)
///     .band("random mutation", &seeds)
///     .target(100.0, "perfect");
/// assert!(curve.alt().contains("LLM rises from 20 to 100, which it reaches at generation 3."));
/// ```
#[derive(Clone)]
pub struct FitnessCurve {
    title: String,
    x_label: String,
    y_label: String,
    start: i64,
    data: Vec<(String, Data)>,
    targets: Vec<(f64, String)>,
    stamped: Stamped,
}

impl FitnessCurve {
    /// Creates an empty plot with this title.
    pub fn new(title: impl AsRef<str>) -> Self {
        FitnessCurve {
            title: inert::line(title.as_ref()),
            x_label: "step".to_owned(),
            y_label: "value".to_owned(),
            start: 0,
            data: Vec::new(),
            targets: Vec::new(),
            stamped: Stamped::default(),
        }
    }

    /// Sets what the x axis counts: `generation`, `attempt`.
    pub fn x(mut self, label: impl AsRef<str>) -> Self {
        self.x_label = inert::line(label.as_ref());
        self
    }

    /// Sets what the y axis measures, with its unit: `score`, `time (ms)`.
    pub fn y(mut self, label: impl AsRef<str>) -> Self {
        self.y_label = inert::line(label.as_ref());
        self
    }

    /// Sets the x of every series' first value; the default is 0. Attempts start at 1.
    pub fn start(mut self, x: i64) -> Self {
        self.start = x;
        self
    }

    /// Adds a line, one value per step. NaN leaves a gap.
    pub fn series<N: Number>(mut self, name: impl AsRef<str>, values: &[N]) -> Self {
        let values = values.iter().map(|value| value.to_f64()).collect();
        self.data.push((inert::line(name.as_ref()), Data::Values(values)));
        self
    }

    /// Adds a line that uses these replies. Its name says who answered, as in `repair loop (script)`, and
    /// the figure carries their stamp.
    pub fn series_by<N: Number>(self, stamp: &Stamp, name: impl AsRef<str>, values: &[N]) -> Self {
        self.stamp(stamp).series(stamp.names(name.as_ref()), values)
    }

    /// Adds a line through your own points `(x, y)`, sorted by x.
    pub fn points<X: Number, Y: Number>(
        mut self,
        name: impl AsRef<str>,
        points: &[(X, Y)],
    ) -> Self {
        let points = points.iter().map(|(x, y)| (x.to_f64(), y.to_f64())).collect();
        self.data.push((inert::line(name.as_ref()), Data::Points(points)));
        self
    }

    /// Adds points like [`FitnessCurve::points`], and names the replies that they rest on.
    pub fn points_by<X: Number, Y: Number>(
        self,
        stamp: &Stamp,
        name: impl AsRef<str>,
        points: &[(X, Y)],
    ) -> Self {
        self.stamp(stamp).points(stamp.names(name.as_ref()), points)
    }

    /// Like [`FitnessCurve::band`], for runs that use these replies.
    pub fn band_by<N: Number>(
        self,
        stamp: &Stamp,
        name: impl AsRef<str>,
        seeds: &[Vec<N>],
    ) -> Self {
        self.stamp(stamp).band(stamp.names(name.as_ref()), seeds)
    }

    /// Adds several runs of the same search, one per seed: a line for their median, and a band from the
    /// lowest to the highest. If bands overlap, the seeds are drawn one by one.
    pub fn band<N: Number>(mut self, name: impl AsRef<str>, seeds: &[Vec<N>]) -> Self {
        let seeds = seeds.iter().map(|run| run.iter().map(|v| v.to_f64()).collect()).collect();
        self.data.push((inert::line(name.as_ref()), Data::Seeds(seeds)));
        self
    }

    /// Adds a horizontal line to reach or to compare with: `.target(100.0, "perfect")`. A target at
    /// infinity is ignored.
    pub fn target<N: Number>(mut self, y: N, name: impl AsRef<str>) -> Self {
        if y.to_f64().abs() < series::LARGEST {
            self.targets.push((y.to_f64(), inert::line(name.as_ref())));
        }
        self
    }

    /// Describes the plot in sentences, for the picture's `alt` text.
    pub fn alt(&self) -> String {
        words::alt(self, &self.resolved())
    }

    /// Returns the picture as a complete SVG document.
    ///
    /// # Errors
    ///
    /// If plotters cannot draw it.
    pub fn to_svg(&self) -> Result<String> {
        draw::svg(self, &self.resolved())
    }

    /// Returns the plot as HTML: a figure, a caption for its bands, and its numbers in a table that opens.
    pub fn to_html(&self) -> String {
        let series = self.resolved();
        if series.iter().all(Series::is_empty) {
            return html::panel(&html::paragraph(&words::alt(self, &series)));
        }
        let drawn = draw::svg(self, &series).map(|svg| (svg, draw::WIDTH));
        let picture = figure::image(drawn, &words::alt(self, &series));
        let caption = words::caption(&series)
            .map(|text| format!("<figcaption>{}</figcaption>", inert::html(&text)))
            .unwrap_or_default();
        let (head, align, rows) = words::table(self, &series);
        let numbers = html::details("the numbers", &html::table(&head, &align, &rows));
        html::panel(&format!("<figure style=\"margin: 0\">{picture}{caption}</figure>{numbers}"))
    }

    /// Returns the plot as text, with one sparkline per series.
    pub fn to_text(&self) -> String {
        words::text(self, &self.resolved())
    }

    fn resolved(&self) -> Vec<Series> {
        self.data.iter().map(|(name, data)| Series::new(name, data, self.start)).collect()
    }
}
shows_itself!(FitnessCurve);
rests_on_replies!(FitnessCurve);

#[cfg(test)]
mod tests {
    use super::*;

    fn curve() -> FitnessCurve {
        FitnessCurve::new("Best score").x("generation").y("score")
    }

    #[test]
    fn the_alt_text_says_what_the_lines_do() {
        let seeds = [vec![20.0, 30.0, 30.0], vec![20.0, 25.0, 60.0], vec![20.0, 20.0, 40.0]];
        let alt = curve()
            .series("LLM", &[20, 65, 100, 100])
            .band("random mutation", &seeds)
            .series("greedy", &[50.0, 10.0, f64::NAN, 30.0])
            .series("none", &[f64::NAN])
            .target(100, "perfect")
            .alt();
        assert_eq!(
            alt,
            "Line plot “Best score”: score, generation 0 to 3. \
             LLM rises from 20 to 100, which it reaches at generation 2. \
             random mutation (median of 3 seeds) rises from 20 to 40; at generation 2 the seeds \
             lie between 30 and 60. \
             greedy goes from 50 to 30, with its lowest, 10, at generation 1 and its highest, 50, \
             at generation 0. \
             Target 100 (perfect): reached by LLM at generation 2, not by the median of random \
             mutation nor by greedy. \
             greedy: 1 value left out, being no number. \
             none has no number to show."
        );
    }

    #[test]
    fn the_alt_text_of_the_simplest_lines() {
        let alt = |values: &[f64]| curve().series("it", values).start(1).alt();
        assert!(alt(&[5.0]).ends_with("score, generation 1. it is 5 at generation 1."));
        assert!(alt(&[5.0, 5.0]).ends_with("it stays at 5."));
        assert!(alt(&[5.0, 4.0, 3.5]).ends_with("it falls from 5 to 3.5."));
    }

    #[test]
    fn a_target_can_be_reached_from_above() {
        let alt = curve().series("excess", &[9.0, 6.0, 4.0]).target(5, "best fit").alt();
        assert!(alt.ends_with("Target 5 (best fit): reached by excess at generation 2."), "{alt}");
    }

    #[test]
    fn a_line_above_a_target_is_no_line_that_missed_it() {
        let words = |lines: &[&[f64]]| {
            let add = |plot: FitnessCurve, (n, line): (usize, &&[f64])| {
                plot.series(format!("l{}", n + 1), line)
            };
            let plot = lines.iter().enumerate().fold(curve(), add).target(5, "chance");
            let alt = plot.alt();
            alt[alt.find("Target").unwrap()..].to_owned()
        };
        let (above, below, reaches): (&[f64], &[f64], &[f64]) =
            (&[9.0, 6.0], &[1.0, 2.0], &[1.0, 5.0]);
        assert_eq!(words(&[above]), "Target 5 (chance): l1 stays above it.");
        assert_eq!(words(&[above, above]), "Target 5 (chance): all lines stay above it.");
        assert_eq!(words(&[below, below]), "Target 5 (chance): reached by none.");
        assert_eq!(words(&[reaches]), "Target 5 (chance): reached by l1 at generation 1.");
        assert_eq!(
            words(&[above, below]),
            "Target 5 (chance): reached by none; l1 stays above it."
        );
        assert_eq!(
            words(&[above, below, reaches, above]),
            "Target 5 (chance): reached by l3 at generation 1, not by l2; l1 and l4 stay above it."
        );
    }

    #[test]
    fn the_text_form_has_a_sparkline() {
        let text = curve().series("LLM", &[0.0, 50.0, f64::NAN, 100.0]).to_text();
        assert_eq!(text.lines().nth(1), Some("LLM  ▁▅·█"));
    }

    #[test]
    fn the_same_values_give_the_same_bytes() {
        let one = || curve().series("LLM", &[1, 2, 3]).band("random", &[vec![1.0, 1.5]]).to_html();
        assert_eq!(one(), one());
    }

    #[test]
    fn the_picture_labels_lines_and_axes() {
        let svg = curve()
            .series("LLM <1>", &[0, 1, 2])
            .target(2, "all")
            .start(1)
            .to_svg()
            .expect("a picture");
        let labels = ["Best score", "generation", "score", "LLM &lt;1&gt;", "all"];
        // Attempts and cases are counted, so no tick stands between two whole numbers.
        for text in labels.into_iter().chain(["0", "1", "2", "3"]) {
            assert!(svg.contains(&format!(">{text}</text>")), "{text} in {svg}");
        }
        assert!(!svg.contains(">1.5</text>"));
    }

    #[test]
    fn overlapping_bands_are_drawn_seed_by_seed() {
        let seeds = |low: f64| [vec![low, low + 5.0], vec![low + 10.0, low + 15.0]];
        let both =
            |low: f64| curve().band("Ada", &seeds(0.0)).band("Turing", &seeds(low)).to_html();
        assert!(both(2.0).contains("Each small mark is one seed"));
        assert!(both(50.0).contains("Bands reach from the lowest to the highest seed"));
    }

    #[test]
    fn a_single_point_is_drawn() {
        let svg = curve().series("LLM", &[42]).to_svg().expect("a picture");
        // One circle is the point, the other stands before its name.
        assert_eq!(svg.matches("<circle").count(), 2);
    }

    #[test]
    fn an_empty_plot_says_so() {
        for empty in [curve(), curve().series("LLM", &[f64::NAN]), curve().series("LLM", &[0u8; 0])]
        {
            assert!(empty.to_text().starts_with("“Best score” has nothing to plot yet"));
            assert!(!empty.to_html().contains("<img"));
        }
    }

    #[test]
    fn a_hundred_thousand_points_stay_small() {
        let values: Vec<f64> = (0..100_000).map(|i| f64::from(i * 7919 % 1009)).collect();
        let html = curve().series("noise", &values).to_html();
        assert!(html.len() < 60_000, "{} bytes", html.len());
        let gaps: Vec<f64> = (0..100_000)
            .map(|i| if i % 3 == 0 { f64::NAN } else { f64::from(i * 7919 % 1009) })
            .collect();
        let html = curve().series("noise with gaps", &gaps).to_html();
        assert!(html.len() < 60_000, "{} bytes", html.len());
    }
}
