//! Pure: what is better read back before it is used: a new name that holds more than a name, digits that were misheard.

use crate::domain::{Kind, Name};
use crate::names::Roster;

use super::{Field, Intent};

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

/// Puts shares right whose digits the recogniser ran together ("eight zero percent" is written "8.0%"); whether there
/// were any. Such a share is read back.
pub fn put_percents_right(intents: &mut [Intent]) -> bool {
    let mut any = false;
    let fields = intents.iter_mut().flat_map(|intent| &mut intent.fields);
    for (_, words) in fields.filter(|(field, _)| *field == Field::Percent) {
        if let Some(digits) = run_together(words) {
            (*words, any) = (digits, true);
        }
    }
    any
}

/// "8.0%" → "80%". Nobody says "eight point zero", and the recogniser writes 8 for "eight".
fn run_together(words: &str) -> Option<String> {
    let number = words.trim_start().split(|c: char| !(c.is_ascii_digit() || c == '.')).next()?;
    let (whole, "0") = number.split_once('.')? else { return None };
    (whole.len() == 1 && whole != "0").then(|| words.replacen(number, &format!("{whole}0"), 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intent::Action;

    #[test]
    fn digits_that_were_run_together_are_put_apart() {
        for (heard, meant) in [
            ("8.0%", Some("80%")),
            ("8.0 percent", Some("80 percent")),
            ("80%", None),
            ("0.0%", None),
            ("8.5%", None),
            ("10.0%", None),
            ("eight zero", None),
        ] {
            let mut intents = [Intent::new(Action::TaskSetProgress, vec![(Field::Percent, heard.to_owned())])];
            assert_eq!(put_percents_right(&mut intents), meant.is_some(), "{heard}");
            assert_eq!(intents[0].words(Field::Percent), Some(meant.unwrap_or(heard)));
        }
    }
}
