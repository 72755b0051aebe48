//! The sounds that words are compared by, and what it costs to take one for another.

use std::sync::LazyLock;

/// Every sound, one sign each; `spelling.txt` says how they are read. Vowels first.
const SIGNS: &str = "iIeaAOoUu@EYWJpbtdkgfvTDszSZhmnNlrwjCG";
/// How many of them are vowels.
const VOWELS: u8 = 14;
/// How many sounds there are.
pub(super) const SOUNDS: usize = 38;
/// The costs, as people read them.
const CONFUSIONS: &str = include_str!("confusions.txt");

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
    /// The least that one difference in consonants between two [`Profile`]s costs.
    consonant: u16,
    /// The least that one difference in vowels costs.
    vowel: u16,
}

/// The costs of `confusions.txt`.
pub(super) static COSTS: LazyLock<Costs> = LazyLock::new(|| Costs::read(CONFUSIONS));

impl Costs {
    /// Reads lines of `SAID HEARD COST [TIMES]`; a later line goes before an earlier one.
    fn read(text: &str) -> Self {
        let mut costs =
            Self { instead: [[100; SOUNDS]; SOUNDS], lost: [80; SOUNDS], added: [80; SOUNDS], consonant: 0, vowel: 0 };
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
        (costs.consonant, costs.vowel) = (costs.least(false), costs.least(true));
        costs
    }

    /// The least cost of one difference between two profiles: a loss or an addition makes one, another sound up to two,
    /// and a vowel for a consonant one of each.
    fn least(&self, vowels: bool) -> u16 {
        let counts = |at: usize| group(at).is_some_and(|group| (group == VOWEL_GROUP) == vowels);
        let mut least = u16::MAX;
        for (said, row) in self.instead.iter().enumerate() {
            for (heard, cost) in row.iter().enumerate().filter(|(heard, _)| group(*heard) != group(said)) {
                match (counts(said), counts(heard)) {
                    (false, false) => {}
                    _ => least = least.min(cost / 2),
                }
            }
            if counts(said) {
                let ends = [self.lost.get(said), self.added.get(said)];
                least = ends.into_iter().flatten().fold(least, |least, cost| least.min(*cost));
            }
        }
        least
    }

    /// A cheap bound: no distance of sounds of these profiles is less.
    pub(super) fn at_least(&self, said: Profile, heard: Profile) -> u16 {
        let differences = said.0 ^ heard.0;
        let count = |bits: u64| u16::try_from(bits.count_ones()).unwrap_or(u16::MAX);
        count(differences & !VOWEL_BITS) * self.consonant + count(differences & VOWEL_BITS) * self.vowel
    }

    /// What it costs to hear `heard` when `said` was said, in hundredths; some number above `most` when it is more.
    pub(super) fn distance(&self, said: &[Phone], heard: &[Phone], most: u16) -> u16 {
        let mut row = [0_u16; super::text::SOUNDS_MAX + 1];
        let Some(row) = row.get_mut(..=heard.len().min(super::text::SOUNDS_MAX)) else { return u16::MAX };
        let added = |at: &Phone| self.added.get(usize::from(*at)).copied().unwrap_or(u16::MAX);
        let mut sum = 0_u16;
        for (cell, sound) in row.iter_mut().skip(1).zip(heard) {
            sum = sum.saturating_add(added(sound));
            *cell = sum;
        }
        for sound in said {
            let at = usize::from(*sound);
            let (Some(instead), Some(lost)) = (self.instead.get(at), self.lost.get(at)) else { return u16::MAX };
            let Some((first, cells)) = row.split_first_mut() else { return u16::MAX };
            let mut diagonal = *first;
            *first = first.saturating_add(*lost);
            let (mut left, mut least) = (*first, *first);
            for (cell, other) in cells.iter_mut().zip(heard) {
                let swapped = diagonal.saturating_add(instead.get(usize::from(*other)).copied().unwrap_or(u16::MAX));
                diagonal = *cell;
                left = swapped.min(cell.saturating_add(*lost)).min(left.saturating_add(added(other)));
                *cell = left;
                least = least.min(left);
            }
            if least > most {
                return least;
            }
        }
        row.last().copied().unwrap_or(u16::MAX)
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

/// Groups of sounds that are heard as one another; those that come and go (h, j) are in none. The last is the vowels.
const GROUPS: &[&str] = &["pb", "td", "kg", "fvTDw", "szSZCG", "mnN", "lr", "iIeaAOoUu@EYWJ"];
/// The place of the vowels' group, and its bits in a [`Profile`].
const VOWEL_GROUP: u8 = 7;
const VOWEL_BITS: u64 = 0xff << 56;

/// The group of each sound.
static GROUP: LazyLock<[Option<u8>; SOUNDS]> = LazyLock::new(|| {
    let mut groups = [None; SOUNDS];
    for (one, sign) in groups.iter_mut().zip(SIGNS.chars()) {
        *one = GROUPS.iter().position(|group| group.contains(sign)).and_then(|at| u8::try_from(at).ok());
    }
    groups
});

fn group(at: usize) -> Option<u8> {
    GROUP.get(at).copied().flatten()
}

/// How often each group of sounds occurs, eight bits each, as many ones as there are sounds: two profiles differ in
/// as many bits as there are sounds that one has and the other has not.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Profile(u64);

impl Profile {
    pub(super) fn new(phones: &[Phone]) -> Self {
        let mut bits = 0_u64;
        for at in phones.iter().filter_map(|one| group(usize::from(*one))) {
            let byte = (bits >> (at * 8)) & 0xff;
            bits |= (((byte << 1) | 1) & 0xff) << (at * 8);
        }
        Self(bits)
    }
}
