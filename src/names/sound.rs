//! The sounds that words are compared by, and what it costs to take one for another.

use std::sync::LazyLock;

use super::text::SOUNDS_MAX;

/// Every sound, one sign each; `spelling.txt` says how they are read. Vowels first.
const SIGNS: &str = "iIeaAOoUu@EYWJpbtdkgfvTDszSZhmnNlrwjCG";
/// How many of them are vowels.
const VOWELS: u8 = 14;
/// How many sounds there are.
pub(super) const SOUNDS: usize = 38;
/// The costs, as people read them.
const CONFUSIONS: &str = include_str!("confusions.txt");

/// One row of costs: for no heard sound, the first, the first two, and so on.
pub(super) type Row = [u16; SOUNDS_MAX + 1];

/// A sound, by its place in [`SIGNS`].
pub(super) type Phone = u8;

/// The sound of a sign.
pub(super) fn phone(sign: char) -> Option<Phone> {
    SIGNS.find(sign).and_then(|at| Phone::try_from(at).ok())
}

/// The sounds of signs; `None` when one is unknown.
pub(super) fn phones_of(signs: &str) -> Option<Vec<Phone>> {
    signs.chars().map(phone).collect()
}

/// Sounds as people read them.
pub(super) fn signs(phones: &[Phone]) -> String {
    phones.iter().filter_map(|one| SIGNS.chars().nth(usize::from(*one))).collect()
}

pub(super) fn is_vowel(phone: Phone) -> bool {
    phone < VOWELS
}

/// What it costs to hear one sound for another, in hundredths of what an unrelated sound costs.
#[derive(Debug)]
pub(super) struct Costs {
    /// Said (row), heard (column).
    instead: [[u16; SOUNDS]; SOUNDS],
    /// Said, and not heard.
    lost: [u16; SOUNDS],
    /// Heard, and not said.
    added: [u16; SOUNDS],
}

/// The costs of `confusions.txt`.
pub(super) static COSTS: LazyLock<Costs> = LazyLock::new(|| Costs::read(CONFUSIONS));

impl Costs {
    /// Reads lines of `SAID HEARD COST [TIMES]`; a later line goes before an earlier one.
    fn read(text: &str) -> Self {
        let mut costs = Self { instead: [[100; SOUNDS]; SOUNDS], lost: [80; SOUNDS], added: [80; SOUNDS] };
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let mut words = line.split_whitespace();
            let (Some(said), Some(heard), Some(cost)) = (words.next(), words.next(), words.next()) else { continue };
            let Ok(cost) = cost.parse::<u16>() else { continue };
            for (row, lost) in costs.instead.iter_mut().zip(&mut costs.lost).enumerate().filter_map(named(said)) {
                if heard == "-" {
                    *lost = cost;
                }
                row.iter_mut().enumerate().filter_map(named(heard)).for_each(|one| *one = cost);
            }
            if said == "-" {
                costs.added.iter_mut().enumerate().filter_map(named(heard)).for_each(|one| *one = cost);
            }
        }
        for (at, row) in costs.instead.iter_mut().enumerate() {
            if let Some(same) = row.get_mut(at) {
                *same = 0;
            }
        }
        costs
    }

    /// What it costs to hear each beginning of `heard` when nothing was said; for [`Costs::next_row`].
    pub(super) fn first_row(&self, heard: &[Phone], row: &mut Row) {
        let mut sum = 0_u16;
        row[0] = sum;
        for (cell, sound) in row.iter_mut().skip(1).zip(heard) {
            sum = sum.saturating_add(self.added.get(usize::from(*sound)).copied().unwrap_or(u16::MAX));
            *cell = sum;
        }
    }

    /// The least that it costs when none, one, two and so on of the heard sounds were not said.
    pub(super) fn added_at_least(&self, heard: &[Phone]) -> Vec<u16> {
        let mut costs: Vec<u16> =
            heard.iter().map(|sound| self.added.get(usize::from(*sound)).copied().unwrap_or(u16::MAX)).collect();
        costs.sort_unstable();
        let mut sum = 0_u16;
        let sums = costs.into_iter().map(|cost| {
            sum = sum.saturating_add(cost);
            sum
        });
        std::iter::once(0).chain(sums).collect()
    }

    /// What it costs to hear each beginning of `heard` when one more sound was said than for the row `before`, in
    /// hundredths. Nowhere is it less than the least of that row.
    pub(super) fn next_row(&self, said: Phone, heard: &[Phone], before: &Row, row: &mut Row) {
        let at = usize::from(said);
        let (Some(instead), Some(lost)) = (self.instead.get(at), self.lost.get(at)) else { return };
        let mut diagonal = before[0];
        let mut left = diagonal.saturating_add(*lost);
        row[0] = left;
        for ((cell, above), other) in row.iter_mut().zip(before).skip(1).zip(heard) {
            let other = usize::from(*other);
            let (Some(instead), Some(added)) = (instead.get(other), self.added.get(other)) else { return };
            let swapped = diagonal.saturating_add(*instead);
            left = swapped.min(above.saturating_add(*lost)).min(left.saturating_add(*added));
            diagonal = *above;
            *cell = left;
        }
    }

    /// What it costs to hear `heard` when `said` was said, in hundredths.
    pub(super) fn distance(&self, said: &[Phone], heard: &[Phone]) -> u16 {
        let (mut before, mut row) = ([0; SOUNDS_MAX + 1], [0; SOUNDS_MAX + 1]);
        self.first_row(heard, &mut row);
        for sound in said {
            (before, row) = (row, before);
            self.next_row(*sound, heard, &before, &mut row);
        }
        row.get(heard.len()).copied().unwrap_or(u16::MAX)
    }
}

/// Picks what a line names: a sound's sign, `vowel` or `consonant`.
fn named<T>(name: &str) -> impl Fn((usize, T)) -> Option<T> + '_ {
    move |(at, one)| {
        let at = Phone::try_from(at).ok()?;
        let fits = match name {
            "vowel" => is_vowel(at),
            "consonant" => !is_vowel(at),
            sign => sign.chars().next().and_then(phone) == Some(at) && sign.chars().count() == 1,
        };
        fits.then_some(one)
    }
}
