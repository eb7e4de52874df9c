use super::*;

/// Reads the score from the number in the code's comment.
fn by_comment(codes: &[String]) -> Result<Vec<Graded>> {
    let score = |code: &String| code.rsplit("// ").next().and_then(|n| n.parse().ok());
    Ok(codes.iter().map(|code| (score(code).unwrap_or(f64::NAN), code.clone())).collect())
}

fn child(operator: &str, parents: &[&str], code: &str) -> Candidate {
    let parents = parents.iter().map(|name| (*name).to_owned()).collect();
    Candidate { parents, ..Candidate::written(operator, code) }
}

fn family() -> Family {
    let mut family = Family::new("numbers");
    let first = ["a() // 10", "b() // NaN", "c() // 20"];
    family.join(first.map(|code| Candidate::written("first", code)).to_vec(), by_comment).unwrap();
    let second = vec![
        child("mutation", &["A1"], "d() // 30"),
        child("mutation", &["A3"], "a( ) // 99"),
        child("crossover", &["A1", "A3"], "e() // 15"),
        child("crossover", &["A1", "A3"], ""),
    ];
    family.join(second, by_comment).unwrap();
    family
}

#[test]
fn nan_ranks_last_and_twins_and_the_unborn_are_not_ranked() {
    let names: Vec<String> = family().fittest(9).into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["B1", "A3", "B3", "A1", "A2"]);
    assert_eq!(family().best().name, "B1");
    assert_eq!(Family::new("nobody").best().name, "");
}

#[test]
fn a_table_does_not_announce_lines_that_it_omits() {
    let mut family = family();
    family.members[0].feedback = "It does not compile (1 error):\nerror: no".to_owned();
    let text = family.table().to_text();
    assert!(text.contains("(1 error)") && !text.contains("(1 error):"), "{text}");
}

#[test]
fn a_twin_has_its_twins_score_and_is_named_in_the_tree() {
    let family = family();
    assert_eq!((family.members[4].score, family.members[4].twin_of.as_deref()), (10.0, Some("A1")));
    assert!(
        family.tree().alt().contains("B2 is the same program as A1"),
        "{}",
        family.tree().alt()
    );
    assert!(family.table().to_text().contains("The same program as A1."));
}

#[test]
fn the_table_of_operators_says_what_each_achieved() {
    assert_eq!(
        family().operators().to_text(),
        "operator   children  not born  twins  beat their parents  largest gain  in the best's line\n\
         ---------  --------  --------  -----  ------------------  ------------  ------------------\n\
         mutation          2         0      1                   1         +20.0                   1\n\
         crossover         2         1      0                   0             –                   0"
    );
}

#[test]
fn an_operator_without_parents_plans_no_child() {
    let operators: [Operator<'_>; 2] =
        [("mutation", &[0], "Improve it."), ("crossover", &[0, 1], "Join them.")];
    let planned = family().offspring("Write f.", &operators);
    assert_eq!(planned[1].parents, ["B1", "A3"]);
    assert_eq!(
        planned[0].prompt,
        "Write f.\n\nA function that we have:\nIt scores 30.0. d() // 30\n```rust\nd() // 30\n```\n\n\
         Improve it.\n"
    );
    let alone = family().cut(1).offspring("", &operators);
    assert_eq!(alone.iter().map(|one| one.operator.as_str()).collect::<Vec<_>>(), ["mutation"]);
}

#[test]
fn a_family_without_a_program_asks_for_first_ones_again() {
    let operators: [Operator<'_>; 2] =
        [("mutation", &[0], "Improve it."), ("crossover", &[0, 1], "Join them.")];
    let mut unborn = Family::new("nobody");
    let planned = unborn.offspring("Write f.", &operators);
    let told = |one: &Candidate| (one.operator.clone(), one.prompt.clone());
    let expected = ("first".to_owned(), "Write f.".to_owned());
    assert_eq!(planned.iter().map(told).collect::<Vec<_>>(), [expected.clone(), expected]);
    unborn.join(planned, by_comment).unwrap();
    assert_eq!(unborn.offspring("Write f.", &operators).len(), 2, "no reply held a program");
}

#[test]
fn the_best_so_far_never_falls() {
    assert_eq!(family().by_tries(), [10.0, 10.0, 20.0, 30.0, 30.0, 30.0, 30.0]);
}

#[test]
fn another_fitness_changes_scores_but_not_names() {
    let even = |codes: &[String]| Ok(codes.iter().map(|_| (1.0, String::new())).collect());
    let family = family().cut(2).rejudged(even).unwrap();
    let told: Vec<(&str, f64)> =
        family.members.iter().map(|one| (one.name.as_str(), one.score)).collect();
    assert_eq!(told, [("B1", 1.0), ("A3", 1.0)]);
}

#[test]
fn a_fitness_that_fails_leaves_the_family_as_it_was() {
    let mut family = family();
    let fails = |_: &[String]| Err(crate::Error::internal("no jail"));
    assert!(family.join(vec![Candidate::written("x", "f()")], fails).is_err());
    assert_eq!(family.members.len(), 7);
}

#[test]
fn names_continue_after_the_last_letter() {
    assert_eq!((name(1, 2), name(26, 0)), ("B3".to_owned(), "G26-1".to_owned()));
}
