//! Free questions: which words are one, and whether a model's answer to it says nothing beyond the facts.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::vet::words_of;
use super::{Candidate, Facts};

/// The longest answer that is spoken, in characters.
const ANSWER_CHARS_MAX: usize = 300;
/// Words that may stand before a question without being part of it.
const BEFORE: &[&str] = &["hey", "ok", "okay", "so", "well", "uh", "um", "and", "please", "tell", "me", "commander"];
/// Words that begin a question. An order never begins with one, so that no order is read from such words.
const BEGIN: &[&str] = &[
    "what", "whats", "which", "who", "whos", "whom", "whose", "how", "hows", "where", "wheres", "when", "why",
    "should", "is", "are", "does", "did", "any", "anyone", "anything",
];
/// After them a question is a proposal: "how about Kestrel takes the beacons".
const PROPOSING: &[&str] = &["about", "if"];
/// Words without which a question is not about the guild, unless a name of the guild was said.
const ABOUT_US: &[&str] = &[
    "objective",
    "objectives",
    "mission",
    "missions",
    "operation",
    "operations",
    "task",
    "tasks",
    "job",
    "jobs",
    "squad",
    "squads",
    "member",
    "members",
    "guild",
    "doing",
    "going",
    "next",
    "tonight",
    "status",
    "progress",
    "left",
    "help",
    "focus",
    "priority",
    "urgent",
    "important",
    "free",
    "available",
    "online",
    "around",
    "busy",
    "commander",
];
/// Words that make a proposal of a sentence: the names in it need not belong together in the data.
const ADVICE: &[&str] =
    &["could", "should", "can", "may", "might", "would", "suggest", "recommend", "ask", "send", "let"];
/// Words with which a sentence goes on about what the one before it named.
const PRONOUNS: &[&str] = &["it", "its", "he", "she", "they", "them", "that", "this", "these", "those", "his", "her"];
/// Where a sentence falls into parts.
const BETWEEN: &[&str] = &["and", "while", "but"];

static PLAIN: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let text = include_str!("../../../prompts/answer_words.txt");
    text.lines().filter(|line| !line.starts_with('#')).flat_map(words_of).collect()
});

/// Whether the words ask something: they are answered, never carried out.
#[must_use]
pub fn is_question(spoken: &str) -> bool {
    let words = words_of(spoken);
    let mut rest = words.iter().skip_while(|word| BEFORE.contains(&word.as_str()));
    let asks = rest.next().is_some_and(|word| BEGIN.contains(&word.as_str()));
    asks && !rest.next().is_some_and(|word| PROPOSING.contains(&word.as_str()))
}

/// Whether the words ask something about the guild that a model may answer from its data.
#[must_use]
pub fn is_open_question(spoken: &str, candidates: &[Candidate<'_>]) -> bool {
    let about_us = || words_of(spoken).iter().any(|word| ABOUT_US.contains(&word.as_str()));
    is_question(spoken) && (!candidates.is_empty() || about_us())
}

/// Whether an answer claims nothing but what the facts say. Beside the plain words of `prompts/answer_words.txt` every
/// word must stand in the facts; what a part of a sentence says about a name must stand in one line with it. So a name,
/// a number or a state that is not the guild's cannot be spoken, nor one thing's state as another's, nor a "not".
#[must_use]
pub fn holds(answer: &str, facts: &Facts) -> bool {
    if answer.trim().is_empty() || answer.chars().count() > ANSWER_CHARS_MAX {
        return false;
    }
    let lines: Vec<HashSet<String>> = facts.lines.iter().map(|line| words_of(line).into_iter().collect()).collect();
    let names: Vec<Vec<String>> = facts.names.iter().map(|name| words_of(name)).collect();
    let part = |words: Vec<String>| Part::new(words, &names);
    let mut claims: Vec<Vec<Part>> = Vec::new();
    for sentence in sentences(answer) {
        let first = words_of(sentence);
        let parts = parts(sentence).into_iter().map(&part);
        match claims.last_mut() {
            // "It is free" speaks of what the sentence before named.
            Some(last) if first.first().is_some_and(|word| PRONOUNS.contains(&word.as_str())) => last.extend(parts),
            _ => claims.push(parts.collect()),
        }
    }
    claims.into_iter().flat_map(joined).all(|part| part.stands(&lines))
}

/// A point inside "20.5" ends nothing.
fn sentences(text: &str) -> Vec<&str> {
    let (mut all, mut from, mut at) = (Vec::new(), 0, 0);
    for piece in text.split_inclusive(char::is_whitespace) {
        at += piece.len();
        if piece.trim_end().ends_with(['.', '!', '?', ';', ':']) || at == text.len() {
            all.extend(text.get(from..at));
            from = at;
        }
    }
    all
}

/// The words of a sentence, part by part.
fn parts(sentence: &str) -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = vec![Vec::new()];
    for piece in sentence.split_whitespace() {
        let words = words_of(piece);
        if words.iter().any(|word| BETWEEN.contains(&word.as_str())) {
            all.push(Vec::new());
            continue;
        }
        if let Some(last) = all.last_mut() {
            last.extend(words);
        }
        if piece.ends_with(',') {
            all.push(Vec::new());
        }
    }
    all.into_iter().filter(|words| !words.is_empty()).collect()
}

/// A part of a sentence and what of it has to stand in the facts.
#[derive(Debug, Clone, Default)]
struct Part {
    /// The words of names.
    named: Vec<String>,
    /// What else is no plain word.
    claimed: Vec<String>,
    advises: bool,
}

impl Part {
    fn new(words: Vec<String>, names: &[Vec<String>]) -> Self {
        let within =
            |name: &Vec<String>| !name.is_empty() && words.windows(name.len()).any(|run| run == name.as_slice());
        let named: Vec<String> = names.iter().filter(|name| within(name)).flatten().cloned().collect();
        let advises = words.iter().any(|word| ADVICE.contains(&word.as_str()));
        let is_claim = |word: &String| !named.contains(word) && !PLAIN.contains(word);
        let claimed = words.into_iter().filter(is_claim).collect();
        Self { named, claimed, advises }
    }

    fn is_whole(&self) -> bool {
        !self.named.is_empty() && !self.claimed.is_empty()
    }

    fn with(mut self, other: Self) -> Self {
        self.named.extend(other.named);
        self.claimed.extend(other.claimed);
        self.advises |= other.advises;
        self
    }

    fn stands(&self, lines: &[HashSet<String>]) -> bool {
        if self.advises && self.claimed.is_empty() {
            return self.named.iter().all(|word| lines.iter().any(|line| line.contains(word)));
        }
        // "The crew is busy" names nobody; only a number or "nobody" makes a claim of its own.
        let counts =
            |word: &String| word.contains(|c: char| c.is_ascii_digit()) || matches!(word.as_str(), "nobody" | "no");
        if self.named.is_empty() && !self.claimed.is_empty() && !self.claimed.iter().any(counts) {
            return false;
        }
        let needed: Vec<&String> = self.named.iter().chain(&self.claimed).collect();
        needed.is_empty() || lines.iter().any(|line| needed.iter().all(|word| line.contains(*word)))
    }
}

/// Parts that say nothing by themselves go with the next one that does, or with the last: "Kestrel and Yrsa are online".
fn joined(parts: Vec<Part>) -> Vec<Part> {
    let mut all: Vec<Part> = Vec::new();
    let mut open: Option<Part> = None;
    for part in parts {
        let part = match open.take() {
            Some(before) => before.with(part),
            None => part,
        };
        if part.is_whole() {
            all.push(part);
        } else if part.named.is_empty() && !all.is_empty() {
            let last = all.pop().unwrap_or_default();
            all.push(last.with(part));
        } else {
            open = Some(part);
        }
    }
    match (open, all.pop()) {
        (Some(rest), Some(last)) if !rest.advises => all.push(last.with(rest)),
        (Some(rest), last) => {
            all.extend(last);
            all.push(rest);
        }
        (None, last) => all.extend(last),
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        let lines = [
            "The speaker, you, is Obrecht: Pilot, in squad Wardens.",
            "2 active objectives: Iron Harvest, Long Shadow.",
            "1 free task: fuel run.",
            "2 members are online: Obrecht, Maren.",
            "1 member is busy: Tolliver.",
            "Nobody is in game.",
            "Iron Harvest is active, critical priority, at 20.5 percent.",
            "Tolliver leads Iron Harvest.",
            "Long Shadow is active, low priority, at 60 percent.",
            "fuel run of Iron Harvest is pending, high priority, at 0 percent.",
            "fuel run is free, nobody has it.",
            "fuel run starts Friday the 3, 20:00 UTC.",
            "Squad Wardens has 2 members: Obrecht, Maren.",
            "Maren leads squad Wardens.",
        ];
        let names = ["Obrecht", "Maren", "Tolliver", "Iron Harvest", "Long Shadow", "fuel run", "Wardens"];
        let own = |all: &[&str]| all.iter().map(|&one| one.to_owned()).collect();
        Facts { lines: own(&lines), names: own(&names) }
    }

    #[test]
    fn what_the_facts_say_may_be_said() {
        for answer in [
            "Iron Harvest is at 20.5 percent.",
            "We have 2 active objectives: Iron Harvest and Long Shadow.",
            "Obrecht and Maren are online.",
            "Tolliver is busy, but Maren is online.",
            "Maren could take the fuel run.",
            "Maren, who is online, could take the fuel run.",
            "Take the fuel run next, Commander. It is free.",
            "Iron Harvest is critical, and Tolliver leads it.",
            "Nobody is in game.",
            "Copy that. Maren leads the Wardens.",
            "The fuel run starts Friday the 3, 20:00 UTC.",
            "Focus on Iron Harvest, please.",
            "Well, okay.",
        ] {
            assert!(holds(answer, &facts()), "{answer}");
        }
    }

    #[test]
    fn nothing_else_may() {
        for answer in [
            "",
            "Iron Harvest is at 60 percent.",
            "Iron Harvest is completed.",
            "Iron Harvest is not critical.",
            "Long Shadow is critical.",
            "Iron Harvest and Long Shadow are critical.",
            "Obrecht and Tolliver are online.",
            "Obrecht is busy.",
            "Obrecht leads squad Wardens.",
            "Take the fuel run. It is low.",
            "Everyone is online.",
            "The crew is busy.",
            "All tasks are done.",
            "Kestrel could take the fuel run.",
            "Maren could take the fuel run and disband the Wardens.",
            "Maren betrayed us.",
            "The fuel run starts at 21:00 UTC.",
            "We have 3 active objectives.",
            "We have two active objectives.",
            "The password is swordfish.",
            "Nobody is busy.",
            "Ich weiß es nicht.",
        ] {
            assert!(!holds(answer, &facts()), "{answer}");
        }
        assert!(!holds(&"Well, okay. ".repeat(40), &facts()), "too long");
    }

    #[test]
    fn questions_are_told_from_proposals_and_chatter() {
        let check = |words: &str, question: bool, open: bool| {
            assert_eq!((is_question(words), is_open_question(words, &[])), (question, open), "{words}");
        };
        check("how are we doing tonight", true, true);
        check("what should I do next, commander?", true, true);
        check("so, who is around", true, true);
        check("who ate my pizza", true, false);
        check("how about Maren takes the fuel run", false, false);
        check("what if we put Maren on it", false, false);
        check("can Maren take the fuel run", false, false);
        check("put Maren on the fuel run", false, false);
        let named = Candidate { kind: crate::domain::Kind::Task, heard: "fuel run" };
        assert!(is_open_question("who do you think could take the fuel run", &[named]));
    }

    /// Negations, quantities, states and tenses must not slip into the list of plain words.
    #[test]
    fn the_plain_words_claim_nothing() {
        let claiming = "not no never nobody none nothing all every everyone most many few both only almost done completed \
            active pending cancelled online offline busy critical high medium low urgent was were will had did led leads \
            one two three ten hundred failed lost dead secret password more less than";
        let found: Vec<&str> =
            claiming.split_whitespace().filter(|word| *word != "than" && PLAIN.contains(*word)).collect();
        assert!(found.is_empty(), "{found:?}");
    }
}
