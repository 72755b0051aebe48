//! One applied change as a turn makes it, beside the bare update of the same row on the same server. Every commit is on
//! the disk before it counts.

use std::cell::{Cell, LazyCell, RefCell};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use criterion::Criterion;
use sphereconnect::commander::Commander;
use sphereconnect::config::Config;
use sphereconnect::domain::UtteranceId;
use sphereconnect::store::embedded::{DATABASE, Embedded, EmbeddedOptions};
use sphereconnect::store::{Session, Store};
use sphereconnect::turn::{Ending, Input, TurnSettings, Turns};
use sphereconnect::{demo, guild_file};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uuid::Uuid;

use super::clocks::Runs;
use super::guild::{NAME, SPEAKER};

/// The objective whose progress is set.
const OBJECTIVE: &str = "Copper Harvest";

/// The demo guild in a database of its own.
struct Opened {
    // In the order in which they must end.
    session: Session,
    store: Arc<Store>,
    bare: PgPool,
    objective: Uuid,
    _server: Embedded,
    _folder: TempDir,
}

pub fn measure(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let opened = LazyCell::new(|| runtime.block_on(open()));
    let turns = LazyCell::new(|| RefCell::new(turns(&opened)));
    let percents = Cell::new(0_u32);
    let percent = || percents.replace((percents.get() + 1) % 101);
    let (turn, look, bare) = (Runs::default(), Runs::default(), Runs::default());

    let mut group = criterion.benchmark_group("store");
    // What opens lazily is opened before the clock runs.
    group.bench_function("a turn that sets a progress", |bencher| {
        LazyCell::force(&turns);
        bencher.iter_custom(|times| turn.time(times, || set_by_turn(&runtime, &mut turns.borrow_mut(), percent())));
    });
    group.bench_function("the bare update in a transaction", |bencher| {
        LazyCell::force(&opened);
        bencher.iter_custom(|times| bare.time(times, || set_bare(&runtime, &opened, percent())));
    });
    group.bench_function("what a turn reads before it is understood", |bencher| {
        LazyCell::force(&opened);
        bencher.iter_custom(|times| look.time(times, || look_around(&runtime, &opened)));
    });
    group.finish();
    if let (Some((turn, _)), Some((look, _)), Some((bare, _))) = (turn.medians(), look.medians(), bare.medians()) {
        println!("store: median of a turn {turn:.2} ms, of the bare update {bare:.2} ms: {:.1} times", turn / bare);
        println!("store: median of what a turn reads first {look:.2} ms");
    }
}

fn turns(opened: &Opened) -> Turns {
    let commander = Arc::new(Commander::new(None).unwrap());
    Turns::new(Arc::clone(&opened.store), opened.session.clone(), commander, None, TurnSettings::default())
}

fn set_by_turn(runtime: &Runtime, turns: &mut Turns, percent: u32) {
    let text = format!("set {OBJECTIVE} progress to {percent} percent");
    let turn = runtime.block_on(turns.take(Input::Typed { id: UtteranceId::new(), text }));
    assert_eq!(turn.outcome, Ending::Applied, "{}", turn.reply);
}

fn set_bare(runtime: &Runtime, opened: &Opened, percent: u32) {
    #[expect(clippy::cast_precision_loss, reason = "at most 100")]
    let percent = percent as f32;
    let changed = runtime.block_on(async {
        let mut tx = opened.bare.begin().await.unwrap();
        let update =
            sqlx::query("update objectives set progress = $2 where id = $1").bind(opened.objective).bind(percent);
        let changed = update.execute(&mut *tx).await.unwrap().rows_affected();
        tx.commit().await.unwrap();
        changed
    });
    assert_eq!(changed, 1);
}

fn look_around(runtime: &Runtime, opened: &Opened) -> usize {
    runtime.block_on(async {
        let mut tx = opened.store.begin(&opened.session).await.unwrap();
        let view = (tx.view().await.unwrap(), tx.names().await.unwrap());
        tx.rollback().await.unwrap();
        view.1.len()
    })
}

async fn open() -> Opened {
    // Passable, because root's server runs as another user.
    let mode = Permissions::from_mode(0o711);
    let folder = tempfile::Builder::new().prefix("sphereconnect-bench-").permissions(mode).tempdir().unwrap();
    let place = folder.path().join("data");
    let setting = place.to_str().unwrap().to_owned();
    let config = Config::load(None, |name| (name == "SPHERECONNECT_DATA_DIR").then(|| setting.clone())).unwrap();
    let store = Arc::new(Store::open(&config, Arc::new(|_| {})).await.unwrap());
    store.guild_import(&guild_file::parse(demo::GUILD).unwrap()).await.unwrap();
    let session = store.sign_in(Some(NAME), Some(SPEAKER)).await.unwrap();
    // A second handle on the running server, for a door that knows no guilds and rights.
    let server = tokio::task::spawn_blocking(move || Embedded::open(&EmbeddedOptions::new(place), &|_| {}).unwrap());
    let server = server.await.unwrap();
    let bare = PgPoolOptions::new().max_connections(1).connect_with(server.connect_options(DATABASE)).await.unwrap();
    let found = sqlx::query_scalar("select id from objectives where name = $1").bind(OBJECTIVE);
    let objective = found.fetch_one(&bare).await.unwrap();
    Opened { session, store, bare, objective, _server: server, _folder: folder }
}
