//! A population with its history.

use super::{Candidate, Graded, Operator};
use crate::error::Result;
use crate::lab::Lab;
use crate::score::{best_first, best_so_far};
use crate::show::{Individual, Lineage, Table};
use crate::source::normal_form;
use crate::stamp::Stamp;

/// All candidates of one evolution, in the order of birth.
///
/// ```
/// use code_evolution::population::{Candidate, Family};
/// # fn main() -> code_evolution::Result<()> {
/// let length = |codes: &[String]| {
///     Ok(codes.iter().map(|code| (-(code.len() as f64), format!("{} bytes", code.len()))).collect())
/// };
/// let mut family = Family::new("Short functions");
/// let first = ["fn one() -> u8 { 3 - 2 }", "fn one() -> u8 { 1 }", "fn one()->u8 { 1 } // one"];
/// family.join(first.map(|code| Candidate::written("by hand", code)).to_vec(), length)?;
/// let best = family.fittest(3);
/// assert_eq!(best.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["A2", "A1"]);
/// assert_eq!(family.members[2].twin_of.as_deref(), Some("A2"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Family {
    title: String,
    /// All members, including twins and candidates that were not born.
    pub members: Vec<Candidate>,
}

impl Family {
    /// Creates a family without members; its tree shows the title.
    pub fn new(title: impl Into<String>) -> Self {
        Family { title: title.into(), members: Vec::new() }
    }

    /// Breeds the next generation: asks for each candidate (at temperature 0.8), takes `fn function` out of
    /// each reply, and lets the brood [join](Family::join).
    ///
    /// # Errors
    /// If no model can be asked or the fitness fails; then the family stays as it was.
    pub fn breed(
        &mut self,
        lab: &Lab,
        function: &str,
        mut brood: Vec<Candidate>,
        fitness: impl Fn(&[String]) -> Result<Vec<Graded>>,
    ) -> Result<()> {
        let prompts: Vec<&str> = brood.iter().map(|one| one.prompt.as_str()).collect();
        let replies = lab.llm().temperature(0.8).ask_many(&prompts)?;
        for (one, reply) in brood.iter_mut().zip(&replies) {
            one.answered(reply, function);
        }
        self.join(brood, fitness)
    }

    /// Plans the candidates to ask for next: one for each operator whose parents exist. Parents are the
    /// fittest, so no two of them are the same program. If no operator has its parents (no reply held a
    /// program, say), each plans a candidate from the instructions alone: the search goes on, and a loop
    /// with a budget of calls ends.
    pub fn offspring(&self, instructions: &str, operators: &[Operator<'_>]) -> Vec<Candidate> {
        let most = operators.iter().flat_map(|(_, parents, _)| *parents).max().map_or(0, |n| n + 1);
        let fittest = self.fittest(most);
        let planned = operators.iter().filter_map(|(name, parents, wish)| {
            let parents: Option<Vec<Candidate>> =
                parents.iter().map(|rank| fittest.get(*rank).cloned()).collect();
            Some(Candidate::child(name, &parents?, instructions, wish))
        });
        let planned: Vec<Candidate> = planned.collect();
        if planned.is_empty() {
            return operators.iter().map(|_| Candidate::asked("first", instructions)).collect();
        }
        planned
    }

    /// Breeds the next generation by chance: this many blind [mutants](crate::blind::mutant) of the best.
    ///
    /// # Errors
    /// As for [`Family::join`].
    #[cfg(any(feature = "packing", feature = "prompts"))]
    pub fn mutate(
        &mut self,
        mutants: usize,
        dice: &mut crate::blind::Dice,
        fitness: impl Fn(&[String]) -> Result<Vec<Graded>>,
    ) -> Result<()> {
        let best = self.best();
        let brood = (0..mutants).map(|_| {
            let code = crate::blind::mutant(&best.code, dice);
            Candidate::written("blind mutation", code).of([&best])
        });
        self.join(brood.collect(), fitness)
    }

    /// Adds the next generation, whose code is known: names it, finds its twins and scores the rest.
    ///
    /// # Errors
    /// If the fitness fails; then the family stays as it was.
    pub fn join(
        &mut self,
        mut brood: Vec<Candidate>,
        fitness: impl Fn(&[String]) -> Result<Vec<Graded>>,
    ) -> Result<()> {
        let generation = self.members.last().map_or(0, |last| last.generation + 1);
        for n in 0..brood.len() {
            let form = normal_form(&brood[n].code);
            let earlier = self.members.iter().chain(&brood[..n]);
            let mut same = earlier.filter(|one| one.is_born() && one.twin_of.is_none());
            let twin = same.find(|one| normal_form(&one.code) == form).map(|one| one.name.clone());
            let one = &mut brood[n];
            (one.name, one.generation) = (name(generation, n), generation);
            one.twin_of = if one.is_born() { twin } else { None };
        }
        let new = |one: &&mut Candidate| one.is_born() && one.twin_of.is_none();
        let codes: Vec<String> = brood.iter_mut().filter(new).map(|one| one.code.clone()).collect();
        let graded = fitness(&codes)?;
        for (one, graded) in brood.iter_mut().filter(new).zip(graded) {
            (one.score, one.feedback) = graded;
        }
        let from = self.members.len();
        self.members.extend(brood);
        for at in from..self.members.len() {
            if let Some(twin) =
                self.members[at].twin_of.as_deref().and_then(|name| self.named(name))
            {
                let (score, feedback) = (twin.score, twin.feedback.clone());
                (self.members[at].score, self.members[at].feedback) = (score, feedback);
            }
        }
        Ok(())
    }

    /// Returns the `n` fittest as a separate family. They keep their names.
    pub fn cut(&self, n: usize) -> Family {
        Family { title: self.title.clone(), members: self.fittest(n) }
    }

    /// Returns the same members in a random order of birth.
    #[cfg(any(feature = "packing", feature = "prompts"))]
    pub fn shuffled(&self, dice: &mut crate::blind::Dice) -> Family {
        Family { title: self.title.clone(), members: dice.shuffled(&self.members) }
    }

    /// Returns the same members, scored by another fitness.
    ///
    /// # Errors
    /// If the new fitness fails.
    pub fn rejudged(&self, fitness: impl Fn(&[String]) -> Result<Vec<Graded>>) -> Result<Family> {
        let mut family = self.clone();
        let born = |one: &&mut Candidate| one.is_born();
        let codes: Vec<String> =
            family.members.iter_mut().filter(born).map(|one| one.code.clone()).collect();
        let graded = fitness(&codes)?;
        for (one, graded) in family.members.iter_mut().filter(born).zip(graded) {
            (one.score, one.feedback) = graded;
        }
        Ok(family)
    }

    /// Returns the member with this name.
    pub fn named(&self, name: &str) -> Option<&Candidate> {
        self.members.iter().find(|one| one.name == name)
    }

    /// Returns at most `n` of the best members, best first. All are born, and no two are the same program.
    /// With equal scores, the older member comes first; a score of NaN comes last.
    pub fn fittest(&self, n: usize) -> Vec<Candidate> {
        let able = self.members.iter().filter(|one| one.is_born() && one.twin_of.is_none());
        let mut best: Vec<Candidate> = able.cloned().collect();
        best.sort_by(|a, b| best_first(a.score, b.score));
        best.truncate(n);
        best
    }

    /// Returns the best member; without one, a candidate without a name or code.
    pub fn best(&self) -> Candidate {
        self.fittest(1).pop().unwrap_or_default()
    }

    /// Returns the best score so far after each try.
    pub fn by_tries(&self) -> Vec<f64> {
        best_so_far(&self.members.iter().map(|one| one.score).collect::<Vec<_>>())
    }

    /// Returns the best score so far, over the tokens used until then.
    pub fn by_tokens(&self) -> Vec<(u64, f64)> {
        let mut tokens = 0;
        let spent = self.members.iter().map(|one| {
            tokens += one.tokens;
            tokens
        });
        spent.zip(self.by_tries()).collect()
    }

    /// Returns how many questions were asked.
    pub fn calls(&self) -> u64 {
        self.stamp().replies() + self.stamp().unanswered()
    }

    /// Returns who answered.
    pub fn stamp(&self) -> Stamp {
        self.members.iter().map(|one| &one.stamp).sum()
    }

    /// Returns the members as a table, one row each.
    pub fn table(&self) -> Table {
        let mut table = Table::new(["name", "asked for", "score", "feedback"]);
        for one in &self.members {
            let told = one.feedback.lines().next().unwrap_or_default();
            let told = match &one.twin_of {
                Some(twin) => format!("The same program as {twin}."),
                // A colon would announce the lines below, which the table does not show.
                None => told.trim_end_matches(':').to_owned(),
            };
            table.push((&one.name, &one.operator, written(one), told));
        }
        table.stamp(&self.stamp())
    }

    /// Returns the family tree.
    pub fn tree(&self) -> Lineage {
        let mut tree = Lineage::new(&self.title);
        for one in &self.members {
            let drawn = Individual::new(&one.name, one.score).generation(one.generation);
            let drawn = drawn.by(&one.operator, &one.parents);
            tree.add(match &one.twin_of {
                Some(twin) => drawn.same_as(twin),
                None => drawn,
            });
        }
        tree.stamp(&self.stamp())
    }

    /// Returns a table of what each operator with parents achieved: the number of children; how many were
    /// not born, or were twins; how many beat every parent; the largest gain over the better parent; the
    /// number of steps that lead to the best member.
    pub fn operators(&self) -> Table {
        let head = [
            "operator",
            "children",
            "not born",
            "twins",
            "beat their parents",
            "largest gain",
            "in the best's line",
        ];
        let mut table = Table::new(head);
        let line = self.line_of(&self.best().name);
        let mut operators: Vec<&str> = Vec::new();
        let children: Vec<&Candidate> =
            self.members.iter().filter(|one| !one.parents.is_empty()).collect();
        for one in &children {
            if !operators.contains(&one.operator.as_str()) {
                operators.push(&one.operator);
            }
        }
        for operator in operators {
            let its: Vec<&&Candidate> =
                children.iter().filter(|one| one.operator == operator).collect();
            let count =
                |holds: &dyn Fn(&Candidate) -> bool| its.iter().filter(|one| holds(one)).count();
            let gain = |one: &Candidate| one.score - self.better_parent(one);
            let beats = |one: &Candidate| one.twin_of.is_none() && gain(one) > 0.0;
            let largest =
                its.iter().filter(|one| beats(one)).map(|one| gain(one)).fold(0.0, f64::max);
            let largest = if largest > 0.0 { format!("+{largest:.1}") } else { "–".to_owned() };
            table.push((
                operator,
                its.len(),
                count(&|one| !one.is_born()),
                count(&|one| one.twin_of.is_some()),
                count(&beats),
                largest,
                count(&|one| line.contains(&one.name)),
            ));
        }
        table.stamp(&self.stamp())
    }

    fn better_parent(&self, child: &Candidate) -> f64 {
        let parents = child.parents.iter().filter_map(|name| self.named(name));
        parents.map(|parent| parent.score).fold(f64::NEG_INFINITY, f64::max)
    }

    /// Returns a member and all its ancestors.
    fn line_of(&self, name: &str) -> Vec<String> {
        let mut line = vec![name.to_owned()];
        let mut next = 0;
        while next < line.len() {
            let parents =
                self.named(&line[next]).map(|one| one.parents.clone()).unwrap_or_default();
            for parent in parents {
                if !line.contains(&parent) {
                    line.push(parent);
                }
            }
            next += 1;
        }
        line
    }
}

/// Names a candidate: `B3` for the third of generation 1; `G26` after the last letter.
fn name(generation: usize, index: usize) -> String {
    match u8::try_from(generation) {
        Ok(letter) if letter < 26 => format!("{}{}", char::from(b'A' + letter), index + 1),
        _ => format!("G{generation}-{}", index + 1),
    }
}

fn written(one: &Candidate) -> String {
    if one.is_born() && one.score.is_finite() {
        format!("{:.2}", one.score)
    } else {
        "–".to_owned()
    }
}

#[cfg(test)]
mod tests;
