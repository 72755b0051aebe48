//! Pure: what is said after a question or an order, and only makes sense beside it: "the second one", "no, Mako".

use chrono::Utc;
use chrono_tz::Tz;

use crate::intent::question::Choice;
use crate::intent::times::Now;
use crate::intent::{Action, Context, Field, Intent, Question, Recent, resolve};
use crate::names::{Entry, Match, Roster, is_ordinary, squash};
use crate::store::View;

/// The longest answer, in words.
const ANSWER_WORDS_MAX: usize = 8;
/// Words with which an answer says what is not meant.
const DENYING: &[&str] =
    &["not", "don't", "dont", "never", "but", "except", "neither", "other", "isn't", "nobody", "none"];
/// What stands before a piece that takes the place of another.
const CORRECTING: &[&[&str]] = &[
    &["no"],
    &["nope"],
    &["wait"],
    &["sorry"],
    &["correction"],
    &["rather"],
    &["actually"],
    &["negative"],
    &["i", "meant"],
    &["i", "mean"],
    &["i", "said"],
    &["make", "that"],
    &["not", "that", "one"],
    &["not", "that"],
    &["wrong", "one"],
];

/// By what an answer is understood.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) view: &'a View,
    pub(super) roster: &'a Roster,
    pub(super) recent: &'a Recent,
    pub(super) zone: Tz,
}

impl Scene<'_> {
    fn resolves(&self, intent: &Intent) -> Result<(), Question> {
        let (speaker, squad) = (&self.view.actor.member, self.view.actor.squad.as_ref());
        let now = Now { at: Utc::now(), zone: self.zone };
        let context = Context { roster: self.roster, speaker, squad, now, recent: self.recent, by_ear: false };
        resolve(intent, &context, &mut Vec::new()).map(drop)
    }
}

/// The orders with the open question answered, when the words are an answer to it. "No, Mako" answers "did you mean
/// Kestrel?" as well as "Mako" does.
pub(super) fn answered(
    intents: &[Intent],
    at: usize,
    question: &Question,
    text: &str,
    scene: Scene<'_>,
) -> Option<Vec<Intent>> {
    let said = correcting(text).unwrap_or_else(|| text.to_owned());
    let words = words(&said);
    if words.len() > ANSWER_WORDS_MAX || words.iter().any(|word| DENYING.contains(&word.as_str())) {
        return None;
    }
    let intent = intents.get(at)?.clone();
    let filled = match question {
        Question::Which { field, choices, .. } => {
            let choice = chosen(choices, &said, scene.roster)?;
            intent.picking(*field, &choice.name, choice.id)
        }
        Question::Missing { field: Field::Name, .. } => intent.with(Field::Name, &said),
        // Other free text may be anything, chatter too: it is said with its order.
        Question::Missing { field, .. } | Question::Value { field, .. } if is_free(*field) => return None,
        _ => intent.with(question.field(), &piece(&said, question.field())?),
    };
    // An answer moves the order on: the piece that was asked for is there now.
    let fits = scene.resolves(&filled).map_or_else(|next| next.field() != question.field(), |()| true);
    let mut all = intents.to_vec();
    *all.get_mut(at)? = filled;
    fits.then_some(all)
}

/// What was ordered, corrected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Corrected {
    /// All the orders as they are meant now.
    pub(super) intents: Vec<Intent>,
    /// Which of them is another than before.
    pub(super) at: usize,
    /// Whether that one, carried out, leaves nothing of the former behind.
    pub(super) replaces: bool,
}

/// "No, to Wulfgar": the last orders with the one piece replaced that the words fit, or `None` when they fit none, or
/// more than one.
pub(super) fn corrected(last: &[Intent], text: &str, scene: Scene<'_>) -> Option<Corrected> {
    let correction = correcting(text)?;
    let said = trimmed(&correction)?;
    let replaced = |intent: &Intent, field: Field| {
        let (old, said) = (intent.words(field)?, piece(&correction, field)?);
        let new = intent.clone().with(field, &said);
        (squash(old) != squash(&said) && !is_free(field) && scene.resolves(&new).is_ok()).then_some(new)
    };
    let mut found: Vec<(usize, Field, Intent)> = Vec::new();
    for (at, intent) in last.iter().enumerate() {
        let fields: Vec<Field> = intent.fields.iter().map(|(field, _)| *field).collect();
        found.extend(fields.iter().filter_map(|field| Some((at, *field, replaced(intent, *field)?))));
        // A task goes to a member or to a squad: one takes the place of the other.
        let swap = match intent.action {
            Action::TaskAssign if intent.words(Field::Member).is_some() => Some((Field::Member, Field::Squad)),
            Action::TaskAssign if intent.words(Field::Squad).is_some() => Some((Field::Squad, Field::Member)),
            _ => None,
        };
        if let Some((old, new)) = swap {
            let other = intent.clone().without(old).with(new, &said);
            found.extend(scene.resolves(&other).is_ok().then_some((at, new, other)));
        }
    }
    let [(at, field, new)] = <[(usize, Field, Intent); 1]>::try_from(found).ok()?;
    let replaces = replaces(new.action, field);
    let mut intents = last.to_vec();
    *intents.get_mut(at)? = new;
    Some(Corrected { intents, at, replaces })
}

/// Whether the order with another such piece leaves nothing of the former behind.
fn replaces(action: Action, field: Field) -> bool {
    use Action as A;
    if action.is_question() {
        return true;
    }
    match action {
        A::ObjectiveSetPriority | A::TaskSetPriority => field == Field::Priority,
        A::ObjectiveSetStatus | A::TaskSetStatus => field == Field::Status,
        A::ObjectiveSetProgress | A::TaskSetProgress => field == Field::Percent,
        A::ObjectiveSetLead | A::SquadSetLead => field == Field::Member,
        A::ObjectiveSetSquad | A::MemberSetSquad => field == Field::Squad,
        // A task that went to the wrong squad is not only the right member's.
        A::TaskAssign => field == Field::Member,
        A::TaskSchedule => matches!(field, Field::Start | Field::End | Field::Duration),
        A::MemberSetAvailability => field == Field::Availability,
        A::MemberSetRank => field == Field::Rank,
        _ => false,
    }
}

/// What stands behind "no", "I meant" and the like; `None` when nothing of the kind was said, or nothing else.
fn correcting(text: &str) -> Option<String> {
    // "Not Hollis, Mercy", "not Hollis but Mercy".
    let lower = text.to_lowercase();
    if lower.starts_with("not ") {
        let instead = text.split_once(", but ").or_else(|| text.split_once(',')).or_else(|| text.split_once(" but "));
        return instead.map(|(_, meant)| meant.trim().to_owned()).filter(|meant| !meant.is_empty());
    }
    let raw: Vec<&str> = text.split_whitespace().collect();
    let plain = words(text);
    if raw.len() != plain.len() {
        return None;
    }
    let mut start = 0;
    while let Some(marker) = CORRECTING
        .iter()
        .filter(|marker| plain.get(start..).is_some_and(|rest| marker.len() < rest.len() && starts(rest, marker)))
        .max_by_key(|marker| marker.len())
    {
        start += marker.len();
    }
    (start > 0).then(|| raw.get(start..).unwrap_or_default().join(" "))
}

fn starts(words: &[String], marker: &[&str]) -> bool {
    words.iter().zip(marker).all(|(word, marker)| word == marker)
}

/// The words in lower case, without punctuation around them.
fn words(text: &str) -> Vec<String> {
    let plain = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '\'').to_lowercase();
    text.split_whitespace().map(plain).collect()
}

/// Whether a piece may hold any words at all.
fn is_free(field: Field) -> bool {
    matches!(
        field,
        Field::Name | Field::Text | Field::Brief | Field::Description | Field::Message | Field::Metric | Field::Unit
    )
}

/// The words for a piece: of a value any, of a name only such that can be one.
fn piece(text: &str, field: Field) -> Option<String> {
    let is_name = matches!(
        field,
        Field::Objective | Field::Task | Field::Member | Field::Squad | Field::Category | Field::Rank | Field::Lead
    );
    if is_name { bare(text) } else { trimmed(text) }
}

/// An answer without what is said around it: "to Mako, please" → "Mako". None for words that name nothing.
fn bare(text: &str) -> Option<String> {
    let kept = trimmed(text)?;
    let telling =
        |word: &str| !is_ordinary(word) || word.starts_with(char::is_uppercase) || word.parse::<f64>().is_ok();
    (kept.contains(' ') || telling(&kept)).then_some(kept)
}

fn trimmed(text: &str) -> Option<String> {
    const BEFORE: &[&str] =
        &["to", "for", "on", "of", "at", "it's", "its", "the", "i", "mean", "meant", "said", "uh", "um", "make", "it"];
    const AFTER: &[&str] = &["please", "over", "out", "thanks", "commander"];
    let words: Vec<&str> = text.split_whitespace().map(|word| word.trim_matches([',', '.', '!', '?', ';'])).collect();
    let is_one = |list: &[&str], word: &&&str| list.contains(&word.to_lowercase().as_str());
    let start = words.iter().take_while(|word| is_one(BEFORE, word)).count();
    let end = words.len() - words.iter().rev().take_while(|word| is_one(AFTER, word)).count();
    let kept = words.get(start..end).filter(|kept| !kept.is_empty())?;
    Some(kept.join(" "))
}

/// Which of the choices the words pick: by place, by name, or by what tells them apart.
fn chosen<'c>(choices: &'c [Choice], text: &str, roster: &Roster) -> Option<&'c Choice> {
    if let Some(at) = place(&words(text), choices.len()) {
        return choices.get(at);
    }
    let said = bare(text).map_or_else(|| squash(text), |kept| squash(&kept));
    let fits = |one: &&Choice| {
        let (name, hint) = (squash(&one.name), squash(&one.hint));
        let told = squash(apart(&one.hint));
        let ways = [
            told.clone(),
            hint.clone(),
            format!("{told}one"),
            format!("one{hint}"),
            format!("onefrom{told}"),
            format!("onein{told}"),
            format!("onewith{told}"),
            format!("{name}{told}"),
            format!("{name}{hint}"),
            format!("{name}from{told}"),
            format!("{name}in{told}"),
        ];
        said == name || (!told.is_empty() && ways.contains(&said))
    };
    let picked: Vec<&Choice> = choices.iter().filter(fits).collect();
    match picked.as_slice() {
        [one] => Some(one),
        [] => sounding(choices, text, roster),
        _ => None,
    }
}

/// What tells a choice apart, without the small word before it: "of Anvil" → "Anvil".
fn apart(hint: &str) -> &str {
    ["of ", "in ", "a ", "the "].iter().find_map(|small| hint.strip_prefix(small)).unwrap_or(hint)
}

/// "The second one", "number two", "the last": which of so many.
fn place(words: &[String], count: usize) -> Option<usize> {
    const PLACES: [&[&str]; 4] = [
        &["first", "1st", "former", "one", "1"],
        &["second", "2nd", "latter", "two", "2"],
        &["third", "3rd", "three", "3"],
        &["fourth", "4th", "four", "4"],
    ];
    const AROUND: &[&str] = &["the", "number", "option", "choice", "one", "please", "uh", "um", "take", "i", "mean"];
    let kept: Vec<&String> = words.iter().filter(|word| !AROUND.contains(&word.as_str())).collect();
    let at = match kept.as_slice() {
        // "Number one", "option one": every word stands around another.
        [] if words.len() > 1 && words.last().is_some_and(|word| word == "one") && words.first()? != "the" => 0,
        [one] if *one == "last" => count.checked_sub(1)?,
        // "The latter" of three is none of them.
        [one] if *one == "latter" && count != 2 => return None,
        [one] => PLACES.iter().position(|names| names.contains(&one.as_str()))?,
        _ => return None,
    };
    (at < count).then_some(at)
}

/// The choice whose name, respelling or hint sounds like the words, when there is just one.
fn sounding<'c>(choices: &'c [Choice], text: &str, roster: &Roster) -> Option<&'c Choice> {
    let kind = crate::domain::Kind::Member;
    let heard = bare(text)?;
    let known = |id| roster.entries().iter().find(|entry| entry.id == id);
    let entries = choices.iter().flat_map(|one| {
        let entry = |name: &str, phonetic: Option<String>| Entry {
            kind,
            id: one.id,
            name: name.to_owned(),
            phonetic,
            hint: String::new(),
            parent: None,
            open: true,
        };
        let phonetic = known(one.id).and_then(|entry| entry.phonetic.clone());
        let told = apart(&one.hint);
        std::iter::once(entry(&one.name, phonetic)).chain((!told.is_empty()).then(|| entry(told, None)))
    });
    let few = Roster::new(entries.collect());
    match few.resolve(kind, &heard) {
        Match::One(one) => choices.iter().find(|choice| choice.id == one.entry.id),
        _ => None,
    }
}
