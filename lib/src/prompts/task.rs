//! Labelled tasks, and prompts for them.

use std::fmt;

use code_evolution_wire::model::{Message, Role};
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, RngExt};

/// The most examples per prompt. More examples take longer to read and do not help such a small model.
const MOST_EXAMPLES: usize = 6;

/// A text and its right label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The text to label.
    pub text: String,
    /// The right label, one of the task's labels.
    pub label: String,
}

/// A labelling task, with items that were written for this workshop.
#[derive(Debug, Clone)]
pub struct LabelledTask {
    /// The task's name.
    pub name: String,
    /// The labels to choose from.
    pub labels: Vec<String>,
    /// The instructions that prompts use; the first one is empty.
    pub instructions: Vec<String>,
    /// The items that a search may use, as examples and for scoring.
    pub train: Vec<Item>,
    /// The items that no search may see.
    pub held_out: Vec<Item>,
    /// Items that even the authors did not see when they chose the tasks and instructions. They chose by a
    /// look at `held_out`, so its scores may be too high; these items were written afterwards.
    /// `examples/evolving_prompt.rs` uses them with `fresh`.
    pub fresh: Vec<Item>,
}

/// A prompt: an instruction, and examples in their order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Prompt {
    /// The system prompt; none if empty.
    pub instruction: String,
    /// Texts with their labels, as turns of a conversation before the question.
    pub examples: Vec<(String, String)>,
}

impl LabelledTask {
    /// Returns the task: is a short review positive or negative?
    pub fn reviews() -> Self {
        let instructions = [
            "",
            "Is this review positive or negative?",
            "You label reviews. Answer with positive or negative.",
            "Does the customer like it? Happy customers are positive, unhappy ones negative.",
            "Read the review. Answer negative if anything is wrong with the product, else positive.",
            "Sentiment analysis.",
        ];
        let labels = ["positive", "negative"];
        LabelledTask::new("reviews", &labels, &instructions, include_str!("data/reviews.tsv"))
    }

    /// Returns the task: is a sentence about food or about money?
    ///
    /// This task was chosen by its training items, since prompts differ much on it. Its held-out items were
    /// written afterwards.
    pub fn topics() -> Self {
        let instructions = [
            "",
            "Is this about food or about money?",
            "You sort sentences. Answer with food or money.",
            "Is it about eating and cooking, or about paying and earning? Eating is food, paying is money.",
            "Answer money if the sentence is about cash, prices or banks, else food.",
            "Topic.",
        ];
        let labels = ["food", "money"];
        LabelledTask::new("topics", &labels, &instructions, include_str!("data/topics.tsv"))
    }

    /// Reads `data`: one item per line, with `train`, `held-out` or `fresh`, the label and the text,
    /// separated by tabs.
    fn new(name: &str, labels: &[&str], instructions: &[&str], data: &str) -> Self {
        let of = |wanted: &str| {
            let rows = data.lines().filter_map(|line| {
                let mut parts = line.splitn(3, '\t');
                let (set, label, text) = (parts.next()?, parts.next()?, parts.next()?);
                (set == wanted).then(|| Item { text: text.to_owned(), label: label.to_owned() })
            });
            rows.collect()
        };
        LabelledTask {
            name: name.to_owned(),
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            instructions: instructions.iter().map(|text| (*text).to_owned()).collect(),
            train: of("train"),
            held_out: of("held-out"),
            fresh: of("fresh"),
        }
    }

    /// Returns a natural first prompt: the second instruction, and no example.
    pub fn first_prompt(&self) -> Prompt {
        let instruction = self.instructions.get(1).or(self.instructions.first());
        Prompt { instruction: instruction.cloned().unwrap_or_default(), examples: Vec::new() }
    }

    /// Returns a random prompt: any instruction, and up to six examples.
    pub fn random_prompt(&self, rng: &mut impl Rng) -> Prompt {
        let count = rng.random_range(0..=MOST_EXAMPLES.min(self.train.len()));
        let examples = self.train.sample(rng, count);
        let mut examples: Vec<_> = examples.map(Item::as_example).collect();
        examples.shuffle(rng);
        Prompt { instruction: self.random_instruction(rng), examples }
    }

    /// Returns a prompt with one change: another instruction, or an example added, removed, exchanged or
    /// moved.
    pub fn mutate(&self, prompt: &Prompt, rng: &mut impl Rng) -> Prompt {
        let mut child = prompt.clone();
        let count = child.examples.len();
        match rng.random_range(0..5) {
            1 if count < MOST_EXAMPLES => {
                let at = rng.random_range(0..=count);
                child.examples.splice(at..at, self.unused(&child, rng));
            }
            2 if count > 0 => {
                child.examples.remove(rng.random_range(0..count));
            }
            3 if count > 0 => {
                let at = rng.random_range(0..count);
                child.examples.splice(at..=at, self.unused(&child, rng));
            }
            4 if count > 1 => child.examples.shuffle(rng),
            _ => child.instruction = self.random_instruction(rng),
        }
        child
    }

    /// Returns a child of two prompts: the first examples of the mother, the last examples of the father,
    /// and the instruction of either.
    pub fn cross(&self, mother: &Prompt, father: &Prompt, rng: &mut impl Rng) -> Prompt {
        let mut examples = mother.examples[..rng.random_range(0..=mother.examples.len())].to_vec();
        let rest = &father.examples[rng.random_range(0..=father.examples.len())..];
        for example in rest {
            if examples.len() < MOST_EXAMPLES && !examples.contains(example) {
                examples.push(example.clone());
            }
        }
        let parent = if rng.random_bool(0.5) { mother } else { father };
        Prompt { instruction: parent.instruction.clone(), examples }
    }

    fn random_instruction(&self, rng: &mut impl Rng) -> String {
        self.instructions.choose(rng).cloned().unwrap_or_default()
    }

    /// Returns an example that is not in the prompt; `None` if all are.
    fn unused(&self, prompt: &Prompt, rng: &mut impl Rng) -> Option<(String, String)> {
        let items: Vec<_> = self.train.iter().map(Item::as_example).collect();
        let unused: Vec<_> =
            items.into_iter().filter(|example| !prompt.examples.contains(example)).collect();
        unused.choose(rng).cloned()
    }
}

impl Item {
    fn as_example(&self) -> (String, String) {
        (self.text.clone(), self.label.clone())
    }
}

impl Prompt {
    /// Returns the conversation that asks for a text's label.
    pub(super) fn ask(&self, text: &str) -> Vec<Message> {
        let mut messages = Vec::new();
        if !self.instruction.is_empty() {
            messages.push(Message::new(Role::System, &self.instruction));
        }
        for (text, label) in &self.examples {
            messages.push(Message::new(Role::User, text));
            messages.push(Message::new(Role::Assistant, label));
        }
        messages.push(Message::new(Role::User, text));
        messages
    }

    /// Returns whether the prompt shows this text with its answer. Such a text measures nothing.
    pub fn shows(&self, item: &Item) -> bool {
        self.examples.iter().any(|(text, _)| *text == item.text)
    }
}

impl fmt::Display for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instruction = match self.instruction.as_str() {
            "" => "(no instruction)",
            text => text,
        };
        f.write_str(instruction)?;
        self.examples.iter().try_for_each(|(text, label)| write!(f, "\n{text} → {label}"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::SeedableRng;
    use rand::rngs::SmallRng;

    use super::*;

    fn tasks() -> [LabelledTask; 2] {
        [LabelledTask::reviews(), LabelledTask::topics()]
    }

    #[test]
    fn each_task_has_three_sets_of_forty_items_without_repeats() {
        for task in tasks() {
            let sets = [&task.train, &task.held_out, &task.fresh];
            let all = || sets.iter().copied().flatten();
            let texts: BTreeSet<&str> = all().map(|item| item.text.as_str()).collect();
            assert_eq!(texts.len(), 120, "{}", task.name);
            assert!(all().all(|item| task.labels.contains(&item.label)), "{}", task.name);
            for set in sets {
                assert_eq!(set.len(), 40, "{}", task.name);
                let of_first = set.iter().filter(|item| item.label == task.labels[0]).count();
                assert_eq!(of_first, 20, "{}: always the same answer is half right", task.name);
            }
        }
    }

    #[test]
    fn children_stay_within_the_tasks_stock() {
        for task in tasks() {
            let mut rng = SmallRng::seed_from_u64(5);
            let mut pool: Vec<Prompt> = (0..6).map(|_| task.random_prompt(&mut rng)).collect();
            let mut changed = 0;
            for round in 0..600 {
                let parents: Vec<_> = pool.sample(&mut rng, 2).cloned().collect();
                let child = match round % 2 {
                    0 => task.mutate(&parents[0], &mut rng),
                    _ => task.cross(&parents[0], &parents[1], &mut rng),
                };
                changed += usize::from(child != parents[0]);
                let stock = |example: &(String, String)| {
                    task.train.iter().any(|item| item.as_example() == *example)
                };
                assert!(child.examples.len() <= MOST_EXAMPLES && child.examples.iter().all(stock));
                let once: BTreeSet<_> = child.examples.iter().collect();
                assert_eq!(once.len(), child.examples.len(), "an example twice");
                assert!(task.instructions.contains(&child.instruction));
                pool[round % 6] = child;
            }
            assert!(changed > 300, "{changed}");
        }
    }

    #[test]
    fn a_prompt_is_a_conversation_that_ends_with_the_question() {
        let task = LabelledTask::reviews();
        let examples = vec![task.train[0].as_example()];
        let prompt = Prompt { instruction: "Label it.".into(), examples };
        let said: Vec<_> = prompt.ask("Bad.").into_iter().map(|it| (it.role, it.content)).collect();
        assert_eq!(said.len(), 4);
        assert_eq!(said[0], (Role::System, "Label it.".to_owned()));
        assert_eq!(said[2], (Role::Assistant, "positive".to_owned()));
        assert_eq!(said[3], (Role::User, "Bad.".to_owned()));
        assert!(prompt.shows(&task.train[0]) && !prompt.shows(&task.train[1]));
        assert_eq!(task.first_prompt().ask("Bad.").len(), 2);
    }
}
