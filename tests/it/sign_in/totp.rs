//! The second factor.

use super::*;

/// I-17: the codes are those of the RFCs: SHA-1 (3174), HMAC (2202), base32 (4648), TOTP (6238).
#[tokio::test]
async fn the_codes_are_those_of_the_rfcs() {
    let world = world().await;
    let hashes = [
        ("sha1('abc')", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("sha1('')", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        (
            "sha1('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq')",
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
        ),
        ("sha1(convert_to(repeat('01234567', 80), 'utf8'))", "dea356a2cddd90c7a7ecedc5ebb563934f460452"),
        ("hmac_sha1(decode(repeat('0b', 20), 'hex'), 'Hi There')", "b617318655057264e28bc0b6fb378c8ef146be00"),
        ("hmac_sha1('Jefe', 'what do ya want for nothing?')", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        (
            "hmac_sha1(decode(repeat('aa', 20), 'hex'), decode(repeat('dd', 50), 'hex'))",
            "125d7342b9ac11cd91a39af48aa17b4f63f175d3",
        ),
        (
            "hmac_sha1(decode(repeat('aa', 80), 'hex'), 'Test Using Larger Than Block-Size Key - Hash Key First')",
            "aa4ae5e15272d00e95705637ce8a3b55ed402112",
        ),
    ];
    for (call, hash) in hashes {
        assert_eq!(world.owner(&format!("select encode({call}, 'hex')")).await, hash, "{call}");
    }
    let secret = world.owner("select base32_encode('12345678901234567890')").await;
    assert_eq!(secret, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    assert_eq!(
        world.owner(&format!("select convert_from(base32_decode('{secret}'), 'utf8')")).await,
        "12345678901234567890"
    );
    assert_eq!(world.owner("select base32_decode('not base32')").await, "null");
    for (seconds, code) in [
        (59_i64, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ] {
        assert_eq!(world.owner(&format!("select totp_code('{secret}', {seconds} / 30)")).await, code, "{seconds}");
    }
}

/// I-17, US8: a secret counts after one right code; then a password alone, a wrong code, a code of two steps ago and a
/// code that was used fail like a wrong password, and the steps around the present one work, each once.
#[tokio::test]
async fn a_code_works_once_and_only_around_its_moment() {
    let world = world().await;
    world.change("update guilds set sign_in_failures_max = 100").await;
    let token = world.sign_in("Ann", "password", RIGHT).await.unwrap();
    let dropped = world.asks(&token, "select totp_begin()").await;
    let secret = world.asks(&token, "select totp_begin()").await;
    assert!(secret.len() == 32 && dropped.len() == 32 && secret != dropped, "160 bits in base32: {secret}");
    assert_eq!(world.asks(&token, "select totp_confirm('abc')").await, "false");
    assert!(world.sign_in("Ann", "password", RIGHT).await.is_some(), "it does not count yet");
    assert_eq!(world.owner("select count(*) from user_sessions").await, "2");
    let code = world.owner(&format!("select totp_code('{secret}', {STEP})")).await;
    assert_eq!(world.asks(&token, &format!("select totp_confirm('{code}')")).await, "true");
    assert_eq!(world.owner("select count(*) from user_sessions").await, "1", "other sessions have ended");
    assert_eq!(world.ann("totp_secret").await, secret);
    assert_eq!(world.sign_in("Ann", "password", RIGHT).await, None);
    assert_eq!(with_code(&world, &code).await, None, "the code that confirmed it is used up");
    assert_eq!(with_code(&world, "").await, None);
    // The whole round within one step: at a border it is played again.
    loop {
        world.change("update users set totp_last_step = null").await;
        let began: i64 = world.owner(&format!("select {STEP}")).await.parse().unwrap();
        let mut ends = Vec::new();
        for step in [-2, -1, -1, 0, 0, -1, 1, 0, 1, 2] {
            let code = world.owner(&format!("select totp_code('{secret}', {})", began + step)).await;
            ends.push((step, with_code(&world, &code).await.is_some()));
        }
        let wrong = world.attempt("Ann", "password", WRONG, Some(&code)).await;
        assert_eq!(world.take(wrong).await, None);
        if world.owner(&format!("select {STEP}")).await == began.to_string() {
            let works: Vec<i64> = ends.iter().filter(|(_, works)| *works).map(|(step, _)| *step).collect();
            assert_eq!(works, [-1, 0, 1], "{ends:?}");
            break;
        }
    }
    // Two at the same moment with the same code: one gets in.
    world.change("update users set totp_last_step = null").await;
    let code = world.owner(&format!("select totp_code('{secret}', {STEP})")).await;
    let first = world.attempt("Ann", "password", RIGHT, Some(&code)).await;
    let second = world.attempt("Ann", "password", RIGHT, Some(&code)).await;
    let (first, second) = tokio::join!(world.take(first), world.take(second));
    assert_eq!([first, second].iter().flatten().count(), 1);
    // A PIN needs the code, too; without TOTP a code is not looked at.
    assert_eq!(world.sign_in("Ann", "pin", PIN).await, None);
    let ben = world.attempt("Ben", "password", RIGHT, Some("000000")).await;
    assert!(world.take(ben).await.is_some());
}

/// The 30-second step of this moment.
const STEP: &str = "floor(extract(epoch from clock_timestamp()) / 30)::bigint";

async fn with_code(world: &World, code: &str) -> Option<String> {
    let ticket = world.attempt("Ann", "password", RIGHT, Some(code)).await;
    world.take(ticket).await
}
