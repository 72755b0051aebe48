//! Names as the recogniser really wrote them, against guilds of three sizes.
//!
//! The recordings are not kept: tests/fixtures/names/make_names.py makes them again.

use std::collections::{BTreeMap, BTreeSet};

use sphereconnect::domain::Kind;
use sphereconnect::names::{Entry, Match, Roster, said, sounds};
use uuid::Uuid;

const HEARD: &str = include_str!("../fixtures/names/heard.tsv");
/// How many members the guilds have.
const SIZES: [usize; 3] = [25, 250, 2_500];
/// At least so many of a hundred names are taken and right, in every guild.
const RIGHT_MIN: usize = 75;
/// At most so many of a thousand are taken and wrong.
const WRONG_MAX: usize = 3;

/// One name as it was said and heard.
#[derive(Debug, Clone)]
struct Line {
    held: bool,
    kind: Kind,
    style: String,
    name: String,
    phonetic: Option<String>,
    heard: String,
}

fn lines() -> Vec<Line> {
    HEARD
        .lines()
        .filter(|line| !line.starts_with('#'))
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            let [part, kind, style, name, phonetic, _said, _voice, _prompt, _carrier, _all, heard] = cells.as_slice()
            else {
                panic!("{line}");
            };
            Line {
                held: *part == "held",
                kind: Kind::parse(kind).unwrap(),
                style: (*style).to_owned(),
                name: (*name).to_owned(),
                phonetic: Some((*phonetic).to_owned()).filter(|one| !one.is_empty()),
                heard: (*heard).to_owned(),
            }
        })
        .collect()
}

fn entry(kind: Kind, name: &str, phonetic: Option<String>) -> Entry {
    Entry { kind, id: Uuid::new_v4(), name: name.to_owned(), phonetic, hint: String::new(), parent: None, open: true }
}

/// Names of members nobody says in the recordings, enough to fill the largest guild.
fn others() -> Vec<String> {
    const FIRST: [&str; 50] = [
        "Aaron",
        "Adele",
        "Alaric",
        "Amelia",
        "Anton",
        "Astrid",
        "Barnaby",
        "Bianca",
        "Boris",
        "Carmen",
        "Casper",
        "Clara",
        "Conrad",
        "Dahlia",
        "Damian",
        "Edith",
        "Edmund",
        "Elena",
        "Ezra",
        "Felix",
        "Fiona",
        "Gabriel",
        "Gwendolyn",
        "Harold",
        "Hazel",
        "Igor",
        "Irene",
        "Jakob",
        "Juliet",
        "Kasimir",
        "Leonie",
        "Lorenzo",
        "Maeve",
        "Marcus",
        "Nora",
        "Olaf",
        "Pavel",
        "Raquel",
        "Rupert",
        "Selma",
        "Silas",
        "Tatiana",
        "Theo",
        "Ursel",
        "Vera",
        "Victor",
        "Walter",
        "Wanda",
        "Yusuf",
        "Zelda",
    ];
    const LAST: [&str; 40] = [
        "Abbot", "Baker", "Bergman", "Carver", "Chandra", "Dalton", "Dvorak", "Eklund", "Farrow", "Ferrari", "Garner",
        "Hansen", "Hopkins", "Ibarra", "Jansen", "Kaminski", "Kessler", "Lambert", "Lindgren", "Maddox", "Molina",
        "Norris", "Osman", "Palmer", "Quinlan", "Rivera", "Rosen", "Sato", "Schmidt", "Sinclair", "Tanner", "Urban",
        "Vasquez", "Vogel", "Walsh", "Weber", "Winters", "Yamada", "York", "Zimmer",
    ];
    const HANDLE: [&str; 30] = [
        "Shadow", "Iron", "Ghost", "Star", "Dark", "Silver", "Crimson", "Rogue", "Frost", "Storm", "Night", "Solar",
        "Void", "Steel", "Lone", "Wild", "Cosmic", "Silent", "Turbo", "Mad", "Red", "Blue", "Lucky", "Grim", "Nova",
        "Hyper", "Rusty", "Salty", "Swift", "Broken",
    ];
    const BEAST: [&str; 20] = [
        "Fox", "Wolf", "Raven", "Hunter", "Pilot", "Rider", "Knight", "Walker", "Blade", "Hawk", "Bear", "Tiger",
        "Runner", "Reaper", "Viper", "Miner", "Hammer", "Dragon", "Lynx", "Badger",
    ];
    let pairs = LAST
        .iter()
        .enumerate()
        .flat_map(|(at, last)| FIRST.iter().skip(at % 2).step_by(2).map(move |first| format!("{first} {last}")));
    let handles = HANDLE.iter().flat_map(|one| BEAST.iter().map(move |two| format!("{one}{two}")));
    let leet = |name: &String| name.replace('a', "4").replace('e', "3").replace('o', "0");
    let handles: Vec<String> = handles.collect();
    let gamers = handles.iter().map(|name| format!("xX_{}_Xx", leet(name)));
    let tagged = handles.iter().enumerate().map(|(at, name)| format!("[ABC] {name}{}", at % 90 + 10));
    pairs.chain(handles.iter().cloned()).chain(gamers).chain(tagged).collect()
}

#[derive(Debug, Default, Clone, Copy)]
struct Row {
    right: usize,
    asked: usize,
    /// Of those asked, how many offer the right one.
    offered: usize,
    wrong: usize,
    /// When nobody has the name that was said.
    invented: usize,
    total: usize,
}

/// Every name of the recordings.
fn names(lines: &[Line]) -> Vec<Entry> {
    let mut names: Vec<Entry> = Vec::new();
    for line in lines {
        if !names.iter().any(|one| one.kind == line.kind && one.name == line.name) {
            names.push(entry(line.kind, &line.name, line.phonetic.clone()));
        }
    }
    names
}

/// The guild of so many names around one: those beside it in the list, then others. Names that are said the same are
/// left out, since nobody could tell them apart.
fn guild(names: &[Entry], others: &[Entry], at: usize, size: usize) -> Vec<Entry> {
    let kind = names[at].kind;
    let beside = names.iter().cycle().skip(at).take(names.len()).filter(|one| one.kind == kind);
    let more = others.iter().filter(|_| kind == Kind::Member);
    beside.chain(more).take(size).cloned().collect()
}

impl Row {
    fn add(&mut self, other: Self) {
        self.right += other.right;
        self.asked += other.asked;
        self.offered += other.offered;
        self.wrong += other.wrong;
        self.invented += other.invented;
        self.total += other.total;
    }
}

/// What a guild makes of a line, as by ear: two that are said the same are asked about.
fn judge(roster: &Roster, line: &Line) -> (Row, Option<(f32, bool)>) {
    let mut row = Row { total: 1, ..Row::default() };
    let mut sure = None;
    match roster.resolve(line.kind, &line.heard) {
        Match::One(one) if roster.said_alike(one).len() > 1 => row.asked = 1,
        Match::One(one) => {
            let right = one.entry.name == line.name;
            row.right = usize::from(right);
            row.wrong = usize::from(!right);
            sure = Some((one.score, right));
        }
        Match::Several(many) | Match::Unknown(many) => {
            row.asked = 1;
            row.offered = usize::from(many.iter().take(4).any(|one| one.entry.name == line.name));
            sure = many.first().map(|one| (one.score, one.entry.name == line.name));
        }
    }
    (row, sure)
}

/// What came of some lines: in all, by style, which went wrong, and how sure the first candidate was.
#[derive(Debug, Default)]
struct Table {
    sum: Row,
    styles: BTreeMap<String, Row>,
    wrong: Vec<String>,
    sure: Vec<(f32, bool)>,
}

/// Looks every heard name up in a guild of so many with the right one in it, and in small ones without.
fn measure(lines: &[Line], size: usize) -> Table {
    let names = names(&self::lines());
    let known: BTreeSet<String> = names.iter().map(|one| sounds(&said(&one.name))).collect();
    let others = others().into_iter().filter(|name| !known.contains(&sounds(&said(name))));
    let others: Vec<Entry> = others.map(|name| entry(Kind::Member, &name, None)).collect();
    // The largest guild holds every name, so one is enough.
    let whole =
        (size > names.len()).then(|| Roster::new([names.clone(), others[..size - names.len()].to_vec()].concat()));
    let mut table = Table::default();
    for (at, one) in names.iter().enumerate() {
        let own: Vec<&Line> = lines.iter().filter(|line| line.kind == one.kind && line.name == one.name).collect();
        if own.is_empty() {
            continue;
        }
        let small = whole.is_none().then(|| {
            let entries = guild(&names, &others, at, size);
            (Roster::new(entries.clone()), Roster::new(entries.into_iter().skip(1).collect()))
        });
        for line in own {
            let with = small.as_ref().map(|(with, _)| with).or(whole.as_ref()).unwrap();
            let (mut row, sure) = judge(with, line);
            table.sure.extend(sure);
            if row.wrong > 0 {
                table.wrong.push(format!("{}, heard \"{}\"", line.name, line.heard));
            }
            if let Some((_, without)) = &small
                && let Match::One(other) = without.resolve(line.kind, &line.heard)
            {
                row.invented = 1;
                table.wrong.push(format!(
                    "nobody's {}, heard \"{}\": {} ({:.3})",
                    line.name, line.heard, other.entry.name, other.score
                ));
            }
            table.sum.add(row);
            table.styles.entry(line.style.clone()).or_default().add(row);
        }
    }
    table
}

fn print(title: &str, row: &Row) {
    let share = |count: usize| f64::from(u32::try_from(count * 1000 / row.total.max(1)).unwrap()) / 10.0;
    println!(
        "{title:<16} {:>5} heard  right {:>5.1} %  asked {:>5.1} % ({} of {} offer it)  wrong {} ({:.1} %)  nobody's name taken {}",
        row.total,
        share(row.right),
        share(row.asked),
        row.offered,
        row.asked,
        row.wrong,
        share(row.wrong),
        row.invented,
    );
}

/// The names table: with `--nocapture` it is printed. Held back means that neither the costs nor the probability were
/// fitted on those names.
#[test]
fn names_as_they_were_heard() {
    for size in SIZES {
        // Those that everything was fitted on are shown for one size, to be compared.
        for held in [false, true].into_iter().filter(|held| *held || size == 250) {
            let lines: Vec<Line> = lines().into_iter().filter(|line| line.held == held).collect();
            let table = measure(&lines, size);
            print(&format!("{} {size}", if held { "held back" } else { "tuning" }), &table.sum);
            if size == 250 && held {
                table.styles.iter().for_each(|(style, row)| print(&format!("  {style}"), row));
                reliability(&table.sure);
            }
            table.wrong.iter().for_each(|one| println!("    {one}"));
            let Row { right, wrong, total, .. } = table.sum;
            assert!(right * 100 >= total * RIGHT_MIN, "{size}: {right} of {total}");
            assert!(wrong * 1000 <= total * WRONG_MAX, "{size}: {:?}", table.wrong);
        }
    }
}

/// How often first candidates of about the same score are right.
fn reliability(sure: &[(f32, bool)]) {
    for (from, to) in [(0.0, 0.3), (0.3, 0.6), (0.6, 0.8), (0.8, 0.9), (0.9, 0.97), (0.97, 0.99), (0.99, 1.01)] {
        let own: Vec<&(f32, bool)> = sure.iter().filter(|one| one.0 >= from && one.0 < to).collect();
        let right = own.iter().filter(|one| one.1).count();
        println!("    score {from:.2} to {to:.2}: {right} of {} right", own.len());
    }
}

/// Prints the sounds of every name that was said or heard, for fit_names.py.
#[test]
#[ignore = "prints what tests/fixtures/names/fit_names.py reads"]
fn sounds_of_the_recordings() {
    let rows = HEARD.lines().filter(|line| !line.starts_with('#')).skip(1);
    let words: BTreeSet<&str> = rows.flat_map(|row| [3, 5, 10].map(|at| row.split('\t').nth(at).unwrap())).collect();
    let parts: BTreeSet<&str> = words.iter().flat_map(|one| one.split_whitespace()).collect();
    words.union(&parts).for_each(|one| println!("sounds\t{one}\t{}", sounds(one)));
}
