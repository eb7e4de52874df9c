//! A figure and a table that use replies from a script and from a live model.

use code_evolution::prelude::*;

use crate::live;

#[test]
fn a_figure_of_a_script_and_a_model_says_mixed_and_counts_both() {
    let name = "stamps::a_figure_of_a_script_and_a_model_says_mixed_and_counts_both";
    live::run(name, a_participant_asks_both, |_| Ok("one".to_owned()));
}

fn a_participant_asks_both() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("stamps.toml");
    let script =
        "kind = \"script\"\n[[exchange]]\nprompt = \"Say one.\"\nreplies = [{ text = \"one\" }]\n";
    std::fs::write(&path, script).expect("a script");
    let scripted = Lab::cassette(&path).mode(Mode::Scripted).start().expect("a scripted lab");
    let live = Lab::start().expect("a live lab");
    let ask = |lab: &Lab| lab.llm().ask("Say one.").expect("a reply").stamp();
    let by: code_evolution::stamp::Stamp = [&scripted, &live, &live].into_iter().map(ask).sum();

    let curve = FitnessCurve::new("Best score").series_by(&by, "evolution", &[1, 2, 3]);
    let mut table = Table::new(["who", "score"]).stamp(&by);
    table.push(("Ada", 3));
    for shown in [curve.to_html(), curve.to_text(), curve.alt(), table.to_html(), table.to_text()] {
        assert!(shown.contains("mixed: 1 of 3 replies scripted; 2 of 3 replies live"), "{shown}");
        assert!(shown.contains("small-1"), "{shown}");
    }
    let picture = curve.to_svg().expect("a picture");
    assert!(picture.contains("mixed: 1 of 3 replies scripted"), "{picture}");
    assert!(curve.alt().contains("evolution (script and small-1)"), "{}", curve.alt());
}
