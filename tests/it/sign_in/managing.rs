//! Who may change whose secrets, and who sees and ends whose sessions.

use super::*;

/// US6, US8, I-17: one's own secrets in a fresh session of the password; those of others with `manage_users` and below
/// one's own rank; nobody else's, and none of another guild.
#[tokio::test]
async fn secrets_are_changed_by_oneself_or_from_above() {
    let world = world().await;
    let mut token = std::collections::BTreeMap::new();
    for name in ["Ann", "Ben", "Cal"] {
        token.insert(name, world.sign_in(name, "password", RIGHT).await.unwrap());
    }
    token.insert("Ann's PIN", world.sign_in("Ann", "pin", PIN).await.unwrap());
    let strange =
        "select u.id from users u join guilds g on g.id = u.guild_id where g.name = 'Bellows' and u.name = 'Cal'";
    let strange = world.owner(strange).await;
    let may = [
        ("Ann", "Ben", true),
        ("Ann", "Dee", true),
        ("Ann", "strange", false),
        ("Ben", "Ann", false),
        ("Ben", "Cal", true),
        ("Ben", "Dee", true),
        ("Cal", "Ann", false),
        ("Cal", "Dee", false),
        ("Ann's PIN", "Ann", false),
        ("Ann", "Ann", true),
    ];
    for (actor, of, allowed) in may {
        let id = if of == "strange" { strange.clone() } else { world.id(of).await };
        let set = format!("select secret_set('{id}', 'pin', '{}')", verifier("314159"));
        for query in [set, format!("select secret_clear('{id}', 'totp')")] {
            let mut tx = world.app.begin().await.unwrap();
            let config = "select set_config('sphereconnect.token', $1, true)";
            sqlx::query(config).bind(&token[actor]).execute(&mut *tx).await.unwrap();
            let done = sqlx::raw_sql(AssertSqlSafe(query.clone())).execute(&mut *tx).await;
            match done {
                Ok(_) => assert!(allowed, "{actor}: {of}: {query}"),
                Err(error) => {
                    let error = error.into_database_error().unwrap();
                    assert!(!allowed && error.code().as_deref() == Some("42501"), "{actor}: {of}: {error}");
                }
            }
            tx.rollback().await.unwrap();
        }
        let unlocked = world.asks(&token[actor], &format!("select member_unlock('{id}')")).await;
        assert_eq!(unlocked == "true", allowed && actor != of, "{actor}: {of}: {unlocked}");
    }
    let own = format!("select secret_set('{}', 'password', '{}')", world.id("Ann").await, verifier(WRONG));
    world.change("update user_sessions set created_at = now() - interval '16 minutes'").await;
    assert!(world.asks(&token["Ann"], &own).await.starts_with("42501: one's own secrets"), "not fresh");
    world.change("update user_sessions set created_at = now()").await;
    assert_eq!(world.asks(&token["Ann"], &own).await, "");
    let who = "select count(*) from session_who()";
    assert_eq!(world.asks(&token["Ann"], who).await, "1");
    assert_eq!(world.asks(&token["Ann's PIN"], who).await, "0", "the other session has ended");
    assert_eq!(world.sign_in("Ann", "password", RIGHT).await, None);
    assert!(world.sign_in("Ann", "password", WRONG).await.is_some());
    for weak in ["x", "", "argon2id$m=7,t=1,p=1$00$00", &verifier("x").replace("p=1", "p=4")] {
        let query = format!("select secret_set('{}', 'pin', '{weak}')", world.id("Ann").await);
        assert!(world.asks(&token["Ann"], &query).await.starts_with("22023"), "{weak}");
    }
}

/// SE1, SE3, US8: sessions and sign-in states are shown, without hashes, to oneself and from above; the same may end them.
#[tokio::test]
async fn sessions_are_seen_and_ended_by_oneself_or_from_above() {
    let world = world().await;
    let mut token = std::collections::BTreeMap::new();
    for name in ["Ann", "Ben", "Cal"] {
        token.insert(name, world.sign_in(name, "password", RIGHT).await.unwrap());
    }
    assert!(world.sign_in("Ann", "pin", PIN).await.is_some());
    let seen =
        "select string_agg(name || ' ' || opened_with || case when is_this then ' *' else '' end, ', ' order by name,
        opened_with) from sessions_visible()";
    let states =
        "select string_agg(concat_ws(' ', name, has_password::text, has_pin::text, (last_login is not null)::text), ', ' order by name)
        from members_sign_in()";
    for (name, sessions, members) in [
        (
            "Ann",
            "Ann password *, Ann pin, Ben password, Cal password",
            "Ann true true true, Ben true false true, Cal true false true, Dee false false false",
        ),
        ("Ben", "Ben password *, Cal password", "Ben true false true, Cal true false true, Dee false false false"),
        ("Cal", "Cal password *", "Cal true false true"),
    ] {
        assert_eq!(world.asks(&token[name], seen).await, sessions);
        assert_eq!(world.asks(&token[name], states).await, members);
    }
    let columns = "select string_agg(key, ' ') from jsonb_object_keys((select to_jsonb(s) from sessions_visible() s limit 1)) key";
    assert!(!world.asks(&token["Cal"], columns).await.contains("hash"));
    let of = |name: &str| {
        format!(
            "select s.id from user_sessions s join users u on u.id = user_id where u.name = '{name}' and opened_with = 'password'"
        )
    };
    let (ann, cal) = (world.owner(&of("Ann")).await, world.owner(&of("Cal")).await);
    assert_eq!(world.asks(&token["Ben"], &format!("select session_end('{ann}')")).await, "false");
    assert_eq!(world.asks(&token["Cal"], &format!("select session_end('{ann}')")).await, "false");
    assert_eq!(world.asks(&token["Ben"], &format!("select session_end('{cal}')")).await, "true");
    assert_eq!(world.asks(&token["Cal"], "select count(*) from session_who()").await, "0");
    let all = async |actor: &str, of: &str| {
        let id = world.id(of).await;
        world.asks(&token[actor], &format!("select session_end_all('{id}')")).await
    };
    assert!(all("Ben", "Ann").await.starts_with("42501"));
    assert_eq!(all("Ann", "Ann").await, "1", "all but the one that asks");
    assert_eq!(all("Ann", "Ben").await, "1");
    assert_eq!(world.asks(&token["Ann"], seen).await, "Ann password *");
    for query in [seen, states, "select session_end(gen_random_uuid())"] {
        assert!(["null", "false"].contains(&world.asks("forged", query).await.as_str()), "{query}");
    }
}
