//! What the guild's data say to a speaker, as plain lines that a model may answer a free question from.

use crate::authority::Actor;
use crate::outcome::{Answer, MemberLine, ObjectiveLine, SquadLine, TaskLine};

use super::{line, vet};

/// The lines that are sent with a question, in characters; about six hundred tokens.
const FACTS_CHARS_MAX: usize = 2_400;
/// The longest line, in characters; a name is never cut in it.
const LINE_CHARS_MAX: usize = 600;
/// The names that a line lists; a listener keeps no more.
const LISTED_MAX: usize = 8;
/// The lines that are read out when the model's own answer does not hold.
const READ_OUT_MAX: usize = 3;

/// Lines that each stand for themselves, and the names in them. They are made from what was answered to the speaker, so
/// they hold nothing above the speaker's clearance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    pub(super) lines: Vec<String>,
    pub(super) names: Vec<String>,
}

impl Facts {
    /// Puts answers into lines: what sums up first, then one thing after another.
    #[must_use]
    pub fn new(answers: &[Answer]) -> Self {
        let mut facts = Self::default();
        for answer in answers {
            match answer {
                Answer::Objectives(all) => facts.sum_up("active objective", all.iter().map(|one| one.name.clone())),
                Answer::Tasks { lines, .. } => {
                    let free = lines.iter().filter(|one| one.lead.is_none() && one.squad.is_none());
                    facts.sum_up("free task", free.map(|one| one.name.clone()));
                }
                Answer::Members(all) => facts.members(all),
                Answer::Me(actor) => facts.me(actor),
                _ => {}
            }
        }
        for answer in answers {
            match answer {
                Answer::Objectives(all) => all.iter().for_each(|one| facts.objective(one)),
                Answer::Squads(all) => all.iter().for_each(|one| facts.squad(one)),
                _ => {}
            }
        }
        for answer in answers {
            if let Answer::Tasks { lines, .. } = answer {
                lines.iter().for_each(|one| facts.task(one));
            }
        }
        facts
    }

    /// The lines that are sent with these words: those about something that was said first, as many as fit.
    #[must_use]
    pub fn shown(&self, spoken: &str) -> String {
        let mut left = FACTS_CHARS_MAX;
        let mut text = String::new();
        for line in self.about(spoken) {
            let length = line.chars().count() + 1;
            if length <= left {
                left -= length;
                text.push_str(line);
                text.push('\n');
            }
        }
        text
    }

    /// The lines that answer best without a model: those about what was said, else what sums up.
    #[must_use]
    pub fn read_out(&self, spoken: &str) -> String {
        let lines: Vec<&str> = self.about(spoken).into_iter().take(READ_OUT_MAX).collect();
        if lines.is_empty() { "I do not know.".to_owned() } else { lines.join(" ") }
    }

    /// All lines, those first that share the most words with what was said.
    fn about(&self, spoken: &str) -> Vec<&str> {
        let said = vet::words_of(spoken);
        let named = |line: &str| {
            let words = vet::words_of(line);
            let own = self.names.iter().flat_map(|name| vet::words_of(name));
            let mut shared: Vec<String> = own.filter(|word| words.contains(word) && said.contains(word)).collect();
            shared.sort();
            shared.dedup();
            std::cmp::Reverse(shared.len())
        };
        let mut lines: Vec<&str> = self.lines.iter().map(String::as_str).collect();
        lines.sort_by_cached_key(|line| named(line));
        lines
    }

    fn say(&mut self, text: &str) {
        self.lines.push(line(text, LINE_CHARS_MAX));
    }

    fn name(&mut self, name: &str) {
        if !self.names.iter().any(|one| one == name) {
            self.names.push(name.to_owned());
        }
    }

    fn sum_up(&mut self, what: &str, names: impl Iterator<Item = String>) {
        let names: Vec<String> = names.collect();
        match names.as_slice() {
            [] => self.say(&format!("There is no {what}.")),
            [one] => self.say(&format!("1 {what}: {one}.")),
            all => self.say(&format!("{} {what}s: {}.", all.len(), listed(all))),
        }
    }

    fn members(&mut self, all: &[MemberLine]) {
        all.iter().for_each(|one| self.name(&one.name));
        for state in crate::domain::Availability::ALL {
            let of: Vec<String> =
                all.iter().filter(|one| one.availability == state.as_str()).map(|one| one.name.clone()).collect();
            match (of.len(), state.spoken()) {
                (0, state) => self.say(&format!("Nobody is {state}.")),
                (1, state) => self.say(&format!("1 member is {state}: {}.", of.concat())),
                (many, state) => self.say(&format!("{many} members are {state}: {}.", listed(&of))),
            }
        }
    }

    fn me(&mut self, actor: &Actor) {
        self.name(&actor.member.name);
        let squad = actor.squad.as_ref().map_or_else(|| "no squad".to_owned(), |squad| format!("squad {}", squad.name));
        let rank = actor.rank.as_deref().unwrap_or("no rank");
        self.say(&format!("The speaker, you, is {}: {rank}, in {squad}.", actor.member.name));
    }

    fn objective(&mut self, one: &ObjectiveLine) {
        self.name(&one.name);
        let (status, priority) = (one.status.replace('_', " "), &one.priority);
        self.say(&format!("{} is {status}, {priority} priority, at {} percent.", one.name, one.progress.round()));
        self.held(&one.name, one.lead.as_deref(), one.squad.as_deref());
    }

    fn task(&mut self, one: &TaskLine) {
        self.name(&one.name);
        self.name(&one.objective);
        let (status, priority) = (one.status.replace('_', " "), &one.priority);
        let share = one.progress.round();
        self.say(&format!("{} of {} is {status}, {priority} priority, at {share} percent.", one.name, one.objective));
        if one.lead.is_none() && one.squad.is_none() {
            self.say(&format!("{} is free, nobody has it.", one.name));
        } else {
            self.held(&one.name, one.lead.as_deref(), one.squad.as_deref());
        }
        for (at, verb) in [(one.start, "starts"), (one.end, "is due")] {
            if let Some(at) = at {
                self.say(&format!("{} {verb} {}.", one.name, at.format("%A the %-d, %H:%M UTC")));
            }
        }
    }

    /// Who leads a thing, and whose squad's it is: two lines, so that neither can be taken for the other.
    fn held(&mut self, what: &str, lead: Option<&str>, squad: Option<&str>) {
        if let Some(lead) = lead {
            self.name(lead);
            self.say(&format!("{lead} leads {what}."));
        }
        if let Some(squad) = squad {
            self.name(squad);
            self.say(&format!("Squad {squad} has {what}."));
        }
    }

    fn squad(&mut self, one: &SquadLine) {
        self.name(&one.name);
        one.members.iter().for_each(|member| self.name(member));
        let members = listed(&one.members);
        match one.members.len() {
            0 => self.say(&format!("Squad {} has 0 members.", one.name)),
            1 => self.say(&format!("Squad {} has 1 member: {members}.", one.name)),
            many => self.say(&format!("Squad {} has {many} members: {members}.", one.name)),
        }
        if let Some(lead) = &one.lead {
            self.name(lead);
            self.say(&format!("{lead} leads squad {}.", one.name));
        }
    }
}

fn listed(names: &[String]) -> String {
    let shown = names.get(..LISTED_MAX).unwrap_or(names).join(", ");
    match names.len().saturating_sub(LISTED_MAX) {
        0 => shown,
        more => format!("{shown}, and {more} more"),
    }
}
