//! Pure: whether a new name holds more than a name.

use crate::domain::{Kind, Name};
use crate::names::Roster;

/// Words of the wordings that are rather not in the middle of a name.
const DOUBTFUL_IN_A_NAME: &[&str] =
    &["with", "priority", "category", "create", "objective", "assign", "lead", "leader"];

/// Whether a new name holds more than a name: a member, or words of a wording that were not heard as such ("Iron Hand
/// with fleet Thessaly"). It is read back before it is used.
#[must_use]
pub fn is_doubtful_name(name: &Name, roster: &Roster) -> bool {
    let lower = name.as_str().to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    let structure = words.iter().any(|word| DOUBTFUL_IN_A_NAME.contains(word));
    structure || roster.spot(&words).iter().any(|one| one.candidate.entry.kind == Kind::Member)
}
