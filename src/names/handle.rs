//! Gamer spellings as people say them: "xX_R4ven_Xx", "[RSI] Foo", "TTV_Brindle", "Mako77", "IronVulture".

use super::text::{read_digits, read_number};

/// Parts around a name that tell where somebody streams, and that nobody says.
const AFFIXES: &[&str] = &["ttv", "tv", "yt", "twitch", "live", "gaming", "official", "hq"];

/// How a name in gamer spelling is said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Readings {
    /// The whole name, in one or more ways; none when it is written as it is said.
    pub(super) full: Vec<String>,
    /// Without its number or its lone last letter.
    pub(super) short: Vec<String>,
}

/// Every way a name in gamer spelling is said.
pub(super) fn readings(name: &str) -> Readings {
    let mut out = Readings::default();
    if name.chars().all(|c| c.is_alphabetic() || c.is_whitespace() || matches!(c, '\'' | '-')) && !is_joined(name) {
        return out;
    }
    let pieces = pieces(unframed(untagged(name)));
    let Some(core) = without_affixes(&pieces).filter(|core| !core.is_empty()) else { return out };
    let (number, letters) = match core {
        [letters @ .., last] if !letters.is_empty() && last.chars().all(|c| c.is_ascii_digit()) => {
            (Some(last), letters)
        }
        _ => (None, core),
    };
    let said = letters.iter().map(|piece| decoded(piece)).collect::<Vec<_>>().join(" ");
    match number {
        Some(number) => {
            out.full.extend([format!("{said} {number}"), format!("{said} {}", read_number(number))]);
            out.full.push(format!("{said} {}", read_digits(number)));
            out.full.push(format!("{said} {}", read_digits(number).replace("zero", "oh")));
            out.short.push(said);
        }
        None => out.full.push(said),
    }
    if let [head @ .., last] = letters
        && !head.is_empty()
        && last.chars().count() == 1
    {
        out.short.push(head.iter().map(|piece| decoded(piece)).collect::<Vec<_>>().join(" "));
    }
    out
}

/// Whether words are joined by capitals: "IronVulture".
fn is_joined(name: &str) -> bool {
    name.chars().zip(name.chars().skip(1)).any(|(a, b)| a.is_lowercase() && b.is_uppercase())
}

/// Without a clan's tag: "[RSI] Foo", "(RSI)Foo", "RSI|Foo".
fn untagged(name: &str) -> &str {
    let name = name.trim();
    for (open, close) in [('[', ']'), ('(', ')'), ('{', '}'), ('<', '>')] {
        if let Some((_, after)) = name.strip_prefix(open).and_then(|rest| rest.split_once(close))
            && after.chars().any(char::is_alphanumeric)
        {
            return after.trim();
        }
        if let Some((before, _)) = name.strip_suffix(close).and_then(|rest| rest.rsplit_once(open))
            && before.chars().any(char::is_alphanumeric)
        {
            return before.trim();
        }
    }
    match name.split_once('|') {
        Some((_, after)) if after.chars().any(char::is_alphanumeric) => after.trim(),
        _ => name,
    }
}

/// Without a frame of x: "xX_R4ven_Xx", "xKrakenx".
fn unframed(name: &str) -> &str {
    let trimmed = name.trim_matches(|c: char| !c.is_alphanumeric());
    let is_x = |c: char| matches!(c, 'x' | 'X');
    let (start, end) = (trimmed.find(|c| !is_x(c)), trimmed.rfind(|c| !is_x(c)));
    let (Some(start), Some(end)) = (start, end) else { return trimmed };
    let tail = trimmed.get(end..).map_or(0, |rest| rest.chars().filter(|c| is_x(*c)).count());
    let inner = trimmed.char_indices().nth(trimmed.chars().count() - tail).map_or(trimmed.len(), |(at, _)| at);
    let core = trimmed.get(start..inner).unwrap_or(trimmed);
    // "Xerxes" and "Xandria" are names: a frame has two x at each side, or one small x before a capital.
    let double = start >= 2 && tail >= 2;
    let single = start == 1 && tail == 1 && trimmed.starts_with('x') && core.starts_with(char::is_uppercase);
    if (double || single) && core.chars().any(char::is_alphanumeric) { core } else { trimmed }
}

/// The name's parts: at separators, before capitals, and before and after a number that stands at an end.
fn pieces(name: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for part in name.split(|c: char| !c.is_alphanumeric() && !matches!(c, '@' | '$' | '!' | '\'')) {
        let letters: Vec<char> = part.chars().collect();
        let number = letters.iter().rev().take_while(|c| c.is_ascii_digit()).count();
        // One digit at the end of a word that has others is a letter too: "Wh1sk3y", but also "Cobr4".
        let is_number = number > 1 || number == letters.len() || (number == 1 && !has_leet(&letters, 1));
        let cut = if is_number { letters.len() - number } else { letters.len() };
        let mut word = String::new();
        for (at, letter) in letters.iter().take(cut).enumerate() {
            let before = at.checked_sub(1).and_then(|one| letters.get(one));
            if letter.is_uppercase()
                && before.is_some_and(|c| c.is_lowercase() || c.is_ascii_digit())
                && !word.is_empty()
            {
                out.push(std::mem::take(&mut word));
            }
            word.push(*letter);
        }
        let number: String = letters.iter().skip(cut).collect();
        out.extend([word, number].into_iter().filter(|piece| !piece.is_empty()));
    }
    out
}

/// Whether digits stand for letters before the last `tail` signs.
fn has_leet(letters: &[char], tail: usize) -> bool {
    letters.iter().take(letters.len().saturating_sub(tail)).any(char::is_ascii_digit)
}

fn without_affixes(pieces: &[String]) -> Option<&[String]> {
    let is_affix = |piece: &String| AFFIXES.contains(&piece.to_lowercase().as_str());
    let start = pieces.iter().take_while(|piece| is_affix(piece)).count();
    let end = pieces.iter().rev().take_while(|piece| is_affix(piece)).count();
    if start + end >= pieces.len() { Some(pieces) } else { pieces.get(start..pieces.len() - end) }
}

/// Digits and signs that stand for letters, read as them.
fn decoded(piece: &str) -> String {
    if piece.chars().all(|c| c.is_ascii_digit()) {
        return piece.to_owned();
    }
    let letter = |c: char| match c {
        '4' | '@' => 'a',
        '3' => 'e',
        '1' | '!' => 'i',
        '0' => 'o',
        '5' | '$' => 's',
        '7' => 't',
        '8' => 'b',
        other => other,
    };
    piece.chars().map(letter).collect()
}

/// The name as one would write it down when hearing it, for the recogniser: gamer spelling made speakable.
pub(super) fn said(name: &str) -> String {
    readings(name).full.into_iter().next().unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, full: &[&str], short: &[&str]) {
        let found = readings(name);
        assert_eq!(found.full, full, "{name}");
        assert_eq!(found.short, short, "{name}");
    }

    #[test]
    fn gamer_spellings_are_read() {
        check("Kestrel", &[], &[]);
        check("Aoife Brannigan", &[], &[]);
        check("Xerxes", &[], &[]);
        check("xX_R4ven_Xx", &["Raven"], &[]);
        check("xKr4kenx", &["Kraken"], &[]);
        check("D4rkst4r", &["Darkstar"], &[]);
        check("D4rkSt4r", &["Dark Star"], &[]);
        check("[RSI] Foo", &["Foo"], &[]);
        check("RSI|Foo", &["Foo"], &[]);
        check("TTV_Brindle", &["Brindle"], &[]);
        check("MoonRakerTV", &["Moon Raker"], &[]);
        check("IronVulture", &["Iron Vulture"], &[]);
        check("ZephyrX", &["Zephyr X"], &["Zephyr"]);
        check("Mako77", &["Mako 77", "Mako seventy seven", "Mako seven seven", "Mako seven seven"], &["Mako"]);
        check("m4verick_7", &["maverick 7", "maverick seven", "maverick seven", "maverick seven"], &["maverick"]);
        check("Wh1sk3y", &["Whiskey"], &[]);
        check("__Havoc__", &["Havoc"], &[]);
        check("1337", &["1337"], &[]);
        check("[]", &[], &[]);
    }
}
