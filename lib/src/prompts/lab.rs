//! Measuring prompts, and breeding them.

use std::collections::HashMap;
use std::time::Instant;

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, RngExt};

use super::task::{Item, LabelledTask, Prompt};
use crate::cell;
use crate::error::Result;
use crate::llm::Llm;
use crate::score::best_first;
use crate::stamp::Stamp;

/// How many answers to a prompt were right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Right answers.
    pub right: usize,
    /// Items asked.
    pub asked: usize,
}

/// A task, the model that does it, and every answer so far.
pub struct PromptLab {
    llm: Llm,
    task: LabelledTask,
    /// By prompt and text.
    known: HashMap<Prompt, HashMap<String, Known>>,
    calls: usize,
}

/// An answer that was given.
struct Known {
    is_right: bool,
    by: Stamp,
    /// The last cell that used it.
    cell: Instant,
}

impl PromptLab {
    /// Creates a laboratory in which this model does this task.
    pub fn new(llm: Llm, task: LabelledTask) -> Self {
        PromptLab { llm, task, known: HashMap::new(), calls: 0 }
    }

    /// Returns the task.
    pub fn task(&self) -> &LabelledTask {
        &self.task
    }

    /// Returns how often the model was asked: each prompt and item counts once.
    pub fn calls(&self) -> usize {
        self.calls
    }

    /// Returns this many random prompts.
    pub fn random_prompts(&self, count: usize, rng: &mut impl Rng) -> Vec<Prompt> {
        (0..count).map(|_| self.task.random_prompt(rng)).collect()
    }

    /// Returns this many random training items.
    pub fn sample(&self, count: usize, rng: &mut impl Rng) -> Vec<Item> {
        self.task.train.sample(rng, count).cloned().collect()
    }

    /// Scores every prompt on these items, and returns each prompt's share of right answers, 0 to 1. An
    /// item that a prompt shows as an example is skipped for that prompt. A prompt without any other item
    /// scores 0.
    ///
    /// # Errors
    /// If the model does not answer a question.
    pub fn score_all(&mut self, prompts: &[Prompt], items: &[Item]) -> Result<Vec<f64>> {
        let mut open: Vec<(&Prompt, &Item)> = Vec::new();
        let first = |at: usize| !prompts[..at].contains(&prompts[at]);
        for prompt in (0..prompts.len()).filter(|at| first(*at)).map(|at| &prompts[at]) {
            let known = self.known.entry(prompt.clone()).or_default();
            for item in items {
                match known.get_mut(&item.text) {
                    Some(answer) => answer.reuse(),
                    None if prompt.shows(item) => {}
                    None => open.push((prompt, item)),
                }
            }
        }
        let talks: Vec<_> = open.iter().map(|(prompt, item)| prompt.ask(&item.text)).collect();
        let replies = match talks.is_empty() {
            true => Vec::new(),
            false => self.llm.choose_after(talks, &self.task.labels)?,
        };
        self.calls += open.len();
        for ((prompt, item), reply) in open.into_iter().zip(replies) {
            let (is_right, by) = (reply.text == item.label, reply.stamp());
            let known = self.known.entry(prompt.clone()).or_default();
            known.insert(item.text.clone(), Known { is_right, by, cell: cell::started_at() });
        }
        Ok(prompts.iter().map(|prompt| self.tally_on(prompt, items).share()).collect())
    }

    /// Scores every prompt on each item: one row per prompt, one column per item, 1 for a right answer,
    /// else 0. An item that the prompt shows as an example counts as 0, since the prompt gives its answer
    /// away.
    ///
    /// # Errors
    /// As for [`PromptLab::score_all`].
    pub fn by_item(&mut self, prompts: &[Prompt], items: &[Item]) -> Result<Vec<Vec<f64>>> {
        self.score_all(prompts, items)?;
        let row = |prompt: &Prompt| {
            let share = |item| self.tally_on(prompt, std::slice::from_ref(item)).share();
            items.iter().map(share).collect()
        };
        Ok(prompts.iter().map(row).collect())
    }

    /// Returns the share of right answers to all training items, without those that the prompt shows.
    ///
    /// # Errors
    /// As for [`PromptLab::score_all`].
    pub fn train(&mut self, prompt: &Prompt) -> Result<f64> {
        let items = self.task.train.clone();
        Ok(self.score_all(std::slice::from_ref(prompt), &items)?[0])
    }

    /// Returns the share of right answers to the held-out items. Look once, at the end: choosing by this
    /// score would make it training data.
    ///
    /// # Errors
    /// As for [`PromptLab::score_all`].
    pub fn held_out(&mut self, prompt: &Prompt) -> Result<f64> {
        let items = self.task.held_out.clone();
        Ok(self.score_all(std::slice::from_ref(prompt), &items)?[0])
    }

    /// Returns the tally of a prompt over the training items asked so far.
    pub fn tally(&self, prompt: &Prompt) -> Tally {
        self.tally_on(prompt, &self.task.train)
    }

    fn tally_on(&self, prompt: &Prompt, items: &[Item]) -> Tally {
        let Some(known) = self.known.get(prompt) else { return Tally::default() };
        let answers: Vec<bool> =
            items.iter().filter_map(|item| Some(known.get(&item.text)?.is_right)).collect();
        Tally { right: answers.iter().filter(|right| **right).count(), asked: answers.len() }
    }

    /// Returns the prompt with the highest worth so far; if several have it, the first of them.
    pub fn best(&self, prompts: &[Prompt]) -> Option<Prompt> {
        self.ranked(prompts).into_iter().next()
    }

    /// Breeds the next generation, as large as this one: its `elite` best stay; the rest are children of
    /// the better half, by crossover and mutation.
    pub fn next_generation(
        &self,
        population: &[Prompt],
        elite: usize,
        rng: &mut impl Rng,
    ) -> Vec<Prompt> {
        let ranked = self.ranked(population);
        let parents = &ranked[..ranked.len().div_ceil(2)];
        let mut next: Vec<Prompt> = ranked.iter().take(elite).cloned().collect();
        while next.len() < population.len() {
            let (Some(mother), Some(father)) = (parents.choose(rng), parents.choose(rng)) else {
                break;
            };
            let crossed = self.task.cross(mother, father, rng);
            // A child that already exists is mutated until it is new.
            let mut child = if rng.random_bool(0.5) { crossed } else { mother.clone() };
            while next.contains(&child) || ranked.contains(&child) {
                child = self.task.mutate(&child, rng);
            }
            next.push(child);
        }
        next.shuffle(rng);
        next
    }

    fn ranked(&self, prompts: &[Prompt]) -> Vec<Prompt> {
        let mut ranked: Vec<Prompt> = Vec::new();
        for prompt in prompts {
            if !ranked.contains(prompt) {
                ranked.push(prompt.clone());
            }
        }
        ranked.sort_by(|a, b| best_first(self.tally(a).worth(), self.tally(b).worth()));
        ranked
    }
}

impl Known {
    /// Tells a later cell who gave the answer, once, so that its figures say so.
    fn reuse(&mut self) {
        if self.cell != cell::started_at() {
            cell::reuse(&self.by);
            self.cell = cell::started_at();
        }
    }
}

impl Tally {
    /// Returns the share of right answers, 0 to 1; 0 if nothing was asked.
    pub fn share(self) -> f64 {
        if self.asked == 0 { 0.0 } else { self.right as f64 / self.asked as f64 }
    }

    /// Returns the share after adding one right and one wrong answer (Laplace's rule of succession): three
    /// of three are worth less than eleven of twelve.
    pub fn worth(self) -> f64 {
        (self.right + 1) as f64 / (self.asked + 2) as f64
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use code_evolution_wire::model::Meter;
    use rand::SeedableRng;
    use rand::rngs::SmallRng;
    use serde_json::json;

    use super::*;
    use crate::host::Host;

    /// Makes a model that answers `positive` this many times and then ends.
    fn always_positive(batches: &[usize]) -> Llm {
        let mut script = r#"echo '{"protocol":1,"version":"0"}'; "#.to_owned();
        // The first call announces the cell.
        let begun = json!({"done": {"id": 1, "value": Meter::default()}});
        script += &format!("read line; printf '%s\\n' '{begun}'; ");
        for (number, count) in batches.iter().enumerate() {
            let answer = json!({"text": "\"positive\"", "model": "m", "mode": "local", "finish_reason": "stop", "usage": {}});
            let done = json!({"done": {"id": number + 2, "value": vec![answer; *count]}});
            script += &format!("read line; printf '%s\\n' '{done}'; ");
        }
        Llm::new(Arc::new(Host::script(&script).expect("a host")))
    }

    #[test]
    fn no_question_is_asked_twice() {
        let task = LabelledTask::reviews();
        let (prompt, items) = (task.first_prompt(), task.train[..4].to_vec());
        let mut lab = PromptLab::new(always_positive(&[2, 2]), task);
        let twice = [prompt.clone(), prompt.clone()];
        assert_eq!(lab.score_all(&twice, &items[..2]).expect("answers"), [0.5, 0.5]);
        assert_eq!(lab.score_all(&twice[..1], &items).expect("answers"), [0.5]);
        assert_eq!(lab.score_all(&twice[..1], &items[..1]).expect("none is needed"), [1.0]);
        assert_eq!((lab.calls(), lab.tally(&prompt)), (4, Tally { right: 2, asked: 4 }));
        assert_eq!(lab.by_item(&twice, &items).expect("known"), [[1.0, 0.0, 1.0, 0.0]; 2]);
    }

    #[test]
    fn a_later_cell_says_who_gave_the_answers_that_it_uses_again() {
        let task = LabelledTask::reviews();
        let (prompt, items) = (task.first_prompt(), task.train[..4].to_vec());
        let mut lab = PromptLab::new(always_positive(&[4]), task);
        let mut used_in_a_cell = |items: &[Item]| {
            lab.score_all(std::slice::from_ref(&prompt), items).expect("answers");
            lab.score_all(std::slice::from_ref(&prompt), &items[..1]).expect("a known answer");
            let (used, cost) = (cell::stamp().replies(), cell::cost());
            cell::end();
            (used, cost.is_some())
        };
        assert_eq!(used_in_a_cell(&items), (4, true));
        assert_eq!(used_in_a_cell(&items[..3]), (3, false), "used again, and free");
    }

    #[test]
    fn an_example_of_the_prompt_is_not_asked() {
        let task = LabelledTask::reviews();
        let items = task.train[..2].to_vec();
        let mut prompt = task.first_prompt();
        prompt.examples = vec![(items[0].text.clone(), items[0].label.clone())];
        let mut lab = PromptLab::new(always_positive(&[1]), task);
        assert_eq!(lab.score_all(&[prompt.clone()], &items).expect("an answer"), [0.0]);
        assert_eq!(lab.by_item(&[prompt], &items).expect("known"), [[0.0, 0.0]]);
        assert_eq!(lab.calls(), 1);
    }

    #[test]
    fn a_generation_keeps_its_elite_and_has_no_twins() {
        let task = LabelledTask::topics();
        let mut rng = SmallRng::seed_from_u64(3);
        let mut lab = PromptLab::new(always_positive(&[]), task);
        let population = lab.random_prompts(6, &mut rng);
        for (place, prompt) in population.iter().enumerate() {
            let text = lab.task.train[place].text.clone();
            let by = Stamp::default();
            let answer = Known { is_right: place == 4, by, cell: cell::started_at() };
            lab.known.insert(prompt.clone(), HashMap::from([(text, answer)]));
        }
        assert_eq!(lab.best(&population), Some(population[4].clone()));
        let next = lab.next_generation(&population, 2, &mut rng);
        assert_eq!(next.len(), 6);
        assert!(next.contains(&population[4]));
        assert_eq!(next.iter().filter(|child| population.contains(child)).count(), 2);
    }
}
