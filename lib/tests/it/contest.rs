//! The problems of the contest, judged.

use code_evolution::contest::{Problem, SpeedTest, small_problems};
use code_evolution::prelude::*;
use code_evolution::score::Criteria;

fn lab() -> Lab {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/cassettes/code_evolution.toml");
    Lab::cassette(script).mode(Mode::Scripted).start().expect("a lab")
}

#[test]
fn each_solution_passes_every_case_without_a_warning() {
    let lab = lab();
    let problems = small_problems();
    assert_eq!(problems.len(), 8);
    for problem in problems {
        assert!(problem.statement.contains(&format!("fn {}(", problem.name)));
        let hidden = problem.task.cases.iter().filter(|case| case.hidden).count();
        assert_eq!((problem.task.cases.len(), hidden), (3, 2), "{}", problem.name);
        for solution in &problem.solutions {
            let verdict = lab.judge(solution, &problem.task).expect("a verdict");
            assert!(verdict.is_success() && verdict.warnings() == 0, "{verdict}");
        }
    }
}

#[test]
fn the_reference_passes_its_own_speed_test() {
    let test = SpeedTest::find_pairs();
    let task = Task::new(&test.task.signature).case(([5, 3, 7], 10), [(3, 7)]);
    let problem = Problem::new("Pairs.", &task).speed(test);
    let (code, speed) = (&problem.solutions[0], problem.speed.as_ref().expect("a speed test"));
    let (lab, sizes) = (lab(), speed.task.cases.len());
    let verdict = lab.judge(code, &problem.task).expect("a verdict");
    let timed = lab.judge(&speed.reference, &speed.task).expect("a verdict");
    assert!(verdict.is_success() && timed.is_success() && sizes == 4, "{timed}");
    // A solution compared with itself is equally fast, however busy the machine.
    assert_eq!(Criteria::of(&verdict).speed(&timed, &timed).0[2], Some(1.0));
}
