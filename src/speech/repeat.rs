//! Finds where a recogniser has begun to repeat itself. Pure.
//!
//! With the context cut to the utterance, the recogniser sometimes says the same words again and again. The words are
//! compared as classes, numbers that are equal for tokens which differ only in case or blanks.

/// The class of tokens without a letter, a digit or a sign that is spoken: they count for nothing when repeats are looked for.
pub(super) const CLASS_MARK: u32 = 0;

/// The longest block of tokens that is looked for a repeat.
const BLOCK_TOKENS_MAX: usize = 64;
/// How often a block of so many tokens (or more) must stand in a row to be a repeat; short blocks do recur in speech
/// ("nine nine nine", "go go go"), long ones do not.
const COPIES_BY_TOKENS: [(usize, usize); 3] = [(6, 2), (3, 3), (1, 6)];
/// The same when the copies are all that was said, from the first word on.
const WHOLE_COPIES_BY_TOKENS: [(usize, usize); 3] = [(4, 2), (2, 3), (1, 4)];

/// From how many words a tail that is the beginning of everything said again is a repeat that broke off.
const BROKEN_WORDS_MIN: usize = 3;

/// How many of the first `classes` to keep when their tail repeats: all before the second copy. `None` when
/// the tail does not repeat. Made for words that are still coming: it lets short blocks recur.
pub(super) fn repeat_start(classes: &[u32]) -> Option<usize> {
    first_copy_end(classes, |block, whole| {
        let table = if whole { WHOLE_COPIES_BY_TOKENS } else { COPIES_BY_TOKENS };
        table.iter().find(|(tokens_min, _)| block >= *tokens_min).map_or(usize::MAX, |(_, copies)| *copies)
    })
}

/// The same for words that are complete: when they are nothing but copies of one block ("Confirm Confirm"), one copy
/// is kept, however short.
pub(super) fn repeat_cut(classes: &[u32]) -> Option<usize> {
    repeat_start(classes).or_else(|| first_copy_end(classes, |_, whole| if whole { 2 } else { usize::MAX }))
}

/// The text without a tail in which everything begins again and breaks off: "create objective x, create objective x".
/// By words, because the recogniser spells the same word in different tokens.
pub(super) fn without_broken_tail(text: &str) -> &str {
    let said: Vec<(usize, &str)> =
        text.split_whitespace().map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word)).collect();
    let plain =
        |word: &str| word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    let words: Vec<String> = said.iter().map(|(_, word)| plain(word)).collect();
    let again = |at: &usize| words.get(*at..).is_some_and(|tail| words.starts_with(tail));
    let start = (1..=words.len().saturating_sub(BROKEN_WORDS_MIN)).find(again);
    let cut = start.and_then(|at| text.get(..said.get(at)?.0));
    cut.map_or(text, |kept| kept.trim_end().trim_end_matches(','))
}

/// Looks for the shortest block that stands `copies_min(tokens in the block, whether it is all there is)` times or
/// more in a row at the end.
fn first_copy_end(classes: &[u32], copies_min: impl Fn(usize, bool) -> usize) -> Option<usize> {
    // Where each token that counts stands among all.
    let (places, words): (Vec<usize>, Vec<u32>) =
        classes.iter().enumerate().filter(|(_, class)| **class != CLASS_MARK).map(|(at, class)| (at, *class)).unzip();
    let (block, copies) = (1..=BLOCK_TOKENS_MAX.min(words.len() / 2))
        .map(|block| (block, tail_copies(&words, block)))
        .find(|(block, copies)| *copies >= copies_min(*block, block * copies == words.len()))?;
    let kept_words = words.len() - block * (copies - 1);
    // Marks after the first copy belong to it.
    places.get(kept_words).copied()
}

/// How many equal blocks of so many tokens stand in a row at the end; at least one when there are enough tokens.
fn tail_copies(words: &[u32], block: usize) -> usize {
    let mut blocks = words.rchunks_exact(block);
    blocks.next().map_or(0, |last| 1 + blocks.take_while(|other| *other == last).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words to classes: the same word is the same class, "," is a mark.
    fn check_with(find: fn(&[u32]) -> Option<usize>, text: &str, kept: Option<&str>) {
        let mut seen: Vec<&str> = vec![","];
        let words: Vec<&str> = text.split_whitespace().collect();
        let classes: Vec<u32> = words
            .iter()
            .map(|word| {
                let at = seen.iter().position(|one| one == word).unwrap_or_else(|| {
                    seen.push(word);
                    seen.len() - 1
                });
                u32::try_from(at).unwrap_or(u32::MAX)
            })
            .collect();
        let found = find(&classes).map(|keep| words[..keep].join(" "));
        assert_eq!(found.as_deref(), kept, "{text}");
    }

    fn check(text: &str, kept: Option<&str>) {
        check_with(repeat_start, text, kept);
    }

    #[test]
    fn finds_the_repeat_and_where_it_begins() {
        check("", None);
        check("assign scout the route to kestrel", None);
        check("put anvil on it , put anvil on hold", None);
        check("give it nine nine nine", None);
        check("go go go", None);
        check("no no no no no no", Some("no"));
        check("scout the route scout the route", None);
        check("so roger out now , roger out now", None);
        check("so roger out now , roger out now , roger out now", Some("so roger out now ,"));
        check("what tasks are open , what tasks are open", Some("what tasks are open ,"));
        check("so mark it as done by five mark it as done by five", Some("so mark it as done by five"));
        check("so , mark it as done by five , mark it as done by five ,", Some("so , mark it as done by five ,"));
    }

    #[test]
    fn cuts_a_beginning_that_comes_again_and_breaks_off() {
        for (text, kept) in [
            ("Create objective mine the belt, create Objective mine", "Create objective mine the belt"),
            ("mark scout as done and mark it as done", "mark scout as done and mark it as done"),
            ("gold rush is gold rush", "gold rush is gold rush"),
            ("", ""),
            ("go go", "go go"),
        ] {
            assert_eq!(without_broken_tail(text), kept);
        }
    }

    #[test]
    fn keeps_one_copy_of_words_that_are_only_copies() {
        for (text, kept) in [
            ("confirm confirm", Some("confirm")),
            ("gold rush , gold rush ,", Some("gold rush ,")),
            ("gold rush gold", None),
            ("seven", None),
            ("set it to nine nine", None),
        ] {
            check_with(repeat_cut, text, kept);
        }
    }
}
