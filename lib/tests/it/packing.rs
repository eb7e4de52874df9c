//! Online bin packing: packings worked out by hand, OR-Library's format, the published figures.

use code_evolution::packing::heuristics::{BEST_FIT, FIRST_FIT, FUNSEARCH_OR, FUNSEARCH_WEIBULL};
use code_evolution::packing::skeleton::pack;
use code_evolution::packing::{Dataset, Instance, InvalidPacking, SEED};
use proptest::prelude::*;

/// Two instances in OR-Library's own format, written by hand.
const OR_LIBRARY: &str = include_str!("../data/or_library.txt");

fn or3_like() -> Dataset {
    Dataset::uniform(SEED, 20, 500).expect("good sizes")
}

fn weibull_like() -> Dataset {
    Dataset::weibull(SEED, 5, 5_000).expect("good sizes")
}

#[test]
fn first_fit_takes_the_first_bin_with_room() {
    // 6 opens bin 0; 5 does not fit and opens bin 1; 3 fits into 0, 4 into 1, and 1 into 0.
    let packing = pack(&[6, 5, 3, 4, 1], 10, FIRST_FIT.priority);
    assert_eq!(packing, Ok(vec![0, 1, 0, 1, 0]));
}

#[test]
fn best_fit_takes_the_tightest_bin() {
    // 5 and 7 open two bins; 3 fills the second; 2 and 3 fill the first; 1 opens the third.
    let packing = pack(&[5, 7, 3, 2, 3, 1], 10, BEST_FIT.priority);
    assert_eq!(packing, Ok(vec![0, 1, 1, 0, 0, 2]));
}

#[test]
fn funsearch_or_avoids_a_small_gap() {
    // 60 would leave 30 in bin 0 or 90 in an empty one (both score 0.99): the first wins.
    assert_eq!(pack(&[60, 60], 150, FUNSEARCH_OR.priority), Ok(vec![0, 0]));
    // 82 would leave 8 in bin 0, which scores 0.9; an empty bin scores 0.99.
    assert_eq!(pack(&[60, 82], 150, FUNSEARCH_OR.priority), Ok(vec![0, 1]));
    // 88 leaves 2 in bin 0, which scores 4.
    assert_eq!(pack(&[60, 88], 150, FUNSEARCH_OR.priority), Ok(vec![0, 0]));
    let scores =
        (FUNSEARCH_OR.priority)(10.0, &[12.0, 13.0, 15.0, 17.0, 19.0, 22.0, 25.0, 31.0, 32.0]);
    assert_eq!(scores, [4.0, 3.0, 2.0, 1.0, 0.9, 0.95, 0.97, 0.98, 0.99]);
}

#[test]
fn funsearch_weibull_scores_each_bin_less_its_neighbour() {
    // By hand, for item 2 and bins 2, 4, 4 (largest 4):
    // 2: 4/2 + 4/4 + 4/8 = 3.5, kept since 2 is not above the item;
    // 4: 0 + 16/4 + 16/8 = 6, negated: -6; minus the score before: -9.5, then 0.
    assert_eq!((FUNSEARCH_WEIBULL.priority)(2.0, &[2.0, 4.0, 4.0]), [3.5, -9.5, 0.0]);
}

#[test]
fn nan_never_wins() {
    let sometimes = |_: f64, bins: &[f64]| {
        (0..bins.len()).map(|bin| if bin == 1 { 0.0 } else { f64::NAN }).collect()
    };
    assert_eq!(pack(&[1, 1], 10, sometimes), Ok(vec![1, 1]));
    let never = |_: f64, bins: &[f64]| vec![f64::NAN; bins.len()];
    assert_eq!(pack(&[1, 1], 10, never), Ok(vec![0, 0]));
}

#[test]
fn a_heuristic_that_skips_a_bin_gets_an_error() {
    let short = |_: f64, bins: &[f64]| bins[1..].to_vec();
    let problem = pack(&[1, 1, 1], 10, short).expect_err("a score is missing");
    assert_eq!(problem, "priority gave 2 scores for 3 bins, at item 0");
    let problem = pack(&[3, 11], 10, FIRST_FIT.priority).expect_err("it fits nowhere");
    assert!(problem.contains("item 1 of size 11"), "{problem}");
}

#[test]
fn or_library_files_are_read() {
    let dataset = Dataset::from_or_library(OR_LIBRARY).expect("a good file");
    let [first, second] = dataset.instances() else { panic!("two instances") };
    assert_eq!((first.name(), first.capacity()), ("u4_00", 150));
    assert_eq!(first.items(), [100, 60, 50, 90]);
    assert_eq!((second.name(), second.lower_bound()), ("t3_00", 1));
    // First fit: 100+50, 60+90 and 50+25+25, which makes 2 + 1 bins, against bounds of 2 + 1.
    assert_eq!(dataset.excess_with(FIRST_FIT.priority), Ok(0.0));
}

#[test]
fn a_bad_line_is_named() {
    let decimal = OR_LIBRARY.replace(" 100 3", " 100.0 3");
    for (text, part) in [
        (decimal.as_str(), "line 9: expected the capacity, a whole number, found `100.0`"),
        ("", "line 1: the file ends here, expected the number of instances"),
        ("1\n\na\n10 2 1\n4\n", "line 5: the file ends here, expected an item's size"),
        ("1\na\n10 2\n4\n4\n", "line 3: expected `capacity items best`"),
        ("1\na\n10 1 1\n-4\n", "line 4: expected an item's size, a whole number, found `-4`"),
        ("1\na\n10 1 1\n11\n", "line 3: instance a has an item of size 11"),
        ("1\na\n10 1 1\n4\n5\n", "line 5: `5` after the last of 1 instances"),
        ("0\n", "at least one instance"),
    ] {
        let error = Dataset::from_or_library(text).expect_err(part).to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn json_files_are_read() {
    let text = r#"[{"name": "a", "capacity": 10, "items": [5, 6]}]"#;
    let dataset = Dataset::from_json(text).expect("a good file");
    assert_eq!(dataset.instances()[0].items(), [5, 6]);
    for (text, part) in [
        ("[\n{\"name\": \"a\", \"capacity\": 10}]", "line 2"),
        ("[{\"name\": \"a\", \"capacity\": 10, \"items\": [0]}]", "size 0"),
        ("[]", "at least one instance"),
    ] {
        let error = Dataset::from_json(text).expect_err(part).to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_seed_always_gives_the_same_instances() {
    let uniform = Dataset::uniform(2026, 1, 5).expect("good sizes");
    assert_eq!(uniform.instances()[0].items(), [54, 69, 78, 89, 22]);
    let weibull = Dataset::weibull(2026, 1, 5).expect("good sizes");
    assert_eq!(weibull.instances()[0].items(), [37, 44, 49, 57, 14]);
    assert!(Dataset::uniform(1, 0, 5).is_err() && Dataset::weibull(1, 5, 0).is_err());
}

/// Checks that the published figure holds on our own instances, within 0.3 points.
fn assert_near(excess: Result<f64, InvalidPacking>, published: Option<f64>) {
    let (excess, published) = (excess.expect("a packing"), published.expect("a published figure"));
    assert!((excess - published).abs() < 0.3, "{excess}, published {published}");
}

#[test]
fn or3_figures_are_near_the_published_ones() {
    for heuristic in [FIRST_FIT, BEST_FIT, FUNSEARCH_OR] {
        assert_near(or3_like().excess_with(heuristic.priority), heuristic.published_or3);
    }
}

/// Uses only the first instance, since a debug build needs seconds for each. Notebook 2 checks all five,
/// optimised and in the jail.
#[test]
fn weibull_figures_are_near_the_published_ones() {
    let first = Dataset::new(weibull_like().instances()[..1].to_vec()).expect("one instance");
    for heuristic in [FIRST_FIT, BEST_FIT, FUNSEARCH_WEIBULL] {
        assert_near(first.excess_with(heuristic.priority), heuristic.published_weibull);
    }
}

#[test]
fn the_families_have_their_published_properties() {
    let or3 = or3_like();
    assert_eq!(or3.instances().len(), 20);
    assert!(or3.instances().iter().all(|i| i.items().len() == 500 && i.capacity() == 150));
    let sizes = || or3.instances().iter().flat_map(Instance::items);
    assert_eq!((sizes().min(), sizes().max()), (Some(&20), Some(&100)));

    let weibull = weibull_like();
    assert_eq!(weibull.instances().len(), 5);
    assert!(weibull.instances().iter().all(|i| i.items().len() == 5_000 && i.capacity() == 100));
    let sizes = || weibull.instances().iter().flat_map(Instance::items);
    assert!(sizes().all(|size| (1..=100).contains(size)));
    // The distribution's mean is 45 * gamma(4/3) = 40.18.
    let mean = sizes().map(|&size| f64::from(size)).sum::<f64>() / sizes().count() as f64;
    assert!((mean - 40.18).abs() < 0.3, "{mean}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// For any scores, the skeleton makes a packing that the check accepts.
    #[test]
    fn any_scores_give_a_valid_packing(
        items in prop::collection::vec(1_u32..=50, 1..80),
        capacity in 50_u32..=120,
        scores in prop::collection::vec(prop::num::f64::ANY, 1..40),
    ) {
        let instance = Instance::new("any", capacity, items.clone()).expect("a good instance");
        let priority = |item: f64, bins: &[f64]| {
            bins.iter().map(|bin| scores[(item + bin) as usize % scores.len()]).collect()
        };
        let packing = pack(&items, capacity, priority).expect("there is always room");
        let bins = instance.count_bins(&packing).expect("a packing");
        prop_assert!(bins >= instance.lower_bound() && bins <= items.len());
    }

    /// First fit never leaves two bins that fit into one, so it needs less than twice the bound.
    #[test]
    fn first_fit_is_within_twice_the_bound(items in prop::collection::vec(1_u32..=100, 1..200)) {
        let instance = Instance::new("any", 100, items.clone()).expect("a good instance");
        let packing = pack(&items, 100, FIRST_FIT.priority).expect("there is always room");
        prop_assert!(instance.count_bins(&packing).expect("a packing") <= 2 * instance.lower_bound());
    }

    /// Text written in OR-Library's format is read back correctly.
    #[test]
    fn or_library_round_trip(sets in prop::collection::vec(prop::collection::vec(1_u32..=90, 1..20), 1..5)) {
        let mut text = format!("{}\n", sets.len());
        for (index, items) in sets.iter().enumerate() {
            text += &format!(" i{index}\n 90 {} 0\n", items.len());
            items.iter().for_each(|item| text += &format!("{item}\n"));
        }
        let dataset = Dataset::from_or_library(&text).expect("well written");
        let read: Vec<_> = dataset.instances().iter().map(|i| i.items().to_vec()).collect();
        prop_assert_eq!(read, sets);
    }

    /// No text makes the loaders panic.
    #[test]
    fn any_text_is_read_or_refused(text in "[0-9 \n.a-]{0,60}") {
        let _ = (Dataset::from_or_library(&text), Dataset::from_json(&text));
    }
}
