//! What a turn costs, stage by stage, each stage beside what it is to be compared with. `cargo bench -- names` measures
//! one stage; nothing is opened for the others. Times change with the machine, the printed ratios hardly do.

#![expect(clippy::unwrap_used, reason = "a measurement may stop at what it did not expect")]

mod clocks;
mod grammar;
mod guild;
mod names;
mod speech;
mod store;

use clocks::ProcessorTime;
use criterion::Criterion;

fn main() {
    let mut computing = Criterion::default().with_measurement(ProcessorTime).configure_from_args();
    names::measure(&mut computing);
    grammar::measure(&mut computing);
    computing.final_summary();
    let mut criterion = Criterion::default().configure_from_args();
    store::measure(&mut criterion);
    speech::measure(&mut criterion);
    criterion.final_summary();
}
