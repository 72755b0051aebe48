//! One wording's text → its parts: words, slots, what may be left out and choices.

use crate::intent::Field;

/// The most characters of a wording once its named pieces are put in; more is a piece that holds itself too often.
const WORDING_CHARS_MAX: usize = 4_000;

/// A piece of a wording.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    Word(String),
    /// A slot; whether what stands in it has to be plainly so: an owner's name ("Kestrel's"), a share ("half").
    Slot(Field, bool),
    /// The commander was called by name.
    Called,
    Optional(Vec<Part>),
    OneOf(Vec<Vec<Part>>),
}

/// The text with every `<name>` replaced by the words of `@let name = …`. `<commander>` stays.
pub(super) fn put_in(text: &str, named: &[(String, String)]) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.to_owned();
    while let Some((before, after)) = rest.split_once('<') {
        let (name, after) = after.split_once('>').ok_or("\"<\" is not closed")?;
        out.push_str(before);
        let after = if name == "commander" {
            out.push_str("<commander>");
            after.to_owned()
        } else {
            let piece = named.iter().find(|(one, _)| one == name);
            let (_, piece) =
                piece.ok_or_else(|| format!("no piece is called <{name}>; write @let {name} = … above"))?;
            // A choice needs its brackets, a sequence does not mind them; a piece may hold others.
            format!("({piece}){after}")
        };
        if out.len() + after.len() > WORDING_CHARS_MAX {
            return Err(format!("the wording is longer than {WORDING_CHARS_MAX} characters; split it"));
        }
        rest = after;
    }
    out.push_str(&rest);
    Ok(out)
}

/// Reads a wording in which no named piece is left.
pub(super) fn read_parts(text: &str) -> Result<Vec<Part>, String> {
    let mut letters = text.chars().peekable();
    let mut branches = read_branches(&mut letters, None)?;
    match branches.len() {
        1 => Ok(branches.remove(0)),
        _ => Err("\"|\" stands only between ( and )".to_owned()),
    }
}

/// Whether the part cannot be left out.
pub(super) fn is_needed(part: &Part) -> bool {
    match part {
        Part::Word(_) | Part::Slot(..) => true,
        Part::Optional(_) | Part::Called => false,
        Part::OneOf(branches) => branches.iter().all(|branch| branch.iter().any(is_needed)),
    }
}

/// The words a wording may begin with.
pub(super) fn first_words(parts: &[Part], into: &mut impl FnMut(&str)) {
    for part in parts {
        match part {
            Part::Word(word) => into(word),
            Part::Slot(..) | Part::Called => {}
            Part::Optional(inner) => first_words(inner, into),
            Part::OneOf(branches) => branches.iter().for_each(|branch| first_words(branch, into)),
        }
        if is_needed(part) {
            return;
        }
    }
}

/// Every word of a wording.
pub(super) fn all_words(parts: &[Part], into: &mut impl FnMut(&str)) {
    for part in parts {
        match part {
            Part::Word(word) => into(word),
            Part::Slot(..) | Part::Called => {}
            Part::Optional(inner) => all_words(inner, into),
            Part::OneOf(branches) => branches.iter().for_each(|branch| all_words(branch, into)),
        }
    }
}

type Letters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn read_branches(letters: &mut Letters<'_>, close: Option<char>) -> Result<Vec<Vec<Part>>, String> {
    let mut branches = vec![Vec::new()];
    let mut word = String::new();
    loop {
        let letter = letters.next();
        let in_word = letter.is_some_and(|c| c.is_alphanumeric() || c == '\'');
        if let (true, Some(c)) = (in_word, letter) {
            word.push(c);
            continue;
        }
        let mut parts = Vec::new();
        if !word.is_empty() {
            parts.push(Part::Word(std::mem::take(&mut word).to_lowercase()));
        }
        let mut ended = false;
        match letter {
            None if close.is_some() => return Err("a bracket is not closed".to_owned()),
            None => ended = true,
            Some(c) if Some(c) == close => ended = true,
            Some('(') => parts.push(Part::OneOf(read_branches(letters, Some(')'))?)),
            // [a|b] is [(a|b)].
            Some('[') => parts.push(Part::Optional(vec![Part::OneOf(read_branches(letters, Some(']'))?)])),
            Some('{') => parts.push(read_slot(letters)?),
            Some('<') => {
                letters.by_ref().take_while(|c| *c != '>').for_each(drop);
                parts.push(Part::Called);
            }
            Some('|') | Some(' ') => {}
            Some(other) => return Err(format!("{other:?} cannot stand here")),
        }
        if let Some(last) = branches.last_mut() {
            last.extend(parts);
        }
        if letter == Some('|') {
            branches.push(Vec::new());
        }
        if ended {
            return Ok(branches);
        }
    }
}

fn read_slot(letters: &mut Letters<'_>) -> Result<Part, String> {
    let name: String = letters.by_ref().take_while(|c| *c != '}').collect();
    let (plain, plainly) = name.strip_suffix('!').map_or((name.as_str(), false), |plain| (plain, true));
    let field = Field::parse(plain).ok_or_else(|| format!("no slot is called {name:?}"))?;
    Ok(Part::Slot(field, plainly))
}
