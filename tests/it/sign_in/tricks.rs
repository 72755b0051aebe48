//! What a hostile client may try: to take back, to repeat, to mix, to be quick.

use super::*;

/// US9, I-17: whoever takes a guess back has no ticket; whoever keeps the ticket was counted, however the second half
/// ends. A ticket is worth nothing in the transaction that made it, savepoints included.
#[tokio::test]
async fn a_client_that_rolls_back_learns_nothing() {
    let world = world().await;
    let run = async |sql: &'static str, on: &mut PgConnection| {
        sqlx::raw_sql(sql).execute(on).await.unwrap();
    };
    let mut own = world.app.acquire().await.unwrap();

    run("begin", &mut own).await;
    let ticket = attempt(&mut own, "Ann", "password", RIGHT, None).await;
    assert_eq!(take(&mut own, ticket).await, None, "in the same transaction");
    assert_eq!(world.take(ticket).await, None, "while it is not committed");
    run("rollback", &mut own).await;
    assert_eq!((take(&mut own, ticket).await, world.ann("failed_attempts").await), (None, "0".to_owned()));

    run("begin; savepoint a", &mut own).await;
    let lost = attempt(&mut own, "Ann", "password", RIGHT, None).await;
    run("rollback to a", &mut own).await;
    assert_eq!(take(&mut own, lost).await, None);
    run("savepoint b", &mut own).await;
    let ticket = attempt(&mut own, "Ann", "password", RIGHT, None).await;
    run("release b; savepoint c", &mut own).await;
    assert_eq!(take(&mut own, ticket).await, None, "a savepoint is no transaction");
    run("rollback to c; commit", &mut own).await;
    assert_eq!(world.ann("failed_attempts").await, "1", "counted, for nobody knows yet that it was right");

    run("begin", &mut own).await;
    let token = take(&mut own, ticket).await.unwrap();
    run("rollback", &mut own).await;
    assert_eq!(world.asks(&token, "select count(*) from session_who()").await, "0", "a token that was taken back");
    assert_eq!(world.ann("failed_attempts").await, "1");
    let token = take(&mut own, ticket).await.unwrap();
    assert_eq!(world.asks(&token, "select count(*) from session_who()").await, "1");
    assert_eq!(take(&mut own, ticket).await, None, "once");

    let ticket = attempt(&mut own, "Ann", "password", WRONG, None).await;
    for _ in 0..3 {
        run("begin", &mut own).await;
        assert_eq!(take(&mut own, ticket).await, None);
        run("rollback", &mut own).await;
    }
    assert_eq!(world.ann("failed_attempts").await, "1");
}

/// US9, I-17: a ticket lives a minute by the clock, not by the transaction's beginning, and belongs to one guess.
#[tokio::test]
async fn a_ticket_is_worth_little() {
    let world = world().await;
    assert_eq!(world.take(uuid::Uuid::new_v4()).await, None);
    let mut old = world.app.begin().await.unwrap();
    sqlx::query("select now()").execute(&mut *old).await.unwrap();
    let ticket = world.attempt("Ann", "password", RIGHT, None).await;
    world.change("update sign_in_tries set made_at = made_at - interval '61 seconds'").await;
    assert_eq!(take(&mut old, ticket).await, None);
    old.rollback().await.unwrap();
    assert_eq!(world.take(ticket).await, None);
    // The next guess sweeps it away.
    let pin = world.attempt("Ann", "pin", RIGHT, None).await;
    assert_eq!(world.owner("select count(*) from sign_in_tries").await, "1");
    assert_eq!(world.take(pin).await, None, "a password is no PIN");
    for kind in ["totp", "", "PASSWORD"] {
        let sql = "select sign_in_try('anvil', 'Ann', $1, '', null, null)";
        let told = sqlx::query(sql).bind(kind).execute(&world.app).await.unwrap_err().into_database_error().unwrap();
        assert_eq!(told.code().as_deref(), Some("22023"), "{kind}");
    }
    let nothing = "select sign_in_take(sign_in_try(null, null, 'pin', null, null, repeat(e'x\n', 100000)))";
    assert_eq!(sqlx::query_scalar::<_, Option<String>>(nothing).fetch_one(&world.app).await.unwrap(), None);
}

/// US9, I-17: thirty guesses at the same moment count as exactly five, and the right one among those that came after
/// is not judged.
#[tokio::test]
async fn guesses_at_the_same_moment_are_counted_exactly() {
    let world = std::sync::Arc::new(world().await);
    let guesses = (0..30).map(|_| {
        let world = std::sync::Arc::clone(&world);
        tokio::spawn(async move { world.attempt("Ann", "password", WRONG, None).await })
    });
    let mut tickets = Vec::new();
    for guess in guesses.collect::<Vec<_>>() {
        tickets.push(guess.await.unwrap());
    }
    assert_eq!(
        world.owner("select count(*) filter (where judged) || ' of ' || count(*) from sign_in_tries").await,
        "5 of 30"
    );
    assert_eq!(world.ann("failed_attempts || ' ' || (locked_until > now())").await, "5 true");
    for ticket in tickets {
        assert_eq!(world.take(ticket).await, None);
    }
    assert_eq!(world.sign_in("Ann", "password", RIGHT).await, None);
}

/// I-17: a name that nobody has gets parameters like any other: stable, its own, and the usual ones.
#[tokio::test]
async fn an_unknown_name_has_a_salt_that_stays() {
    let world = world().await;
    let of = async |guild: &str, member: &str, kind: &str| -> String {
        let query = sqlx::query_scalar("select sign_in_parameters($1, $2, $3)").bind(guild).bind(member).bind(kind);
        query.fetch_one(&world.app).await.unwrap()
    };
    let real = of("anvil", "ann", "password").await;
    assert!(verifier(RIGHT).starts_with(&format!("{real}$")), "{real}");
    let mut seen = std::collections::BTreeSet::new();
    for (guild, member, kind) in [
        ("anvil", "Nobody", "password"),
        ("anvil", "Nobody", "pin"),
        ("anvil", "Ben", "pin"),
        ("anvil", "Dee", "password"),
        ("nowhere", "Ann", "password"),
        ("nowhere", "Nobody", "password"),
        ("", "", "password"),
    ] {
        let first = of(guild, member, kind).await;
        assert!(first.starts_with("argon2id$m=19456,t=2,p=1$") && first.len() == 25 + 32, "{first}");
        assert_eq!(first, of(&guild.to_uppercase(), &member.to_lowercase(), kind).await, "{guild} {member}");
        assert!(seen.insert(first), "{guild} {member} {kind}");
    }
    assert!(
        !sqlx::query_scalar::<_, String>("select sign_in_parameters(null, null, null)")
            .fetch_one(&world.app)
            .await
            .unwrap()
            .is_empty()
    );
}
