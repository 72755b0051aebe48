//! Pure: names of a guild that the voice will have trouble with, told before anybody says them.

use uuid::Uuid;

use crate::domain::{Kind, Name};
use crate::guild_file::{GuildFile, Said};
use crate::names::{By, Candidate, Entry, Match, Roster, said, sounds};

/// How likely, 0 to 1, words of one name have to be meant for another by themselves, to be told.
const ALIKE_MIN: f32 = 0.85;
/// The most consonants in a row that can be said.
const CONSONANTS_MAX: usize = 4;
/// The least sounds that a name is recognised by.
const SOUNDS_MIN: usize = 2;
/// What is said behind a name to tell it from another, when nothing better is known.
const APART: [&str; 4] = ["two", "prime", "junior", "bravo"];

/// What is the matter with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// It is heard as another name of its kind.
    Alike,
    /// How it is said cannot be told from how it is written.
    Unspeakable,
}

/// A name that the voice will have trouble with.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Warning {
    /// What is the matter.
    pub trouble: Trouble,
    /// What it is.
    pub kind: Kind,
    /// The name.
    pub name: String,
    /// The other that it is heard as; empty when the name cannot be said.
    pub like: String,
    /// How likely the one is meant when the other is said, 0 to 1, by themselves; 1 for a name that cannot be said.
    pub score: f32,
    /// A `phonetic` for `like`, or for the name that cannot be said, with which the trouble is over; none when nothing
    /// was found.
    pub suggested: Option<String>,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, name, like, suggested, .. } = self;
        match self.trouble {
            Trouble::Alike => {
                write!(f, "the {kind}s \"{name}\" and \"{like}\" sound alike, so whoever says one is asked which; ")?;
                match suggested {
                    Some(said) => write!(f, "rename one, or give \"{like}\" phonetic = \"{said}\" and say it so"),
                    None => write!(f, "rename one, or give one a `phonetic` that tells them apart and say it so"),
                }
            }
            Trouble::Unspeakable => {
                write!(f, "how the {kind} \"{name}\" is said cannot be told from how it is written; give it ")?;
                match suggested {
                    Some(said) => write!(f, "phonetic = \"{said}\", or however it is called"),
                    None => write!(f, "a `phonetic`: how it is called, in English spelling"),
                }
            }
        }
    }
}

/// Every name that cannot be said, and every pair of names of one kind that the program would have to ask about, the
/// most alike first.
#[must_use]
pub fn lint(file: &GuildFile) -> Vec<Warning> {
    let all = entries(file);
    let roster = Roster::new(all.iter().map(as_said).collect());
    let mut warnings: Vec<Warning> = Vec::new();
    for (entry, real) in roster.entries().iter().zip(&all) {
        for words in ways(entry) {
            for other in heard_as(&roster, entry, words) {
                let Some(like) = all.iter().find(|one| one.id == other.entry.id && one.name != real.name) else {
                    continue;
                };
                let known = warnings.iter_mut().find(|one| {
                    let pair = [&one.name, &one.like];
                    one.kind == entry.kind && pair.contains(&&real.name) && pair.contains(&&like.name)
                });
                match known {
                    Some(known) => known.score = known.score.max(other.score),
                    None => warnings.push(Warning {
                        trouble: Trouble::Alike,
                        kind: entry.kind,
                        name: real.name.clone(),
                        like: like.name.clone(),
                        score: other.score,
                        suggested: None,
                    }),
                }
            }
        }
    }
    for warning in &mut warnings {
        warning.suggested = apart(&all, file, warning);
    }
    warnings.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.name.cmp(&b.name)));
    let mut told: Vec<Warning> = all.iter().filter(|one| one.phonetic.is_none()).filter_map(unspeakable).collect();
    told.append(&mut warnings);
    told
}

/// A warning for a name that nothing tells how to say.
fn unspeakable(entry: &Entry) -> Option<Warning> {
    let words = said(&entry.name);
    let foreign = words.chars().filter(|c| c.is_alphabetic() && !c.is_ascii()).count();
    let latin = words.chars().filter(char::is_ascii_alphanumeric).count();
    let is_consonant = |c: char| c.is_ascii_alphabetic() && !"aeiouyAEIOUY".contains(c);
    let run = words.split(|c: char| !is_consonant(c)).map(str::len).max().unwrap_or(0);
    // Up to three letters are said one by one: "HQ", "NCO".
    let voiceless = |word: &str| word.len() > 3 && word.chars().all(is_consonant);
    let silent = sounds(&words).chars().count() < SOUNDS_MIN;
    let is_word = !silent && foreign <= latin && run <= CONSONANTS_MAX && !words.split_whitespace().any(voiceless);
    let (name, kind) = (entry.name.clone(), entry.kind);
    (!is_word).then(|| Warning {
        trouble: Trouble::Unspeakable,
        kind,
        name,
        like: String::new(),
        score: 1.0,
        suggested: spelled(&words),
    })
}

/// A name letter by letter, when that can be said.
fn spelled(words: &str) -> Option<String> {
    let letters: Vec<String> =
        words.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_lowercase().to_string()).collect();
    let all = words.chars().filter(|c| c.is_alphanumeric()).count() == letters.len();
    (all && (2..=6).contains(&letters.len())).then(|| letters.join(" "))
}

/// A respelling of the second name with which neither is taken for the other.
fn apart(all: &[Entry], file: &GuildFile, warning: &Warning) -> Option<String> {
    let at = all.iter().position(|one| one.kind == warning.kind && one.name == warning.like)?;
    let base = said(&warning.like).to_lowercase();
    let member = file.members.iter().find(|one| warning.kind == Kind::Member && one.name.as_str() == warning.like);
    let squad = member.and_then(|one| match &one.squad {
        Said::To(squad) => Some(said(squad.as_str()).to_lowercase()),
        Said::Unsaid | Said::Cleared => None,
    });
    let ways = squad.map(|squad| format!("{squad} {base}")).into_iter();
    let ways = ways.chain(APART.iter().map(|word| format!("{base} {word}")));
    let own: Vec<Entry> = all.iter().filter(|one| one.kind == warning.kind).cloned().collect();
    let id = all.get(at)?.id;
    ways.into_iter().find(|way| {
        let mut changed = own.clone();
        if let Some(one) = changed.iter_mut().find(|one| one.id == id) {
            one.phonetic = Some(way.clone());
        }
        let roster = Roster::new(changed.iter().map(as_said).collect());
        let alone = roster.alike(warning.kind, way, ALIKE_MIN).len() == 1;
        alone && matches!(roster.resolve(warning.kind, way), Match::One(one) if one.entry.id == id)
    })
}

/// The entry as it is said: who has a respelling is not called by the spelling.
fn as_said(entry: &Entry) -> Entry {
    let mut said = entry.clone();
    if let Some(first) = entry.phonetic.iter().flat_map(|all| all.split(';')).map(str::trim).find(|one| is_words(one)) {
        // One word of several parts: its parts are nobody's first or last name.
        said.name = first.replace(' ', "-");
    }
    said
}

fn is_words(respelling: &str) -> bool {
    !respelling.is_empty() && !respelling.starts_with("ipa:")
}

/// Everything that is said for an entry.
fn ways(entry: &Entry) -> impl Iterator<Item = &str> {
    let more = entry.phonetic.iter().flat_map(|all| all.split(';')).map(str::trim).filter(|one| is_words(one));
    std::iter::once(entry.name.as_str()).chain(more)
}

/// The others that these words of an entry could mean.
fn heard_as<'r>(roster: &'r Roster, entry: &'r Entry, words: &str) -> Vec<Candidate<'r>> {
    let alike = roster.said_alike(Candidate { entry, score: 1.0, by: By::Letters });
    let close = roster.alike(entry.kind, words, ALIKE_MIN);
    let mut all: Vec<Candidate<'r>> = alike.into_iter().chain(close).collect();
    all.retain(|one| one.entry.id != entry.id);
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
    #![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at what it did not expect")]

    use super::{Trouble, lint};
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

    /// What is suggested ends the trouble.
    #[test]
    fn what_is_suggested_helps() {
        let member = |name: &str, more: &str| format!("[[member]]\nname = \"{name}\"\n{more}");
        let before = "[guild]\nname = \"G\"\n[[squad]]\nname = \"Anvil\"\n".to_owned() + &member("Raven", "");
        let check = |name: &str, more: &str, trouble: Trouble, suggested: &str| {
            let found = lint(&parse(&(before.clone() + &member(name, more))).unwrap());
            let [one] = found.as_slice() else { panic!("{found:?}") };
            assert_eq!((one.trouble, one.suggested.as_deref()), (trouble, Some(suggested)), "{one}");
            let phonetic = format!("{more}phonetic = \"{suggested}\"\n");
            assert_eq!(lint(&parse(&(before.clone() + &member(name, &phonetic))).unwrap()), []);
        };
        check("Rayven", "squad = \"Anvil\"\n", Trouble::Alike, "anvil rayven");
        check("Rayven", "", Trouble::Alike, "rayven prime");
        check("Xqzt", "", Trouble::Unspeakable, "x q z t");
    }
}
