//! Pure: names of a guild that the voice will have trouble with, told before anybody says them.

use uuid::Uuid;

use crate::domain::{Kind, Name};
use crate::guild_file::{GuildFile, Said};
use crate::names::{Candidate, Entry, Roster};

/// How alike two names are, 0 to 1, that one misheard sound turns into each other.
const ALIKE_MIN: f32 = 0.85;

/// Two names of one kind that are heard as each other.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Warning {
    /// What both are.
    pub kind: Kind,
    /// The one.
    pub name: String,
    /// The other.
    pub like: String,
    /// How alike they sound, 0 to 1.
    pub score: f32,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, name, like, .. } = self;
        write!(
            f,
            "the {kind}s \"{name}\" and \"{like}\" sound alike, so whoever says one is asked which; rename one, or give \
             one a `phonetic` that tells them apart and say it so"
        )
    }
}

/// Every pair of names of one kind that the program would have to ask about, the most alike first.
#[must_use]
pub fn lint(file: &GuildFile) -> Vec<Warning> {
    let roster = Roster::new(entries(file));
    let mut warnings: Vec<Warning> = Vec::new();
    for entry in roster.entries() {
        let said = entry.phonetic.as_deref().unwrap_or(&entry.name);
        let forms = said.split(';').chain([entry.name.as_str()]).map(str::trim).filter(|one| !one.is_empty());
        for words in forms.filter(|one| !one.starts_with("ipa:")) {
            for other in heard_as(&roster, entry, words) {
                let known = warnings.iter_mut().find(|one| {
                    let pair = [&one.name, &one.like];
                    one.kind == entry.kind && pair.contains(&&entry.name) && pair.contains(&&other.entry.name)
                });
                match known {
                    Some(known) => known.score = known.score.max(other.score),
                    None => warnings.push(Warning {
                        kind: entry.kind,
                        name: entry.name.clone(),
                        like: other.entry.name.clone(),
                        score: other.score,
                    }),
                }
            }
        }
    }
    warnings.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.name.cmp(&b.name)));
    warnings
}

/// The others that these words of an entry could mean.
fn heard_as<'r>(roster: &'r Roster, entry: &'r Entry, words: &str) -> Vec<Candidate<'r>> {
    let own = Candidate { entry, score: 1.0 };
    let alike = roster.said_alike(own);
    let close = roster.alike(entry.kind, words, ALIKE_MIN);
    let mut all: Vec<Candidate<'r>> = alike.into_iter().chain(close).collect();
    // Of two tasks of one name the open one is meant, or their objective is asked for; two names is another matter.
    all.retain(|one| one.entry.id != entry.id && one.entry.name != entry.name);
    all
}

fn entries(file: &GuildFile) -> Vec<Entry> {
    let mut all = Vec::new();
    let mut add = |kind: Kind, name: &Name, phonetic: &Said<String>| {
        let phonetic = match phonetic {
            Said::To(text) => Some(text.clone()),
            Said::Unsaid | Said::Cleared => None,
        };
        let id = Uuid::from_u128(all.len() as u128);
        let name = name.as_str().to_owned();
        all.push(Entry { kind, id, name, phonetic, hint: String::new(), parent: None, open: true });
    };
    file.members.iter().for_each(|one| add(Kind::Member, &one.name, &one.phonetic));
    file.squads.iter().for_each(|one| add(Kind::Squad, &one.name, &one.phonetic));
    file.ranks.iter().for_each(|one| add(Kind::Rank, &one.name, &one.phonetic));
    file.categories.iter().for_each(|one| add(Kind::Category, &one.name, &one.phonetic));
    file.objectives.iter().for_each(|one| add(Kind::Objective, &one.name, &one.phonetic));
    file.objectives.iter().flat_map(|one| &one.tasks).for_each(|one| add(Kind::Task, &one.name, &one.phonetic));
    all
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

    use super::lint;
    use crate::guild_file::parse;

    /// I-27: two that are heard as each other are told, by kind, once; others are not.
    #[test]
    fn names_that_sound_alike_are_told() {
        let file = "[guild]\nname = \"G\"\n[[squad]]\nname = \"Rayven\"\n";
        let member = |name: &str| format!("[[member]]\nname = \"{name}\"\n");
        let members = ["Raven", "Rayven", "Kestrel", "Castrel", "Mako", "Wulfgar", "xX_R4ven_Xx"].map(member).concat();
        let told: Vec<String> = lint(&parse(&format!("{file}{members}")).unwrap())
            .iter()
            .map(|one| format!("{} {} {}", one.kind, one.name, one.like))
            .collect();
        let pairs =
            ["member Raven Rayven", "member Kestrel Castrel", "member Raven xX_R4ven_Xx", "member Rayven xX_R4ven_Xx"];
        assert!(pairs.iter().all(|pair| told.iter().any(|one| one == pair)), "{told:?}");
        assert_eq!(told.len(), pairs.len(), "{told:?}");
    }
}
