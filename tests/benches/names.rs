//! Finding names: one utterance, guilds of different sizes. In processor time.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion};
use sphereconnect::domain::Kind;
use sphereconnect::names::{Entry, Match, Roster};

use super::clocks::ProcessorTime;
use super::guild::entry;

/// How many members the guilds have.
const SIZES: [usize; 3] = [25, 2_500, 5_000];

/// Words of another language, which sound like no name of the guilds.
const STRANGE: &str =
    "gestern wollten zwölf freundliche nachbarn unbedingt schwarze pflaumen durchs treppenhaus schleppen obwohl";

pub fn measure(criterion: &mut Criterion<ProcessorTime>) {
    let mut group = criterion.benchmark_group("names");
    for size in SIZES {
        let names = made_up(size);
        let entries: Vec<Entry> = names.iter().map(|(name, said)| entry(Kind::Member, name, said.as_deref())).collect();
        let roster = Roster::new(entries.clone());
        let single =
            |from: usize| names.iter().skip(from).find(|(name, _)| !name.contains(' ')).unwrap().0.to_lowercase();
        let (exact, misheard) = (single(size / 3), mishear(&single(size / 2)));
        let utterance = format!("mark the {exact} run as completed and give it to {misheard} please");
        let words: Vec<&str> = utterance.split_whitespace().collect();
        assert_eq!(words.len(), 12);
        assert!(!roster.spot(&words).is_empty(), "{utterance}");
        assert!(
            !matches!(roster.resolve(Kind::Member, &misheard), Match::Unknown(near) if near.is_empty()),
            "{misheard}"
        );

        group.bench_function(BenchmarkId::new("spot in 12 words", size), |bencher| {
            bencher.iter(|| black_box(roster.spot(black_box(&words)).len()));
        });
        // The worst there is: no word is everyday speech, and none is anybody's name.
        let strange: Vec<&str> = STRANGE.split_whitespace().collect();
        assert_eq!((strange.len(), roster.spot(&strange).len()), (12, 0), "at {size}");
        group.bench_function(BenchmarkId::new("spot in 12 strange words", size), |bencher| {
            bencher.iter(|| black_box(roster.spot(black_box(&strange)).len()));
        });
        group.bench_function(BenchmarkId::new("resolve one misheard", size), |bencher| {
            bencher.iter(|| black_box(roster.resolve(Kind::Member, black_box(&misheard))));
        });
        group.bench_function(BenchmarkId::new("make the roster", size), |bencher| {
            bencher.iter_batched(|| entries.clone(), Roster::new, BatchSize::LargeInput);
        });
    }
    group.finish();
}

/// Made-up members, the same in every run: a quarter with two names, a third with a respelling.
fn made_up(count: usize) -> Vec<(String, Option<String>)> {
    const STARTS: [&str; 20] = [
        "ka", "ve", "tho", "ri", "bru", "sel", "mor", "dy", "fen", "ja", "qui", "zu", "lan", "pe", "ox", "ny", "gar",
        "wi", "ta", "cle",
    ];
    const MIDDLES: [&str; 16] =
        ["la", "ri", "no", "ste", "mi", "dor", "va", "ke", "sha", "ru", "the", "li", "bo", "xa", "ny", "gra"];
    const ENDS: [&str; 16] =
        ["n", "s", "ra", "th", "ck", "lin", "dax", "ven", "mir", "tos", "l", "rik", "nd", "sa", "phe", "wyn"];
    let mut state = 7_u64;
    let mut pick = |most: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % most
    };
    let mut word = || {
        let mut syllables = vec![STARTS[pick(STARTS.len())]];
        (0..1 + pick(2)).for_each(|_| syllables.push(MIDDLES[pick(MIDDLES.len())]));
        syllables.push(ENDS[pick(ENDS.len())]);
        let (plain, said) = (syllables.concat(), syllables.join(" "));
        (plain[..1].to_uppercase() + &plain[1..], said)
    };
    (0..count)
        .map(|at| {
            let (mut name, mut said) = word();
            if at % 4 == 0 {
                let (last, last_said) = word();
                (name, said) = (format!("{name} {last}"), format!("{said} {last_said}"));
            }
            (name, (at % 3 == 0).then_some(said))
        })
        .collect()
}

/// The name as the recogniser might write it: its first vowel another one, its last letter doubled.
fn mishear(name: &str) -> String {
    let vowel = name.find(['a', 'e', 'i', 'o', 'u']).unwrap();
    let other = if name[vowel..].starts_with('e') { "a" } else { "e" };
    format!("{}{other}{}{}", &name[..vowel], &name[vowel + 1..], &name[name.len() - 1..])
}
