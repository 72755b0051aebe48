//! Time on the wall and time on the processor, run by run, for the ratios that criterion does not print.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use criterion::measurement::{Measurement, ValueFormatter, WallTime};

/// The runs of one thing that is measured.
#[derive(Debug, Default)]
pub struct Runs(RefCell<Vec<(Duration, Duration)>>);

impl Runs {
    /// Runs `work` so many times and answers the time on the wall, as criterion wants it.
    pub fn time<T>(&self, times: u64, mut work: impl FnMut() -> T) -> Duration {
        let mut total = Duration::ZERO;
        for _ in 0..times {
            let (wall, processor) = (Instant::now(), processor_time());
            std::hint::black_box(work());
            let run = (wall.elapsed(), processor_time().saturating_sub(processor));
            total += run.0;
            self.0.borrow_mut().push(run);
        }
        total
    }

    /// The medians of wall and processor time in milliseconds; nothing when the filter left this out.
    pub fn medians(&self) -> Option<(f64, f64)> {
        let runs = self.0.borrow();
        let median = |pick: fn(&(Duration, Duration)) -> Duration| {
            let mut all: Vec<Duration> = runs.iter().map(pick).collect();
            all.sort_unstable();
            all.get(all.len() / 2).map(|middle| middle.as_secs_f64() * 1000.0)
        };
        median(|run| run.0).zip(median(|run| run.1))
    }
}

/// Lets criterion measure processor time: for what only computes, other programs on the machine then count little.
#[derive(Debug)]
pub struct ProcessorTime;

impl Measurement for ProcessorTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        processor_time()
    }

    fn end(&self, began: Duration) -> Duration {
        processor_time().saturating_sub(began)
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

/// What all threads of this process have worked so far.
#[expect(unsafe_code, reason = "the standard library has no clock of the processor's time")]
fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place to write to for the length of the call.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    assert_eq!(failed, 0, "every Linux has this clock");
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
}
