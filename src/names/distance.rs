//! Edit distance against one text, many times: the words that were heard are prepared once and compared with every name.
//!
//! Myers' bit-parallel form (A fast bit-vector algorithm for approximate string matching, 1999) with Hyyrö's
//! formulation for whole strings: one machine word holds a column of the table, so a comparison costs a few
//! instructions a letter. Texts that do not fit go through strsim, which gives the same numbers.

/// The longest text that fits one machine word.
const LETTERS_MAX: usize = 64;
/// The letters that have a mask of their own.
const ALPHABET: usize = 128;

/// A text, prepared to be compared.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    letters: Vec<char>,
    /// For each letter a bit at every place where it stands; `None` when the text does not fit.
    masks: Option<Box<[u64; ALPHABET]>>,
}

impl Pattern {
    pub(super) fn new(letters: &[char]) -> Self {
        let fits = !letters.is_empty() && letters.len() <= LETTERS_MAX;
        let masks = fits.then(|| {
            let mut masks = Box::new([0_u64; ALPHABET]);
            letters.iter().enumerate().try_for_each(|(at, letter)| {
                *masks.get_mut(*letter as usize)? |= 1 << at;
                Some(())
            })?;
            Some(masks)
        });
        Self { letters: letters.to_vec(), masks: masks.flatten() }
    }

    /// How alike the texts are: 1 for the same, 0 for nothing in common.
    pub(super) fn likeness(&self, other: &[char]) -> f32 {
        let longer = self.letters.len().max(other.len());
        if longer == 0 {
            return 1.0;
        }
        let edits = match &self.masks {
            Some(masks) => distance(masks, self.letters.len(), other),
            None => strsim::generic_levenshtein(&Letters(&self.letters), &Letters(other)),
        };
        #[expect(clippy::cast_precision_loss, reason = "names are short")]
        let share = edits as f32 / longer as f32;
        1.0 - share
    }
}

fn distance(masks: &[u64; ALPHABET], length: usize, text: &[char]) -> usize {
    let last = 1_u64 << (length - 1);
    let (mut plus, mut minus, mut edits) = (u64::MAX, 0_u64, length);
    for letter in text {
        let equal = masks.get(*letter as usize).copied().unwrap_or(0);
        let vertical = equal | minus;
        let horizontal = ((equal & plus).wrapping_add(plus) ^ plus) | equal;
        let up = minus | !(horizontal | plus);
        let down = plus & horizontal;
        edits += usize::from(up & last != 0);
        edits -= usize::from(down & last != 0);
        let up = (up << 1) | 1;
        plus = (down << 1) | !(vertical | up);
        minus = up & vertical;
    }
    edits
}

/// Characters that are already split, in the form strsim takes.
struct Letters<'a>(&'a [char]);

impl<'b> IntoIterator for &'b Letters<'_> {
    type Item = char;
    type IntoIter = std::iter::Copied<std::slice::Iter<'b, char>>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn both_ways_give_the_same(a in "[a-zé]{0,70}", b in "[a-zé]{0,70}") {
            let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
            let longer = a.len().max(b.len());
            let edits = strsim::generic_levenshtein(&Letters(&a), &Letters(&b));
            #[expect(clippy::cast_precision_loss, reason = "names are short")]
            let expected = if longer == 0 { 1.0 } else { 1.0 - edits as f32 / longer as f32 };
            proptest::prop_assert!((Pattern::new(&a).likeness(&b) - expected).abs() < 1e-6);
        }
    }
}
