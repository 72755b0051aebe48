//! Understanding fixed wording on the demo guild's names. In processor time.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput};
use sphereconnect::commander::grammar::{Grammar, Scope};
use sphereconnect::intent::Recent;

use super::clocks::ProcessorTime;
use super::guild;

/// Sentences and how many orders are in them.
const SENTENCES: [(&str, &str, usize); 5] = [
    ("an order with a value", "set copper harvest progress to forty percent", 1),
    ("an order with two names", "assign task jam the relay to veshkar", 1),
    ("two orders", "mark jam the relay as completed and assign spoof the transponders to bjornulf", 2),
    ("an order with a name nobody has", "assign jam the relay to gwendolyn", 1),
    ("no order", "I think the weather on that moon was rather lovely when we landed there yesterday", 0),
];

pub fn measure(criterion: &mut Criterion<ProcessorTime>) {
    let mut group = criterion.benchmark_group("grammar");
    group.bench_function("read the wordings", |bencher| bencher.iter(|| Grammar::built_in().unwrap()));

    let (grammar, roster) = (Grammar::built_in().unwrap(), guild::roster());
    let called = guild::CALLED.map(str::to_owned);
    let recent = Recent::default();
    let scope = Scope { roster: &roster, called: &called, recent: &recent };
    let orders = |text: &str| grammar.read(text, &scope).reading().map_or(0, |reading| reading.intents.len());
    for (title, text, expected) in SENTENCES {
        assert_eq!(orders(text), expected, "{text}");
        group.bench_function(title, |bencher| bencher.iter(|| orders(black_box(text))));
    }

    let recorded = recorded();
    group.throughput(Throughput::Elements(u64::try_from(recorded.len()).unwrap()));
    group.bench_function(format!("all {} recorded orders", recorded.len()), |bencher| {
        bencher.iter(|| recorded.iter().map(|text| orders(black_box(text))).sum::<usize>());
    });
    group.finish();
}

/// What is said in the recordings.
fn recorded() -> Vec<String> {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/audio/orders.jsonl");
    let list = std::fs::read_to_string(list).unwrap();
    let text = |line: &str| -> String {
        let order: serde_json::Value = serde_json::from_str(line).unwrap();
        order["text"].as_str().unwrap().to_owned()
    };
    list.lines().map(text).collect()
}
