//! Ten thousand guesses, and how long an answer takes. Figures are printed: `cargo test --test it -- ten_thousand
//! --nocapture`.

use std::time::{Duration, Instant};

use super::*;

/// Guesses at one member.
const GUESSES: usize = 10_000;
/// Guesses of each kind that are measured, interleaved.
const MEASURED: usize = 1_500;
/// How far the medians of the same run may lie apart. They lie within a few hundredths; this only has to tell a
/// different way of working from noise.
const RATIO_MAX: f64 = 1.5;

/// I-17, US9: ten thousand guesses at one member, the right one among them: five are judged, all are refused.
#[tokio::test]
async fn ten_thousand_guesses_are_five() {
    let world = world().await;
    let began = Instant::now();
    let sql = "select sign_in_try('anvil', 'Ann', 'password', $1, null, 'a test')";
    let mut connection = world.app.acquire().await.unwrap();
    let (right, wrong) = (key(RIGHT, b"not a random one"), key(WRONG, b"not a random one"));
    let (mut judged, mut opened) = (0, 0);
    for guess in 0..GUESSES {
        // Every hundredth is right, but none of the first five.
        let key = if guess % 100 == 99 { &right } else { &wrong };
        let ticket: uuid::Uuid =
            sqlx::query_scalar(sql).bind(key.as_slice()).fetch_one(&mut *connection).await.unwrap();
        let failures = "select count(*) filter (where judged) from sign_in_tries where id = $1";
        if guess < 20 {
            judged += sqlx::query_scalar::<_, i64>(failures).bind(ticket).fetch_one(&world.db.pool).await.unwrap();
        }
        opened += usize::from(take(&mut connection, ticket).await.is_some());
    }
    assert_eq!((judged, opened), (5, 0));
    assert_eq!(world.ann("failed_attempts || ' ' || (locked_until > now())").await, "5 true");
    assert_eq!(world.owner("select count(*) from user_sessions").await, "0");
    let took = began.elapsed();
    let each = took.as_secs_f64() * 1000.0 / GUESSES as f64;
    println!(
        "{GUESSES} guesses: {judged} judged, {opened} sessions; {:.1} s, {each:.2} ms a guess",
        took.as_secs_f64()
    );
}

/// I-17: an unknown guild, an unknown member, a member without a password, a wrong password and a locked account get
/// the same answers in the same time, beyond noise.
#[tokio::test]
async fn failures_look_alike() {
    let world = world().await;
    world.change("update guilds set sign_in_failures_max = 100").await;
    world
        .change("update users set locked_until = now() + interval '1 hour', failed_attempts = 5 where name = 'Cal'")
        .await;
    let kinds = [
        ("wrong password", "Anvil", "Ann"),
        ("locked", "Anvil", "Cal"),
        ("no password", "Anvil", "Dee"),
        ("unknown member", "Anvil", "Eve"),
        ("unknown guild", "Nowhere", "Eve"),
    ];
    let mut times: [[Vec<Duration>; 3]; 5] = Default::default();
    let mut connection = world.app.acquire().await.unwrap();
    let key = key(WRONG, b"not a random one");
    for round in 0..MEASURED {
        if round % 50 == 0 {
            // So that "wrong password" stays that.
            world
                .change("update users set failed_attempts = 0, locked_until = null where name in ('Ann', 'Dee')")
                .await;
        }
        // Each kind takes each place in turn: whoever comes first finds colder caches.
        for place in 0..kinds.len() {
            let which = (place + round) % kinds.len();
            let (_, guild, member) = kinds[which];
            let began = Instant::now();
            let parameters: String = sqlx::query_scalar("select sign_in_parameters($1, $2, 'password')")
                .bind(guild)
                .bind(member)
                .fetch_one(&mut *connection)
                .await
                .unwrap();
            let asked = began.elapsed();
            let ticket: uuid::Uuid = sqlx::query_scalar("select sign_in_try($1, $2, 'password', $3, null, 'a test')")
                .bind(guild)
                .bind(member)
                .bind(key.as_slice())
                .fetch_one(&mut *connection)
                .await
                .unwrap();
            let tried = began.elapsed();
            let token = take(&mut connection, ticket).await;
            let taken = began.elapsed();
            assert!(token.is_none() && parameters.starts_with("argon2id$m="), "{guild} {member}");
            for (times, time) in times[which].iter_mut().zip([asked, tried - asked, taken - tried]) {
                times.push(time);
            }
        }
    }
    println!("{:<16} {:>22} {:>22} {:>22}", "milliseconds", "parameters p50/p95", "try p50/p95", "take p50/p95");
    let mut medians: [Vec<f64>; 3] = Default::default();
    for ((name, ..), times) in kinds.iter().zip(&mut times) {
        print!("{name:<16}");
        for (step, times) in times.iter_mut().enumerate() {
            times.sort();
            let at = |share: usize| times[times.len() * share / 100].as_secs_f64() * 1000.0;
            print!(" {:>22}", format!("{:.3} / {:.3}", at(50), at(95)));
            medians[step].push(at(50));
        }
        println!();
    }
    for (step, medians) in ["parameters", "try", "take"].iter().zip(&medians) {
        let (least, most) =
            medians.iter().fold((f64::MAX, 0.0_f64), |(low, high), one| (low.min(*one), high.max(*one)));
        println!("{step}: the medians lie within {:.3}", most / least);
        assert!(most / least < RATIO_MAX, "{step}: {medians:?}");
    }
}
